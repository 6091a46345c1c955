//! Makes hybrids and filtered copies, and puts their files in place once all are there.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use datasets::{Dataset, ImageSet, ImageShape, frequency::Writer};
use progress::Progress;
use spectral::{Hybrid, Shape};

use super::{
    made::{Made, Pending},
    mask,
    names::{self, CopyFiles, HybridFiles, Origin, Part, RADIUS},
    place::Place,
    sheets,
};
use crate::{Error, source};

/// Images at a time.
const BATCH: usize = 1024;

/// What is made of a data set, and where it goes. All fields may be set; [`Maker::new`] has the published values.
#[derive(Debug, Clone)]
pub struct Maker<'a> {
    /// RGB images of one size, in memory or in files that can all be decoded.
    pub dataset: &'a Dataset,
    /// Where the files go; it is made if it is not there.
    pub folder: PathBuf,
    /// Low frequencies are closer than this to the zero frequency, in cycles per image.
    pub radius: usize,
    /// What "closer" means for the copies; hybrids are always those of discs, as published.
    pub mask: Shape,
    /// Decides who is whose donor.
    pub seed: u64,
    /// Whether files that are there may be replaced.
    pub overwrite: bool,
}

impl<'a> Maker<'a> {
    /// Of a data set into a folder: discs of radius [`RADIUS`], seed 0, and nothing is replaced.
    pub fn new(dataset: &'a Dataset, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { dataset, folder, radius: RADIUS, mask: Shape::Radial, seed: 0, overwrite: false }
    }

    /// Makes hybrids of the training images whose labels are those of the images that give `keep`, and copies of the test images
    /// that keep a part.
    ///
    /// # Errors
    /// If images are not RGB, a class has more than half of the training images, the radius leaves no high frequencies
    /// ([`Error::Radius`]), files are there and may not be replaced ([`Error::ImagesExist`], [`Error::OtherLabels`]), one cannot be
    /// written, or the interrupt flag is set ([`Error::Interrupted`]); then everything is as it was.
    pub fn make(&self, keep: Part, copies: &[Part], progress: &Progress) -> Result<Vec<Made>, Error> {
        source::check(self.dataset)?;
        let hybrid = self.plan(Shape::Radial)?;
        let copier = self.plan(self.mask)?;
        let donors = datasets::donors(self.dataset.train.labels(), self.seed)?;
        let place = self.place(keep, copies);
        place.may_write(self.overwrite)?;
        let _locks = place.take()?;
        let mut pending = vec![Pending {
            origin: Some(self.origin(keep)?),
            ..self.hybrids(&hybrid, keep, &donors, progress)?
        }];
        for &part in copies {
            pending.push(self.copies(&copier, part, progress)?);
        }
        place.replace(pending)
    }

    /// What hybrids are made of, and where that is noted.
    fn origin(&self, keep: Part) -> Result<(PathBuf, Vec<u8>), Error> {
        let path = HybridFiles::at(&self.folder, keep, self.radius).origin;
        let origin = Origin { images_checksum: self.dataset.train.checksum(), seed: self.seed };
        let content = serde_json::to_vec(&origin).map_err(Error::damaged(&path, "origin of hybrids"))?;
        Ok((path, content))
    }

    /// The radius must leave high frequencies.
    fn plan(&self, mask: Shape) -> Result<Hybrid, Error> {
        let ImageShape { channels, height, width } = self.dataset.train.shape();
        let (radius, most) = (self.radius, mask.farthest(height, width));
        if radius > most {
            return Err(Error::Radius { radius, mask: mask::name(mask), height, width, most });
        }
        Ok(Hybrid::shaped(mask, [channels, height, width], radius)?)
    }

    fn place(&self, keep: Part, copies: &[Part]) -> Place {
        let copies = copies.iter().map(|&part| self.copy_files(part)).collect();
        Place {
            folder: self.folder.clone(),
            hybrids: HybridFiles::at(&self.folder, keep, self.radius),
            hybrid_labels: names::labels(&self.dataset.train),
            copies,
            copy_labels: names::labels(&self.dataset.test),
        }
    }

