//! Data sets as they are published and packed: archives in place of folders, flat parts with lists of labels, shards, no parts at all.

use std::{fs, io::Cursor, path::Path};

use crate::common::{bzip2, gzip, header, tar, zip};
use datasets::{
    Corruption, Dataset, Error, Note, Resize,
    folder::{self, Layout, Options},
};
use image::{DynamicImage, ImageFormat, RgbImage};
use tempfile::TempDir;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// An image whose first byte says which it is.
pub(crate) fn png(value: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(8, 8, |x, y| image::Rgb([value, (x * 7) as u8, (y * 7) as u8]));
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, ImageFormat::Png).expect("an image");
    bytes.into_inner()
}

pub(crate) fn write(root: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a folder"))?;
    fs::write(path, bytes)
}

pub(crate) fn load(root: &Path) -> Result<Dataset, Error> {
    folder::load(root, Options::default())
}

/// Class and first byte of each image, in the order of those bytes.
pub(crate) fn found(set: &datasets::ImageSet) -> Result<Vec<(String, u8)>, Error> {
    let mut found = Vec::new();
    for (index, &label) in set.labels().iter().enumerate() {
        found.push((set.classes()[label as usize].clone(), set.bytes(index)?[0]));
    }
    found.sort_by_key(|(_, value)| *value);
    Ok(found)
}

pub(crate) fn pairs(pairs: &[(&str, u8)]) -> Vec<(String, u8)> {
    pairs.iter().map(|&(class, value)| (class.to_owned(), value)).collect()
}

#[test]
fn every_kind_of_archive_is_read() -> Outcome {
    let root = TempDir::new()?;
    let names = ["set/train/a/1.png", "set/train/b/2.png", "set/train/b/3.png", "set/val/b/4.png"];
    let images: Vec<Vec<u8>> = (1..=4).map(png).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&images).map(|(&name, image)| (name, &image[..])).collect();
    for (name, bytes) in [
        ("set.zip", zip(&files)),
        ("set.tar.bz2", bzip2(&tar(&files))),
        ("set.tar.gz", gzip(&tar(&files))),
        ("set.tar", tar(&files)),
    ] {
        let path = root.path().join(name);
        fs::write(&path, bytes)?;
        let data = load(&path)?;
        assert_eq!(found(&data.train)?, pairs(&[("a", 1), ("b", 2), ("b", 3)]), "{name}");
        assert_eq!(found(&data.test)?, pairs(&[("b", 4)]), "{name}");
    }
    Ok(())
}

#[test]
fn imagenet_is_read_as_it_is_published() -> Outcome {
    let root = TempDir::new()?;
    let inner = |class: &str, values: &[u8]| {
        let images: Vec<(String, Vec<u8>)> =
            values.iter().map(|&value| (format!("{class}_{value}.JPEG"), png(value))).collect();
        tar(&images.iter().map(|(name, image)| (name.as_str(), &image[..])).collect::<Vec<_>>())
    };
    let (one, other) = (inner("n01440764", &[1, 2]), inner("n01443537", &[3]));
    let train = tar(&[("n01440764.tar", &one[..]), ("n01443537.tar", &other)]);
    write(root.path(), "ILSVRC2012_img_train.tar", &train)?;
    let data = load(&root.path().join("ILSVRC2012_img_train.tar"))?;
    assert_eq!(found(&data.test)?, pairs(&[("n01440764", 1), ("n01440764", 2), ("n01443537", 3)]));

    let images: Vec<Vec<u8>> = (4..=5).map(png).collect();
    let names = ["ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG"];
    let val = tar(&[(names[0], &images[0][..]), (names[1], &images[1])]);
    write(root.path(), "ILSVRC2012_img_val.tar", &val)?;
    let said = load(root.path()).unwrap_err().to_string();
    assert!(said.contains("val_00000001.JPEG lies in no folder of a class"), "{said}");
    for list in ["n01443537\nn01440764\n", "ILSVRC2012_val_00000002.JPEG 0\nILSVRC2012_val_00000001.JPEG 1\n"]
    {
        let path = root.path().join("labels.txt");
        fs::write(&path, list)?;
        let layout = Layout { val_labels: Some(path), ..Layout::default() };
        let data = layout.load(root.path(), Options::default())?;
        assert_eq!(data.train.len(), 3);
        assert_eq!(found(&data.test)?, pairs(&[("n01443537", 4), ("n01440764", 5)]));
    }
    Ok(())
}

