//! Photographs: from the bytes of a file to the pixels that a network takes.
//!
//! * JPEG, PNG, BMP, PPM and WebP, recognised by their first bytes. Grey, palette, CMYK and 16-bit images become RGB of 8 bits (the upper
//!   8 of 16); transparency is dropped. The orientation that EXIF notes is ignored, as torchvision ignores it.
//! * Resizing is Pillow's, with any of its filters, bit for bit: what torchvision's `Resize` does to Pillow's images.

pub(crate) mod decode;
pub(crate) mod encoded;
mod framing;
mod interpolation;
pub(crate) mod resample;
pub(crate) mod store;

pub use framing::Resize;
pub use interpolation::Interpolation;
