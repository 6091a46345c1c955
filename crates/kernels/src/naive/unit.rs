//! Vectors of a length that is given, as attention by cosines has them (Liu et al., CVPR 2022).

/// Lengths below this are taken for it.
const SHORTEST: f64 = 1e-12;

/// The channels of each pixel in vectors of `size`, one after the other: the first are divided by their lengths and multiplied by
/// `factors`, a number a vector; the others stay as they are. `x` is (N, C, pixels).
pub fn forward(x: &[f64], dims: [usize; 3], size: usize, factors: &[f64]) -> Vec<f64> {
    let mut y = x.to_vec();
    each_vector(dims, size, factors.len(), |vector, places| {
        let length = length(x, places);
        places.iter().for_each(|&at| y[at] = x[at] / length * factors[vector]);
    });
    y
}

/// The gradients of `x` and of the factors, given `g` = ∂L/∂y.
pub fn backward(
    x: &[f64],
    dims: [usize; 3],
    size: usize,
    factors: &[f64],
    g: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let (mut dx, mut of_factors) = (g.to_vec(), vec![0.0; factors.len()]);
    each_vector(dims, size, factors.len(), |vector, places| {
        let length = length(x, places);
        let along: f64 = places.iter().map(|&at| g[at] * x[at] / length).sum();
        for &at in places {
            dx[at] = factors[vector] / length * (g[at] - along * x[at] / length);
        }
        of_factors[vector] += along;
    });
    (dx, of_factors)
}

fn length(x: &[f64], places: &[usize]) -> f64 {
    places.iter().map(|&at| x[at] * x[at]).sum::<f64>().sqrt().max(SHORTEST)
}

/// The places of the first `count` vectors of each pixel.
fn each_vector(
    [images, channels, pixels]: [usize; 3],
    size: usize,
    count: usize,
    mut work: impl FnMut(usize, &[usize]),
) {
    for image in 0..images {
        for vector in 0..count {
            for pixel in 0..pixels {
                let place = |c: usize| (image * channels + vector * size + c) * pixels + pixel;
                work(vector, &(0..size).map(place).collect::<Vec<_>>());
            }
        }
    }
}
