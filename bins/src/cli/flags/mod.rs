//! The flags that several programs share. Two-word flags are accepted with `-` and with `_`.

mod attack;
mod checkpoints;
mod components;
mod data;
mod kernels;
mod layout;
mod machine;
mod mask;
pub(crate) mod names;
mod normaliser;
mod recipe;
mod run;
mod values;

// Which images
pub(crate) use components::ComponentFlags;
pub(crate) use data::{DataFlags, DatasetParser, ImageFlags, normaliser};
pub(crate) use kernels::{Copies, FitOn, KernelFlags, Part, SourceFlags, hybrids_folder};
pub(crate) use mask::MaskName;

// Which network, and how it learns
pub(crate) use attack::AttackFlags;
pub(crate) use checkpoints::{CheckpointFlags, nothing_found};
pub(crate) use normaliser::NormaliserFlags;
pub(crate) use recipe::{RecipeFlags, RecordingFlags};
pub(crate) use run::{RunFlags, StartFlags};

// How the program runs
pub(crate) use machine::{Format, MachineFlags, OutputFlags, PrecisionFlag, Switch, without_networks};

// Single values
pub(crate) use values::{
    Gpus, above_zero_to_one, architecture, architectures_help, at_least_one, below_one, between_zero_and_one,
    folder_to_write, half_width, not_negative, positive, seed, zero_or_one,
};
