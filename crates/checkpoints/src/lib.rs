//! Weights of image classifiers out of the files that people have.
//!
//! A [`CheckpointFile`] is opened by what it is: a zip archive or pickles of PyTorch's, or safetensors. [`CheckpointFile::recognise`]
//! finds a network's weights in it by names and shapes, whatever stands before the names, whoever's names they are and in whatever
//! dictionary they stand, and says what it did. [`CheckpointFile::load`] reads their numbers. No code in a file is ever run.
//!
//! ```
//! use checkpoints::{CheckpointFile, Note, TorchCheckpoint, TorchStyle, Wanted};
//!
//! // A file of the `robustness` library: two copies of the network, wrapped, and a normaliser.
//! let architecture: models::Architecture = "resnet20".parse()?;
//! let mut weights = std::collections::BTreeMap::new();
//! for (name, shape) in architecture.graph(10).shapes() {
//!     weights.insert(name, candle_core::Tensor::ones(shape, candle_core::DType::F32, &candle_core::Device::Cpu)?);
//! }
//! let normaliser = Some(models::Normaliser::new([0.5; 3], [0.25; 3])?);
//! let written = TorchCheckpoint { weights, normaliser, epoch: Some(0), nat_prec1: None };
//!
//! let mut file = CheckpointFile::from_bytes(written.encode(TorchStyle::Robustness)?)?;
//! let found = file.recognise(Wanted { architecture: Some(architecture), weights: None })?;
//! assert_eq!(found.fits(), [(architecture, 10)]);
//! assert!(found.notes().contains(&Note::Prefix("module.model.".to_owned())));
//! assert_eq!(file.load(&found)?["conv1.weight"].dims(), [16, 3, 3, 3]);
//! assert_eq!(file.normaliser_of(&found)?, Some((normaliser.unwrap(), "`module.normalizer`".to_owned())));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
mod config;
mod dictionary;
mod error;
mod facts;
mod file;
mod folder;
mod kind;
mod network;
mod note;
mod numbers;
mod recognised;
mod safetensors;
mod torch;
mod write;

// Files
pub use config::{ConfigResize, FolderConfig};
pub use dictionary::{Dictionary, StoredTensor};
pub use facts::Facts;
pub use file::CheckpointFile;
pub use numbers::NumberType;

// Networks in them
pub use note::Note;
pub use recognised::{Recognised, Wanted};

// PyTorch files of our own
pub use write::{TorchCheckpoint, TorchStyle};

// What can go wrong
pub use error::Error;
