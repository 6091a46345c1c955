//! What can go wrong, by cause.

use std::path::PathBuf;

/// What can go wrong with a figure.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// Nothing to draw.
    #[error("a figure without data: expected at least one {expected}")]
    Empty { expected: &'static str },
    /// A number that cannot be drawn.
    #[error(
        "{what} holds {value}: expected finite numbers whose differences are finite too; leave it out or repair it"
    )]
    NotFinite { what: String, value: f64 },
    /// A density below zero.
    #[error("{what} holds {value}: expected 0 or more")]
    Negative { what: String, value: f64 },
    /// An axis without length.
    #[error("{what} spans {low} to {high}: expected a range to the right")]
    NoRange { what: String, low: f64, high: f64 },
    /// More panels than can be looked at.
    #[error("{found} panels in a figure: expected at most {most}; draw fewer")]
    TooManyPanels { found: usize, most: usize },
    /// Rows of different lengths.
    #[error("{what} has {found} values: expected {length}, one for each position of the axis to the right")]
    Length { what: String, found: usize, length: usize },
    /// Positions that do not go to the right.
    #[error("{after} follows {before} on the axis to the right: expected increasing positions; sort them")]
    NotIncreasing { before: usize, after: usize },
    /// Pixels that are no image of the stated size.
    #[error(
        "{found} values for an RGB image of {height}×{width}: expected 3·{height}·{width}, at least one pixel"
    )]
    ImageSize { found: usize, height: usize, width: usize },
    /// Images of different sizes in one sheet.
    #[error(
        "row `{row}` has an image of {found:?} (height, width): expected {expected:?}, the size of the sheet's first image"
    )]
    MixedSizes { row: String, found: (usize, usize), expected: (usize, usize) },
    /// A picture that would not fit in memory.
    #[error(
        "a picture of {width}×{height} pixels: expected at most {most} in all; show fewer images or magnify them less"
    )]
    TooLarge { width: usize, height: usize, most: usize },
    /// The drawing library has failed.
    #[error("{path}: cannot draw: {cause}", path = path.display())]
    Drawing { path: PathBuf, cause: String },
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] files::Error),
}
