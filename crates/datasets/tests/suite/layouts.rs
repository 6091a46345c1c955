//! Folders and archives as people have them: what does not belong to the set, sizes that differ, names that mislead.

use std::{fs, io::Cursor, path::Path};

use crate::common::{gzip, member, tar};
use datasets::{
    Dataset, Error, Limits, Note,
    folder::{self, Options},
};
use image::{DynamicImage, ImageFormat, RgbImage};
use tempfile::TempDir;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn png(width: u32, height: u32, value: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([value, (x * 7) as u8, (y * 7) as u8]));
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, ImageFormat::Png).expect("an image");
    bytes.into_inner()
}

fn write(root: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a folder"))?;
    fs::write(path, bytes)
}

fn load(root: &Path) -> Result<Dataset, Error> {
    folder::load(root, Options::default())
}

/// A set of 16×16 pixels: two classes of two images.
fn small() -> std::io::Result<TempDir> {
    let root = TempDir::new()?;
    for (place, name) in ["train/b/1.png", "train/b/2.png", "train/c/1.png", "val/c/1.png"].iter().enumerate()
    {
        write(root.path(), name, &png(16, 16, place as u8))?;
    }
    Ok(root)
}

#[test]
fn what_other_programs_leave_is_no_class() -> Outcome {
    let root = small()?;
    let plain = load(root.path())?;
    for name in [
        "train/.ipynb_checkpoints/x.png",
        "train/@eaDir/y.png",
        "train/b/.ipynb_checkpoints/1-checkpoint.png",
        "train/__MACOSX/z.png",
        "val/.DS_Store",
        "val/c/._1.png",
    ] {
        write(root.path(), name, &png(16, 16, 9))?;
    }
    let data = load(root.path())?;
    assert_eq!(data.train.classes(), ["b", "c"]);
    assert_eq!((data.train.labels(), data.test.labels()), (plain.train.labels(), plain.test.labels()));
    let told = &data.notes[0].to_string();
    assert_eq!(data.notes.len(), 1, "{:?}", data.notes);
    assert!(told.starts_with("train/.ipynb_checkpoints and ") && told.contains("passed over"), "{told}");

    let image = png(16, 16, 1);
    let files = ["__MACOSX/train/b/._1.png", "train/.git/1.png", "train/b/1.png", "val/b/1.png"];
    let path = root.path().join("set.tar");
    fs::write(&path, tar(&files.map(|name| (name, &image[..]))))?;
    let data = load(&path)?;
    assert_eq!((data.train.classes(), data.train.len()), (&["b".to_owned()][..], 1));
    Ok(())
}

#[test]
fn an_empty_class_counts_in_an_archive_too() -> Outcome {
    let root = small()?;
    fs::create_dir_all(root.path().join("train/a"))?;
    let mut bytes = Vec::new();
    for folder in ["train", "train/a/", "train/b", "./train/c/"] {
        member(&mut bytes, folder, b'5', b"");
    }
    for name in ["train/b/1.png", "train/b/2.png", "train/c/1.png", "val/c/1.png"] {
        member(&mut bytes, name, b'0', &fs::read(root.path().join(name))?);
    }
    bytes.extend([0; 1024]);
    let path = root.path().join("set.tar");
    for bytes in [bytes.clone(), gzip(&bytes)] {
        fs::write(&path, bytes)?;
        let (folder, archive) = (load(root.path())?, load(&path)?);
        assert_eq!(folder.train.classes(), ["a", "b", "c"]);
        assert_eq!(archive.train.classes(), folder.train.classes());
        assert_eq!(archive.train.labels(), folder.train.labels());
        assert_eq!(archive.test.labels(), [2]);
    }
    Ok(())
}

#[test]
fn hard_links_in_an_archive_are_files() -> Outcome {
    let root = TempDir::new()?;
    let mut bytes = Vec::new();
    member(&mut bytes, "train/a/1.png", b'0', &png(16, 16, 5));
    let link = |name: &str, target: &str| {
        let mut header = crate::common::header(name, b'1', 0);
        header[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    };
    bytes.extend(link("val/a/2.png", "train/a/1.png"));
    bytes.extend(link("val/a/3.png", "elsewhere.png"));
    bytes.extend([0; 1024]);
    let path = root.path().join("set.tar");
    for bytes in [bytes.clone(), gzip(&bytes)] {
        fs::write(&path, bytes)?;
        let data = load(&path)?;
        assert_eq!((data.train.len(), data.test.len()), (1, 1));
        assert_eq!(data.test.bytes(0)?, data.train.bytes(0)?);
        assert!(
            matches!(&data.notes[..], [Note::LinksInArchive { count: 1, first }] if first == "val/a/3.png")
        );
    }
    Ok(())
}

#[test]
fn numbers_as_names_are_told() -> Outcome {
    let root = TempDir::new()?;
    for class in 0..12 {
        write(root.path(), &format!("val/{class}/1.png"), &png(16, 16, class))?;
    }
    let data = load(root.path())?;
    assert_eq!(data.test.classes()[..4], ["0", "1", "10", "11"]);
    assert!(
        matches!(&data.notes[..], [Note::NumbersAsText { before, after }] if before == "11" && after == "2")
    );
    Ok(())
}

#[test]
fn an_odd_image_changes_itself_alone() -> Outcome {
    let root = small()?;
    write(root.path(), "val/c/2.png", &png(15, 16, 3))?;
    let plain = load(small()?.path())?;
    for limit in [None, Some(1)] {
        let limits = Limits { train: limit, test: limit };
        let data = folder::load(root.path(), Options { limits, ..Options::default() })?;
        assert_eq!((data.test.shape().width, data.test.shape().height), (16, 16));
        assert_eq!(data.test.bytes(0)?, plain.test.bytes(0)?);
        let is_told = matches!(&data.notes[..], [Note::OddSizes { side: 16, count: 1, size: [15, 16], .. }]);
        assert_eq!(is_told, limit.is_none(), "{:?}", data.notes);
    }
    Ok(())
}

#[test]
fn the_size_that_most_have_is_kept_where_it_is_asked_for() -> Outcome {
    let root = small()?;
    write(root.path(), "val/c/2.png", &png(50, 37, 3))?;
    let (kept, plain) =
        (folder::load(root.path(), Options { side: Some(16), ..Options::default() })?, load(root.path())?);
    for index in 0..2 {
        assert_eq!(kept.test.bytes(index)?, plain.test.bytes(index)?);
    }
    assert_eq!(kept.test.bytes(0)?[0], 3, "its own first pixel");
    assert_eq!(kept.notes, plain.notes);
    Ok(())
}

#[test]
fn enlarged_images_say_where_their_own_frequencies_end() -> Outcome {
    let root = small()?;
    let data = folder::load(root.path(), Options { side: Some(32), ..Options::default() })?;
    // 16 pixels become 37, of which 32 are cut out: waves of 2 · 37/16 pixels, 6.9 of them.
    assert_eq!(data.notes, [Note::Enlarged { from: 16, to: 37, side: 32, finest: 6 }]);
    let smaller = folder::load(root.path(), Options { side: Some(8), ..Options::default() })?;
    assert!(smaller.notes.is_empty(), "{:?}", smaller.notes);
    Ok(())
}
