//! What can be wrong with a file.

use std::fmt;

/// Why a file cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not begin as a JPEG file does.
    #[error("this is no JPEG file")]
    NotJpeg,
    /// It ends before all of the image is there.
    #[error("the JPEG file is cut short")]
    CutShort,
    /// A kind of JPEG that is not read.
    #[error("the JPEG file is {0}, which is not read")]
    Unsupported(Kind),
    /// Something in it contradicts the format.
    #[error("the JPEG file is damaged: {0}")]
    Damaged(&'static str),
}

/// Kinds of JPEG files that are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Lossless coding.
    Lossless,
    /// Several frames that refine each other.
    Hierarchical,
    /// Arithmetic codes in place of Huffman codes.
    Arithmetic,
    /// So many bits a sample, not 8.
    Precision(u8),
    /// So many components, not 1, 3 or 4.
    Components(u8),
    /// Sampling factors whose ratio is no whole number.
    Sampling,
    /// The number of rows follows after the first scan.
    UnknownHeight,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lossless => f.write_str("lossless"),
            Self::Hierarchical => f.write_str("hierarchical"),
            Self::Arithmetic => f.write_str("coded arithmetically"),
            Self::Precision(bits) => write!(f, "of {bits} bits a sample"),
            Self::Components(count) => write!(f, "of {count} components"),
            Self::Sampling => f.write_str("sampled in fractions of a pixel"),
            Self::UnknownHeight => f.write_str("of a height that is told at its end"),
        }
    }
}
