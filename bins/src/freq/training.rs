//! Hybrids as training images.

use std::{path::Path, sync::atomic::AtomicBool};

use datasets::{Dataset, ImageSet, frequency};

use super::{HybridFiles, Maker, Part, folder};
use crate::{flags::DataFlags, terminal::Terminal};

/// The pairs are part of the data set, not of the run, so that runs of all seeds share their hybrids.
const SEED: u64 = 0;

/// The hybrids of a data set's training images, as many as it has; made first if they are not there.
///
/// # Errors
/// If they cannot be made or read, or are fewer.
pub(crate) fn training_images(
    dataset: &Dataset,
    (data, out_dir): (&DataFlags, &Path),
    (keep, radius): (Part, usize),
    terminal: Terminal,
    interrupt: &AtomicBool,
) -> anyhow::Result<ImageSet> {
    let root = folder(out_dir, data);
    let files = HybridFiles::at(&root, keep, radius);
    if !files.images.exists() {
        let maker = Maker { dataset, root, radius, seed: SEED, overwrite: false, terminal, interrupt };
        for made in maker.make(keep, &[])? {
            terminal.note(&format!("made {} {} first: {}", made.count, made.what, made.images.display()));
        }
    }
    Ok(frequency::load(&files.images, &files.labels, &dataset.train)?)
}
