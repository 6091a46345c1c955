//! Convolution as its definition says: one product after the other.

/// How a convolution's kernel moves over the image; the kernel's size is the weight's.
///
/// ```
/// let geometry = kernels::naive::Conv2d { padding: 1, ..Default::default() };
/// assert_eq!((geometry.stride, geometry.groups), (1, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Pixels between neighbouring windows, both ways; at least 1.
    pub stride: usize,
    /// Rows and columns of zeros added on every side.
    pub padding: usize,
    /// Independent convolutions side by side: group g reads the g-th part of the input channels and writes
    /// the g-th part of the output channels.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: 1, padding: 0, groups: 1 }
    }
}

/// Rows and columns of the output of a convolution that fits.
pub fn out_size(x_dims: [usize; 4], weight_dims: [usize; 4], conv: Conv2d) -> [usize; 2] {
    [2, 3].map(|axis| (x_dims[axis] + 2 * conv.padding - weight_dims[axis]) / conv.stride + 1)
}

/// y(n, o, i, j) = Σ w(o, c, k, l) · x(n, c, i·s + k − p, j·s + l − p): `x` (N, C, H, W), `weight` (O, C /
/// groups, kH, kW).
pub fn forward(
    x: &[f64],
    x_dims: [usize; 4],
    weight: &[f64],
    weight_dims: [usize; 4],
    conv: Conv2d,
) -> Vec<f64> {
    let [height, width] = out_size(x_dims, weight_dims, conv);
    let mut y = vec![0.0; x_dims[0] * weight_dims[0] * height * width];
    for_each_product(x_dims, weight_dims, conv, |yi, xi, wi| y[yi] += x[xi] * weight[wi]);
    y
}

/// ∂L/∂x, given `g` = ∂L/∂y.
pub fn input_gradient(
    weight: &[f64],
    weight_dims: [usize; 4],
    g: &[f64],
    x_dims: [usize; 4],
    conv: Conv2d,
) -> Vec<f64> {
    let mut dx = vec![0.0; x_dims.iter().product()];
    for_each_product(x_dims, weight_dims, conv, |yi, xi, wi| dx[xi] += g[yi] * weight[wi]);
    dx
}

/// ∂L/∂weight, given `g` = ∂L/∂y.
pub fn weight_gradient(
    x: &[f64],
    x_dims: [usize; 4],
    g: &[f64],
    weight_dims: [usize; 4],
    conv: Conv2d,
) -> Vec<f64> {
    let mut dweight = vec![0.0; weight_dims.iter().product()];
    for_each_product(x_dims, weight_dims, conv, |yi, xi, wi| dweight[wi] += g[yi] * x[xi]);
    dweight
}

/// Calls `product` with the places in y, x and weight of every product of the definition that is not with
/// padding.
fn for_each_product(
    [images, channels, height, width]: [usize; 4],
    [outputs, inputs, kernel_height, kernel_width]: [usize; 4],
    conv: Conv2d,
    mut product: impl FnMut(usize, usize, usize),
) {
    let out = |size: usize, kernel: usize| (size + 2 * conv.padding - kernel) / conv.stride + 1;
    let (out_height, out_width) = (out(height, kernel_height), out(width, kernel_width));
    let inside = |window: usize, tap: usize, size: usize| {
        (window * conv.stride + tap).checked_sub(conv.padding).filter(|&at| at < size)
    };
    for (n, o) in (0..images).flat_map(|n| (0..outputs).map(move |o| (n, o))) {
        let group = o / (outputs / conv.groups);
        for (i, j) in (0..out_height).flat_map(|i| (0..out_width).map(move |j| (i, j))) {
            let y_index = ((n * outputs + o) * out_height + i) * out_width + j;
            for c in 0..inputs {
                for (k, l) in (0..kernel_height).flat_map(|k| (0..kernel_width).map(move |l| (k, l))) {
                    let (Some(row), Some(column)) = (inside(i, k, height), inside(j, l, width)) else {
                        continue;
                    };
                    let x_index = ((n * channels + group * inputs + c) * height + row) * width + column;
                    product(y_index, x_index, ((o * inputs + c) * kernel_height + k) * kernel_width + l);
                }
            }
        }
    }
}
