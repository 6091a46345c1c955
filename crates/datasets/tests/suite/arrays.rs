//! Data sets that are arrays in one file or a few, as NumPy, SciPy and gzip write them: see `tests/data/arrays/arrays.py`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use datasets::{
    Corruption, Dataset, Error, ImageSet, ImageShape, Limits, Note, arrays,
    catalog::{Name, Request},
    cifar_tests,
    frequency::{Writer, write_numbers},
    mnist, stl10, svhn,
};
use progress::Progress;
use tempfile::TempDir;

use crate::common::{gzip, tar};

const ALL: Limits = Limits { train: None, test: None };
const HEIGHT: usize = 3;
const WIDTH: usize = 4;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/arrays").join(name)
}

/// The value of a pixel as the script has it.
fn value(image: usize, plane: usize, row: usize, column: usize) -> u8 {
    ((image * 97 + plane * 61 + row * 17 + column * 5) % 256) as u8
}

/// An image as the script makes it, (3, H, W); a grey one has the red plane three times.
fn image(number: usize, is_grey: bool) -> Vec<u8> {
    let plane = |plane| if is_grey { 0 } else { plane };
    let rows = (0..3).flat_map(|at| (0..HEIGHT).map(move |row| (at, row)));
    rows.flat_map(|(at, row)| (0..WIDTH).map(move |column| value(number, plane(at), row, column))).collect()
}

/// That a set has these labels, and the images from `first` on.
fn check(set: &ImageSet, labels: &[u32], first: usize, is_grey: bool) {
    assert_eq!(set.labels(), labels);
    assert_eq!(set.shape(), ImageShape { channels: 3, height: HEIGHT, width: WIDTH });
    for index in 0..set.len() {
        assert_eq!(*set.bytes(index).unwrap(), image(first + index, is_grey), "image {index}");
    }
}

fn message(read: Result<Dataset, Error>) -> String {
    let text = read.unwrap_err().to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn copy(names: &[&str], to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names {
        fs::copy(data(name), to.join(name)).unwrap();
    }
}

const MNIST: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

fn unpacked(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let packed = fs::read(data(name)).unwrap();
    std::io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), &mut bytes).unwrap();
    bytes
}

#[test]
fn mnist_is_read_packed_and_unpacked_wherever_it_is() {
    let root = TempDir::new().unwrap();
    for folder in ["a", "b/raw", "c/MNIST/raw"] {
        copy(&MNIST, &root.path().join(folder));
    }
    for (folder, ending) in [("d", "-idx"), ("e", ".idx")] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
        for name in MNIST {
            let plain = name.trim_end_matches(".gz").replace("-idx", ending);
            fs::write(root.path().join(folder).join(plain), unpacked(name)).unwrap();
        }
    }
    // Some of the files unpacked beside the others.
    fs::write(root.path().join("a/t10k-labels-idx1-ubyte"), unpacked(MNIST[3])).unwrap();
    fs::remove_file(root.path().join("a").join(MNIST[3])).unwrap();
    for folder in ["a", "b", "c", "d", "e", "a/train-images-idx3-ubyte.gz"] {
        let found = mnist::load(root.path().join(folder), ALL).unwrap();
        check(&found.train, &[9, 8, 7], 0, true);
        check(&found.test, &[9, 8], 10, true);
        assert_eq!((found.name.as_str(), found.test.classes()[9].as_str()), ("mnist", "9"));
    }
    let some = mnist::load(root.path().join("a"), Limits { train: Some(2), test: Some(1) }).unwrap();
    check(&some.train, &[9, 8], 0, true);
    check(&some.test, &[9], 10, true);
}

#[test]
fn fashion_mnist_is_told_apart_by_its_folder() {
    let root = TempDir::new().unwrap();
    copy(&MNIST, &root.path().join("FashionMNIST/raw"));
    let found = mnist::load_fashion(root.path(), ALL).unwrap();
    check(&found.test, &[9, 8], 10, true);
    assert_eq!(found.test.classes()[9], "Ankle boot");
    let text = message(mnist::load(root.path(), ALL));
    assert!(text.ends_with("holds Fashion-MNIST, not MNIST"), "{text}");
    let text = message(mnist::load(root.path().join("nowhere"), ALL));
    assert!(text.contains("no MNIST") && text.contains("MNIST/raw/t10k-images-idx3-ubyte[.gz]"), "{text}");
}

