//! Makes hybrids and filtered copies, and puts their files in place once all are there.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::Context;
use datasets::{
    Dataset, ImageSet, ImageShape,
    frequency::{self, Writer},
};
use plots::ContactSheet;
use serde::Serialize;
use spectral::Hybrid;
use training::FolderLock;

use super::{CopyFiles, HybridFiles, Origin, Part, sheets};
use crate::{interrupt::Interrupted, launch::UnusableFlags, mask::MaskName, terminal::Terminal};

/// Images at a time.
const BATCH: usize = 1024;

/// What is made of a data set, and where it goes.
pub(crate) struct Maker<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) root: PathBuf,
    pub(crate) radius: usize,
    /// Of the copies.
    pub(crate) mask: MaskName,
    /// Decides who is whose donor.
    pub(crate) seed: u64,
    pub(crate) overwrite: bool,
    pub(crate) terminal: Terminal,
    pub(crate) interrupt: &'a AtomicBool,
}

/// A file of images that is in its place.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    /// What they are.
    pub(crate) what: String,
    pub(crate) count: usize,
    pub(crate) images: PathBuf,
    pub(crate) labels: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) donors: Option<PathBuf>,
    pub(crate) sheet: PathBuf,
}

/// Images that are written aside, and what goes with them.
struct Pending {
    writer: Writer,
    made: Made,
    labels: Vec<i64>,
    donors: Vec<i64>,
    sheet: ContactSheet,
}

impl Maker<'_> {
    /// Hybrids of the training images whose labels are those of the images that give `keep`, and copies of the test images
    /// that keep a part.
    ///
    /// # Errors
    /// If there is no such pairing or no such radius, files are there and may not be replaced, one cannot be written, or
    /// Ctrl-C stops it; then everything is as it was.
    pub(crate) fn make(&self, keep: Part, copies: &[Part]) -> anyhow::Result<Vec<Made>> {
        let hybrid = self.plan(MaskName::Radial)?;
        let copier = self.plan(self.mask)?;
        let donors = datasets::donors(self.dataset.train.labels(), self.seed);
        let donors = donors.map_err(|error| UnusableFlags(error.to_string()))?;
        self.may_write(keep, copies)?;
        let _locks = self.folders(copies)?;
        let mut pending = vec![self.hybrids(&hybrid, keep, &donors)?];
        for &part in copies {
            pending.push(self.copies(&copier, part)?);
        }
        self.remove_other_images(&pending)?;
        // Hybrids without an origin count as stale: there is none while they are replaced.
        let path = HybridFiles::at(&self.root, keep, self.radius).origin;
        if path.exists() {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
        let made = pending.into_iter().map(Pending::finish).collect::<anyhow::Result<_>>()?;
        let origin = Origin { images_checksum: self.dataset.train.checksum(), seed: self.seed };
        training::write_atomically(&path, &serde_json::to_vec(&origin)?)?;
        Ok(made)
    }

    /// The radius must leave high frequencies.
    fn plan(&self, mask: MaskName) -> anyhow::Result<Hybrid> {
        let ImageShape { channels, height, width } = self.dataset.train.shape();
        if self.radius > mask.shape().farthest(height, width) {
            return Err(UnusableFlags(mask.refusal(self.radius, [height, width])).into());
        }
        Ok(Hybrid::shaped(mask.shape(), [channels, height, width], self.radius)?)
    }

    fn may_write(&self, keep: Part, copies: &[Part]) -> anyhow::Result<()> {
        let hybrids = HybridFiles::at(&self.root, keep, self.radius);
        let copies = copies.iter().map(|&part| CopyFiles::at(&self.root, part, self.radius, self.mask));
        let copies = copies.map(|files| (files.images, files.labels, &self.dataset.test));
        for (images, labels, set) in
            [(hybrids.images, hybrids.labels, &self.dataset.train)].into_iter().chain(copies)
        {
            let found = if images.exists() {
                format!("{}: there are such images already", images.display())
            } else if is_of_others(&labels, &numbers(set)) {
                format!("{}: the labels of other images, which are in this folder", labels.display())
            } else {
                continue;
            };
            if !self.overwrite {
                return Err(UnusableFlags(format!(
                    "{found}; replace them with --overwrite, or choose another --out-dir"
                ))
                .into());
            }
        }
        Ok(())
    }

    /// The folders, each this program's alone.
    fn folders(&self, copies: &[Part]) -> anyhow::Result<Vec<FolderLock>> {
        let copies =
            copies.first().map(|&part| CopyFiles::at(&self.root, part, self.radius, self.mask).images);
        let below = copies.as_deref().and_then(Path::parent);
        let each = [Some(self.root.as_path()), below].into_iter().flatten();
        let mut locks: Vec<FolderLock> =
            each.map(|folder| Ok(FolderLock::take(folder)?)).collect::<anyhow::Result<_>>()?;
        // Given up from within: the outer folder goes only once the inner one has.
        locks.reverse();
        Ok(locks)
    }

    fn hybrids(&self, hybrid: &Hybrid, keep: Part, donors: &[usize]) -> anyhow::Result<Pending> {
        let (set, files) = (&self.dataset.train, HybridFiles::at(&self.root, keep, self.radius));
        // [high, low]: an image keeps its place and its label, whichever part it gives.
        let parts = |own: Vec<u8>, donors: Vec<u8>| match keep {
            Part::High => [own, donors],
            Part::Low => [donors, own],
        };
        let make = |places: Range<usize>| -> anyhow::Result<Vec<u8>> {
            let [high, low] =
                parts(gather(set, places.clone())?, gather(set, donors[places].iter().copied())?);
            Ok(hybrid.apply(&high, &low)?)
        };
        let what = format!("hybrids with the labels of their {} parts", keep.as_str());
        let writer = self.write(set, "hybrids", &files.images, make)?;
        let shown = sheets::shown(set);
        let [high, low] =
            parts(gather(set, shown.iter().copied())?, gather(set, shown.iter().map(|&at| donors[at]))?);
        let made = hybrid.apply(&high, &low)?;
        let rows = [("gives high part", high), ("gives low part", low), ("hybrid", made)];
        let sheet = sheets::sheet(format!("Hybrids at r = {}", self.radius), &what, set, rows)?;
        Ok(Pending {
            writer,
            labels: numbers(set),
            donors: donors.iter().map(|&donor| donor as i64).collect(),
            sheet,
            made: Made {
                what,
                count: set.len(),
                images: files.images,
                labels: files.labels,
                donors: Some(files.donors),
                sheet: files.sheet,
            },
        })
    }

    fn copies(&self, copier: &Hybrid, part: Part) -> anyhow::Result<Pending> {
        let (set, files) = (&self.dataset.test, CopyFiles::at(&self.root, part, self.radius, self.mask));
        let filter = |images: &[u8]| match part {
            Part::Low => copier.low_pass(images),
            Part::High => copier.high_pass(images),
        };
        let what = format!("{}-pass copies of the test images", part.as_str());
        let make = |places| Ok(filter(&gather(set, places)?)?);
        let writer = self.write(set, &format!("{}-pass", part.as_str()), &files.images, make)?;
        let images = gather(set, sheets::shown(set))?;
        let made = filter(&images)?;
        let rows = [("test image", images), (part.as_str(), made)];
        let title = format!("{}-pass at r = {}{}", part.as_str(), self.radius, self.mask.caption());
        let sheet = sheets::sheet(title, &what, set, rows)?;
        let CopyFiles { images, labels, sheet: stem } = files;
        let made = Made { what, count: set.len(), images, labels, donors: None, sheet: stem };
        Ok(Pending { writer, labels: numbers(set), donors: Vec::new(), sheet, made })
    }

    /// All images that `make` makes of places in a set; while a batch is written, the next one is made.
    fn write(
        &self,
        set: &ImageSet,
        label: &str,
        path: &Path,
        make: impl Fn(Range<usize>) -> anyhow::Result<Vec<u8>> + Sync,
    ) -> anyhow::Result<Writer> {
        let mut writer = Writer::create(path, set.shape(), set.len())?;
        let bar = self.terminal.images_bar(set.len(), label.to_owned());
        let mut made = Vec::new();
        for start in (0..set.len()).step_by(BATCH) {
            let end = set.len().min(start + BATCH);
            let (written, next) = rayon::join(|| writer.put(&made), || make(start..end));
            written?;
            made = next?;
            bar.inc((end - start) as u64);
            if self.interrupt.load(Ordering::SeqCst) {
                bar.finish_and_clear();
                let message = "stopped; nothing half-written is left; give the same command to start again";
                return Err(Interrupted(message.to_owned()).into());
            }
        }
        writer.put(&made)?;
        bar.finish_and_clear();
        Ok(writer)
    }

    /// Removes what is to be replaced: with other labels all that they belonged to.
    fn remove_other_images(&self, pending: &[Pending]) -> anyhow::Result<()> {
        for Pending { made, labels, .. } in pending {
            if !is_of_others(&made.labels, labels) {
                continue;
            }
            let folder = made.labels.parent().unwrap_or(&self.root);
            for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
                let path = entry.with_context(|| folder.display().to_string())?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if is_ours(&name) {
                    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                }
            }
            fs::remove_file(&made.labels)
                .with_context(|| format!("cannot remove {}", made.labels.display()))?;
        }
        Ok(())
    }
}

