//! Decodes JPEG files to the pixels that libjpeg gives, bit for bit: those that Pillow, torchvision and most of the field see.
//!
//! * Baseline, extended and progressive files with Huffman codes and 8 bits a sample; one, three or four components; any whole
//!   ratio of sampling factors; restart intervals; scans of one component or several. What is not read is named: [`Kind`].
//! * The inverse transform is libjpeg's accurate one in whole numbers, upsampling its triangle filter ("fancy upsampling"), and
//!   colour conversion its 16-bit fixed point. A decoder that rounds otherwise is off by a level or two, mostly at high
//!   frequencies.
//! * A part of a file can be decoded: its pixels are those that the whole would have there. Codes are read to the end in either
//!   case, so damage is found wherever it is.
//! * Files are not trusted: there is no panic, memory is bounded by the size that the header claims, and `unsafe` is nowhere.
//!
//! ```
//! use jpeg::{Error, Jpeg};
//! # let bytes = include_bytes!("../tests/data/h2v2.jpg");
//! let file = Jpeg::open(bytes)?;
//! assert_eq!((file.width(), file.height()), (19, 13));
//! let pixels = file.decode(file.whole())?; // rows from the top, [red, green, blue, 255]
//! assert_eq!(pixels.len(), 19 * 13);
//! assert!(matches!(Jpeg::open(b"GIF89a"), Err(Error::NotJpeg)));
//! # Ok::<(), Error>(())
//! ```
//!
//! Source: ITU-T T.81 (the format), C. Loeffler, A. Ligtenberg, G. Moschytz, ICASSP 1989 (the transform), JFIF 1.02 (the colours).

mod bits;
mod colour;
mod decode;
mod error;
mod file;
mod frame;
mod huffman;
mod idct;
mod part;
mod planes;
mod progressive;
mod segments;
mod sequential;
mod upsample;

pub use error::{Error, Kind};
pub use file::Jpeg;
pub use part::Part;
