use std::path::PathBuf;

/// What can go wrong with spectra.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// A plane without coefficients.
    #[error("planes of {height}×{width}: expected at least 2×2")]
    PlaneTooSmall { height: usize, width: usize },
    /// A plane whose coefficients are all left out.
    #[error(
        "planes of {height}×{width}: the convention leaves out their first band and their last, and they have no other; expected larger ones"
    )]
    NoBands { height: usize, width: usize },
    /// Images that are neither grey nor coloured.
    #[error("images of {found} channels: expected 1 or 3")]
    Channels { found: usize },
    /// Numbers that are no whole number of images.
    #[error("{found} values of {what}: expected a multiple of {unit}")]
    Length { what: &'static str, found: usize, unit: usize },
    /// Numbers that are no match for others.
    #[error("{found} values of {what}: expected {expected}")]
    Count { what: &'static str, found: usize, expected: usize },
    /// A ring without width.
    #[error("a ring from {inner} to {outer}: expected an inner radius below the outer one")]
    Ring { inner: usize, outer: usize },
    /// A row of another length than the table's.
    #[error("a row of {found} bands for epoch {epoch}: expected {expected}")]
    RowLength { epoch: usize, found: usize, expected: usize },
    /// Epochs out of order.
    #[error("epoch {epoch} after epoch {last}: expected increasing epochs")]
    EpochOrder { epoch: usize, last: usize },
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A file that is no spectrum table.
    #[error("{path}: not a gradient spectrum: {found}", path = path.display())]
    Damaged { path: PathBuf, found: String },
}