#[test]
fn damaged_files_of_mnist_are_told() {
    let root = TempDir::new().unwrap();
    copy(&MNIST, root.path());
    let load = || message(mnist::load(root.path(), ALL));
    let whole = unpacked(MNIST[0]);
    let cases = [
        (whole[..whole.len() - 1].to_vec(), "its end after 35 bytes"),
        ([&whole[..], &[0]].concat(), "these and no more bytes"),
        (whole[..3].to_vec(), "its end after 3 bytes"),
        ([&[0, 0, 9], &whole[3..]].concat(), "[00, 00, 09, 03] at its start"),
        ([&[0, 0, 8, 3, 255, 255, 255, 255], &whole[8..]].concat(), "[4294967295, 3, 4]"),
        ([&whole[..8], &[0, 0, 0, 0], &whole[12..16]].concat(), "one pixel or more"),
    ];
    for (bytes, words) in cases {
        fs::write(root.path().join(MNIST[0]), gzip(&bytes)).unwrap();
        let text = load();
        assert!(text.contains(words) || text.contains("train-labels"), "{words}: {text}");
        assert!(text.contains("-idx"), "{text}");
    }
    copy(&MNIST, root.path());
    let packed = fs::read(data(MNIST[0])).unwrap();
    fs::write(root.path().join(MNIST[0]), &packed[..packed.len() / 2]).unwrap();
    assert!(load().contains("train-images-idx3-ubyte.gz"), "{}", load());
    copy(&MNIST, root.path());
    fs::write(root.path().join(MNIST[1]), gzip(&[0, 0, 8, 1, 0, 0, 0, 3, 1, 10, 2])).unwrap();
    assert!(load().contains("label 10 at byte 9, expected 0 to 9"), "{}", load());
    fs::write(root.path().join(MNIST[1]), gzip(&[0, 0, 8, 1, 0, 0, 0, 2, 1, 1])).unwrap();
    assert!(load().contains("a label for each of 3 images"), "{}", load());
    // An unpacked file tells before anything is read.
    fs::remove_file(root.path().join(MNIST[0])).unwrap();
    fs::write(root.path().join("train-images-idx3-ubyte"), &whole[..50]).unwrap();
    assert!(load().contains("these after 16 bytes, and 50 are there"), "{}", load());
}

/// Two images of STL-10, whose planes are stored column after column.
fn stl10_images(first: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in first..first + 2 {
        for plane in 0..3 {
            (0..96).for_each(|column| bytes.extend((0..96).map(|row| value(number, plane, row, column))));
        }
    }
    bytes
}

#[test]
fn stl10_is_read_from_its_folder_and_its_archive() {
    let root = TempDir::new().unwrap();
    let files: [(&str, Vec<u8>); 6] = [
        ("stl10_binary/test_X.bin", stl10_images(10)),
        ("stl10_binary/test_y.bin", vec![10, 1]),
        ("stl10_binary/class_names.txt", b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n".to_vec()),
        ("stl10_binary/train_X.bin", stl10_images(0)),
        ("stl10_binary/train_y.bin", vec![3, 2]),
        ("stl10_binary/unlabeled_X.bin", vec![0; 5]),
    ];
    let folder = root.path().join("stl10_binary");
    fs::create_dir(&folder).unwrap();
    files.iter().for_each(|(name, content)| fs::write(root.path().join(name), content).unwrap());
    let members: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, &content[..])).collect();
    let of_archive = TempDir::new().unwrap();
    let archive = of_archive.path().join("stl10_binary.tar.gz");
    fs::write(&archive, gzip(&tar(&members))).unwrap();
    for place in [root.path(), &folder, &folder.join("test_X.bin"), of_archive.path(), &archive] {
        let found = stl10::load(place, ALL).unwrap();
        assert_eq!((found.train.labels(), found.test.labels()), (&[2, 1][..], &[9, 0][..]));
        assert_eq!(found.test.classes().concat(), "abcdefghij");
        for (set, first) in [(&found.train, 0), (&found.test, 10)] {
            for index in 0..2 {
                let bytes = set.bytes(index).unwrap();
                for (plane, row, column) in [(0, 0, 1), (0, 1, 0), (2, 95, 94), (1, 40, 7), (2, 95, 95)] {
                    let at = (plane * 96 + row) * 96 + column;
                    assert_eq!(bytes[at], value(first + index, plane, row, column));
                }
            }
        }
        let some = stl10::load(place, Limits { train: Some(0), test: Some(1) }).unwrap();
        assert_eq!((some.train.len(), some.test.labels()), (0, &[9][..]));
    }
    let load = || message(stl10::load(root.path(), ALL));
    fs::write(folder.join("train_y.bin"), [3, 11]).unwrap();
    assert!(load().contains("label 11 of image 1, expected 1 to 10"), "{}", load());
    fs::write(folder.join("train_y.bin"), [3]).unwrap();
    assert!(load().contains("1 labels, expected one for each of 2 images"), "{}", load());
    fs::write(folder.join("train_X.bin"), vec![0; 27_649]).unwrap();
    assert!(load().contains("the record at byte 27648 has 1 bytes, expected 27648"), "{}", load());
    fs::write(folder.join("train_X.bin"), []).unwrap();
    assert!(load().contains("train_X.bin is empty"), "{}", load());
    fs::write(&archive, gzip(&tar(&members[1..]))).unwrap();
    let text = message(stl10::load(&archive, ALL));
    assert!(text.contains("has no stl10_binary/test_X.bin"), "{text}");
    let text = message(stl10::load(of_archive.path().join("none"), ALL));
    assert!(text.contains("no STL-10: there is none of") && text.contains("train_X.bin"), "{text}");
}

