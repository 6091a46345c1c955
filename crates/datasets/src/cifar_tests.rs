//! Test sets for networks that have learned CIFAR: its test images with corruptions (CIFAR-10-C and CIFAR-100-C; Hendrycks and Dietterich, 2019),
//! and new ones (CIFAR-10.1; Recht et al., 2018). There is nothing to learn from.
//!
//! ```text
//! {root}/gaussian_noise.npy          (5·M, 32, 32, 3) u8: M images with each severity from 1 to 5
//! {root}/labels.npy                  (5·M)
//!
//! {root}/cifar10.1_v6_data.npy       (M, 32, 32, 3) u8; or v4
//! {root}/cifar10.1_v6_labels.npy     (M)
//! ```
//!
//! `root` is the folder of the files, or one that has them in `CIFAR-10-C/` (`CIFAR-100-C/`) or `datasets/`. Of a corrupted set it may be the
//! archive as it is downloaded, or a folder that has it.

mod corrupted;

use std::{ops::Range, path::Path, sync::Arc};

use self::corrupted::Place;
use crate::{
    ArchiveError, Corruption, Dataset, Error, ImageSet, ImageShape, Limits, Note, cifar::names, class_names,
    npy::Stream, packed::Packed, planes::Layout,
};

/// What to do about a file of these sets that is not as published.
const AGAIN: &str = "fetch or copy it again";

const SEVERITIES: usize = 5;

/// The versions of CIFAR-10.1, the usual one first.
const VERSIONS: [&str; 2] = ["v6", "v4"];

/// Reads the images of CIFAR-10-C with a corruption: 10,000 for each severity, in CIFAR's order, as test images.
///
/// ```
/// use datasets::{Limits, cifar_tests, frequency::{Writer, write_numbers}, ImageShape};
/// let root = tempfile::tempdir()?;
/// let mut writer = Writer::create(&root.path().join("fog.npy"), ImageShape::RGB32, 5)?;
/// (1..=5).try_for_each(|severity| writer.put(&[severity; 3072]))?;
/// writer.finish()?;
/// write_numbers(&root.path().join("labels.npy"), &[3; 5])?;
/// let data = cifar_tests::load_cifar10_c(root.path(), Some(&"fog:4".parse()?), Limits::default())?;
/// assert_eq!((data.train.len(), data.test.labels(), data.test.bytes(0)?[0]), (0, &[3][..], 4));
/// // Without a corruption the error says which there are.
/// let error = cifar_tests::load_cifar10_c(root.path(), None, Limits::default()).unwrap_err();
/// assert!(error.to_string().ends_with("there are fog"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NoFiles`] with the places looked at; [`Error::Corruption`] if none is named, or one that is not there; [`Error::Read`],
/// [`Error::Content`] or [`Error::Archive`] about one of the files.
pub fn load_cifar10_c(
    root: impl AsRef<Path>,
    corruption: Option<&Corruption>,
    limits: Limits,
) -> Result<Dataset, Error> {
    let place = Place::find(root.as_ref(), "CIFAR-10-C")?;
    corrupted(&place, "cifar10-c", &names::CIFAR10, corruption, limits)
}

/// Reads the images of CIFAR-100-C with a corruption: as [`load_cifar10_c`], with the 100 classes of CIFAR-100.
///
/// # Errors
/// As [`load_cifar10_c`].
pub fn load_cifar100_c(
    root: impl AsRef<Path>,
    corruption: Option<&Corruption>,
    limits: Limits,
) -> Result<Dataset, Error> {
    let place = Place::find(root.as_ref(), "CIFAR-100-C")?;
    corrupted(&place, "cifar100-c", &names::CIFAR100_FINE, corruption, limits)
}

/// Reads CIFAR-10.1: 2,000 images of version 6, or 2,021 of version 4, as test images.
///
/// # Errors
/// [`Error::NoFiles`] with the places looked at; [`Error::Read`] or [`Error::Content`] about one of the files.
pub fn load_cifar10_1(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    let root = root.as_ref();
    let root = if root.is_file() { root.parent().unwrap_or(root) } else { root };
    let images = |folder: &Path, version: &str| folder.join(format!("cifar10.1_{version}_data.npy"));
    let folders = [root.to_path_buf(), root.join("datasets")];
    let has = |folder: &Path| VERSIONS.map(|version| images(folder, version).is_file());
    let folder = folders.iter().find(|folder| has(folder).contains(&true)).ok_or_else(|| {
        let looked = folders.iter().map(|folder| images(folder, VERSIONS[0])).collect();
        Error::NoFiles { name: "CIFAR-10.1", looked }
    })?;
    let [newest, older] = VERSIONS;
    let both = || Note::OneOfTwo { taken: newest.to_owned(), left: older.to_owned() };
    let (version, notes) = match has(folder) {
        [true, true] => (newest, vec![both()]),
        [true, false] => (newest, Vec::new()),
        [false, _] => (older, Vec::new()),
    };
    let mut test = Test::new(&names::CIFAR10, None, limits.test);
    open(&images(folder, version), |array| test.take_images(array))?;
    open(&folder.join(format!("cifar10.1_{version}_labels.npy")), |array| test.take_labels(array))?;
    test.dataset("cifar10.1", root, notes)
}

