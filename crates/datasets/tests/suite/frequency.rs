//! Images of bytes in the published layout: what is written is read, and what is damaged is told.

use std::{fs, path::PathBuf};

use datasets::{
    Error, ImageSet, ImageShape,
    frequency::{self, Writer},
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const SHAPE: ImageShape = ImageShape { channels: 3, height: 2, width: 3 };

fn bytes(count: usize) -> Vec<u8> {
    (0..count * 18).map(|at| (at * 7 % 251) as u8).collect()
}

/// A set to be like: three images, the classes a, b and c.
fn original() -> Result<ImageSet, Error> {
    let classes = ["a", "b", "c"].map(String::from);
    ImageSet::new(vec![0; 54], vec![0, 0, 0], classes.into(), SHAPE)
}

struct Files {
    _folder: tempfile::TempDir,
    images: PathBuf,
    labels: PathBuf,
}

/// Four images with their labels.
fn files() -> Result<Files, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let [images, labels] = ["images.npy", "labels.npy"].map(|name| folder.path().join(name));
    let mut writer = Writer::create(&images, SHAPE, 4)?;
    writer.put(&bytes(4)[..18])?;
    writer.put(&bytes(4)[18..])?;
    writer.finish()?;
    frequency::write_numbers(&labels, &[2, 0, 1, 2])?;
    Ok(Files { _folder: folder, images, labels })
}

#[test]
fn what_is_written_is_read() -> Outcome {
    let files = files()?;
    let set = frequency::load(&files.images, &files.labels, &original()?)?;
    assert_eq!((set.labels(), set.classes()), (&[2, 0, 1][..], original()?.classes()));
    for index in 0..3 {
        assert_eq!(*set.bytes(index).unwrap(), bytes(4)[index * 18..][..18]);
    }
    let file = npyz::NpyFile::new(fs::File::open(&files.images)?)?;
    assert_eq!(file.shape(), [4, 2, 3, 3]);
    let stored = file.into_vec::<u8>()?;
    // Row 1, column 2 of image 1: its three channels.
    assert_eq!(stored[18 + 5 * 3..][..3], [18 + 5, 18 + 11, 18 + 17].map(|at| bytes(4)[at]));
    assert_eq!(npyz::NpyFile::new(fs::File::open(&files.labels)?)?.into_vec::<i64>()?, [2, 0, 1, 2]);
    Ok(())
}

#[test]
fn what_is_not_finished_leaves_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("images.npy");
    let mut writer = Writer::create(&path, SHAPE, 3)?;
    writer.put(&bytes(1))?;
    for wrong in [bytes(3), bytes(1)[..17].to_vec()] {
        let error = writer.put(&wrong).expect_err("refused").to_string();
        assert!(error.contains("2 images of 3×2×3 are missing"), "{error}");
    }
    let error = writer.finish().expect_err("two images are missing").to_string();
    assert!(error.contains("images.npy") && error.contains("last 2 images"), "{error}");
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn damaged_files_are_told_by_name() -> Outcome {
    let Files { images, labels, _folder } = files()?;
    let message = || match frequency::load(&images, &labels, &original().expect("three images")) {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    };
    frequency::write_numbers(&labels, &[2, 0, 3, 1])?;
    assert!(message().contains("label 3 of image 2") && message().contains("0 to 2"), "{}", message());
    frequency::write_numbers(&labels, &[2, 0, -1, 1])?;
    assert!(message().contains("label -1"), "{}", message());
    frequency::write_numbers(&labels, &[2, 0, 1])?;
    assert!(message().contains("labels.npy: found 3 labels"), "{}", message());
    let whole = fs::read(&images)?;
    fs::write(&images, &whole[..whole.len() - 1])?;
    assert!(message().contains("images.npy"), "{}", message());
    frequency::write_numbers(&images, &[1])?;
    assert!(message().contains("u8 [3, 2, 3, 3]"), "{}", message());
    fs::remove_file(&images)?;
    assert!(message().contains("images.npy"), "{}", message());
    Ok(())
}
