//! PyTorch's files, read and written without PyTorch: weights under the names that the architectures use.

mod calls;
mod checkpoint;
mod container;
mod file;
mod names;
mod numbers;
mod state_dict;
mod view;
mod write;

pub use checkpoint::TorchCheckpoint;
pub use file::{TorchFile, load_torch};
pub use names::canonical_name;
pub use state_dict::TorchTensor;
pub use write::TorchStyle;
