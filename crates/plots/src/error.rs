use std::path::PathBuf;

/// What can go wrong with a figure.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// Nothing to draw.
    #[error("a figure without data: expected at least one {expected}")]
    Empty { expected: &'static str },
    /// A number that cannot be drawn.
    #[error("{what} holds {value}: expected finite numbers")]
    NotFinite { what: String, value: f64 },
    /// Rows of different lengths.
    #[error("{what} has {found} values: expected {length}, one a band")]
    Length { what: String, found: usize, length: usize },
    /// The drawing library has failed.
    #[error("{path}: cannot draw: {cause}", path = path.display())]
    Drawing { path: PathBuf, cause: String },
    /// The file cannot be written.
    #[error("{path}: cannot write: {source}", path = path.display())]
    File { path: PathBuf, source: std::io::Error },
}
