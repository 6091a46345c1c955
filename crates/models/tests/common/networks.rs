//! Networks with made-up weights, for tests of what engines compute.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use models::Architecture;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Numbers in [−1, 1) that look random.
pub(crate) fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Weights that keep activations about as large as they are, for ten classes.
pub(crate) fn weights(architecture: Architecture) -> Outcome<BTreeMap<String, Tensor>> {
    weights_for(architecture, 10)
}

/// The same for any number of classes.
pub(crate) fn weights_for(architecture: Architecture, classes: usize) -> Outcome<BTreeMap<String, Tensor>> {
    let tensor = |(at, (name, shape)): (usize, (String, Vec<usize>))| {
        let count: usize = shape.iter().product();
        let fan_in: usize = shape[1..].iter().product();
        let (middle, width) = match () {
            () if shape.len() > 1 => (0.0, (3.0 / fan_in as f32).sqrt()),
            () if name.ends_with("bias") || name.ends_with("mean") => (0.0, 0.1),
            () => (1.0, 0.2),
        };
        let values = noise(count, at as u64 + 1).iter().map(|value| middle + width * value).collect();
        Ok((name, Tensor::from_vec(values, shape, &Device::Cpu)?))
    };
    architecture.graph(classes).shapes().into_iter().enumerate().map(tensor).collect()
}

/// Four images.
pub(crate) fn images(size: usize) -> Outcome<Tensor> {
    let values = noise(4 * 3 * size * size, 3).iter().map(|value| 0.5 + 0.5 * value).collect();
    Ok(Tensor::from_vec(values, (4, 3, size, size), &Device::Cpu)?)
}

/// ‖a − b‖ / ‖b‖.
pub(crate) fn distance(a: &Tensor, b: &Tensor) -> Outcome<f64> {
    let values = |x: &Tensor| -> Outcome<Vec<f32>> { Ok(x.flatten_all()?.to_vec1()?) };
    let (a, b) = (values(a)?, values(b)?);
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f32>| -> f64 {
        values.map(|value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
    };
    Ok(norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied()).max(1e-12))
}
