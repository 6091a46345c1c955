//! Photographs: from the bytes of a file to the pixels that a network takes.
//!
//! * JPEG, PNG, BMP, PPM, WebP, TIFF and the first frame of GIF, recognised by their first bytes. Grey, palette, CMYK and 16-bit images
//!   become RGB of 8 bits; transparency is dropped. The orientation that is noted turns TIFF and no others. All that is as Pillow and
//!   torchvision do it, but for 16-bit grey, which Pillow 13 clips at 255: here the upper 8 bits are kept, as of colours.
//! * Resizing is Pillow's, with any of its filters, bit for bit: what torchvision's `Resize` does to Pillow's images.

pub(crate) mod decode;
pub(crate) mod encoded;
mod framing;
mod interpolation;
pub(crate) mod resample;
pub(crate) mod store;

pub use framing::Resize;
pub use interpolation::Interpolation;
