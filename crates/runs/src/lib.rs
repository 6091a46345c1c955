//! What is on disk of trained networks.
//!
//! * A run folder says in [`RunConfig`] how its network was trained.
//! * [`checkpoints_of_run`], [`checkpoints_matching`]: checkpoint files in epoch order, whoever wrote them.
//! * [`StoredWeights`]: the weights of a network in a file, known by its content.
//! * [`results`]: where measurements of a run are kept, and how they replace earlier ones.
//!
//! ```
//! let folder = tempfile::tempdir()?;
//! for name in ["10_checkpoint.safetensors", "9_checkpoint.safetensors"] {
//!     std::fs::write(folder.path().join(name), b"")?;
//! }
//! let found = runs::checkpoints_of_run(folder.path())?;
//! assert_eq!(found.iter().map(|checkpoint| checkpoint.epoch).collect::<Vec<_>>(), [9, 10]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod asked_split;
mod checkpoint_files;
mod config;
mod convert;
mod epochs;
mod error;
mod inspect;
mod names;
pub mod results;
mod split;
mod weights;

// Which checkpoints there are
pub use checkpoint_files::{
    Matches, StoredCheckpoint, checkpoints_matching, checkpoints_of_run, folder_of_pattern, labels,
};

// How they were trained
pub use config::{KnownSettings, Provenance, RunConfig, Settings};
pub use split::Split;

// What they hold
pub use checkpoints::{Note, NumberType, StoredTensor, TorchStyle, Wanted};
pub use weights::{StoredNormaliser, StoredWeights};

// What they may be, and in another format
pub use convert::{CheckpointFormat, TrainedOn, convert};
pub use inspect::InspectedCheckpoint;

// What can go wrong
pub use error::Error;
