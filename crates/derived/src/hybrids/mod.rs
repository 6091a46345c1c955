//! Hybrids of one image's high and another's low frequencies, and low- and high-pass copies (Lin, Gao & Sang, IJCAI 2022,
//! hypothesis II: HARS).
//!
//! A hybrid takes the high part, frequencies from r cycles per image on, of one image and the low part of an image of another class;
//! its label is that of one of them. Each training image gives its own part to one hybrid and the other part to another one. The files
//! are those of [`datasets::frequency`], with a contact sheet beside each.
//!
//! ```
//! use datasets::synthetic::Synthetic;
//! use derived::hybrids::{Maker, Part};
//! use progress::Progress;
//!
//! let data = Synthetic { seed: 0, train: 30, test: 10 }.generate();
//! let folder = tempfile::tempdir()?;
//! let made = Maker::new(&data, folder.path()).make(Part::High, &[Part::Low], &Progress::default())?;
//! assert_eq!((made[0].count, made[1].count), (30, 10)); // hybrids, low-pass copies
//! assert!(folder.path().join("hybrid_high_12.npy").exists());
//!
//! // What is there is read, and is made first where it is not.
//! let hybrids = derived::hybrids::training_images(&data, folder.path(), Part::High, 12, &Progress::default())?;
//! assert!(hybrids.made.is_empty());
//! assert_eq!(hybrids.images.labels(), data.train.labels());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod made;
mod maker;
mod mask;
mod names;
mod place;
mod sheets;
mod training;

pub use made::Made;
pub use maker::Maker;
pub use names::{CopyFiles, HybridFiles, Origin, Part, RADIUS};
pub use training::{TRAINING_SEED, TrainingHybrids, training_images};
