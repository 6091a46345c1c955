//! PyTorch's files, read without PyTorch.

mod calls;
mod container;
mod dictionaries;
mod facts;
mod file;
mod view;

pub(crate) use container::Source;
pub(crate) use file::TorchFile;
