//! What is asked of the system, by name.

/// An operation, as a trace of them names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(not(debug_assertions), allow(dead_code))] // only a trace reads it
pub enum Operation {
    /// A new file, or one that is opened to be written.
    Create,
    /// Bytes into a file.
    Write,
    /// A file onto the disk.
    Sync,
    /// Another name of a file.
    Link,
    /// A file to another name.
    Rename,
    /// The names in a folder onto the disk.
    SyncFolder,
    /// A file away.
    Remove,
    /// A new folder.
    CreateFolder,
    /// A folder away, with all that is in it.
    RemoveFolder,
    /// A lock on a file.
    Lock,
    /// A file's bytes.
    Read,
    /// The names in a folder.
    List,
}