impl Pending {
    /// Puts the files in their places, the images last: where they are, everything is.
    fn finish(self) -> anyhow::Result<Made> {
        let Self { writer, mut made, labels, donors, sheet } = self;
        if made.images.exists() {
            fs::remove_file(&made.images)
                .with_context(|| format!("cannot remove {}", made.images.display()))?;
        }
        frequency::write_numbers(&made.labels, &labels)?;
        if let Some(path) = &made.donors {
            frequency::write_numbers(path, &donors)?;
        }
        made.sheet = sheet.save(&made.sheet)?;
        writer.finish()?;
        Ok(made)
    }
}

fn numbers(set: &ImageSet) -> Vec<i64> {
    set.labels().iter().copied().map(i64::from).collect()
}

/// Whether a file's name is one that [`HybridFiles`] and [`CopyFiles`] give to images, donors and sheets.
fn is_ours(name: &str) -> bool {
    let has_stem = ["hybrid_high_", "hybrid_low_", "test_data_high_", "test_data_low_"];
    has_stem.iter().any(|stem| name.starts_with(stem)) && (name.ends_with(".npy") || name.ends_with(".png"))
}

/// Whether a file of labels is there and has others; a damaged one has.
fn is_of_others(path: &Path, labels: &[i64]) -> bool {
    path.exists() && frequency::read_numbers(path).map_or(true, |found| found != labels)
}

/// Images (N, C, H, W).
fn gather(set: &ImageSet, places: impl IntoIterator<Item = usize>) -> anyhow::Result<Vec<u8>> {
    let places = places.into_iter();
    let mut images = Vec::with_capacity(places.size_hint().0 * set.shape().len());
    for place in places {
        images.extend_from_slice(&set.bytes(place)?);
    }
    Ok(images)
}
