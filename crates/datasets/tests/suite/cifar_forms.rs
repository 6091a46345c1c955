//! The same images through every version of CIFAR.

use std::{fs, path::Path};

use crate::common::{batch, gzip, names, tar};
use datasets::{Dataset, Error, ImageSet, Limits, cifar};
use tempfile::TempDir;

const PIXELS: usize = 3072;
const ALL: Limits = Limits { train: None, test: None };
const CLASSES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// Two images a file, told apart by every pixel.
fn images(file: usize) -> (Vec<u8>, Vec<u8>) {
    let pixels = (0..2 * PIXELS).map(|i| (i * 7 + i / 251 + file * 83) as u8).collect();
    (vec![file as u8, 9 - file as u8], pixels)
}

fn records(labels: &[&[u8]], pixels: &[u8]) -> Vec<u8> {
    let images = pixels.chunks(PIXELS).enumerate();
    images
        .flat_map(|(i, image)| labels.iter().map(|l| l[i]).chain(image.iter().copied()).collect::<Vec<_>>())
        .collect()
}

/// CIFAR-10 in both versions: names below the version's folder, and contents, in the odd order of the archives.
fn cifar10() -> [Vec<(String, Vec<u8>)>; 2] {
    let file = |i: usize, stem: &str| {
        let (labels, pixels) = images(i);
        let binary = records(&[&labels], &pixels);
        [(format!("{stem}.bin"), binary), (stem.to_owned(), batch(&[("labels", &labels)], &pixels))]
    };
    let mut both = [Vec::new(), Vec::new()];
    for i in [4, 1, 0, 5, 2, 3] {
        let stem = if i == 0 { "test_batch".to_owned() } else { format!("data_batch_{i}") };
        both.iter_mut().zip(file(i, &stem)).for_each(|(files, file)| files.push(file));
    }
    both[0].insert(2, ("batches.meta.txt".into(), CLASSES.join("\n").into_bytes()));
    both[0].insert(3, ("readme.html".into(), b"<html>".to_vec()));
    both[1].insert(3, ("batches.meta".into(), names("label_names", &CLASSES)));
    both
}

fn write(folder: &Path, files: &[(String, Vec<u8>)]) {
    fs::create_dir_all(folder).unwrap();
    files.iter().for_each(|(name, content)| fs::write(folder.join(name), content).unwrap());
}

fn archive(folder: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let names: Vec<String> = files.iter().map(|(name, _)| format!("{folder}/{name}")).collect();
    tar(&names
        .iter()
        .zip(files)
        .map(|(name, (_, content))| (name.as_str(), &content[..]))
        .collect::<Vec<_>>())
}

fn content(set: &ImageSet) -> (Vec<u8>, Vec<u32>, Vec<String>) {
    let pixels = (0..set.len()).flat_map(|i| set.bytes(i).unwrap().to_vec()).collect();
    (pixels, set.labels().to_vec(), set.classes().to_vec())
}

fn assert_same(one: &Dataset, other: &Dataset) {
    assert_eq!(one.checksum(), other.checksum());
    assert!(content(&one.train) == content(&other.train) && content(&one.test) == content(&other.test));
}

