//! Data sets of computed images: what is written is read, and what is damaged is told.

use std::{fs, path::Path};

use datasets::{
    BatchOptions, Error, ImageShape, Limits,
    generated::{self, Writer},
};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 2, width: 3 };

fn image(seed: usize) -> Vec<f32> {
    (0..18).map(|at| ((at * 7 + seed * 5) % 19) as f32 / 18.0).collect()
}

/// Four training images, written back to front, and two test images.
fn write(root: &Path) -> Result<(), Error> {
    let mut train = Writer::create(&root.join("train"), SHAPE, &[2, 0, 1, 2])?;
    (0..4).rev().try_for_each(|index| train.put(index, &image(index)))?;
    train.finish()?;
    let mut test = Writer::create(&root.join("test"), SHAPE, &[0, 1])?;
    (0..2).try_for_each(|index| test.put(index, &image(index + 9)))?;
    test.finish()
}

#[test]
fn what_is_written_is_read_bit_for_bit() -> Result<(), Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    write(root.path())?;
    let data = generated::load(root.path(), Limits::default())?;
    assert_eq!(data.train.labels(), [2, 0, 1, 2]);
    assert_eq!(data.train.classes(), ["0", "1", "2"]);
    let batch = data.train.batches(BatchOptions::default()).next().ok_or("a batch")??;
    assert_eq!(batch.images, (0..4).flat_map(image).collect::<Vec<_>>());
    let some = generated::load(root.path(), Limits { train: Some(2), test: None })?;
    assert_eq!((some.train.labels(), some.test.labels()), (&[2, 0][..], &[0, 1][..]));

    let file = npyz::NpyFile::new(fs::File::open(root.path().join("train/images.npy"))?)?;
    assert_eq!(file.shape(), [4, 3, 2, 3]);
    assert_eq!(fs::read_dir(root.path().join("train"))?.count(), 2, "nothing else is left");
    Ok(())
}

#[test]
fn what_is_not_finished_leaves_nothing() -> Result<(), Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let mut writer = Writer::create(root.path(), SHAPE, &[0, 0])?;
    writer.put(1, &image(1))?;
    let error = writer.finish().expect_err("an image is missing").to_string();
    assert!(error.contains("image 0 is missing"), "{error}");
    assert_eq!(fs::read_dir(root.path())?.count(), 0);
    Ok(())
}

#[test]
fn damaged_files_are_told_by_name() -> Result<(), Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let message = || generated::load(root.path(), Limits::default()).expect_err("refused").to_string();
    assert!(message().contains("train/images.npy"), "{}", message());
    write(root.path())?;
    let (images, labels) = (root.path().join("train/images.npy"), root.path().join("train/labels.npy"));
    let whole = fs::read(&images)?;

    fs::write(&images, &whole[..whole.len() - 1])?;
    assert!(message().contains("images.npy") && message().contains("[4, 3, 2, 3]"), "{}", message());
    for length in [0, 5, 9, 60, 127] {
        fs::write(&images, &whole[..length])?;
        assert!(message().contains("images.npy"), "{length}: {}", message());
    }
    let mut nan = whole.clone();
    let end = nan.len();
    nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&images, nan)?;
    assert!(message().contains("image 3") && message().contains("NaN"), "{}", message());
    // A header that claims more than memory holds.
    let mut huge = whole.clone();
    let shape = b"(4000000000, 3, 20000, 3), }";
    let at = whole.windows(12).position(|bytes| bytes == b"(4, 3, 2, 3)").ok_or("a shape")?;
    huge[at..at + shape.len()].copy_from_slice(shape);
    fs::write(&images, huge)?;
    assert!(message().contains("images.npy"), "{}", message());
    fs::write(&images, &whole)?;
    fs::write(&labels, &whole)?;
    assert!(message().contains("labels.npy") && message().contains("4 images"), "{}", message());
    Ok(())
}