    fn copy_files(&self, part: Part) -> CopyFiles {
        CopyFiles::at(&self.folder, part, self.radius, self.mask)
    }

    fn hybrids(
        &self,
        hybrid: &Hybrid,
        keep: Part,
        donors: &[usize],
        progress: &Progress,
    ) -> Result<Pending, Error> {
        let (set, files) = (&self.dataset.train, HybridFiles::at(&self.folder, keep, self.radius));
        // [high, low]: an image keeps its position and its label, whichever part it gives.
        let parts = |own: Vec<u8>, donors: Vec<u8>| match keep {
            Part::High => [own, donors],
            Part::Low => [donors, own],
        };
        let make = |positions: Range<usize>| -> Result<Vec<u8>, Error> {
            let own = gather(set, positions.clone())?;
            let [high, low] = parts(own, gather(set, donors[positions].iter().copied())?);
            Ok(hybrid.apply(&high, &low)?)
        };
        let what = format!("hybrids with the labels of their {} parts", keep.as_str());
        let writer = write(set, "hybrids", &files.images, progress, make)?;
        let shown = sheets::shown(set);
        let own = gather(set, shown.iter().copied())?;
        let [high, low] = parts(own, gather(set, shown.iter().map(|&at| donors[at]))?);
        let made = hybrid.apply(&high, &low)?;
        let rows = [("gives high part", high), ("gives low part", low), ("hybrid", made)];
        let sheet = sheets::sheet(format!("Hybrids at r = {}", self.radius), &what, set, rows)?;
        let HybridFiles { images, labels, donors: donor_file, sheet: stem, .. } = files;
        let made = Made { what, count: set.len(), images, labels, donors: Some(donor_file), sheet: stem };
        let donors = donors.iter().map(|&donor| donor as i64).collect();
        Ok(Pending { writer, labels: names::labels(set), donors, sheet, made, origin: None })
    }

    fn copies(&self, copier: &Hybrid, part: Part, progress: &Progress) -> Result<Pending, Error> {
        let (set, files) = (&self.dataset.test, self.copy_files(part));
        let filter = |images: &[u8]| match part {
            Part::Low => copier.low_pass(images),
            Part::High => copier.high_pass(images),
        };
        let what = format!("{}-pass copies of the test images", part.as_str());
        let make = |positions| Ok(filter(&gather(set, positions)?)?);
        let writer = write(set, &format!("{}-pass", part.as_str()), &files.images, progress, make)?;
        let images = gather(set, sheets::shown(set))?;
        let made = filter(&images)?;
        let rows = [("test image", images), (part.as_str(), made)];
        let title = format!("{}-pass at r = {}{}", part.as_str(), self.radius, mask::caption(self.mask));
        let sheet = sheets::sheet(title, &what, set, rows)?;
        let CopyFiles { images, labels, sheet: stem } = files;
        let made = Made { what, count: set.len(), images, labels, donors: None, sheet: stem };
        Ok(Pending { writer, labels: names::labels(set), donors: Vec::new(), sheet, made, origin: None })
    }
}

/// All images that `make` makes of positions in a set; while a batch is written, the next one is made.
fn write(
    set: &ImageSet,
    label: &str,
    path: &Path,
    progress: &Progress,
    make: impl Fn(Range<usize>) -> Result<Vec<u8>, Error> + Sync,
) -> Result<Writer, Error> {
    let mut writer = Writer::create(path, set.shape(), set.len())?;
    let pass = progress.pass(label, set.len());
    let mut made = Vec::new();
    for start in (0..set.len()).step_by(BATCH) {
        let end = set.len().min(start + BATCH);
        let (written, next) = rayon::join(|| writer.put(&made), || make(start..end));
        written?;
        made = next?;
        pass.advance(end - start);
        pass.check()?;
    }
    writer.put(&made)?;
    Ok(writer)
}

/// Images (N, C, H, W).
fn gather(set: &ImageSet, positions: impl IntoIterator<Item = usize>) -> Result<Vec<u8>, Error> {
    let positions = positions.into_iter();
    let mut images = Vec::with_capacity(positions.size_hint().0 * set.shape().len());
    for position in positions {
        images.extend_from_slice(&set.bytes(position)?);
    }
    Ok(images)
}
