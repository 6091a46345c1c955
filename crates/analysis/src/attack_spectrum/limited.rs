//! An adversary that may use some frequencies alone.

use candle_core::{Device, Tensor};
use datasets::Batch;
use models::{Attack, Ball, Frozen};
use pipeline::out_of_memory;
use rayon::prelude::*;

use crate::{Error, measuring::ImageRings};

/// Below this part of a gradient's length a ring holds rounding alone, and nowhere to go.
const LEAST: f64 = 1e-6;

/// Images of a batch, changed against the network by what lies in an octave of rings.
///
/// From no change on, at each step: the gradient at the changed image (of ‖·‖∞ its sign) → limited to the rings, of size 1 → added times the
/// step → scaled back to ε where it is larger. Scaling keeps a change in its rings. Of the last change the image is clipped to [0, 1].
pub(super) fn limited_attack(
    attack: &Attack,
    network: &Frozen,
    batch: &Batch,
    rings: &ImageRings,
    octave: [usize; 2],
) -> Result<Vec<f32>, Error> {
    let shape = rings.shape();
    let dims = (batch.len(), shape.channels, shape.height, shape.width);
    let mut changes = vec![0f64; batch.images.len()];
    for _ in 0..attack.steps {
        let images = Tensor::from_vec(changed(&batch.images, &changes), dims, &Device::Cpu)?;
        let found = network.scaled_input_gradient(&images, &batch.labels);
        let found = found.map_err(|error| out_of_memory(error, batch.len()))?;
        let gradient = found.gradient.flatten_all()?.to_vec1::<f32>()?;
        let each = changes.par_chunks_mut(shape.len()).zip(gradient.par_chunks(shape.len()));
        each.for_each(|(change, gradient)| step(attack, rings, octave, change, gradient));
    }
    Ok(changed(&batch.images, &changes))
}

fn changed(images: &[f32], changes: &[f64]) -> Vec<f32> {
    images
        .iter()
        .zip(changes)
        .map(|(&pixel, change)| (f64::from(pixel) + change).clamp(0.0, 1.0) as f32)
        .collect()
}

fn step(attack: &Attack, rings: &ImageRings, octave: [usize; 2], change: &mut [f64], gradient: &[f32]) {
    let direction = |&slope: &f32| match attack.ball {
        Ball::L2 => f64::from(slope),
        Ball::Linf => f64::from(u8::from(slope > 0.0)) - f64::from(u8::from(slope < 0.0)),
    };
    let mut way: Vec<f64> = gradient.iter().map(direction).collect();
    let whole = size(attack.ball, &way);
    rings.limit(&mut way, octave);
    let own = size(attack.ball, &way);
    if !own.is_finite() || own <= LEAST * whole {
        return;
    }
    let scale = f64::from(attack.step) / own;
    change.iter_mut().zip(&way).for_each(|(change, way)| *change += scale * way);
    let (far, radius) = (size(attack.ball, change), f64::from(attack.radius));
    if far > radius {
        change.iter_mut().for_each(|change| *change *= radius / far);
    }
}

/// How large a change is, as the ball measures it.
pub(super) fn size(ball: Ball, values: &[f64]) -> f64 {
    match ball {
        Ball::L2 => values.iter().map(|value| value * value).sum::<f64>().sqrt(),
        Ball::Linf => values.iter().fold(0.0, |most, value| f64::max(most, value.abs())),
    }
}