/// ImageNet-V2 has folders of numbers, which torchvision sorts as text: 10 before 2.
#[test]
fn numbers_are_places_among_imagenets_classes() -> Outcome {
    let root = TempDir::new()?;
    for place in [0, 2, 10, 999] {
        write(root.path(), &format!("{place}/{place}.png"), &png((place % 256) as u8))?;
    }
    let data = folder::load_imagenet(root.path(), Options { side: Some(8), ..Options::default() })?;
    assert_eq!(data.test.classes(), ["n01440764", "n01484850", "n01530575", "n15075141"]);
    assert_eq!(data.test.labels(), [0, 1, 2, 3]);
    assert_eq!(data.test.bytes(3)?[0], 231);
    let outputs = data.test.outputs().expect("a part of the classes");
    assert_eq!(outputs.indices(), [0, 2, 10, 999]);
    assert!(
        data.notes.iter().any(|note| matches!(note, Note::NumbersAsPlaces { class, .. } if class == "0"))
    );
    assert!(!data.notes.iter().any(|note| matches!(note, Note::NumbersAsText { .. })));

    write(root.path(), "1000/1.png", &png(1))?;
    assert!(matches!(folder::load_imagenet(root.path(), Options::default()), Err(Error::NotImageNet { .. })));
    Ok(())
}

/// ImageNet-C has a folder a corruption, as unpacked or with a folder a kind of corruption between.
#[test]
fn a_corruption_of_imagenet_is_read() -> Outcome {
    let root = TempDir::new()?;
    let mut files = Vec::new();
    for severity in 1..=5u8 {
        for (class, place) in [("n01440764", 0), ("n01443537", 1)] {
            files.push((format!("weather/fog/{severity}/{class}/{place}.JPEG"), png(10 * severity + place)));
        }
    }
    files.push(("digital/pixelate/1/n01440764/0.JPEG".to_owned(), png(1)));
    for (name, image) in &files {
        write(root.path(), name, image)?;
    }
    let archive = root.path().join("all.tar");
    fs::write(
        &archive,
        tar(&files.iter().map(|(name, image)| (name.as_str(), &image[..])).collect::<Vec<_>>()),
    )?;
    let options = Options { side: Some(8), ..Options::default() };
    for place in [root.path(), &root.path().join("weather"), &archive] {
        let read = |text: &str| {
            let corruption = text.parse::<Corruption>()?;
            Layout::default().load_imagenet_c(place, Some(&corruption), options)
        };
        let three = read("fog:3")?;
        assert_eq!(
            found(&three.test)?,
            pairs(&[("n01440764", 30), ("n01443537", 31)]),
            "{}",
            place.display()
        );
        assert_eq!(
            (three.train.len(), three.notes.as_slice()),
            (0, &[Note::PartOfImageNet { found: 2 }][..])
        );
        let all = read("fog")?;
        assert_eq!(all.test.labels(), [0, 1].repeat(5));
        assert_eq!(all.test.bytes(9)?[0], 51);
        let said = read("snow").unwrap_err().to_string();
        assert!(said.contains("fog"), "{said}");
        assert!(Layout::default().load_imagenet_c(place, None, options).is_err());
    }
    Ok(())
}

