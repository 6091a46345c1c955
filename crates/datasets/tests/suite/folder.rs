//! Folders and archives of images.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use crate::common::{gzip, header, member, tar, xz, zstd};
use datasets::{
    Augmentation, BatchOptions, Dataset, Error, LeftOut, Limits, Note, OnCorrupt, Order,
    folder::{self, Options},
};
use image::{DynamicImage, ImageFormat, RgbImage};
use tempfile::TempDir;

/// A picture with soft structure, different for every seed.
fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |a: u32, b: u32| 127.0 + 120.0 * f32::sin((a * x + b * y + 17 * seed) as f32 / 23.0);
        image::Rgb([wave(1 + seed % 3, 2), wave(3, 1), wave(2, 1 + seed % 2)].map(|value| value as u8))
    })
}

fn encode(picture: RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(width: u32, height: u32, seed: u32) -> Vec<u8> {
    encode(picture(width, height, seed), ImageFormat::Png)
}

/// Three classes with three, two and one training images, and a test image of the last.
fn files(width: u32, height: u32) -> Vec<(String, Vec<u8>)> {
    let names = ["a/1", "a/2", "a/sub/3", "b/x", "b/y", "c/0"].map(|name| format!("train/{name}.png"));
    let names = names.into_iter().chain(["val/c/9.PNG".to_owned()]);
    names.enumerate().map(|(i, name)| (name, png(width, height, i as u32))).collect()
}

fn write(root: &Path, files: &[(String, Vec<u8>)]) {
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    tar(&files.iter().map(|(name, content)| (name.as_str(), &content[..])).collect::<Vec<_>>())
}

fn load(root: impl AsRef<Path>) -> Result<Dataset, Error> {
    folder::load(root, Options::default())
}

fn message(result: Result<Dataset, Error>) -> String {
    let text = result.unwrap_err().to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn place(files: &[(String, Vec<u8>)]) -> (TempDir, PathBuf) {
    let root = TempDir::new().unwrap();
    write(root.path(), files);
    let path = root.path().to_path_buf();
    (root, path)
}

#[test]
fn classes_are_sorted_and_take_turns() {
    let (_root, path) = place(&files(16, 16));
    fs::write(path.join("train/a/notes.txt"), "no image").unwrap();
    let data = load(&path).unwrap();
    assert_eq!(data.train.classes(), ["a", "b", "c"]);
    assert_eq!(data.train.labels(), [0, 1, 2, 0, 1, 0]);
    assert_eq!(data.test.labels(), [2]);
    let first = picture(16, 16, 0);
    let planes: Vec<u8> = (0..3).flat_map(|c| first.pixels().map(move |pixel| pixel[c])).collect();
    assert_eq!(*data.train.bytes(0).unwrap(), planes, "taken as they are");
    let limited = Options { limits: Limits { train: Some(3), test: None }, ..Options::default() };
    assert_eq!(folder::load(&path, limited).unwrap().train.labels(), [0, 1, 2]);
}

#[test]
fn an_archive_holds_what_the_folder_does() {
    for side in [16, 40] {
        let height = if side == 40 { 30 } else { side };
        let files = files(side, height);
        let (_root, path) = place(&files);
        let options = Options { side: Some(16), ..Options::default() };
        let reference = folder::load(&path, options).unwrap();
        let inside: Vec<_> = files.iter().map(|(n, c)| (format!("set/{n}"), c.clone())).collect();
        let forms = [
            ("1.tar", archive(&files)),
            ("2.tar.gz", gzip(&archive(&files))),
            ("3.tar", archive(&inside)),
            ("4.tar.xz", xz(&archive(&files))),
            ("5.tar.zst", zstd(&archive(&inside))),
        ];
        for (name, bytes) in forms {
            fs::write(path.join(name), bytes).unwrap();
            let data = folder::load(path.join(name), options).unwrap();
            for (one, other) in [(&reference.train, &data.train), (&reference.test, &data.test)] {
                assert_eq!((one.labels(), one.classes()), (other.labels(), other.classes()));
                (0..one.len())
                    .for_each(|i| assert_eq!(one.bytes(i).unwrap(), other.bytes(i).unwrap(), "{name} {i}"));
            }
        }
    }
}

#[test]
fn images_of_other_sizes_are_resized_the_same_for_any_number_of_threads() {
    let (_root, path) = place(&files(50, 37));
    let data = folder::load(&path, Options { side: Some(24), ..Options::default() }).unwrap();
    assert_eq!((data.train.shape().height, data.train.shape().width), (24, 24));
    let batches = |epoch, workers, augmentation| -> Vec<f32> {
        let order = Order::Shuffled { seed: 5, epoch };
        let options = BatchOptions { batch_size: 4, order, augmentation, workers, ..BatchOptions::default() };
        data.train.batches(options).flat_map(|batch| batch.unwrap().images).collect()
    };
    let varied = Some(Augmentation::default());
    let reference = batches(0, 0, varied);
    assert_eq!(reference.len(), 6 * 3 * 24 * 24);
    assert!(reference.iter().all(|value| (0.0..=1.0).contains(value)));
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(reference, batches(0, 2, varied));
    assert_eq!(reference, alone.install(|| batches(0, 0, varied)));
    assert_ne!(reference, batches(1, 0, varied));
    assert_ne!(reference, batches(0, 0, None));
}

#[test]
fn every_kind_of_pixel_becomes_rgb() {
    let rgb = DynamicImage::ImageRgb8(picture(16, 16, 3));
    let grey = rgb.to_luma8();
    let wide = |value: u8| u16::from(value) << 8 | 0x7f;
    let deep = image::ImageBuffer::from_fn(16, 16, |x, y| {
        image::Rgb(rgb.as_rgb8().unwrap().get_pixel(x, y).0.map(wide))
    });
    let clear = rgb.to_rgba8();
    let same = [
        ("deep.png", DynamicImage::ImageRgb16(deep), ImageFormat::Png),
        ("clear.png", DynamicImage::ImageRgba8(clear), ImageFormat::Png),
        ("a.bmp", rgb.clone(), ImageFormat::Bmp),
        ("a.ppm", rgb.clone(), ImageFormat::Pnm),
        ("a.webp", rgb.clone(), ImageFormat::WebP),
    ];
    let root = TempDir::new().unwrap();
    let class = root.path().join("train/x");
    fs::create_dir_all(&class).unwrap();
    for (name, image, format) in same {
        image.save_with_format(class.join(name), format).unwrap();
    }
    DynamicImage::ImageLuma8(grey.clone())
        .save_with_format(class.join("grey.png"), ImageFormat::Png)
        .unwrap();
    let data = load(root.path()).unwrap();
    let planes: Vec<u8> =
        (0..3).flat_map(|c| rgb.as_rgb8().unwrap().pixels().map(move |pixel| pixel[c])).collect();
    for index in 0..5 {
        assert_eq!(*data.train.bytes(index).unwrap(), planes, "{index}");
    }
    assert_eq!(*data.train.bytes(5).unwrap(), grey.as_raw().repeat(3));
}

/// A run that goes on knows its photographs by this.
#[test]
fn photographs_that_changed_have_another_checksum() {
    let (_root, path) = place(&files(50, 37));
    let tar = path.join("set.tar");
    let write_tar = |files: &[(String, Vec<u8>)]| fs::write(&tar, archive(files)).unwrap();
    write_tar(&files(50, 37));
    let options = Options { side: Some(24), ..Options::default() };
    let checksum = |root: &Path| folder::load(root, options).unwrap().train.checksum();
    let before = [checksum(&path), checksum(&tar)];
    assert_eq!(before, [checksum(&path), checksum(&tar)]);
    // Of the same size, changed in the last byte.
    let mut changed = files(50, 37);
    *changed[3].1.last_mut().unwrap() ^= 1;
    write(&path, &changed);
    write_tar(&changed);
    assert!(checksum(&path) != before[0] && checksum(&tar) != before[1]);
    // Of another size.
    write(&path, &files(50, 37));
    assert_eq!(checksum(&path), before[0]);
    fs::write(path.join("train/b/x.png"), png(50, 37, 9)).unwrap();
    assert_ne!(checksum(&path), before[0]);
}

#[test]
fn damaged_images_are_named_or_left_out() {
    for (width, height) in [(16, 16), (20, 16)] {
        let mut files = files(width, height);
        files[1].1.truncate(60);
        files[5].1 = b"no image".to_vec();
        let (_root, path) = place(&files);
        let options = Options { side: Some(16), ..Options::default() };
        let read = |options| -> Result<(Vec<u32>, Vec<LeftOut>), Error> {
            let data = folder::load(&path, options)?;
            let batches = data.train.batches(BatchOptions::default()).collect::<Result<Vec<_>, _>>()?;
            Ok((batches.into_iter().flat_map(|batch| batch.labels).collect(), data.train.left_out()))
        };
        let text = read(options).unwrap_err().to_string();
        assert!(text.contains(".png cannot be decoded: ") && text.ends_with("; remove it"), "{text}");
        let (labels, left_out) = read(Options { on_corrupt: OnCorrupt::Skip, ..options }).unwrap();
        assert_eq!(labels, [0, 1, 1, 0]);
        assert_eq!(left_out.len(), 2, "{left_out:?}");
        let paths = ["c/0.png", "a/2.png"].map(|name| path.join("train").join(name));
        assert!(left_out.iter().map(|image| &image.path).eq(&paths), "{left_out:?}");
        let line = format!(
            "{} cannot be decoded: it is no JPEG, PNG, BMP, PPM, WebP, TIFF or GIF image",
            paths[0].display()
        );
        assert_eq!(left_out[0].to_string(), line);
    }
}

#[test]
fn photographs_of_other_processes_are_not_decoded() {
    let mut files = files(20, 16);
    files[1].1.truncate(60);
    let (_root, path) = place(&files);
    let options = Options { side: Some(16), ..Options::default() };
    let set = folder::load(&path, options).unwrap().train;
    // Only the damaged one gives an error, and only to who needs it.
    let is_read = |missing: usize| {
        let mut batches = set.batches_in_part(BatchOptions::default(), move |at, _| at != missing);
        batches.next().unwrap().is_ok()
    };
    assert_eq!((0..6).filter(|&missing| is_read(missing)).count(), 1);
    // Where it is left out, places are those of the others, which are all decoded.
    let set = folder::load(&path, Options { on_corrupt: OnCorrupt::Skip, ..options }).unwrap().train;
    let whole = set.batches(BatchOptions::default()).next().unwrap().unwrap();
    let part = set.batches_in_part(BatchOptions::default(), |_, _| false).next().unwrap().unwrap();
    assert_eq!((part.len(), set.left_out().len()), (5, 1));
    assert_eq!(part, whole);
}

#[test]
fn what_is_no_such_folder_is_told() {
    let (_root, path) = place(&files(16, 16));
    // A part by itself is a set of test images.
    assert_eq!(load(path.join("train")).unwrap().test.len(), 6);
    assert!(message(load(path.join("train/a/sub"))).contains("lies in no folder of a class"));
    assert!(message(load("/no/such/place")).contains("/no/such/place"));
    write(&path, &[("val/d/1.png".to_owned(), png(16, 16, 1))]);
    assert!(message(load(&path)).contains("the class `d`"));
    fs::remove_dir_all(path.join("val/d")).unwrap();
    let text = message(folder::load_imagenet(&path, Options::default()));
    assert!(text.contains("folders of 0 of ImageNet's classes"), "{text}");
    assert!(
        text.contains("expected two or more of the 1000") && text.ends_with("one that is none: a"),
        "{text}"
    );
}

/// The second, the third and the last class.
#[test]
fn a_part_of_imagenet_says_which_outputs_it_is() {
    let names: Vec<&str> = folder::imagenet_classes().collect();
    let file = |part: &str, class: usize| (format!("{part}/{}/0.png", names[class]), png(8, 8, class as u32));
    let root = TempDir::new().unwrap();
    let path = root.path().join("part.tar");
    let load = |files: &[(String, Vec<u8>)]| {
        fs::write(&path, archive(files)).unwrap();
        folder::load_imagenet(&path, Options { side: Some(8), ..Options::default() })
    };
    let part = [file("val", 1), file("val", 2), file("val", 999)];
    let data = load(&part).unwrap();
    assert_eq!(data.test.classes(), [names[1], names[2], names[999]]);
    let outputs = data.test.outputs().unwrap();
    assert_eq!((outputs.indices(), outputs.origin()), (&[1, 2, 999][..], &datasets::OutputsOrigin::WordNet));
    assert_eq!(data.test.decoded().unwrap().outputs(), Some(outputs));
    assert!(data.notes.contains(&Note::PartOfImageNet { found: 3 }), "{:?}", data.notes);
    // All of them in their order need no word.
    let all: Vec<_> = (0..1000).map(|class| file("val", class)).collect();
    let data = load(&all).unwrap();
    assert!(data.test.outputs().is_none() && data.notes.is_empty(), "{:?}", data.notes);
    let text = message(load(&part[..1]));
    assert!(text.contains("folders of 1 of ImageNet's classes, expected two or more"), "{text}");
}

#[test]
fn restricted_imagenet_takes_its_classes_by_place() {
    let names: Vec<&str> = folder::imagenet_classes().collect();
    let file = |part: &str, class: usize| {
        (format!("{part}/{}/0.png", names.get(class).unwrap_or(&"n00000001")), png(8, 8, class as u32))
    };
    let mut files: Vec<_> = (0..1000).map(|class| file("train", class)).collect();
    files.extend([29, 30, 32, 151, 268, 269].map(|class| file("val", class)));
    let root = TempDir::new().unwrap();
    let path = root.path().join("imagenet.tar");
    fs::write(&path, archive(&files)).unwrap();
    let options = Options { side: Some(8), ..Options::default() };
    let data = folder::load_restricted_imagenet(&path, options).unwrap();
    assert_eq!(
        data.test.classes(),
        ["dog", "cat", "frog", "turtle", "bird", "monkey", "fish", "crab", "insect"]
    );
    let mut labels = data.test.labels().to_vec();
    labels.sort_unstable();
    assert_eq!(labels, [0, 0, 2, 2]);
    assert_eq!(data.train.len(), 118 + 5 + 3 + 5 + 21 + 18 + 9 + 4 + 20);
    fs::write(&path, archive(&files[1..])).unwrap();
    let text = message(folder::load_restricted_imagenet(&path, options));
    assert!(text.contains("folders of 999") && text.ends_with("missing: n01440764"), "{text}");
    // A stranger in the place of the missing one: labels would be right by chance alone.
    files[0] = file("train", 1000);
    fs::write(&path, archive(&files)).unwrap();
    let text = message(folder::load_imagenet(&path, options));
    assert!(text.ends_with("one that is none: n00000001"), "{text}");
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_outside() {
    let (_root, path) = place(&files(16, 16));
    let (_other, outside) = place(&[("secret.png".to_owned(), png(16, 16, 9))]);
    std::os::unix::fs::symlink(path.join("train/b/x.png"), path.join("train/a/0.png")).unwrap();
    assert_eq!(load(&path).unwrap().train.len(), 7, "inside they are followed");
    std::os::unix::fs::symlink(path.join("train"), path.join("train/a/round")).unwrap();
    load(&path).unwrap();
    fs::remove_file(path.join("train/a/round")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret.png"), path.join("train/a/s.png")).unwrap();
    let text = message(load(&path));
    assert!(text.contains("s.png is a link to") && text.contains("outside"), "{text}");
}

/// What has the name of an image and is no file is a damaged image; links that go round add nothing.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_a_damaged_image() {
    use std::os::unix::fs::symlink;
    let (_root, path) = place(&files(16, 16));
    symlink(".", path.join("train/round")).unwrap();
    symlink("..", path.join("train/a/up")).unwrap();
    symlink("nothing", path.join("train/a/notes")).unwrap();
    fs::create_dir(path.join("train/b/empty")).unwrap();
    fs::create_dir(path.join("train/b/album.jpg")).unwrap();
    fs::rename(path.join("train/b/x.png"), path.join("train/b/album.jpg/x.png")).unwrap();
    let data = load(&path).unwrap();
    assert_eq!((data.train.len(), data.train.classes().len()), (6, 3));

    let broken: [(&str, &str); 3] = [
        ("a/9.jpg", "it is a link to nowhere.jpg, which is not there"),
        ("b/9.jpg", "it is a link to 9.jpg, which cannot be followed"),
        ("c/9.jpg", "it is a folder, and no image is in it"),
    ];
    symlink("nowhere.jpg", path.join("train/a/9.jpg")).unwrap();
    symlink("9.jpg", path.join("train/b/9.jpg")).unwrap();
    fs::create_dir(path.join("train/c/9.jpg")).unwrap();
    for side in [16, 24] {
        let options = Options { side: Some(side), ..Options::default() };
        let read = |options| -> Result<_, Error> {
            let data = folder::load(&path, options)?;
            let batches = data.train.batches(BatchOptions::default()).collect::<Result<Vec<_>, _>>()?;
            Ok((batches.iter().map(|batch| batch.labels.len()).sum::<usize>(), data.train.left_out()))
        };
        assert!(matches!(read(options), Err(Error::Corrupt { .. })));
        let (count, left_out) = read(Options { on_corrupt: OnCorrupt::Skip, ..options }).unwrap();
        assert_eq!((count, left_out.len()), (6, 3), "{left_out:?}");
        for (name, words) in broken {
            let is_told = |image: &LeftOut| image.path.ends_with(name) && image.problem == words;
            assert!(left_out.iter().any(is_told), "{left_out:?}");
        }
    }

    symlink("elsewhere", path.join("train/d")).unwrap();
    let text = message(load(&path));
    assert!(text.contains("train/d is a link that leads nowhere"), "a class decides on labels: {text}");
}

/// The words are ours; what a decoder says follows.
#[test]
fn damage_is_told_in_our_words() {
    let jpeg = include_bytes!("../gradient.jpg");
    let at = jpeg.windows(2).position(|marker| marker == [0xff, 0xc4]).unwrap();
    let mut tables = jpeg.to_vec();
    tables[at + 5..at + 21].fill(255);
    let mut checksum = png(16, 16, 1);
    checksum[30] ^= 1;
    let cut = png(16, 16, 1)[..60].to_vec();
    for (content, words) in [
        (tables, "its JPEG data are damaged"),
        (checksum, "its PNG data are damaged"),
        (cut, "it is cut short or damaged"),
    ] {
        let (_root, path) = place(&[("train/a/1.jpg".to_owned(), content)]);
        let text =
            message(load(&path).and_then(|data| data.train.decoded().map(|train| Dataset { train, ..data })));
        assert!(text.contains(&format!("1.jpg cannot be decoded: {words}")), "{text}");
    }
    let root = TempDir::new().unwrap();
    for (name, mut bytes) in [
        ("a.tar.gz", gzip(&archive(&files(16, 16)))),
        ("a.tar.xz", xz(&archive(&files(16, 16)))),
        ("a.tar.zst", zstd(&archive(&files(16, 16)))),
    ] {
        // A frame of zstd without a checksum shows damage in its header alone.
        let at = if name.ends_with("zst") { 4 } else { bytes.len() / 2 };
        bytes[at..at + 64].fill(0xa5);
        fs::write(root.path().join(name), bytes).unwrap();
        let text = message(load(root.path().join(name)));
        assert!(text.contains("expected a sound tar archive; fetch or make it again"), "{name}: {text}");
    }
}

#[test]
fn archives_hold_nothing_but_their_files() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("a.tar");
    let with = |name: &str, kind: u8, content: &[u8]| {
        let mut bytes = Vec::new();
        files(16, 16).iter().for_each(|(name, content)| member(&mut bytes, name, b'0', content));
        member(&mut bytes, name, kind, content);
        bytes.extend([0; 1024]);
        fs::write(&path, bytes).unwrap();
        load(&path)
    };
    let image = png(16, 16, 1);
    for name in ["../train/a/z.png", "train/../../z.png", "/train/a/z.png"] {
        assert!(message(with(name, b'0', &image)).contains("out of the archive"), "{name}");
    }
    assert!(message(with("train/a/1.png", b'0', &image)).contains("for the second time"));
    // A name may hold anything; a message is one line all the same, and steers no terminal.
    let text = message(with("train/a/\n\x1b[2J.png", b'0', b"no image"));
    assert!(text.contains("train/a/\\n\\u{1b}[2J.png cannot be decoded"), "{text}");
    assert!(message(with("/train/a\nb/1.png", b'0', &image)).contains("a\\nb/1.png`, which leads out"));
    for kind in [b'1', b'2', b'5', b'6'] {
        assert_eq!(with("train/a/z.png", kind, b"").unwrap().train.len(), 6);
    }
    // GNU's and pax's long names.
    let long = format!("train/a/{}.png", "z".repeat(150));
    let pax = format!("{} path={long}\n", long.len() + 10);
    for (kind, text) in [(b'L', long.clone().into_bytes()), (b'x', pax.into_bytes())] {
        let mut bytes = Vec::new();
        files(16, 16).iter().for_each(|(name, content)| member(&mut bytes, name, b'0', content));
        member(&mut bytes, "long", kind, &text);
        member(&mut bytes, "cut", b'0', &image);
        fs::write(&path, bytes).unwrap();
        assert_eq!(load(&path).unwrap().train.len(), 7, "{kind}");
    }
    fs::write(&path, header("train/a/1.png", b'0', 1 << 32)).unwrap();
    assert!(message(load(&path)).contains("its end in the middle of a file"));
}

#[test]
fn a_huge_claim_is_no_huge_allocation() {
    let mut png = png(16, 16, 1);
    png[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let root = TempDir::new().unwrap();
    for (name, bytes) in [("1.png", png), ("1.ppm", b"P6 60000 60000 255\n123".to_vec())] {
        write(root.path(), &[(format!("train/a/{name}"), bytes)]);
        let text = message(load(root.path()));
        assert!(text.contains("cannot be decoded"), "{text}");
        fs::remove_file(root.path().join("train/a").join(name)).unwrap();
    }
}

/// Whoever looks for images that are not there should not have to guess why.
#[test]
fn skipped_files_and_resizing_are_noted() {
    let (_root, path) = place(&files(16, 16));
    assert!(load(&path).unwrap().notes.is_empty());
    write(
        &path,
        &[("train/b/moving.jxl".to_owned(), b"GIF89a".to_vec()), ("val/c/1.HEIC".to_owned(), Vec::new())],
    );
    let data = load(&path).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (6, 1));
    let note =
        "2 images of kinds that are not read are skipped, the first train/b/moving.jxl; save them as PNG";
    assert!(data.notes.len() == 1 && data.notes[0].to_string().starts_with(note), "{:?}", data.notes);

    let (_root, path) = place(&files(16, 16));
    fs::write(path.join("train/a/2.png"), png(16, 15, 1)).unwrap();
    let notes = load(&path).unwrap().notes;
    let note = "1 image is resized to the 16×16 pixels of the others: train/a/2.png has 16×15";
    assert!(matches!(notes[..], [Note::OddSizes { side: 16, size: [16, 15], count: 1, .. }]));
    assert_eq!(notes[0].to_string(), note);
    let asked = folder::load(&path, Options { side: Some(8), ..Options::default() }).unwrap();
    assert!(asked.notes.is_empty(), "the side is what was asked for: {:?}", asked.notes);

    let mut bytes = Vec::new();
    files(16, 16).iter().for_each(|(name, content)| member(&mut bytes, name, b'0', content));
    member(&mut bytes, "train/a/link.png", b'2', b"");
    bytes.extend([0; 1024]);
    let path = path.join("a.tar");
    fs::write(&path, bytes).unwrap();
    let notes = load(&path).unwrap().notes;
    assert!(
        notes[0].to_string().starts_with("a link in the archive is skipped: train/a/link.png; unpack it"),
        "{notes:?}"
    );
}

/// Left out unsaid, a class would give those after it other labels.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_told() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    for (name, is_class) in [(b"d\xfe".as_slice(), true), (b"b\xff.png", false)] {
        let (_root, path) = place(&files(16, 16));
        let folder = if is_class { path.join("train") } else { path.join("train/a") };
        let odd = folder.join(OsStr::from_bytes(name));
        let made = if is_class { fs::create_dir(odd) } else { fs::write(odd, png(16, 16, 1)) };
        made.unwrap();
        let text = message(load(&path));
        assert!(text.contains("its name is not UTF-8; rename it"), "{text}");
    }
}

#[test]
fn a_file_of_something_else_is_no_damaged_archive() {
    let root = TempDir::new().unwrap();
    for (name, content, words) in [
        (
            "a.zip",
            [b"PK\x03\x04".as_slice(), &[7; 2000]].concat(),
            "is a zip archive that is cut short or damaged, expected a folder, a tar archive",
        ),
        ("a.h5", b"\x89HDF\r\n\x1a\n".to_vec(), "is an HDF5 file, expected a folder"),
        ("b.tar", Vec::new(), "is an empty file, expected a folder"),
        ("c.tar", b"<!DOCTYPE html>\n<html>".to_vec(), "is an HTML page, as servers send it"),
        ("a.txt", b"train/a/1.png".to_vec(), "is no tar archive, or a damaged one"),
        ("a.gz", gzip(&[7; 2000]), "is compressed, and no tar archive or a damaged one is in it"),
        ("a.bz2", [b"BZh91AY".as_slice(), &[7; 2000]].concat(), "found compressed data that are damaged"),
    ] {
        fs::write(root.path().join(name), content).unwrap();
        let text = message(load(root.path().join(name)));
        assert!(text.contains(words), "{name}: {text}");
    }
}
