//! Hybrids as training images.

use std::path::Path;

use datasets::{Dataset, ImageSet, frequency};

use super::{HybridFiles, Maker, Origin, Part, folder};
use crate::{flags::DataFlags, launch::UnusableFlags, mask::MaskName, session::Session, terminal::Terminal};

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
    session: &Session,
) -> anyhow::Result<ImageSet> {
    let (terminal, interrupt) = (session.terminal, session.interrupt.as_ref());
    let root = folder(out_dir, data);
    let files = HybridFiles::at(&root, keep, radius);
    if !files.images.exists() {
        let maker = Maker {
            dataset,
            root,
            radius,
            mask: MaskName::Radial,
            seed: SEED,
            overwrite: false,
            terminal,
            interrupt,
        };
        for made in maker.make(keep, &[])? {
            terminal.note(&format!("made {} {} first: {}", made.count, made.what, made.images.display()));
        }
    }
    check(&files, dataset, radius, terminal)?;
    Ok(frequency::load(&files.images, &files.labels, &dataset.train)?)
}

/// Hybrids of other images are refused, those of other pairs are told.
fn check(files: &HybridFiles, dataset: &Dataset, radius: usize, terminal: Terminal) -> anyhow::Result<()> {
    let stored = std::fs::read(&files.origin).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let images = files.images.display();
    match stored {
        Some(Origin { images_checksum, seed }) if images_checksum == dataset.train.checksum() => {
            if seed != SEED {
                terminal.note(&format!(
                    "note: {images} was made with --seed {seed}, another run's would be of --seed {SEED}"
                ));
            }
            Ok(())
        }
        _ => Err(UnusableFlags(format!(
            "{images}: these hybrids were made of other images, or not finished; make them again with \
             generate_freq_dataset --r {radius} --overwrite and the same data flags"
        ))
        .into()),
    }
}