#[test]
fn the_folder_of_kaggle_has_its_labels() -> Outcome {
    let root = TempDir::new()?;
    let base = "ILSVRC/Data/CLS-LOC";
    for (name, value) in
        [("train/n01/a.JPEG", 1), ("train/n02/b.JPEG", 2), ("val/v_1.JPEG", 3), ("test/t.JPEG", 4)]
    {
        write(root.path(), &format!("{base}/{name}"), &png(value))?;
    }
    write(root.path(), "LOC_val_solution.csv", b"ImageId,PredictionString\nv_1,n02 1 2 3 4 n02 1 2 3 4\n")?;
    let data = load(root.path())?;
    assert_eq!(found(&data.train)?, pairs(&[("n01", 1), ("n02", 2)]));
    assert_eq!(found(&data.test)?, pairs(&[("n02", 3)]));
    Ok(())
}

#[test]
fn tiny_imagenet_is_read_from_its_folder_and_its_zip() -> Outcome {
    let root = TempDir::new()?;
    let files: Vec<(String, Vec<u8>)> = [
        ("train/n01/images/n01_0.JPEG", png(1)),
        ("train/n02/images/n02_0.JPEG", png(2)),
        ("train/n02/n02_boxes.txt", b"n02_0.JPEG\t0\t0\t62\t63\n".to_vec()),
        ("val/images/val_0.JPEG", png(3)),
        ("val/images/val_1.JPEG", png(4)),
        (
            "val/val_annotations.txt",
            b"val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn01\t1\t2\t3\t4\n".to_vec(),
        ),
        ("test/images/test_0.JPEG", png(5)),
        ("wnids.txt", b"n02\nn01\n".to_vec()),
    ]
    .map(|(name, bytes)| (format!("tiny-imagenet-200/{name}"), bytes))
    .into();
    for (name, bytes) in &files {
        write(root.path(), name, bytes)?;
    }
    let archive = root.path().join("tiny-imagenet-200.zip");
    fs::write(
        &archive,
        zip(&files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect::<Vec<_>>()),
    )?;
    for root in [root.path().join("tiny-imagenet-200"), archive] {
        let data = load(&root)?;
        assert_eq!(found(&data.train)?, pairs(&[("n01", 1), ("n02", 2)]));
        assert_eq!(found(&data.test)?, pairs(&[("n02", 3), ("n01", 4)]), "{}", root.display());
    }
    Ok(())
}

#[test]
fn folders_without_parts_are_test_images_or_split() -> Outcome {
    let root = TempDir::new()?;
    for (place, class) in ["a", "a", "a", "a", "b", "b", "b", "b", "c"].iter().enumerate() {
        write(root.path(), &format!("{class}/{place}.png"), &png(place as u8))?;
    }
    let data = load(root.path())?;
    assert_eq!((data.train.len(), data.test.len()), (0, 9));
    assert_eq!(data.notes, [Note::AllForTest { count: 9 }]);
    let split = |seed| {
        let layout = Layout { val_fraction: Some(0.25), val_seed: seed, ..Layout::default() };
        layout.load(root.path(), Options::default())
    };
    let (one, again) = (split(1)?, split(1)?);
    // One of four in each class, and none of a class that has no other.
    assert_eq!((one.train.len(), one.test.labels()), (7, &[0, 1][..]));
    assert_eq!(one.notes, [Note::SplitOff { count: 2, of: 9, seed: 1 }]);
    assert_eq!(found(&one.test)?, found(&again.test)?);
    assert!((0..9).any(|seed| split(seed).and_then(|data| found(&data.test)).ok() != found(&one.test).ok()));
    let mut all = [found(&one.train)?, found(&one.test)?].concat();
    all.sort_by_key(|(_, value)| *value);
    assert_eq!(all, found(&data.test)?);
    Ok(())
}

