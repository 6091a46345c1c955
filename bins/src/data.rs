//! The data set that the flags name.

use std::path::Path;

use datasets::{
    Augmentation, BatchOptions, Batches, Dataset, ImageSet, Limits, Order, cifar, folder, generated,
    synthetic::Synthetic,
};
use models::Normaliser;

use crate::{
    download::{self, Archive},
    flags::{DataFlags, DatasetName, OnCorrupt},
    launch::{UnusableFlags, must_exist},
    terminal::{self, Terminal},
};

/// Size of the synthetic set: enough for a ResNet to learn from, small enough for minutes on two cores.
const SYNTHETIC_TRAIN: usize = 4000;
const SYNTHETIC_TEST: usize = 1000;

/// The seed of the synthetic images: part of the data set, not of the run, so that runs share their images.
const SYNTHETIC_SEED: u64 = 0;

/// Images per batch while training, and while differentiating with respect to pixels.
const TRAINING_BATCH: usize = 128;
const SYNTHETIC_BATCH: usize = 64;
const GRADIENT_BATCH: usize = 64;

/// Images per training batch: `--batch-size`, or 128, or 64 of the small synthetic set.
pub(crate) fn training_batch_size(flags: &DataFlags) -> usize {
    let is_synthetic = flags.dataset == DatasetName::Synthetic;
    flags.batch_size.unwrap_or(if is_synthetic { SYNTHETIC_BATCH } else { TRAINING_BATCH })
}

/// Images per batch of pixel gradients: `--batch-size`, or 64.
pub(crate) fn gradient_batch_size(flags: &DataFlags) -> usize {
    flags.batch_size.unwrap_or(GRADIENT_BATCH)
}

/// Opens the data set, or as much of it as `--limit-train` and `--limit-test` ask for.
///
/// # Errors
/// If it is not where `--data` says, cannot be read, or has no test images.
pub(crate) fn open(flags: &DataFlags) -> anyhow::Result<Dataset> {
    let dataset = open_any(flags)?;
    if dataset.test.is_empty() {
        let data = flags.images.data.as_deref().unwrap_or(Path::new("")).display();
        return Err(UnusableFlags(format!(
            "--data {data}: there are no test images, and nothing to measure on; expected a folder test/ or val/ beside train/"
        ))
        .into());
    }
    Ok(dataset)
}

/// The same, with or without test images.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_any(flags: &DataFlags) -> anyhow::Result<Dataset> {
    if let (DatasetName::Synthetic, Some(data)) = (flags.dataset, &flags.images.data) {
        let data = data.display();
        terminal::note(&format!(
            "note: --data {data} is not used: --dataset is synthetic, which is generated"
        ));
    }
    if flags.images.download && !can_fetch(flags.dataset) {
        let name = flags.dataset.as_str();
        return Err(UnusableFlags(format!(
            "--download: {name} cannot be fetched, only cifar10 and cifar100"
        ))
        .into());
    }
    let limits = Limits { train: flags.images.limit_train, test: flags.images.limit_test };
    let dataset = match flags.dataset {
        DatasetName::Synthetic => synthetic(flags),
        DatasetName::Cifar10 => {
            of_cifar(flags, &Archive::cifar10(), &|root| cifar::load_cifar10(root, limits))?
        }
        DatasetName::Cifar100 => {
            let load = |root: &Path| cifar::load_cifar100(root, flags.images.labels.into(), limits);
            of_cifar(flags, &Archive::cifar100(), &load)?
        }
        DatasetName::Generated => generated::load(root(flags)?, limits)?,
        DatasetName::Folder => folder::load(root(flags)?, folder_options(flags, limits))?,
        DatasetName::ImageNet => folder::load_imagenet(root(flags)?, folder_options(flags, limits))?,
        DatasetName::ResIn => folder::load_restricted_imagenet(root(flags)?, folder_options(flags, limits))?,
    };
    dataset.notes.iter().for_each(|note| terminal::note(&format!("note: {note}")));
    Ok(dataset)
}

/// Opens the data set and decodes all of its images into memory.
///
/// # Errors
/// As [`open`], and if an image cannot be decoded.
pub(crate) fn open_in_memory(flags: &DataFlags) -> anyhow::Result<Dataset> {
    let dataset = open(flags)?;
    Ok(Dataset { train: dataset.train.decoded()?, test: dataset.test.decoded()?, ..dataset })
}

/// Opens the data set so that every image of it can be read at any time: where damaged ones are to be left out, all are decoded to
/// know which these are.
///
/// # Errors
/// As [`open_in_memory`].
pub(crate) fn open_sound(flags: &DataFlags) -> anyhow::Result<Dataset> {
    match flags.images.on_corrupt {
        OnCorrupt::Error => open(flags),
        OnCorrupt::Skip => open_in_memory(flags),
    }
}

