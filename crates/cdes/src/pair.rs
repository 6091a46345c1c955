//! Two convolutions with nothing in between, forward and back to their parameters: the one place that knows how they are
//! computed.
//!
//! Convolutions run by `kernels::blocked`, without autograd. The gradient of the images is never needed here: only that of
//! the planes between the two.

use kernels::blocked::{self, After, Arena, Blocked, Convolution, ConvolutionShape, Path, channel_sums};

use crate::images::{CHANNELS, Dims};

/// The form of a pair: Conv(3→number, size×size), Conv(number→3, size×size).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) number: usize,
    pub(crate) size: usize,
}

/// Values of the parameters, or of their gradients, in the order of [`NAMES`].
pub(crate) type Parameters = [Vec<f32>; 4];

/// What the parameters are called.
pub(crate) const NAMES: [&str; 4] =
    ["kernels.0.weight", "kernels.0.bias", "kernels.1.weight", "kernels.1.bias"];

/// What a forward pass keeps for the gradients.
pub(crate) struct Trace {
    form: Form,
    second: Convolution,
    images: Blocked,
    between: Blocked,
}

impl Form {
    /// The shape of each parameter, in the order of [`NAMES`].
    pub(crate) fn shapes(&self) -> [Vec<usize>; 4] {
        let Self { number, size } = *self;
        [vec![number, CHANNELS, size, size], vec![number], vec![CHANNELS, number, size, size], vec![CHANNELS]]
    }

    fn convolution(&self, inputs: usize, outputs: usize) -> ConvolutionShape {
        ConvolutionShape { inputs, outputs, kernel: self.size, stride: 1, padding: (self.size - 1) / 2 }
    }

    fn first(&self) -> ConvolutionShape {
        self.convolution(CHANNELS, self.number)
    }

    fn second(&self) -> ConvolutionShape {
        self.convolution(self.number, CHANNELS)
    }
}

/// The images that come out, (B, 3, H, W), for `images` that go in, and what [`gradients`] needs.
pub(crate) fn forward(
    form: Form,
    parameters: &Parameters,
    images: &[f32],
    dims: Dims,
    arena: &Arena,
) -> (Vec<f32>, Trace) {
    let [first_weight, first_bias, second_weight, second_bias] = parameters;
    let path = Path::current();
    let first = Convolution::new(first_weight, form.first(), false, path);
    let second = Convolution::new(second_weight, form.second(), true, path);
    let biased = |convolution: &Convolution, x: &Blocked, bias: &[f32]| {
        let after = After { shift: bias, residual: None, relu: false };
        convolution.forward_finished(x, after, arena).0
    };
    let images = Blocked::from_nchw(images, blocked_dims(dims), arena);
    let between = biased(&first, &images, first_bias);
    let out = biased(&second, &between, second_bias);
    let values = out.to_nchw();
    arena.recycle(out);
    (values, Trace { form, second, images, between })
}

/// ∂L/∂parameters, given ∂L/∂(the images that came out), (B, 3, H, W).
pub(crate) fn gradients(trace: Trace, gradient: &[f32], arena: &Arena) -> Parameters {
    let Trace { form, second, images, between } = trace;
    let path = Path::current();
    let out = Blocked::from_nchw(gradient, images.dims(), arena);
    let second_weight = second.weight_gradient(&between, &out, arena);
    let second_bias = sums(&out, path);
    let inner = second.input_gradient(&out, between.dims(), arena);
    // A convolution computes its weights' gradient without knowing the weights.
    let unknown = vec![0.0; form.number * CHANNELS * form.size * form.size];
    let first_weight =
        Convolution::new(&unknown, form.first(), false, path).weight_gradient(&images, &inner, arena);
    let first_bias = sums(&inner, path);
    [images, between, out, inner].into_iter().for_each(|buffer| arena.recycle(buffer));
    [first_weight, first_bias, second_weight, second_bias]
}

/// Gives the memory back of a pass whose gradients nobody wants.
pub(crate) fn recycle(trace: Trace, arena: &Arena) {
    [trace.images, trace.between].into_iter().for_each(|buffer| arena.recycle(buffer));
}

