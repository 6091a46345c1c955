//! The convolutions of the blocked engine against the naive ones, on every instruction set of this processor.

mod common;

use common::{error, numbers, wide};
use kernels::{
    Conv2d,
    blocked::{Arena, Blocked, Convolution, ConvolutionShape, Dims, Path},
    naive,
};

/// What Winograd's transforms may lose, against f64.
const TOLERANCE: f64 = 3e-5;

/// Channels in and out, side of the image, kernel, stride, padding: every path of forward and backward, with
/// images that do not fill a block.
const SHAPES: [(usize, usize, usize, [usize; 3]); 7] = [
    (16, 12, 8, [3, 1, 1]),
    (3, 10, 9, [3, 1, 1]),
    (9, 3, 6, [3, 1, 1]),
    (8, 12, 9, [3, 2, 1]),
    (8, 12, 8, [1, 2, 0]),
    (5, 7, 6, [1, 1, 0]),
    (3, 4, 12, [7, 1, 3]),
];

#[test]
fn convolutions_are_the_naive_ones() {
    for path in Path::available() {
        for (inputs, outputs, size, [kernel, stride, padding]) in SHAPES {
            let shape = ConvolutionShape { inputs, outputs, kernel, stride, padding };
            for images in [3, 18] {
                check(shape, Dims { images, channels: inputs, height: size, width: size + 2 }, path);
            }
        }
    }
}

fn check(shape: ConvolutionShape, dims: Dims, path: Path) {
    let (x_dims, weight_dims) = (
        [dims.images, dims.channels, dims.height, dims.width],
        [shape.outputs, shape.inputs, shape.kernel, shape.kernel],
    );
    let conv = Conv2d { stride: shape.stride, padding: shape.padding, groups: 1 };
    let (x, weight) = (numbers(1, x_dims.iter().product()), numbers(2, weight_dims.iter().product()));
    let expected = naive::convolution::forward(&wide(&x), x_dims, &wide(&weight), weight_dims, conv);
    let g = numbers(3, expected.len());

    let arena = Arena::default();
    let convolution = Convolution::new(&weight, shape, true, path);
    let blocked_x = Blocked::from_nchw(&x, dims, &arena);
    let blocked_g = Blocked::from_nchw(&g, shape.output_dims(dims), &arena);
    let y = convolution.forward(&blocked_x, &arena).to_nchw();
    let dx = convolution.input_gradient(&blocked_g, dims, &arena).to_nchw();
    let dweight = convolution.weight_gradient(&blocked_x, &blocked_g, &arena);

    let (x, weight, g) = (wide(&x), wide(&weight), wide(&g));
    let expected_dx = naive::convolution::input_gradient(&weight, weight_dims, &g, x_dims, conv);
    let expected_dweight = naive::convolution::weight_gradient(&x, x_dims, &g, weight_dims, conv);
    let passes = [(y, expected, "y"), (dx, expected_dx, "dx"), (dweight, expected_dweight, "dweight")];
    for (found, expected, pass) in passes {
        let error = error(&found, &expected);
        assert!(error < TOLERANCE, "{pass} of {shape:?} on {dims:?} by {path:?}: error {error:e}");
    }
}