fn message(result: Result<Dataset, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn cifar10_is_the_same_in_every_version() {
    let [binary, python] = cifar10();
    let root = TempDir::new().unwrap();
    let at = |name: &str| root.path().join(name);
    let (bin, py) = ("cifar-10-batches-bin", "cifar-10-batches-py");
    write(&at("1").join(bin), &binary);
    let reference = cifar::load_cifar10(at("1"), ALL).unwrap();
    let (labels, pixels) = images(1);
    assert_eq!((reference.train.len(), reference.test.len()), (10, 2));
    assert_eq!(reference.train.labels()[..2], [u32::from(labels[0]), u32::from(labels[1])]);
    assert_eq!(reference.train.bytes(1).unwrap(), &pixels[PIXELS..]);
    assert_eq!(reference.train.classes(), CLASSES);

    write(&at("2").join(py), &python);
    fs::create_dir_all(at("3")).unwrap();
    fs::write(at("3").join("cifar-10-binary.tar.gz"), gzip(&archive(bin, &binary))).unwrap();
    fs::create_dir_all(at("4")).unwrap();
    fs::write(at("4").join("cifar-10-python.tar.gz"), gzip(&archive(py, &python))).unwrap();
    fs::write(at("5.tar"), archive(&format!("./{py}"), &python)).unwrap();
    let roots = [
        "1/cifar-10-batches-bin",
        "2",
        "2/cifar-10-batches-py",
        "3",
        "3/cifar-10-binary.tar.gz",
        "4",
        "5.tar",
    ];
    for root in roots {
        assert_same(&reference, &cifar::load_cifar10(at(root), ALL).unwrap());
    }

    let limits = Limits { train: Some(5), test: Some(1) };
    let some = cifar::load_cifar10(at("1"), limits).unwrap();
    assert_eq!((some.train.len(), some.test.len()), (5, 1));
    for root in &roots[1..] {
        assert_same(&some, &cifar::load_cifar10(at(root), limits).unwrap());
    }
}

#[test]
fn cifar100_has_both_kinds_of_labels_in_every_version() {
    let (pixels, fine, coarse) = (images(3).1, [98, 4], [11, 0]);
    let root = TempDir::new().unwrap();
    let (bin, py) = (root.path().join("cifar-100-binary"), root.path().join("cifar-100-python"));
    let binary = records(&[&coarse, &fine], &pixels);
    write(&bin, &[("train.bin".into(), binary.clone()), ("test.bin".into(), binary)]);
    let python = batch(&[("fine_labels", &fine), ("coarse_labels", &coarse)], &pixels);
    write(&py, &[("train".into(), python.clone()), ("test".into(), python)]);
    for labels in [cifar::Labels::Fine, cifar::Labels::Coarse] {
        let [one, other] = [&bin, &py].map(|folder| cifar::load_cifar100(folder, labels, ALL).unwrap());
        assert_same(&one, &other);
        assert_eq!(one.train.labels()[0], if labels == cifar::Labels::Fine { 98 } else { 11 });
    }
}

#[test]
fn what_is_looked_for_is_listed() {
    let root = TempDir::new().unwrap();
    let text = message(cifar::load_cifar10(root.path(), ALL));
    let expected = [
        "cifar-10-batches-bin/test_batch.bin",
        "cifar-10-batches-py/test_batch",
        "cifar-10-binary.tar.gz",
        "cifar-10-python.tar.gz",
        "plain_text/{train,test}-*.parquet",
    ];
    expected.iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn an_archive_must_have_every_file_once() {
    let [binary, _] = cifar10();
    let root = TempDir::new().unwrap();
    let path = root.path().join("cifar-10-binary.tar.gz");
    let load = |files: &[(String, Vec<u8>)], folder: &str| {
        fs::write(&path, gzip(&archive(folder, files))).unwrap();
        message(cifar::load_cifar10(&path, ALL))
    };
    let folder = "cifar-10-batches-bin";
    assert!(load(&binary[1..], folder).contains("no cifar-10-batches-bin/data_batch_4.bin"));
    let twice = [&binary[..], &binary[..1]].concat();
    assert!(load(&twice, folder).contains("`cifar-10-batches-bin/data_batch_4.bin` for the second time"));
    assert!(load(&binary, "elsewhere").contains("archive of another data set"));
    let text = load(&binary, "cifar-100-binary");
    assert!(text.ends_with("holds CIFAR-100, not CIFAR-10"), "{text}");
}

/// Not a list of all places that a whole data set could be at.
#[test]
fn a_folder_without_its_test_images_names_the_file() {
    for (folder, number) in [("cifar-10-batches-bin", 0), ("cifar-10-batches-py", 1)] {
        let root = TempDir::new().unwrap();
        write(&root.path().join(folder), &cifar10()[number]);
        let test = root.path().join(folder).join(["test_batch.bin", "test_batch"][number]);
        std::fs::remove_file(&test).unwrap();
        for path in [root.path().to_path_buf(), root.path().join(folder)] {
            let text = message(cifar::load_cifar10(path, ALL));
            assert!(text.contains(&format!("cannot read {}", test.display())), "{text}");
            assert!(text.contains("the folder lacks a file of the data set"), "{text}");
        }
    }
}

#[test]
fn a_pickle_that_would_run_something_is_refused() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("cifar-10-batches-py");
    let [_, python] = cifar10();
    write(&folder, &python);
    let load = |content: &[u8]| {
        fs::write(folder.join("data_batch_1"), content).unwrap();
        message(cifar::load_cifar10(root.path(), ALL))
    };
    let text = load(b"\x80\x02cposix\nsystem\nq\x01U\x02lsq\x02\x85q\x03Rq\x04.");
    assert!(text.contains("data_batch_1: found the name `posix.system` at byte 2"), "{text}");
    assert!(load(b"\x80\x02}q\x01(U\x06labels]u.").contains("an entry `data`"));
    let (labels, pixels) = images(1);
    assert!(load(&batch(&[("labels", &labels[..1])], &pixels)).contains("1 labels and pixels (2, 3072)"));
    assert!(load(&batch(&[("labels", &[1, 10])], &pixels)).contains("label 10 of image 1"));
    let whole = batch(&[("labels", &labels)], &pixels);
    assert!(load(&whole[..900]).contains("cut short"));
}

#[test]
fn parquet_files_hold_the_same_images() {
    use crate::common::tables::Table;
    let [mut binary, _] = cifar10();
    binary.retain(|(name, _)| name != "batches.meta.txt");
    let root = TempDir::new().unwrap();
    write(&root.path().join("bin"), &binary);
    let reference = cifar::load_cifar10(root.path().join("bin"), ALL).unwrap();
    let hub = root.path().join("hub/plain_text");
    fs::create_dir_all(&hub).unwrap();
    let of = |set: &ImageSet, file: &str| Table::from_set(set, 0..set.len(), "label").write(&hub.join(file));
    of(&reference.train, "train-00000-of-00001.parquet");
    of(&reference.test, "test-00000-of-00001.parquet");
    assert_same(&reference, &cifar::load_cifar10(root.path().join("hub"), ALL).unwrap());
    assert_same(&reference, &cifar::load_cifar10(&hub, ALL).unwrap());
    let limits = Limits { train: Some(3), test: Some(1) };
    assert_eq!(cifar::load_cifar10(&hub, limits).unwrap().train.labels(), &reference.train.labels()[..3]);
    let path = hub.join("train-00000-of-00001.parquet");
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(97) {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(message(cifar::load_cifar10(&hub, ALL)).contains("train-00000"));
    }
}

/// People read batches and write them again, by whatever protocol their Python has.
#[test]
fn pickles_of_any_protocol_are_read() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pickles");
    let expected: Vec<u8> = (0..2).flat_map(|n| (0..PIXELS).map(move |i| (7 * n + i) as u8)).collect();
    let mut count = 0;
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pickle") {
            continue;
        }
        let root = TempDir::new().unwrap();
        let folder = root.path().join("cifar-10-batches-py");
        fs::create_dir(&folder).unwrap();
        for name in ["1", "2", "3", "4", "5"].map(|number| format!("data_batch_{number}")) {
            fs::copy(&path, folder.join(name)).unwrap();
        }
        fs::copy(&path, folder.join("test_batch")).unwrap();
        fs::write(folder.join("batches.meta"), names("label_names", &CLASSES)).unwrap();
        let test = cifar::load_cifar10(root.path(), ALL).unwrap().test;
        assert_eq!(test.all_bytes(), Some(&expected[..]), "{}", path.display());
        assert_eq!(test.labels(), [3, 5]);
        count += 1;
    }
    assert_eq!(count, 8);
}