#[test]
fn nothing_is_split_off_where_there_are_test_images() -> Outcome {
    let root = TempDir::new()?;
    write(root.path(), "Train/a/1.png", &png(1))?;
    write(root.path(), "Test/a/2.png", &png(2))?;
    let data =
        Layout { val_fraction: Some(0.5), ..Layout::default() }.load(root.path(), Options::default())?;
    assert_eq!((found(&data.train)?, found(&data.test)?), (pairs(&[("a", 1)]), pairs(&[("a", 2)])));
    assert_eq!(data.notes, [Note::NotSplit]);
    Ok(())
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_followed_where_that_is_asked_for() -> Outcome {
    use std::os::unix::fs::symlink;
    let (elsewhere, root) = (TempDir::new()?, TempDir::new()?);
    write(elsewhere.path(), "n01/1.png", &png(1))?;
    write(elsewhere.path(), "n02/2.png", &png(2))?;
    fs::create_dir_all(root.path().join("val/n02"))?;
    symlink(elsewhere.path().join("n01"), root.path().join("val/n01"))?;
    symlink(elsewhere.path().join("n02/2.png"), root.path().join("val/n02/2.png"))?;
    assert!(matches!(load(root.path()), Err(Error::LinkOut { .. })));
    let layout = Layout { follows_links: true, ..Layout::default() };
    let data = layout.load(root.path(), Options::default())?;
    assert_eq!(found(&data.test)?, pairs(&[("n01", 1), ("n02", 2)]));
    Ok(())
}

#[test]
fn shards_are_read_by_sample() -> Outcome {
    let root = TempDir::new()?;
    let images: Vec<Vec<u8>> = (0..=6).map(png).collect();
    let shard = |files: &[(&str, &[u8])]| tar(files);
    let first = shard(&[
        ("a.b/x.seg.txt", b"not of the key a"),
        ("x.png", &images[1]),
        ("x.cls", b"2"),
        ("y.cls", b"0\n"),
        ("y.png", &images[2]),
    ]);
    let second = shard(&[("z.png", &images[3]), ("z.json", br#"{"label": 1}"#)]);
    let val = shard(&[("v.png", &images[4]), ("v.cls", b"1")]);
    write(root.path(), "set-train-000.tar", &first)?;
    write(root.path(), "set-train-002.tar.gz", &gzip(&second))?;
    write(root.path(), "set-val-000.tar", &val)?;
    let data = load(root.path())?;
    assert_eq!(data.train.classes(), ["0", "1", "2"]);
    assert_eq!(data.train.labels(), [2, 0, 1]);
    assert_eq!(found(&data.train)?, pairs(&[("2", 1), ("0", 2), ("1", 3)]));
    assert_eq!(found(&data.test)?, pairs(&[("1", 4)]));

    let alone = load(&root.path().join("set-train-000.tar"))?;
    assert_eq!((alone.train.len(), alone.test.len()), (2, 0), "the name says the part");
    write(root.path(), "set-train-001.tar", &shard(&[("w.png", &images[5])]))?;
    let said = load(root.path()).unwrap_err().to_string();
    assert!(said.contains("set-train-001.tar: found the sample `w` without a class"), "{said}");
    Ok(())
}

/// `tar --sparse` writes one of four forms; here the one of GNU's own format and that of pax 1.0.
#[test]
fn files_with_holes_are_read() -> Outcome {
    let image = png(9);
    // The image behind a hole would be none: the hole is at its end, where decoders do not look.
    let whole = image.len() as u64 + 1000;
    let mut archive = Vec::new();
    let sum = |header: &mut [u8; 512]| {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    };
    let mut gnu = header("val/a/1.png", b'S', image.len() as u64);
    gnu[257..265].copy_from_slice(b"ustar  \0");
    gnu[386..398].copy_from_slice(b"00000000000\0");
    gnu[398..410].copy_from_slice(format!("{:011o}\0", image.len()).as_bytes());
    gnu[483..495].copy_from_slice(format!("{whole:011o}\0").as_bytes());
    sum(&mut gnu);
    archive.extend(gnu);
    archive.extend(&image);
    archive.resize(archive.len().next_multiple_of(512), 0);

    let record = |key: &str, value: &str| {
        let rest = format!(" GNU.sparse.{key}={value}\n");
        let length = (1..200).find(|length: &usize| length.to_string().len() + rest.len() == *length);
        format!("{}{rest}", length.expect("a length"))
    };
    let records = [
        record("major", "1"),
        record("minor", "0"),
        record("name", "val/a/2.png"),
        record("realsize", &whole.to_string()),
    ];
    crate::common::member(&mut archive, "PaxHeaders/2.png", b'x', records.concat().as_bytes());
    let mut content = format!("1\n0\n{}\n", image.len()).into_bytes();
    content.resize(512, 0);
    content.extend(&image);
    crate::common::member(&mut archive, "GNUSparseFile.0/2.png", b'0', &content);
    archive.extend([0; 1024]);
    let root = TempDir::new()?;
    for bytes in [archive.clone(), gzip(&archive)] {
        fs::write(root.path().join("set.tar"), bytes)?;
        let data = load(&root.path().join("set.tar"))?;
        assert_eq!(found(&data.test)?, pairs(&[("a", 9), ("a", 9)]));
    }
    Ok(())
}

#[test]
fn what_an_archive_cannot_give_is_told() -> Outcome {
    let root = TempDir::new()?;
    let image = png(1);
    let path = root.path().join("set.zip");
    let mut bytes = zip(&[("train/a/1.png", &image), ("train/a/2.png", &image)]);
    // Flag 1 says that a file is encrypted; it stands in the directory, too.
    for at in 0..bytes.len() - 10 {
        let fields = match &bytes[at..at + 4] {
            b"PK\x03\x04" => 6,
            b"PK\x01\x02" => 8,
            _ => continue,
        };
        bytes[at + fields] |= 1;
    }
    fs::write(&path, &bytes)?;
    let said = load(&path).unwrap_err().to_string();
    assert!(said.contains("set.zip/train/a/1.png: found a file that is encrypted"), "{said}");
    fs::write(&path, zip(&[("train/a/../../1.png", &image)]))?;
    assert!(load(&path).unwrap_err().to_string().contains("leads out of the archive"));
    fs::write(&path, &zip(&[("train/a/1.png", &image)])[..100])?;
    assert!(load(&path).unwrap_err().to_string().contains("a zip archive that is cut short or damaged"));
    Ok(())
}

/// Of numbers as labels nothing else says which classes there are: those that images have.
#[test]
fn shards_of_some_classes_of_imagenet_are_these_classes() -> Outcome {
    let root = TempDir::new()?;
    let images: Vec<Vec<u8>> = (0..3).map(png).collect();
    let files: [(&str, &[u8]); 6] = [
        ("a.png", &images[0]),
        ("a.cls", b"701"),
        ("b.png", &images[1]),
        ("b.cls", b"0"),
        ("c.png", &images[2]),
        ("c.cls", b"217"),
    ];
    write(root.path(), "set-val-0.tar", &tar(&files))?;
    let data = folder::load_imagenet(root.path(), Options { side: Some(8), ..Options::default() })?;
    assert_eq!(data.test.labels(), [2, 0, 1]);
    assert_eq!(data.test.outputs().expect("a part").indices(), [0, 217, 701]);
    assert!(data.notes.contains(&Note::PartOfImageNet { found: 3 }), "{:?}", data.notes);
    Ok(())
}

#[test]
fn a_list_that_is_named_reaches_images_in_folders() -> Outcome {
    let root = TempDir::new()?;
    for (name, value) in [("train/a/0.png", 0), ("train/b/1.png", 1), ("val/x/2.png", 2), ("val/y/3.png", 3)]
    {
        write(root.path(), name, &png(value))?;
    }
    let list = root.path().join("labels.csv");
    fs::write(&list, "2.png,b\n3.png,a\n")?;
    let layout = Layout { val_labels: Some(list), ..Layout::default() };
    let data = layout.load(root.path(), Options::default())?;
    assert_eq!(found(&data.test)?, pairs(&[("b", 2), ("a", 3)]));
    let missing = Layout { val_labels: Some(root.path().join("none")), ..Layout::default() };
    let said = missing.load(root.path(), Options::default()).unwrap_err().to_string();
    assert!(said.ends_with("none: found no such file, expected a file with the labels of images"), "{said}");
    Ok(())
}

#[test]
fn what_is_not_taken_is_said() -> Outcome {
    let root = TempDir::new()?;
    let image = png(1);
    for name in ["train/a/0.png", "val/a/1.png", "eval/a/2.png"] {
        write(root.path(), name, &image)?;
    }
    assert_eq!(load(root.path())?.notes, [Note::PassedOver { count: 1, first: "eval".to_owned() }]);

    // Cut between two files, and with a second image and a class alone.
    let files: [(&str, &[u8]); 5] =
        [("a.jpg", &image), ("a.png", &image), ("a.cls", b"0"), ("b.cls", b"0"), ("c.txt", b"a text")];
    let mut shard = tar(&files);
    shard.truncate(shard.len() - 1024);
    let path = root.path().join("set-test-0.tar");
    fs::write(&path, shard)?;
    let data = load(&path)?;
    let first = path.display().to_string();
    assert_eq!(data.test.len(), 1);
    let expected = [Note::NoEnd { first }, Note::PassedOver { count: 2, first: "a.png".to_owned() }];
    assert_eq!(data.notes, expected);

    let options = Options { resize: Some(Resize::Shorter(16)), ..Options::default() };
    fs::remove_dir_all(root.path().join("eval"))?;
    fs::remove_file(&path)?;
    assert_eq!(folder::load(root.path(), options)?.notes, [Note::NotResized { side: 8 }]);
    Ok(())
}

#[test]
fn samples_without_a_class_are_told_with_what_is_there() -> Outcome {
    let root = TempDir::new()?;
    let image = png(1);
    for (files, words) in [
        ([("a.png", &image[..]), ("a.txt", b"0")], "beside a.png there is txt, expected"),
        (
            [("a_0.7.png", &image), ("a_0.7.cls", b"0")],
            "the sample `a_0` without a class: beside a_0.7.png there is 7.cls",
        ),
    ] {
        let path = root.path().join("set.tar");
        fs::write(&path, tar(&files))?;
        let said = load(&path).unwrap_err().to_string();
        assert!(said.contains(words) && said.contains("a key ends at the first dot"), "{said}");
    }
    Ok(())
}

/// Whoever unpacks an archive may leave it where it is.
#[test]
fn an_archive_beside_what_it_was_unpacked_to_is_not_read() -> Outcome {
    let root = TempDir::new()?;
    let image = png(1);
    for name in ["train/a/0.png", "val/a/1.png"] {
        write(root.path(), name, &image)?;
    }
    let archive = root.path().join("train.tar.gz");
    fs::write(&archive, &gzip(&tar(&[("b/0.png", &image)]))[..60])?;
    assert_eq!(load(root.path())?.train.classes(), ["a"]);
    // Beside classes it is none of them.
    fs::remove_dir_all(root.path().join("val"))?;
    fs::rename(root.path().join("train/a"), root.path().join("a"))?;
    fs::remove_dir(root.path().join("train"))?;
    assert_eq!(found(&load(root.path())?.test)?, pairs(&[("a", 1)]));
    Ok(())
}

/// Files beside images in folders of classes say nothing of them.
#[test]
fn notes_beside_images_make_no_shard() -> Outcome {
    let root = TempDir::new()?;
    let image = png(1);
    let path = root.path().join("set.tar");
    for beside in ["json", "txt", "xml"] {
        let note = format!("set/train/a/0.{beside}");
        fs::write(&path, tar(&[("set/train/a/0.png", &image), (&note, br#"{"label": 7}"#)]))?;
        assert_eq!(found(&load(&path)?.train)?, pairs(&[("a", 1)]), "{beside}");
    }
    Ok(())
}