#[test]
fn svhn_is_read_whether_compressed_or_not() {
    let root = TempDir::new().unwrap();
    copy(&["train_32x32.mat", "test_32x32.mat"], &root.path().join("svhn"));
    for place in ["", "svhn", "svhn/test_32x32.mat"] {
        let found = svhn::load(root.path().join(place), ALL).unwrap();
        check(&found.train, &[0, 1, 9], 0, false);
        check(&found.test, &[0, 1], 10, false);
        assert_eq!((found.name.as_str(), found.train.classes()[9].as_str()), ("svhn", "9"));
    }
    let some = svhn::load(root.path(), Limits { train: Some(1), test: Some(0) }).unwrap();
    check(&some.train, &[0], 0, false);
    assert!(some.test.is_empty());
    fs::copy(data("meta.mat"), root.path().join("svhn/test_32x32.mat")).unwrap();
    let text = message(svhn::load(root.path(), ALL));
    assert!(text.contains("test_32x32.mat: found no variable X"), "{text}");
    fs::remove_file(root.path().join("svhn/test_32x32.mat")).unwrap();
    let text = message(svhn::load(root.path(), ALL));
    assert!(text.contains("the folder lacks a file of the data set"), "{text}");
}

/// Images (10, 32, 32, 3) of one value each, two of each severity, and labels.
fn cifar10_c(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, first) in [("fog", 0), ("jpeg_compression", 100)] {
        let mut writer = Writer::create(&folder.join(format!("{name}.npy")), ImageShape::RGB32, 10).unwrap();
        (0..10).for_each(|at| writer.put(&[first + at; 3072]).unwrap());
        writer.finish().unwrap();
    }
    write_numbers(&folder.join("labels.npy"), &[3, 9, 3, 9, 3, 9, 3, 9, 3, 9]).unwrap();
}

fn first_values(set: &ImageSet) -> Vec<u8> {
    (0..set.len()).map(|index| set.bytes(index).unwrap()[0]).collect()
}

