//! Flags that say how a folder of images is laid out.

use std::path::PathBuf;

use clap::Args;
use datasets::folder::Layout;
use serde::Serialize;

use super::values::{between_zero_and_one, seed};

/// How images lie in a folder or an archive, as far as their names do not say it.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct LayoutFlags {
    /// A list of the labels of test images that lie in no folder of a class: `name class` a line, or a class a line in the order of names
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) val_labels: Option<PathBuf>,
    /// Which part of the images of each class is for testing, in a folder that has no images for that
    #[arg(long, value_name = "F", value_parser = between_zero_and_one)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) val_fraction: Option<f64>,
    /// Which images these are [default: 0, or those of the run that is measured]
    #[arg(long, value_name = "N", value_parser = seed)]
    #[serde(skip_serializing_if = "is_usual")]
    pub(crate) val_seed: Option<u64>,
    /// Follow links that lead out of the folder
    #[arg(long)]
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) follow_links: bool,
}

impl LayoutFlags {
    pub(crate) fn layout(self) -> Layout {
        let Self { val_labels, val_fraction, val_seed, follow_links } = self;
        let val_seed = val_seed.unwrap_or(0);
        Layout { follows_links: follow_links, val_labels, val_fraction, val_seed, ..Layout::default() }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_usual(seed: &Option<u64>) -> bool {
    seed.is_none_or(|seed| seed == 0)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !flag
}
