//! Two convolutions with nothing in between, forward and back to their parameters: the one place that knows how they are
//! computed, in the frequency domain by [`kernels::fourier`], without autograd.

use std::sync::{Mutex, PoisonError};

use kernels::{
    blocked::InstructionSet,
    fourier::{ConvolutionPair, PairGradients, PairParameters, PairShape},
};

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

/// The convolutions of one form, with plan and memory for the size of images that came last.
#[derive(Debug)]
pub(crate) struct Pair {
    form: Form,
    last: Mutex<Option<(PairShape, ConvolutionPair)>>,
}

impl Form {
    /// The shape of each parameter, in the order of [`NAMES`].
    pub(crate) fn shapes(&self) -> [Vec<usize>; 4] {
        let Self { number, size } = *self;
        [vec![number, CHANNELS, size, size], vec![number], vec![CHANNELS, number, size, size], vec![CHANNELS]]
    }
}

impl Pair {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, last: Mutex::default() }
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The images that come out, (B, 3, H, W), for `images` that go in.
    pub(crate) fn forward(&self, parameters: &Parameters, images: &[f32], dims: Dims) -> Vec<f32> {
        let mut made = vec![0.0; images.len()];
        self.with(parameters, dims, |pair| pair.forward(images, &mut made));
        made
    }

    /// ∂L/∂parameters of a sum L over images. `objective` is called for a few images at a time: with the place of the first one, with
    /// what came out, and with memory for the gradient of that; what it returns comes back in the order of images.
    pub(crate) fn gradients<R: Send>(
        &self,
        parameters: &Parameters,
        images: &[f32],
        dims: Dims,
        objective: impl Fn(usize, &[f32], &mut [f32]) -> R + Sync,
    ) -> (Parameters, Vec<R>) {
        self.with(parameters, dims, |pair| {
            let (gradients, found) = pair.gradients(images, objective);
            let PairGradients { first_weight, first_bias, second_weight, second_bias } = gradients;
            ([first_weight, first_bias, second_weight, second_bias], found)
        })
    }

    fn with<R>(&self, parameters: &Parameters, dims: Dims, work: impl FnOnce(&ConvolutionPair) -> R) -> R {
        let (Form { number: hidden, size: kernel }, Dims { height, width, .. }) = (self.form, dims);
        let shape = PairShape { hidden, kernel, height, width };
        let [first_weight, first_bias, second_weight, second_bias] = parameters;
        let parameters = PairParameters { first_weight, first_bias, second_weight, second_bias };
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let pair = match last {
            Some((planned, mut pair)) if planned == shape => {
                pair.load(&parameters);
                pair
            }
            _ => ConvolutionPair::new(shape, &parameters, InstructionSet::current()),
        };
        let found = work(&pair);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((shape, pair));
        found
    }
}

#[cfg(test)]
mod tests {
    use kernels::naive::{self, Conv2d};
    use rand::{Rng, SeedableRng};
    use random::ChaCha8Rng;

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

    /// One kernel, a kernel larger than the image, sizes that are no multiples of anything, more images than go at once.
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
            let pair = Pair::new(form);
            let out = pair.forward(&parameters, &x, dims);
            let image = dims.image();
            let (found, _) = pair.gradients(&parameters, &x, dims, |first, made, gradient| {
                gradient.copy_from_slice(&g[first * image..][..made.len()]);
            });
            let (expected_out, expected) = slow(form, &parameters, &x, dims, &g);
            assert_close(&out, &expected_out, &format!("{form:?}, {dims:?}"));
            for ((found, expected), name) in found.iter().zip(&expected).zip(NAMES) {
                assert_close(found, expected, &format!("{name} of {form:?}, {dims:?}"));
            }
        }
    }
}