/// Says which images were left out.
pub(crate) fn tell_left_out(dataset: &Dataset, terminal: Terminal) {
    let left_out = [left_out(&dataset.train), left_out(&dataset.test)].concat();
    if let Some(words) = left_out_words(&left_out) {
        terminal.note(&format!("note: {words}"));
    }
}

/// The files that were left out so far, and what is wrong with each.
pub(crate) fn left_out(set: &ImageSet) -> Vec<String> {
    // The advice to leave them out is taken already.
    let problem = |text: String| text.split("; remove it").next().unwrap_or_default().to_owned();
    set.left_out().into_iter().map(problem).collect()
}

/// How many were left out, and the first; nothing where none was.
pub(crate) fn left_out_words(left_out: &[String]) -> Option<String> {
    let first = left_out.first()?;
    Some(match left_out.len() {
        1 => format!("1 damaged image was left out: {first}"),
        count => format!("{count} damaged images were left out; the first: {first}"),
    })
}

/// CIFAR from `--data`, or from where it is fetched to.
fn of_cifar(
    flags: &DataFlags,
    archive: &Archive,
    load: &dyn Fn(&Path) -> Result<Dataset, datasets::Error>,
) -> anyhow::Result<Dataset> {
    if !flags.images.download {
        return Ok(load(root(flags)?)?);
    }
    let folder = flags.images.data.clone().map_or_else(download::cache, Ok)?;
    let archive = archive.clone().at(flags.images.mirror.as_deref());
    match load(&folder) {
        Err(datasets::Error::NotFound { .. }) => {
            terminal::note(&format!(
                "fetching {}/{} into {}",
                archive.server,
                archive.name,
                folder.display()
            ));
            Ok(load(&download::fetch(&archive, &folder, Terminal::new(false))?)?)
        }
        loaded => Ok(loaded?),
    }
}

fn folder_options(flags: &DataFlags, limits: Limits) -> folder::Options {
    folder::Options { side: flags.images.image_size, limits, on_corrupt: flags.images.on_corrupt.into() }
}

fn can_fetch(dataset: DatasetName) -> bool {
    matches!(dataset, DatasetName::Cifar10 | DatasetName::Cifar100)
}

/// The normaliser that networks trained on this data set carry.
pub(crate) fn normaliser(dataset: DatasetName) -> Normaliser {
    match dataset {
        DatasetName::Synthetic | DatasetName::Cifar10 | DatasetName::Generated => Normaliser::CIFAR10,
        DatasetName::Cifar100 => Normaliser::CIFAR100,
        DatasetName::Folder | DatasetName::ImageNet | DatasetName::ResIn => Normaliser::IMAGENET,
    }
}

/// The training images of an epoch: shuffled and augmented, from batch `start` on.
pub(crate) fn training_batches(
    set: &ImageSet,
    flags: &DataFlags,
    seed: u64,
    epoch: usize,
    start: usize,
    pixels: bool,
) -> Batches {
    let options = BatchOptions {
        batch_size: training_batch_size(flags),
        order: Order::Shuffled { seed, epoch: epoch as u64 },
        augmentation: Some(Augmentation::default()),
        start_batch: start,
        workers: flags.workers,
        drop_last: false,
        pixels,
    };
    set.batches(options)
}

/// The same images as [`test_batches`], in batches without their pixels.
pub(crate) fn test_indices(set: &ImageSet, batch_size: usize) -> Batches {
    set.batches(BatchOptions { batch_size, pixels: false, ..BatchOptions::default() })
}

/// All images in the set's own order.
pub(crate) fn test_batches(set: &ImageSet, batch_size: usize, workers: usize) -> Batches {
    set.batches(BatchOptions { batch_size, workers, ..BatchOptions::default() })
}

fn synthetic(flags: &DataFlags) -> Dataset {
    let train = flags.images.limit_train.map_or(SYNTHETIC_TRAIN, |limit| limit.min(SYNTHETIC_TRAIN));
    let test = flags.images.limit_test.map_or(SYNTHETIC_TEST, |limit| limit.min(SYNTHETIC_TEST));
    Synthetic { seed: SYNTHETIC_SEED, train, test }.generate()
}

fn root(flags: &DataFlags) -> anyhow::Result<&Path> {
    let missing = || {
        format!(
            "--dataset {} needs --data DIR (or FREQBIAS_DATA): the folder that holds its files{}",
            flags.dataset.as_str(),
            if can_fetch(flags.dataset) { "; or --download, which fetches them" } else { "" }
        )
    };
    let root = flags.images.data.as_deref().ok_or_else(|| UnusableFlags(missing()))?;
    must_exist("--data", root)?;
    Ok(root)
}