#[test]
fn a_corruption_and_its_severity_are_chosen() {
    let (root, of_archive) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = root.path().join("CIFAR-10-C");
    cifar10_c(&folder);
    let contents = ["fog", "jpeg_compression", "labels"].map(|name| {
        (format!("CIFAR-10-C/{name}.npy"), fs::read(folder.join(format!("{name}.npy"))).unwrap())
    });
    let members: Vec<(&str, &[u8])> = contents.iter().map(|(name, bytes)| (&name[..], &bytes[..])).collect();
    let archive = of_archive.path().join("CIFAR-10-C.tar");
    fs::write(&archive, tar(&members)).unwrap();
    for place in [root.path(), &folder, of_archive.path(), &archive] {
        let load = |corruption: &str, limits| {
            let corruption: Corruption = corruption.parse().unwrap();
            cifar_tests::load_cifar10_c(place, Some(&corruption), limits)
        };
        let found = load("jpeg_compression:3", ALL).unwrap();
        assert_eq!((found.train.len(), found.test.labels()), (0, &[3, 9][..]));
        assert_eq!(first_values(&found.test), [104, 105]);
        assert_eq!((found.test.classes()[9].as_str(), found.name.as_str()), ("truck", "cifar10-c"));
        let whole = load("fog", ALL).unwrap();
        assert_eq!(first_values(&whole.test), (0..10).collect::<Vec<_>>());
        let some = load("fog:5", Limits { train: None, test: Some(1) }).unwrap();
        assert_eq!(first_values(&some.test), [8]);
        let text = message(load("../fog", ALL));
        assert!(text.contains("no corruption `../fog`; there are fog, jpeg_compression"), "{text}");
        let text = message(cifar_tests::load_cifar10_c(place, None, ALL));
        assert!(text.contains("was not said; there are fog, jpeg_compression"), "{text}");
    }
    let request = Request {
        name: Name::Cifar10C,
        root: Some(folder.clone()),
        corruption: Some("fog:2".parse().unwrap()),
        ..Request::default()
    };
    assert_eq!(first_values(&request.open(&Progress::default()).unwrap().test), [2, 3]);
    let fog: Corruption = "fog:1".parse().unwrap();
    write_numbers(&folder.join("labels.npy"), &[3; 9]).unwrap();
    let text = message(cifar_tests::load_cifar10_c(root.path(), Some(&fog), ALL));
    assert!(text.contains("labels.npy") && text.contains("five severities"), "{text}");
    write_numbers(&folder.join("labels.npy"), &[3; 15]).unwrap();
    let text = message(cifar_tests::load_cifar10_c(root.path(), Some(&fog), ALL));
    assert!(text.contains("15 labels, expected one for each of 10 images"), "{text}");
    write_numbers(&folder.join("labels.npy"), &[3, 10, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    let text = message(cifar_tests::load_cifar10_c(root.path(), Some(&fog), ALL));
    assert!(text.contains("label 10 of image 1, expected 0 to 9"), "{text}");
    assert!(
        message(cifar_tests::load_cifar100_c(of_archive.path(), Some(&fog), ALL)).contains("CIFAR-100-C")
    );
}

#[test]
fn cifar_10_1_is_read_in_its_newest_version() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("datasets");
    fs::create_dir(&folder).unwrap();
    let write = |version: &str, label| {
        let path = folder.join(format!("cifar10.1_{version}_data.npy"));
        let mut writer = Writer::create(&path, ImageShape::RGB32, 1).unwrap();
        writer.put(&[label; 3072]).unwrap();
        writer.finish().unwrap();
        let path = folder.join(format!("cifar10.1_{version}_labels.npy"));
        write_numbers(&path, &[i64::from(label)]).unwrap();
    };
    write("v4", 4);
    let found = cifar_tests::load_cifar10_1(root.path(), ALL).unwrap();
    assert_eq!((found.test.labels(), &found.notes[..]), (&[4][..], &[][..]));
    write("v6", 6);
    let found = cifar_tests::load_cifar10_1(&folder, ALL).unwrap();
    assert_eq!((found.test.labels(), found.test.bytes(0).unwrap()[3071]), (&[6][..], 6));
    assert_eq!(found.notes, [Note::OneOfTwo { taken: "v6".to_owned(), left: "v4".to_owned() }]);
    assert_eq!(found.notes[0].to_string(), "v6 is read, v4 is not: both are there");
}

#[test]
fn archives_have_the_parts_that_their_names_say() {
    let keras = arrays::load(data("keras.npz"), ALL).unwrap();
    check(&keras.train, &[2, 0, 1], 0, false);
    check(&keras.test, &[2, 0], 10, false);
    // Three rows: planes first or last would both be possible.
    let guessed = keras.notes.iter().filter(|note| matches!(note, Note::LayoutGuessed { .. })).count();
    assert_eq!(guessed, 2, "{:?}", keras.notes);
    let some = arrays::load(data("keras.npz"), Limits { train: Some(1), test: Some(1) }).unwrap();
    check(&some.train, &[2], 0, false);

    let medmnist = arrays::load(data("medmnist.npz"), ALL).unwrap();
    check(&medmnist.train, &[1, 0], 0, true);
    check(&medmnist.test, &[1, 0], 5, true);
    let (taken, left) = ("val_images".to_owned(), "test_images".to_owned());
    assert_eq!(medmnist.notes, [Note::OneOfTwo { taken, left }]);
}

#[test]
fn every_type_and_order_gives_the_same_images() {
    for name in ["fortran", "f16", "f32_big", "f64", "to_255", "i64"] {
        let found = arrays::load(data(&format!("{name}.npz")), ALL).unwrap();
        check(&found.test, &[1, 0], 0, false);
        assert!(found.train.is_empty());
        let mut expected = vec![Note::NoParts { images: "images".to_owned() }];
        if name == "to_255" {
            expected.push(Note::NumbersAsBytes { images: "images".to_owned() });
        }
        assert_eq!(found.notes, expected, "{name}");
        assert_eq!(found.test.all_bytes().is_some(), !name.starts_with('f') || name == "fortran", "{name}");
    }
    let some = arrays::load(data("fortran.npz"), Limits { train: None, test: Some(1) }).unwrap();
    check(&some.test, &[1], 0, false);
}

#[test]
fn folders_of_arrays_are_read_as_archives_are() {
    let root = TempDir::new().unwrap();
    let (train, test) = (root.path().join("train"), root.path().join("test"));
    fs::create_dir(&train).unwrap();
    fs::create_dir(&test).unwrap();
    for (folder, first) in [(&train, 0), (&test, 10)] {
        let shape = ImageShape { channels: 3, height: HEIGHT, width: WIDTH };
        let mut writer = Writer::create(&folder.join("images.npy"), shape, 2).unwrap();
        (0..2).for_each(|at| writer.put(&image(first + at, false)).unwrap());
        writer.finish().unwrap();
        write_numbers(&folder.join("labels.npy"), &[0, 1]).unwrap();
    }
    let found = arrays::load(root.path(), ALL).unwrap();
    check(&found.train, &[0, 1], 0, false);
    check(&found.test, &[0, 1], 10, false);
    assert_eq!(found.test.classes(), ["0", "1"]);
    fs::write(root.path().join("classes.txt"), "cat\ndog\nfox\n").unwrap();
    assert_eq!(arrays::load(root.path(), ALL).unwrap().test.classes(), ["cat", "dog", "fox"]);
    fs::write(root.path().join("classes.txt"), "cat\n").unwrap();
    assert!(message(arrays::load(root.path(), ALL)).contains("lists 1 class names, expected 2"));

    fs::copy(data("medmnist.npz"), root.path().join("set.npz")).unwrap();
    let text = message(arrays::load(root.path(), ALL));
    assert!(text.contains("found both ") && text.contains("set.npz/test_images"), "{text}");
    // An archive a part.
    let parts = TempDir::new().unwrap();
    fs::copy(data("fortran.npz"), parts.path().join("train.npz")).unwrap();
    fs::copy(data("i64.npz"), parts.path().join("my_test.npz")).unwrap();
    let found = arrays::load(parts.path(), ALL).unwrap();
    check(&found.train, &[1, 0], 0, false);
    check(&found.test, &[1, 0], 0, false);
}

#[test]
fn what_is_not_understood_is_told_with_what_to_do() {
    let cases = [
        ("objects", ["objects.npz/images.npy: found an array of Python objects", ".astype('uint8')"]),
        ("one_hot", ["labels (2), the number of a class for each image", "labels.argmax(1)"]),
        ("normalised", ["the value -2 in image 0", "undo their normalisation"]),
        ("scaled", ["the value 2.5 in image 0 beside numbers above 1", "divide them by 255"]),
        ("overshoot", ["the value -0.01 in image 0", "images.clip(0, 1)"]),
        ("alpha", ["[2, 5, 6, 4]", "images[..., :3]"]),
    ];
    for (name, words) in cases {
        let text = message(arrays::load(data(&format!("{name}.npz")), ALL));
        assert!(words.iter().all(|words| text.contains(words)), "{text}");
    }
    let root = TempDir::new().unwrap();
    let load = || message(arrays::load(root.path(), ALL));
    assert!(load().contains("found no array, expected images"), "{}", load());
    write_numbers(&root.path().join("filenames.npy"), &[1]).unwrap();
    assert!(load().contains("found the arrays filenames, expected images"), "{}", load());
    write_numbers(&root.path().join("y_test.npy"), &[1]).unwrap();
    assert!(load().contains("found y_test without images"), "{}", load());
    let shape = ImageShape { channels: 3, height: 1, width: 2 };
    let mut writer = Writer::create(&root.path().join("x_test.npy"), shape, 2).unwrap();
    (0..2).for_each(|_| writer.put(&[0; 6]).unwrap());
    writer.finish().unwrap();
    assert!(load().contains("y_test.npy: found an array [1] of <i8, expected labels (2)"), "{}", load());
    for label in [-1, 1 << 40] {
        write_numbers(&root.path().join("y_test.npy"), &[0, label]).unwrap();
        assert!(load().contains(&format!("label {label} of image 1")), "{}", load());
    }
    write_numbers(&root.path().join("labels.npy"), &[0, 1]).unwrap();
    fs::copy(root.path().join("x_test.npy"), root.path().join("images.npy")).unwrap();
    assert!(load().contains("images, which says no part, beside x_test"), "{}", load());
    let file = root.path().join("notes.txt");
    fs::write(&file, "text").unwrap();
    assert!(message(arrays::load(&file, ALL)).contains("no zip archive"));
    let request = Request { name: Name::Arrays, root: Some(data("keras.npz")), ..Request::default() };
    assert_eq!(request.label(), "keras");
}
