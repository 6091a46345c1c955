//! Convolutions of any kernel, stride and padding on the tiles of processors with AMX, as the definition has them.
//!
//! Tiles multiply bf16 alone, sixteen times as fast as vectors multiply f32. So in f32 a value is taken as the sum of two bf16, the
//! second being what rounding took from the first; three products of those are f32's but for 2⁻¹⁷ of it or so, and an error of
//! 4 · 10⁻⁶ is left of a layer's root mean square. (Winograd's transforms save products, but enlarge that error tenfold and move more
//! data than tiles can wait for.)
//!
//! That is enough for all passes of a training step, whose gradients are sums over a batch. It is not for the gradient of an image's
//! pixels: an error on the way forward decides what ReLU lets through, and a gradient that takes another way than PyTorch's differs by
//! a percent. There forward in f32 is left to vectors.
//!
//! | pass | left operand | right operand | what is summed over |
//! |---|---|---|---|
//! | forward | weights, (outputs, inputs) for each tap | a pixel of sixteen images, (inputs, images) | taps, inputs |
//! | input gradient | weights, (inputs, outputs) for each tap | the same of the gradients | taps, outputs |
//! | weight gradient | two pixels of the gradients, (outputs, images) | two pixels of the input, (images, inputs) | pixels, images |
//!
//! [`windows`] says which pixels meet; rows of pixels are packed shortly before they are multiplied, by [`pixels`] and
//! [`samples`], and stay in a core's own cache until they have been.

mod convolve;
mod parts;
mod passes;
mod pixels;
mod samples;
mod weight_gradient;
mod weights;
mod windows;

pub(crate) use passes::{Tiled, suits, weight_sums};
pub(crate) use weight_gradient::{gather, sums_parts_apart};
