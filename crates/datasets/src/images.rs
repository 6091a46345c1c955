//! Photographs: from the bytes of a file to the pixels that a network takes.
//!
//! * JPEG, PNG, BMP, PPM and WebP, recognised by their first bytes. Grey, palette, CMYK and 16-bit images become RGB of 8 bits (the upper
//!   8 of 16); transparency is dropped. The orientation that EXIF notes is ignored, as torchvision ignores it.
//! * Resizing is Pillow's `BILINEAR` with antialiasing, what torchvision's `Resize` does to its images.

pub(crate) mod decode;
pub(crate) mod encoded;
mod framing;
pub(crate) mod resample;
