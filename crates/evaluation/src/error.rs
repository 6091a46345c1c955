//! What can go wrong, by cause.

/// What can go wrong with scores, features and densities.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// Nothing to tell apart.
    #[error("{found} {what}: expected at least {least}")]
    TooFew { what: &'static str, found: usize, least: usize },
    /// An interval that is none.
    #[error("a half width of {found}: expected one from {least} to below 0.5")]
    HalfWidth { found: f64, least: f64 },
    /// Numbers that are not a row an image.
    #[error("{found} {what} for {images} images: expected {expected}")]
    Length { what: &'static str, found: usize, images: usize, expected: usize },
    /// A label beyond the classes.
    #[error("label {label}: expected one below {classes}, the number of classes")]
    Label { label: u32, classes: usize },
    /// An output that is no number: the network has diverged, or its input was none.
    #[error("{what} of image {image} hold {value}: expected finite numbers; the network has diverged")]
    NotFinite { what: &'static str, image: usize, value: f32 },
    /// Values that are all the same.
    #[error("{what} without spread: all {count} are the same; expected at least two different ones")]
    NoSpread { what: &'static str, count: usize },
}

/// Whether there is a row of `width` finite numbers an image.
pub(crate) fn check_rows(
    what: &'static str,
    values: &[f32],
    width: usize,
    images: usize,
) -> Result<(), Error> {
    let expected = width.saturating_mul(images);
    if values.len() != expected {
        return Err(Error::Length { what, found: values.len(), images, expected });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::NotFinite { what, image: at / width, value: values[at] }),
        None => Ok(()),
    }
}
