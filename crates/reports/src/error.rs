//! What can go wrong with a page.

/// Anything that this crate reports. What is wrong with results is not among it: the page says that.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The page cannot be written.
    #[error("{0}")]
    File(#[from] files::Error),
}
