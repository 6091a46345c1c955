//! Hybrids and copies: what they are, and what is not replaced.

use std::fs;

use crate::common::{Outcome, SIDE, assert_same, content, data, interrupted};
use datasets::{Dataset, frequency};
use derived::{
    Error,
    hybrids::{CopyFiles, HybridFiles, Maker, Part, training_images},
};
use progress::Progress;
use spectral::{Hybrid, Shape};

const RADIUS: usize = 3;

fn maker<'a>(data: &'a Dataset, folder: &std::path::Path) -> Maker<'a> {
    Maker { radius: RADIUS, ..Maker::new(data, folder) }
}

fn quiet() -> Progress {
    Progress::default()
}

#[test]
fn hybrids_and_copies_are_those_of_the_definition() -> Outcome {
    let (folder, data) = (tempfile::tempdir()?, data());
    let made = maker(&data, folder.path()).make(Part::Low, &[Part::High], &quiet())?;
    let files = HybridFiles::at(folder.path(), Part::Low, RADIUS);
    assert_eq!(
        (made[0].count, &made[0].images, made[0].donors.as_ref()),
        (16, &files.images, Some(&files.donors))
    );
    let hybrid = Hybrid::new(3, SIDE, SIDE, RADIUS)?;
    let hybrids = frequency::load(&files.images, &files.labels, &data.train)?;
    assert_eq!(hybrids.labels(), data.train.labels());
    for (image, donor) in frequency::read_numbers(&files.donors)?.into_iter().enumerate() {
        let donor = donor as usize;
        assert_ne!(data.train.labels()[image], data.train.labels()[donor]);
        // The image keeps its low part and its label.
        let expected = hybrid.apply(&data.train.bytes(donor)?, &data.train.bytes(image)?)?;
        assert_eq!(hybrids.bytes(image)?, expected, "hybrid {image}");
    }
    let files = CopyFiles::at(folder.path(), Part::High, RADIUS, Shape::Radial);
    let copies = frequency::load(&files.images, &files.labels, &data.test)?;
    assert_eq!(copies.bytes(7)?, hybrid.high_pass(&data.test.bytes(7)?)?);
    assert_eq!((made[1].count, made.len()), (8, 2));
    assert!(made.iter().all(|made| fs::metadata(&made.sheet).is_ok_and(|sheet| sheet.len() > 500)));
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_files() -> Outcome {
    let (folders, data) = ([tempfile::tempdir()?, tempfile::tempdir()?], data());
    for folder in &folders {
        maker(&data, folder.path()).make(Part::High, &[Part::Low, Part::High], &quiet())?;
    }
    let before = content(folders[0].path())?;
    // Three arrays with a sheet each, donors, their origin, two lists of labels and two locks.
    assert_eq!(before.len(), 12);
    assert_same(&before, &content(folders[1].path())?);
    let other = Maker { seed: 1, overwrite: true, ..maker(&data, folders[1].path()) };
    other.make(Part::High, &[], &quiet())?;
    let images = HybridFiles::at(folders[1].path(), Part::High, RADIUS).images;
    assert!(fs::read(images)? != before[std::path::Path::new("hybrid_high_3.npy")], "other pairs");
    Ok(())
}

#[test]
fn what_cannot_be_made_leaves_nothing() -> Outcome {
    let (root, data) = (tempfile::tempdir()?, data());
    let folder = root.path().join("set");
    let radius = Maker { radius: 9, ..maker(&data, &folder) }.make(Part::High, &[], &quiet());
    assert!(matches!(radius, Err(Error::Radius { radius: 9, most: 8, .. })), "{radius:?}");
    let mask = Maker { mask: Shape::Square, radius: 7, ..maker(&data, &folder) };
    let mask = mask.make(Part::High, &[Part::Low], &quiet());
    assert!(matches!(mask, Err(Error::Radius { mask: "square", most: 6, .. })), "{mask:?}");
    let mut one = data.clone();
    one.train.limit(1);
    let alone = maker(&one, &folder).make(Part::High, &[], &quiet());
    assert!(matches!(alone, Err(Error::Datasets(datasets::Error::NoDonors { .. }))), "{alone:?}");
    let stopped = maker(&data, &folder).make(Part::High, &[Part::Low], &interrupted());
    assert!(matches!(stopped, Err(Error::Interrupted(_))), "{stopped:?}");
    assert_eq!(fs::read_dir(root.path())?.count(), 0);
    Ok(())
}

#[test]
fn images_that_are_there_are_not_mixed_with_others() -> Outcome {
    let (folder, data) = (tempfile::tempdir()?, data());
    maker(&data, folder.path()).make(Part::High, &[Part::Low], &quiet())?;
    let before = content(folder.path())?;
    let again = maker(&data, folder.path()).make(Part::High, &[], &quiet());
    assert!(matches!(again, Err(Error::ImagesExist { .. })), "{again:?}");
    let mut fewer = data.clone();
    fewer.train.limit(10);
    let other = Maker { radius: 4, ..Maker::new(&fewer, folder.path()) };
    let mixed = other.make(Part::High, &[], &quiet());
    assert!(matches!(mixed, Err(Error::OtherLabels { .. })), "{mixed:?}");
    assert_same(&content(folder.path())?, &before);

    Maker { overwrite: true, ..other }.make(Part::High, &[], &quiet())?;
    assert!(!folder.path().join("hybrid_high_3.npy").exists(), "its labels are gone");
    assert!(folder.path().join("dft/test_data_low_3.npy").exists(), "the test images are the same");
    Ok(())
}

#[test]
fn training_images_are_made_once_and_never_of_other_images() -> Outcome {
    let (folder, data) = (tempfile::tempdir()?, data());
    let load = |data: &Dataset| training_images(data, folder.path(), Part::High, RADIUS, &quiet());
    let first = load(&data)?;
    assert_eq!((first.made.len(), first.seed, first.images.len()), (1, 0, 16));
    let second = load(&data)?;
    assert!(second.made.is_empty());
    assert_eq!(second.images.bytes(5)?, first.images.bytes(5)?);
    let mut fewer = data.clone();
    fewer.train.limit(10);
    let stale = load(&fewer);
    assert!(matches!(stale, Err(Error::StaleHybrids { radius: RADIUS, .. })), "{stale:?}");
    fs::write(&first.files.origin, b"[")?;
    let damaged = load(&data);
    assert!(matches!(damaged, Err(Error::StaleHybrids { .. })), "{damaged:?}");
    Maker { seed: 5, overwrite: true, ..maker(&data, folder.path()) }.make(Part::High, &[], &quiet())?;
    assert_eq!(load(&data)?.seed, 5);
    Ok(())
}
