//! What can be wrong within a table, before anybody knows which file it is in.

use ::parquet::errors::ParquetError;

/// What is wrong with a table.
pub(super) enum Problem {
    Found(String),
    /// A row that has no bytes of an image.
    NoImage,
}

impl From<ParquetError> for Problem {
    fn from(error: ParquetError) -> Self {
        Self::Found(error.to_string())
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Found(text)
    }
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self::Found(text.to_owned())
    }
}
