//! What can go wrong with ONNX files, by cause.

use std::path::PathBuf;

/// Anything that this crate reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// A file that is no ONNX file, or a damaged one.
    #[error("{}: not an ONNX file that can be read: {problem}", path.display())]
    Unreadable { path: PathBuf, problem: String },
    /// Numbers in another file that cannot be had.
    #[error("{}: the numbers of `{tensor}`: {problem}", path.display())]
    External { path: PathBuf, tensor: String, problem: String },
    /// Operations of a version from before those that are known.
    #[error(
        "{}: its operations are of ONNX's opset {found}, expected {oldest} or later: they may mean something else; export the network anew",
        path.display()
    )]
    OldOperations { path: PathBuf, found: i64, oldest: i64 },
    /// A graph that is none of an image classifier.
    #[error("{}: not an image classifier: {problem}", path.display())]
    NotAClassifier { path: PathBuf, problem: String },
    /// A graph that contradicts itself, or is too large.
    #[error("{}: {}: {problem}", path.display(), node)]
    Node { path: PathBuf, node: String, problem: String },
    /// An operation that is not known here.
    #[error("{}: {node}: this operation is not known here; {way_out}", path.display())]
    Unknown { path: PathBuf, node: String, way_out: &'static str },
    /// Images of another size than the graph is for.
    #[error("{}: the graph takes images of {}×{} pixels, found {}×{}", path.display(), takes[0], takes[1], found[0], found[1])]
    ImageSize { path: PathBuf, takes: [usize; 2], found: [usize; 2] },
    /// The file cannot be opened.
    #[error(transparent)]
    File(#[from] files::Error),
    /// The network cannot be made.
    #[error(transparent)]
    Network(#[from] models::Error),
    /// A tensor cannot be made.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
