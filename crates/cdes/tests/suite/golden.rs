//! Against numbers from the original code: target, noise, kernels, losses, gradients, steps, masks and restructured images.
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use cdes::{Norm, Objective, QuadrantMask, ToyKernels, restructure, target_density, with_noise};
use npyz::{Deserialize, NpyFile};
use training::Sgd;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The reference values beside the checkout; without them a test says so and ends, or fails where they are due.
fn golden() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden"));
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("FREQBIAS_REQUIRE_GOLDEN").is_none(),
        "{} is required and absent",
        folder.display()
    );
    println!("SKIPPED: no reference values at {}", folder.display());
    None
}

fn read<T: Deserialize>(folder: &Path, name: &str) -> Outcome<(Vec<usize>, Vec<T>)> {
    let file = NpyFile::new(BufReader::new(File::open(folder.join(format!("{name}.npy")))?))?;
    let shape = file.shape().iter().map(|&n| n as usize).collect();
    Ok((shape, file.into_vec()?))
}

fn tensor(folder: &Path, name: &str) -> Outcome<Tensor> {
    let (shape, values) = read::<f32>(folder, name)?;
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// The first 64 test images, values in [0, 1].
fn images(folder: &Path) -> Outcome<Tensor> {
    let (shape, bytes) = read::<u8>(folder, "images64_u8")?;
    let values: Vec<f32> = bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// The parameters, or what belongs to them, in files that start with `prefix`.
fn parameters(folder: &Path, prefix: &str) -> Outcome<BTreeMap<String, Tensor>> {
    let names = [
        ("0.weight", "conv1_weight"),
        ("0.bias", "conv1_bias"),
        ("1.weight", "conv2_weight"),
        ("1.bias", "conv2_bias"),
    ];
    let read = |(name, file)| Ok((format!("kernels.{name}"), tensor(folder, &format!("{prefix}{file}"))?));
    names.into_iter().map(read).collect()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|tensor| tensor.to_vec1()).expect("an f32 tensor")
}

fn difference(found: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(found.dims(), expected.dims());
    flat(found).iter().zip(flat(expected)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn largest(tensor: &Tensor) -> f32 {
    flat(tensor).iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The kernels at the start, what goes into them, and what they are fitted for.
fn start(folder: &Path) -> Outcome<(ToyKernels, Tensor, Objective)> {
    let kernels = ToyKernels::from_tensors(&parameters(folder, "toy_")?)?;
    let real = with_noise(&images(folder)?.narrow(0, 0, 8)?, &tensor(folder, "toy_noise_uniform")?)?;
    Ok((kernels, real, Objective::new(32, 32, target_density(20, 32, 1.0))?))
}

#[test]
fn target_densities() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    for (name, rho) in [("doubledensity32_20_rho1", 1.0), ("doubledensity32_20_rho0.5", 0.5)] {
        let (_, expected) = read::<f64>(&folder, name)?;
        let found = target_density(20, 32, rho);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12), "{name}: {found:?}");
    }
    Ok(())
}

#[test]
fn noisy_images_and_what_kernels_make_of_them() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (kernels, real, _) = start(&folder)?;
    let off = difference(&real, &tensor(&folder, "toy_real_image")?);
    assert!(off < 1e-6, "noisy images are off by {off}");
    let off = difference(&kernels.apply(&real)?, &tensor(&folder, "toy_fake_image")?);
    assert!(off < 1e-5, "images are off by {off}");
    Ok(())
}

/// Of the sum, and of the spectral part alone: that of images compared with themselves, which have no image loss.
#[test]
fn gradients_of_the_images() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, real, objective) = start(&folder)?;
    let fake = tensor(&folder, "toy_fake_image")?;
    let (losses, spectral) = objective.evaluate(&fake, &fake)?;
    assert_eq!(losses.image, 0.0);
    let expected = tensor(&folder, "toy_dspectral_dfake")?;
    let off = difference(&spectral, &expected);
    assert!(off < 3e-5 * largest(&expected), "off by {off}");
    let image = ((&fake - &real)? * (2.0 / fake.elem_count() as f64))?;
    let (_, total) = objective.evaluate(&fake, &real)?;
    assert!(difference(&total, &(spectral + image)?) < 1e-7 * largest(&total));
    Ok(())
}

