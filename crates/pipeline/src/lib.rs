//! Data sets, networks and training joined: what neither of their crates can do alone.
//!
//! * A [`Session`] says what runs networks and who hears of progress.
//! * [`DeviceFeed`] brings batches to that device, one ahead of the one that is computed; [`Adversary`] changes them.
//! * [`open_network`] reads a checkpoint into a network that is evaluated and differentiated.
//! * [`TrainingRun`] trains a network into a run folder, and resumes one bit for bit.
//!
//! ```
//! use datasets::synthetic::Synthetic;
//! use pipeline::{DatasetProfile, Session, TrainingRun};
//!
//! let folder = tempfile::tempdir()?;
//! let dataset = Synthetic { seed: 0, train: 64, test: 32 }.generate();
//! let profile = DatasetProfile { batch_size: 32, ..DatasetProfile::synthetic() };
//! let run = TrainingRun { epochs: 1, ..TrainingRun::new("resnet20".parse()?, &dataset, &profile, folder.path()) };
//! let trained = run.train(&Session::default())?;
//! assert_eq!(trained.metrics.len(), 1);
//! assert!(trained.folder.join("0_checkpoint.safetensors").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adversary;
mod batches;
mod cost;
mod device_batch;
mod error;
mod measured;
mod memory;
mod open;
mod profile;
mod recipe;
mod resident;
mod restriction;
mod room;
mod run;
mod session;
mod source;
mod tally;
mod targets;
mod trainable;
mod trained_on;

// What everything runs on
pub use profile::DatasetProfile;
pub use session::Session;

// Batches
pub use batches::{rank_batches, test_batches, test_indices, training_options};
pub use device_batch::{DeviceBatch, DeviceBatches, DeviceFeed, on_host};

// Images that an adversary changed
pub use adversary::{Adversary, attack_amount, attack_caption, attacked, check_attack, describe_attack};

// Networks
pub use measured::{GivenNetwork, MeasuredNetwork, OnnxFile, OnnxNetwork};
pub use memory::out_of_memory;
pub use open::{NetworkDescription, NetworkSpec, describe_networks, fresh_network, open_network};
pub use restriction::Restriction;
pub use tally::{hits, tally};

// Training
pub use recipe::{Recipe, RecipeName};
pub use run::{PreparedRun, SAVE_EVERY, Trained, TrainingRun};
pub use targets::Targets;
pub use trainable::TrainableClassifier;

// What can go wrong
pub use error::Error;
