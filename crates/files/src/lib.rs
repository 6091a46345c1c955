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
mod error;
mod lock;
mod read;
mod sibling;

// Files that appear whole
pub use atomic::{Pending, link, write_atomically, write_atomically_with};
pub use sibling::remove_leftovers;

// Files of others
pub use read::{read, refuse_special};

// Folders with one writer
pub use lock::FolderLock;

// What can go wrong
pub use error::{Action, Error, FileKind, failed};
