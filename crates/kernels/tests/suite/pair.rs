//! Two convolutions in the frequency domain against the naive ones in f64.

use crate::common::{bits, error_over_rms, fine, wide};
use kernels::{
    blocked::InstructionSet,
    fourier::{ConvolutionPair, PairParameters, PairShape},
    naive::{Conv2d, convolution},
};

const fn shape(hidden: usize, kernel: usize, height: usize, width: usize) -> PairShape {
    PairShape { hidden, kernel, height, width }
}

/// The paper's size; more hidden channels than lanes; oblong and odd planes; a kernel larger than the image.
const SHAPES: [(PairShape, usize); 7] = [
    (shape(16, 7, 32, 32), 23),
    (shape(20, 3, 9, 14), 7),
    (shape(3, 5, 13, 6), 11),
    (shape(33, 1, 5, 4), 10),
    (shape(2, 9, 4, 5), 1),
    (shape(5, 7, 28, 28), 2),
    (shape(4, 11, 27, 33), 3),
];

/// Weights, biases, images and the gradient of the outputs.
struct Case {
    shape: PairShape,
    images: usize,
    first: [Vec<f32>; 2],
    second: [Vec<f32>; 2],
    x: Vec<f32>,
    g: Vec<f32>,
}

impl Case {
    fn new(shape: PairShape, images: usize) -> Self {
        let (first, second) =
            ([fine(1, shape.weights()), fine(2, shape.hidden)], [fine(3, shape.weights()), fine(4, 3)]);
        let (x, g) = (fine(5, images * shape.image()), fine(6, images * shape.image()));
        Self { shape, images, first, second, x, g }
    }

    fn pair(&self, instructions: InstructionSet) -> ConvolutionPair {
        let ([first_weight, first_bias], [second_weight, second_bias]) = (&self.first, &self.second);
        let parameters = PairParameters { first_weight, first_bias, second_weight, second_bias };
        ConvolutionPair::new(self.shape, &parameters, instructions)
    }

    /// Outputs and the four gradients, by the fast way.
    fn found(&self, instructions: InstructionSet) -> [Vec<f32>; 5] {
        let pair = self.pair(instructions);
        let mut y = vec![0.0; self.x.len()];
        pair.forward(&self.x, &mut y);
        let image = self.shape.image();
        let (gradients, seen) = pair.gradients(&self.x, |first, outputs, gradients| {
            gradients.copy_from_slice(&self.g[first * image..][..outputs.len()]);
            assert_eq!(outputs, &y[first * image..][..outputs.len()], "the outputs of forward");
            first
        });
        assert_eq!(seen, (0..self.images).step_by(10).collect::<Vec<_>>());
        [y, gradients.first_weight, gradients.first_bias, gradients.second_weight, gradients.second_bias]
    }

    /// The same by definition.
    fn expected(&self) -> [Vec<f64>; 5] {
        let PairShape { hidden, kernel, height, width } = self.shape;
        let conv = Conv2d { padding: kernel / 2, ..Conv2d::default() };
        let (dims, hidden_dims) = ([self.images, 3, height, width], [self.images, hidden, height, width]);
        let (first_dims, second_dims) = ([hidden, 3, kernel, kernel], [3, hidden, kernel, kernel]);
        let [first, first_bias] = [0, 1].map(|i| wide(&self.first[i]));
        let [second, second_bias] = [0, 1].map(|i| wide(&self.second[i]));
        let (x, g, pixels) = (wide(&self.x), wide(&self.g), height * width);
        let add = |mut y: Vec<f64>, bias: &[f64]| {
            y.chunks_mut(pixels).enumerate().for_each(|(plane, y)| {
                y.iter_mut().for_each(|y| *y += bias[plane % bias.len()]);
            });
            y
        };
        let sums = |g: &[f64], channels: usize| {
            let mut sums = vec![0.0; channels];
            g.chunks(pixels)
                .enumerate()
                .for_each(|(plane, g)| sums[plane % channels] += g.iter().sum::<f64>());
            sums
        };
        let h = add(convolution::forward(&x, dims, &first, first_dims, conv), &first_bias);
        let y = add(convolution::forward(&h, hidden_dims, &second, second_dims, conv), &second_bias);
        let dh = convolution::input_gradient(&second, second_dims, &g, hidden_dims, conv);
        let of_first = convolution::weight_gradient(&x, dims, &dh, first_dims, conv);
        let of_second = convolution::weight_gradient(&h, hidden_dims, &g, second_dims, conv);
        [y, of_first, sums(&dh, hidden), of_second, sums(&g, 3)]
    }
}

#[test]
fn every_path_gives_what_the_definition_says() {
    for (shape, images) in SHAPES {
        let case = Case::new(shape, images);
        let expected = case.expected();
        for instructions in InstructionSet::available() {
            for (what, (found, expected)) in case.found(instructions).iter().zip(&expected).enumerate() {
                let error = error_over_rms(found, expected);
                assert!(error < 5e-6, "{shape:?}, {} {what}: {error:e}", instructions.name());
            }
        }
    }
}

#[test]
fn threads_do_not_reach_the_bits() {
    let case = Case::new(shape(16, 7, 12, 10), 175);
    let run = || case.found(InstructionSet::current()).to_vec();
    assert_eq!(bits(1, run), bits(3, run));
}

#[test]
fn other_parameters_replace_the_first_ones() {
    let (one, mut other) = (Case::new(shape(4, 3, 6, 6), 3), Case::new(shape(4, 3, 6, 6), 3));
    other.first[0].reverse();
    let mut pair = one.pair(InstructionSet::current());
    let ([first_weight, first_bias], [second_weight, second_bias]) = (&other.first, &other.second);
    pair.load(&PairParameters { first_weight, first_bias, second_weight, second_bias });
    let (mut found, mut expected) = (vec![0.0; one.x.len()], vec![0.0; one.x.len()]);
    pair.forward(&one.x, &mut found);
    other.pair(InstructionSet::current()).forward(&one.x, &mut expected);
    assert_eq!(found, expected);
}

#[test]
#[should_panic(expected = "odd kernel")]
fn an_even_kernel_is_refused() {
    Case::new(shape(4, 2, 6, 6), 1).pair(InstructionSet::current());
}