fn blocked_dims(dims: Dims) -> blocked::Dims {
    blocked::Dims { images: dims.images, channels: CHANNELS, height: dims.height, width: dims.width }
}

/// The sum over images and pixels of each channel.
fn sums(g: &Blocked, path: Path) -> Vec<f32> {
    let zeros = vec![0.0; g.dims().channels];
    channel_sums(g, None, g, &zeros, path).into_iter().map(|(_, sum)| sum as f32).collect()
}

#[cfg(test)]
mod tests {
    use kernels::{Conv2d, naive};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn numbers(len: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
        (0..len).map(|_| 2.0 * random.random::<f32>() - 1.0).collect()
    }

    fn wide(values: &[f32]) -> Vec<f64> {
        values.iter().map(|&value| value.into()).collect()
    }

    /// The definition, in f64: output and gradients.
    fn slow(
        form: Form,
        parameters: &Parameters,
        images: &[f32],
        dims: Dims,
        g: &[f32],
    ) -> (Vec<f64>, [Vec<f64>; 4]) {
        let [w1, b1, w2, b2] = parameters.each_ref().map(|values| wide(values));
        let shapes = form.shapes().map(|shape| <[usize; 4]>::try_from(shape).unwrap_or_default());
        let conv = Conv2d { padding: (form.size - 1) / 2, ..Conv2d::default() };
        let (pixels, between) =
            (dims.height * dims.width, [dims.images, form.number, dims.height, dims.width]);
        let shift = |mut y: Vec<f64>, bias: &[f64]| {
            for (plane, bias) in y.chunks_mut(pixels).zip(bias.iter().cycle()) {
                plane.iter_mut().for_each(|value| *value += bias);
            }
            y
        };
        let sums = |g: &[f64], channels: usize| -> Vec<f64> {
            let plane = |c: usize| g.chunks(pixels).skip(c).step_by(channels).flatten().sum();
            (0..channels).map(plane).collect()
        };
        let (images, g) = (wide(images), wide(g));
        let hidden = shift(naive::convolution::forward(&images, dims.shape(), &w1, shapes[0], conv), &b1);
        let out = shift(naive::convolution::forward(&hidden, between, &w2, shapes[2], conv), &b2);
        let inner = naive::convolution::input_gradient(&w2, shapes[2], &g, between, conv);
        let second = naive::convolution::weight_gradient(&hidden, between, &g, shapes[2], conv);
        let first = naive::convolution::weight_gradient(&images, dims.shape(), &inner, shapes[0], conv);
        (out, [first, sums(&inner, form.number), second, sums(&g, CHANNELS)])
    }

    fn assert_close(found: &[f32], expected: &[f64], what: &str) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let largest = expected.iter().fold(1e-30, |largest: f64, value| largest.max(value.abs()));
        let worst = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-5 * largest, "{what}: off by {worst} of {largest}");
    }

    /// One kernel, a kernel larger than the image, sizes that are no multiples of anything, more than sixteen images, and
    /// the 3×3 kernels that `kernels` treats in a way of their own.
    #[test]
    fn passes_follow_the_definition() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (number, size, images, height, width) in [
            (1, 1, 1, 3, 4),
            (3, 7, 2, 4, 5),
            (9, 5, 3, 6, 7),
            (16, 3, 18, 8, 8),
            (16, 7, 2, 9, 8),
            (2, 11, 1, 2, 3),
        ] {
            let (form, dims) = (Form { number, size }, Dims { images, height, width });
            let parameters = form.shapes().map(|shape| numbers(shape.iter().product(), &mut random));
            let [x, g] = [0; 2].map(|_| numbers(images * dims.image(), &mut random));
            let arena = Arena::default();
            let (out, trace) = forward(form, &parameters, &x, dims, &arena);
            let found = gradients(trace, &g, &arena);
            let (expected_out, expected) = slow(form, &parameters, &x, dims, &g);
            assert_close(&out, &expected_out, &format!("{form:?}, {dims:?}"));
            for ((found, expected), name) in found.iter().zip(&expected).zip(NAMES) {
                assert_close(found, expected, &format!("{name} of {form:?}, {dims:?}"));
            }
        }
    }
}