fn corrupted(
    place: &Place,
    name: &str,
    classes: &[&str],
    corruption: Option<&Corruption>,
    limits: Limits,
) -> Result<Dataset, Error> {
    let known = place.corruptions()?;
    let is_known = |corruption: &&Corruption| known.contains(&corruption.name);
    let Some(Corruption { name: of_file, severity }) = corruption.filter(is_known) else {
        let found = corruption.map(|corruption| corruption.name.clone());
        return Err(Error::Corruption { path: place.path().to_path_buf(), found, known });
    };
    let mut test = Test::new(classes, *severity, limits.test);
    place.read(&[of_file, corrupted::LABELS], |name, array| match name {
        corrupted::LABELS => test.take_labels(array),
        _ => test.take_images(array),
    })?;
    test.dataset(name, place.path(), Vec::new())
}

/// What is read of test images so far.
struct Test {
    classes: Arc<[String]>,
    /// Of five that stand one after the other.
    severity: Option<u8>,
    limit: Option<usize>,
    /// All images of the file, and the pixels of those that are taken.
    images: Option<(usize, Vec<u8>)>,
    /// All labels of the file, and those that are taken.
    labels: Option<(usize, Vec<u32>)>,
}

impl Test {
    fn new(classes: &[&str], severity: Option<u8>, limit: Option<usize>) -> Self {
        Self { classes: class_names::usual(classes), severity, limit, images: None, labels: None }
    }

    fn take_images(&mut self, array: Stream<'_>) -> Result<(), Error> {
        let &[count, 32, 32, 3] = array.shape() else {
            return Err(array.refused("images (N, 32, 32, 3) of u8", AGAIN));
        };
        let rows = self.rows(count, &array)?;
        let ImageShape { height, width, .. } = ImageShape::RGB32;
        let pixels = Layout::Interleaved.arranged(array.bytes(rows)?, [height, width]);
        self.images = Some((count, pixels));
        Ok(())
    }

    fn take_labels(&mut self, array: Stream<'_>) -> Result<(), Error> {
        let &[count] = array.shape() else { return Err(array.refused("labels (N)", AGAIN)) };
        let (rows, path) = (self.rows(count, &array)?, array.path().to_path_buf());
        let (first, classes) = (rows.start, self.classes.len());
        let label = |(index, &number): (usize, &i64)| {
            let label = u32::try_from(number).ok().filter(|&label| (label as usize) < classes);
            label.ok_or_else(|| Error::Content {
                path: path.clone(),
                found: format!("label {number} of image {}", first + index),
                expected: format!("0 to {}", classes - 1),
                remedy: AGAIN,
            })
        };
        let labels: Vec<u32> = array.whole(rows)?.iter().enumerate().map(label).collect::<Result<_, _>>()?;
        // A thousand images of a hundred classes are not all of the first ten.
        if classes > 10 && labels.len() >= 1000 && labels.iter().all(|&label| label < 10) {
            return Err(Error::Content {
                path,
                found: "labels from 0 to 9".to_owned(),
                expected: format!("those of {classes} classes"),
                remedy: "it belongs to CIFAR-10-C",
            });
        }
        self.labels = Some((count, labels));
        Ok(())
    }

    /// Those that are taken of so many.
    fn rows(&self, count: usize, array: &Stream<'_>) -> Result<Range<usize>, Error> {
        let all = match self.severity {
            Some(severity) if count.is_multiple_of(SEVERITIES) => {
                let each = count / SEVERITIES;
                each * (usize::from(severity) - 1)..each * usize::from(severity)
            }
            Some(_) => return Err(array.refused("as many rows for each of five severities", AGAIN)),
            None => 0..count,
        };
        let taken = self.limit.map_or(all.len(), |limit| limit.min(all.len()));
        Ok(all.start..all.start + taken)
    }

    fn dataset(self, name: &str, root: &Path, notes: Vec<Note>) -> Result<Dataset, Error> {
        let missing = |what: &str| {
            Error::Archive(ArchiveError::Missing { path: root.to_path_buf(), member: what.to_owned() })
        };
        let (images, pixels) = self.images.ok_or_else(|| missing("images"))?;
        let (labels, numbers) = self.labels.ok_or_else(|| missing("labels.npy"))?;
        if images != labels {
            return Err(Error::Content {
                path: root.to_path_buf(),
                found: format!("{labels} labels"),
                expected: format!("one for each of {images} images"),
                remedy: AGAIN,
            });
        }
        let set = |pixels: Vec<u8>, labels| {
            ImageSet::new(pixels, labels, Arc::clone(&self.classes), ImageShape::RGB32)
        };
        let (train, test) = (set(Vec::new(), Vec::new())?, set(pixels, numbers)?);
        Ok(Dataset { name: name.to_owned(), train, test, notes })
    }
}

fn open(path: &Path, take: impl FnOnce(Stream<'_>) -> Result<(), Error>) -> Result<(), Error> {
    let (content, size) = Packed::open(path)?;
    let size = content.is_plain().then_some(size);
    take(Stream::open(path, content, size)?)
}