#[test]
fn gradients_of_the_parameters() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (kernels, real, objective) = start(&folder)?;
    let (losses, total) = kernels.gradients(&objective, &real)?;
    let fake = kernels.apply(&real)?;
    let (_, spectral) = objective.evaluate(&fake, &fake)?;
    let image = ((&fake - &real)? * (2.0 / fake.elem_count() as f64))?;
    let spectral = kernels.parameter_gradients(&real, &spectral)?;
    let image = kernels.parameter_gradients(&real, &image)?;
    let (_, expected) = read::<f64>(&folder, "toy_losses10")?;
    for (found, expected) in [losses.total(), losses.spectral, losses.image].iter().zip(expected) {
        assert!((found - expected).abs() < 5e-6, "{losses:?}");
    }
    let totals = parameters(&folder, "toy_grad_")?;
    for (prefix, found) in [("toy_grad_", &total), ("toy_gradspec_", &spectral), ("toy_gradimg_", &image)] {
        for (name, expected) in parameters(&folder, prefix)? {
            // The spectral loss's gradient of the last bias is zero but for rounding: there the whole gradient is the measure.
            let measure = largest(&expected).max(largest(&totals[&name]) * 1e-2);
            let off = difference(&found[&name], &expected);
            assert!(off < 3e-5 * measure, "{prefix}{name}: off by {off} of {measure}");
        }
    }
    Ok(())
}

#[test]
fn ten_steps() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (kernels, real, objective) = start(&folder)?;
    let (_, expected) = read::<f64>(&folder, "toy_losses10")?;
    let mut sgd = Sgd::new(0.9, 1e-4);
    for step in 1..=10 {
        let (losses, gradients) = kernels.gradients(&objective, &real)?;
        let found = [losses.total(), losses.spectral, losses.image];
        for (found, expected) in found.iter().zip(&expected[3 * step - 3..]) {
            assert!((found - expected).abs() < 5e-6, "step {step}: {losses:?}");
        }
        sgd.step(kernels.parameters(), &gradients, 0.01)?;
        if [1, 2, 10].contains(&step) {
            for (name, expected) in parameters(&folder, &format!("toy_step{step}_"))? {
                let off = difference(kernels.parameters()[&name].as_tensor(), &expected);
                assert!(off < 2e-6, "`{name}` after step {step}: off by {off}");
            }
        }
    }
    Ok(())
}

/// Norm, inner and outer distance.
type Ring = (Norm, usize, usize);

#[test]
fn masks() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (l1, l2, max) = (Norm::L1, Norm::L2, Norm::Max);
    let of_32 = [
        (l2, 0, 10),
        (l2, 11, 32),
        (l2, 0, 4),
        (l2, 5, 32),
        (l2, 0, 16),
        (l1, 0, 10),
        (l1, 11, 32),
        (l1, 4, 12),
        // Squares leave out the inner one with its edge. The last one of the file, from 11 to 32, reaches beyond the spectrum, where
        // the original's slices wrap around and count twice.
        (max, 1, 10),
        (max, 5, 12),
        (max, 11, 16),
    ];
    let sizes: [(usize, &[Ring]); 3] =
        [(32, &of_32), (33, &[(l2, 0, 10), (l2, 11, 33)]), (28, &[(l2, 0, 10), (l2, 11, 28), (l1, 0, 10)])];
    for (size, masks) in sizes {
        let (_, expected) = read::<i8>(&folder, &format!("cdes_masks_{size}"))?;
        for (&(norm, from, to), expected) in masks.iter().zip(expected.chunks(size * size)) {
            let mask = QuadrantMask::new(norm, size, size, from..=to);
            let found: Vec<i8> = mask.shifted().iter().map(|&keep| keep.into()).collect();
            assert_eq!(found, expected, "{norm:?} from {from} to {to} of {size}");
        }
    }
    Ok(())
}

#[test]
fn restructured_images() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, expected) = read::<f64>(&folder, "freq_restructuring16_r10")?;
    let images = images(&folder)?;
    let found = flat(&restructure(&images.narrow(0, 0, 16)?, &images.narrow(0, 16, 16)?, 10)?);
    assert_eq!(found.len(), expected.len());
    let off = found.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(off < 2e-6, "off by {off}");
    Ok(())
}
