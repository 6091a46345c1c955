//! What the two programs of CDES share: their flags, whose images a kernel set is of, and where it is kept.

pub(crate) mod events;
mod flags;
mod images;
mod pictures;
mod placing;
mod watcher;

pub(crate) use flags::{Experiment, KernelFlags, ToyData};
pub(crate) use images::{Images, Part, Scope, scopes};
pub(crate) use pictures::{class_sheet, density_curves, epoch_pictures};
pub(crate) use placing::{place, remove_folder};
pub(crate) use watcher::FitWatcher;
