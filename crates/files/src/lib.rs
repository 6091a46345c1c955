//! Files that appear whole or not at all, and folders with one writer.
//!
//! A file is written under a hidden name beside its own, synced to the disk and renamed. A reader, also one after a crash, finds
//! the old file or the new one and never a part of one.
//!
//! ```
//! use std::io::Write;
//! use files::{FolderLock, Pending, write_atomically};
//!
//! # let root = tempfile::tempdir()?;
//! let folder = root.path().join("run");
//! let lock = FolderLock::take(&folder)?; // makes the folder
//! assert!(matches!(FolderLock::take(&folder), Err(files::Error::InUse { .. })));
//!
//! write_atomically(&folder.join("text"), b"old")?;
//! let mut text = Pending::create(&folder.join("text"))?;
//! text.write_all(b"new")?;
//! assert_eq!(files::read(&folder.join("text"))?, b"old");
//! text.finish()?;
//! assert_eq!(files::read(&folder.join("text"))?, b"new");
//! # drop(lock);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomic;
mod change;
mod error;
#[cfg(debug_assertions)]
pub mod faults;
mod lock;
mod operation;
mod part;
mod read;
mod seal;
mod sibling;
mod system;

// Files that appear whole
pub use atomic::{Pending, link, write_atomically, write_atomically_with};
pub use operation::Operation;
pub use sibling::remove_leftovers;
pub use system::Output;

// Files in parts, which later calls go on with
pub use part::Part;

// Folders, and what is in them
pub use change::{aside, create_folder, create_folders, move_into, remove_file, remove_folder};
pub use read::entries;

// Files of others
pub use read::{read, read_if_there, refuse_special};

// Text that shows when it is damaged
pub use seal::{Seal, described, seal, unseal};

// Folders with one writer
pub use lock::FolderLock;

// What can go wrong
pub use error::{Action, Error, FileKind, failed};
