//! Gradients cut to a length.

use std::{collections::BTreeMap, ops::Deref};

use candle_core::{Result, Storage, Tensor};

/// What PyTorch adds to the length before it divides by it.
const SMALL: f64 = 1e-6;

/// Scales all gradients together so that their Euclidean length is at most `most`: by most / (length + 10⁻⁶) where that is below 1, as
/// `torch.nn.utils.clip_grad_norm_` does.
///
/// On the CPU the length is summed in f64, parameter by parameter in the order of names, in an order that depends on sizes alone. On other
/// devices it is summed and used there in f32, so that a step waits for nothing.
///
/// ```
/// use std::collections::BTreeMap;
/// use candle_core::{Device, Tensor};
///
/// let gradient = Tensor::new(&[3f32, -4.0], &Device::Cpu)?;
/// let mut gradients = BTreeMap::from([("p".to_owned(), gradient)]);
/// training::clip(&mut gradients, 10.0)?;
/// assert_eq!(gradients["p"].to_vec1::<f32>()?, [3.0, -4.0]);
/// training::clip(&mut gradients, 1.0)?;
/// let cut = gradients["p"].to_vec1::<f32>()?;
/// assert!((cut[0] - 0.6).abs() < 1e-6 && (cut[1] + 0.8).abs() < 1e-6);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the device fails, or a gradient is not f32.
pub fn clip(gradients: &mut BTreeMap<String, Tensor>, most: f64) -> Result<()> {
    if gradients.values().all(|gradient| gradient.device().is_cpu()) {
        return clip_on_host(gradients, most);
    }
    clip_on_device(gradients, most)
}

fn clip_on_host(gradients: &mut BTreeMap<String, Tensor>, most: f64) -> Result<()> {
    let mut squares = 0.0;
    for gradient in gradients.values() {
        squares += sum_of_squares(gradient)?;
    }
    let factor = most / (squares.sqrt() + SMALL);
    if factor < 1.0 {
        for gradient in gradients.values_mut() {
            *gradient = gradient.affine(factor, 0.0)?;
        }
    }
    Ok(())
}

fn clip_on_device(gradients: &mut BTreeMap<String, Tensor>, most: f64) -> Result<()> {
    let squares = gradients.values().map(|gradient| gradient.sqr()?.sum_all());
    let squares = Tensor::stack(&squares.collect::<Result<Vec<_>>>()?, 0)?;
    let length = squares.sum_all()?.sqrt()?.affine(1.0, SMALL)?;
    let factor = length.recip()?.affine(most, 0.0)?.minimum(1.0)?;
    for gradient in gradients.values_mut() {
        *gradient = gradient.broadcast_mul(&factor)?;
    }
    Ok(())
}

/// Sums that go on side by side.
const LANES: usize = 8;

fn sum_of_squares(values: &Tensor) -> Result<f64> {
    let values = values.contiguous()?;
    let (storage, layout) = values.storage_and_layout();
    let Storage::Cpu(storage) = storage.deref() else {
        candle_core::bail!("a tensor on the CPU is not there")
    };
    let all = storage.as_slice::<f32>()?;
    let values = &all[layout.start_offset()..][..layout.shape().elem_count()];
    let mut sums = [0.0; LANES];
    let square = |value: &f32| f64::from(*value).powi(2);
    let chunks = values.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(square).sum();
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += square(value));
    }
    Ok(sums.iter().sum::<f64>() + rest)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn gradients() -> Result<BTreeMap<String, Tensor>> {
        let values = |count: usize| (0..count).map(|at| (at * 7 % 13) as f32 - 6.0).collect::<Vec<_>>();
        let tensor = |count: usize| Tensor::from_vec(values(count), count, &Device::Cpu);
        Ok(BTreeMap::from([("a".to_owned(), tensor(37)?), ("b".to_owned(), tensor(16)?)]))
    }

    fn length(gradients: &BTreeMap<String, Tensor>) -> Result<f64> {
        let squares = gradients.values().map(sum_of_squares).collect::<Result<Vec<_>>>()?;
        Ok(squares.iter().sum::<f64>().sqrt())
    }

    #[test]
    fn the_device_does_what_the_host_does() -> Result<()> {
        for most in [0.5, 1e3] {
            let (mut host, mut device) = (gradients()?, gradients()?);
            clip_on_host(&mut host, most)?;
            clip_on_device(&mut device, most)?;
            let expected = length(&gradients()?)?.min(most);
            for found in [length(&host)?, length(&device)?] {
                assert!((found / expected - 1.0).abs() < 1e-5, "{found} {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn what_is_no_number_stays_none() -> Result<()> {
        let gradient = Tensor::new(&[f32::NAN, 1.0], &Device::Cpu)?;
        let mut gradients = BTreeMap::from([("p".to_owned(), gradient)]);
        clip(&mut gradients, 1.0)?;
        assert!(gradients["p"].to_vec1::<f32>()?[0].is_nan());
        Ok(())
    }
}
