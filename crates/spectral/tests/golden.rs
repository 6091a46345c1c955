//! Against numbers from the original code: radial averages, gradient and density profiles, masks, splits and filters.
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::{fs::File, io::BufReader, path::PathBuf};

use npyz::{Deserialize, NpyFile};
use rustfft::num_complex::Complex64;
use spectral::{
    Convention, DctCorner, DensityMap, Filter, Hybrid, Pass, Profiler, RadialBins, RadialMask, Recipe,
    Rescale, RunningBands, to_bytes,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

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

/// Shape and values.
type Array<T> = (Vec<usize>, Vec<T>);

fn read<T: Deserialize>(
    folder: &std::path::Path,
    name: &str,
) -> Result<Array<T>, Box<dyn std::error::Error>> {
    let file = NpyFile::new(BufReader::new(File::open(folder.join(format!("{name}.npy")))?))?;
    let shape = file.shape().iter().map(|&n| n as usize).collect();
    Ok((shape, file.into_vec()?))
}

fn images(folder: &std::path::Path) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
    Ok(read::<u8>(folder, "images64_u8")?.1.into_iter().map(|byte| f32::from(byte) / 255.0).collect())
}

#[test]
fn radial_averages() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    for (name, single_tolerance) in
        [("32", 2e-5), ("28", 2e-5), ("33", 2e-5), ("64", 2e-5), ("224", 1e-4), ("24x40", 2e-5)]
    {
        let (shape, planes) = read::<f32>(&folder, &format!("azim_in_{name}"))?;
        let bins = RadialBins::new(shape[1], shape[2], Convention::Reference);
        let (_, double) = read::<f64>(&folder, &format!("azim_out_{name}"))?;
        let (_, single) = read::<f32>(&folder, &format!("azim_cdes_out_{name}"))?;
        let planes: Vec<f64> = planes.into_iter().map(f64::from).collect();
        let found: Vec<f64> =
            planes.chunks(shape[1] * shape[2]).flat_map(|plane| bins.average(plane)).collect();
        assert_eq!(found.len(), double.len(), "{name}");
        assert!(found.iter().zip(&double).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs()), "{name}");
        assert!(
            found.iter().zip(&single).all(|(a, b)| (a - f64::from(*b)).abs() <= single_tolerance),
            "{name}, single"
        );
    }
    Ok(())
}

#[test]
fn gradient_profiles() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, gradient) = read::<f32>(&folder, "resnet18_input_grad")?;
    let (_, expected) = read::<f64>(&folder, "power_profiles")?;
    let profiles = Profiler::new(Recipe::Gradient, 3, 32, 32, Convention::Reference)?.profiles(&gradient)?;
    assert_eq!(profiles.skipped(), 0);
    let mut bands = RunningBands::new(20);
    for (row, expected) in profiles.rows().zip(expected.chunks(20)) {
        assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5));
        bands.push(row);
    }
    for (name, found) in [("power_mean", bands.mean()), ("power_std", bands.std())] {
        let (_, expected) = read::<f64>(&folder, name)?;
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{name}");
    }
    Ok(())
}

#[test]
fn density_profiles() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, expected) = read::<f32>(&folder, "vsd64")?;
    let profiles =
        Profiler::new(Recipe::Density, 3, 32, 32, Convention::Reference)?.profiles(&images(&folder)?)?;
    assert_eq!(profiles.rows().count(), 64);
    for (row, expected) in profiles.rows().zip(expected.chunks(20)) {
        assert!(row.iter().zip(expected).all(|(a, b)| (a - f64::from(*b)).abs() < 2e-5));
    }
    Ok(())
}

#[test]
fn radial_masks() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, expected) = read::<u8>(&folder, "mask_radial_r4_8_12_16")?;
    for (radius, expected) in [4, 8, 12, 16].into_iter().zip(expected.chunks(1024)) {
        let found: Vec<u8> =
            RadialMask::low(32, 32, radius).shifted().iter().map(|&low| low.into()).collect();
        assert_eq!(found, expected, "r = {radius}");
    }
    Ok(())
}

/// Planes of an image, pixel values 0 to 255.
fn planes(folder: &std::path::Path, image: usize) -> Result<Vec<Vec<f64>>, Box<dyn std::error::Error>> {
    let (_, bytes) = read::<u8>(folder, "images64_u8")?;
    Ok(bytes[image * 3072..][..3072]
        .chunks(1024)
        .map(|plane| plane.iter().map(|&v| f64::from(v)).collect())
        .collect())
}

#[test]
fn split_spectra() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, low) = read::<Complex64>(&folder, "dft_low_r12_2img")?;
    let (_, high) = read::<Complex64>(&folder, "dft_high_r12_2img")?;
    let largest = low.iter().chain(&high).map(|value| value.norm()).fold(0.0, f64::max);
    let mask = RadialMask::low(32, 32, 12);
    for image in 0..2 {
        for (channel, plane) in planes(&folder, image)?.iter().enumerate() {
            let found = mask.split_spectrum(plane)?;
            for (found, expected) in found.iter().zip([&low, &high]) {
                let expected = |at: usize| expected[(image * 1024 + at) * 3 + channel];
                let worst = (0..1024).map(|at| (found[at] - expected(at)).norm()).fold(0.0, f64::max);
                assert!(worst < 1e-9 * largest, "image {image}, channel {channel}: {worst}");
            }
        }
    }
    Ok(())
}

#[test]
fn filtered_images() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, raw) = read::<f32>(&folder, "dft_filter_raw8")?;
    let (_, bytes) = read::<u8>(&folder, "dft_filter_u8")?;
    let mut wrong = 0;
    for (index, radius) in [4, 8, 12, 16].into_iter().enumerate() {
        let mask = RadialMask::low(32, 32, radius);
        for image in 0..8 {
            for (channel, plane) in planes(&folder, image)?.iter().enumerate() {
                let split = mask.split(plane)?;
                for (part, found) in [&split.low, &split.high].into_iter().enumerate() {
                    let at = |pixel: usize| (((index * 2 + part) * 8 + image) * 1024 + pixel) * 3 + channel;
                    assert!((0..1024).all(|pixel| (found[pixel] - f64::from(raw[at(pixel)])).abs() < 1e-3));
                    let found = to_bytes(found);
                    let apart = |pixel: usize| found[pixel].abs_diff(bytes[at(pixel)]);
                    assert!((0..1024).all(|pixel| apart(pixel) <= 1));
                    wrong += (0..1024).filter(|&pixel| apart(pixel) == 1).count();
                }
            }
        }
    }
    assert!(wrong * 1000 <= bytes.len(), "{wrong} of {} bytes are off by one", bytes.len());
    Ok(())
}

/// Cosine coefficients of pixels 0 to 255 within the stated 2e-3, and none beside the corner.
#[test]
fn cosine_corners() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (shape, expected) = read::<f32>(&folder, "dct_low_r12_2img")?;
    assert_eq!(shape, [2, 32, 32, 3]);
    let corner = DctCorner::new(32, 32, 12)?;
    let mut furthest = 0f64;
    for (image, expected) in expected.chunks(3072).enumerate() {
        for (channel, plane) in planes(&folder, image)?.iter().enumerate() {
            let found = corner.coefficients(plane)?;
            for at in 0..1024 {
                let (u, v) = (at / 32, at % 32);
                let found = if u.max(v) < 12 { found[12 * u + v] } else { 0.0 };
                furthest = furthest.max((found - f64::from(expected[3 * at + channel])).abs());
            }
        }
    }
    println!("cosine coefficients: {furthest:.1e} apart at most");
    assert!(furthest < 2e-3);
    Ok(())
}

/// Images in [0, 1] through the planned filter: raw values within the stated tolerance of values 0 to 255, bytes off by one in
/// at most one of a thousand.
#[test]
fn planned_filters() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let images = &images(&folder)?[..8 * 3072];
    let (_, raw) = read::<f32>(&folder, "dft_filter_raw8")?;
    let (_, bytes) = read::<u8>(&folder, "dft_filter_u8")?;
    let passes = [4, 8, 12, 16].into_iter().flat_map(|radius| [Pass::Low(radius), Pass::High(radius)]);
    let mut wrong = 0;
    for (index, pass) in passes.enumerate() {
        // Channels come last in the reference.
        let at = |value: usize| {
            let (plane, pixel) = (value / 1024, value % 1024);
            ((index * 8 + plane / 3) * 1024 + pixel) * 3 + plane % 3
        };
        let found = Filter::new(32, 32, pass, Rescale::None)?.apply(images)?;
        assert!(
            found.iter().enumerate().all(|(i, value)| (255.0 * value - raw[at(i)]).abs() < 1e-3),
            "{pass:?}"
        );
        let found = Filter::new(32, 32, pass, Rescale::MinMax)?.apply(images)?;
        for (i, value) in found.iter().enumerate() {
            let apart = ((255.0 * value).round() as u8).abs_diff(bytes[at(i)]);
            assert!(apart <= 1, "{pass:?} {i}");
            wrong += usize::from(apart);
        }
    }
    assert!(wrong * 1000 <= bytes.len(), "{wrong} of {} bytes are off by one", bytes.len());
    println!("{wrong} of {} bytes are off by one", bytes.len());
    Ok(())
}

/// The gradient of the mean squared distance between the densities of eight images and the target, with respect to the
/// images, through everything: min–max, radial mean, logarithm, magnitude, DFT and luma.
#[test]
fn density_gradients() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (shape, fake) = read::<f32>(&folder, "toy_fake_image")?;
    let (_, expected_density) = read::<f32>(&folder, "toy_fake_density")?;
    let (_, target) = read::<f64>(&folder, "doubledensity32_20_rho1")?;
    let (_, expected) = read::<f32>(&folder, "toy_dspectral_dfake")?;
    let map = DensityMap::new(shape[1], shape[2], shape[3], Convention::Reference)?;
    let densities = map.forward(&fake)?;
    let found: Vec<f64> = densities.rows().flatten().copied().collect();
    assert_eq!(found.len(), expected_density.len());
    assert!(found.iter().zip(&expected_density).all(|(a, b)| (a - f64::from(*b)).abs() < 3e-5));

    let distance = |row: &[f64]| -> Vec<f64> { row.iter().zip(&target).map(|(d, t)| d - t).collect() };
    let count = found.len() as f64;
    let gradient: Vec<f64> = densities.rows().flat_map(distance).map(|d| 2.0 * d / count).collect();
    let found = densities.gradient(&gradient)?;
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 3e-5 * largest, "off by {worst} of {largest}");
    Ok(())
}

/// Pixels (N, C, H, W) as the reference has them, (N, H, W, C).
fn channels_last(images: &[u8]) -> Vec<u8> {
    let each = images.chunks(3072);
    each.flat_map(|image| (0..3072).map(move |at| image[at % 3 * 1024 + at / 3])).collect()
}

/// Bytes off by one are at most one of a thousand, and none is further off.
fn assert_bytes(what: &str, found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let apart = || found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b));
    let wrong = apart().filter(|&apart| apart > 0).count();
    println!("{what}: {wrong} of {} bytes are off by one", expected.len());
    assert!(apart().all(|apart| apart <= 1) && wrong * 1000 <= expected.len(), "{what}: {wrong}");
}

#[test]
fn hybrids() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, images) = read::<u8>(&folder, "images64_u8")?;
    let (_, pairs) = read::<i64>(&folder, "hars_pairs_high_low")?;
    let (shape, expected) = read::<u8>(&folder, "hars_r12_u8")?;
    assert_eq!(shape, [12, 32, 32, 3]);
    let gives = |part: usize| -> Vec<u8> {
        let each = pairs.chunks(2).map(|pair| pair[part] as usize);
        each.flat_map(|image| images[image * 3072..][..3072].to_vec()).collect()
    };
    let found = Hybrid::new(3, 32, 32, 12)?.apply(&gives(0), &gives(1))?;
    assert_bytes("hybrids", &channels_last(&found), &expected);
    Ok(())
}

#[test]
fn filtered_copies() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    let (_, images) = read::<u8>(&folder, "images64_u8")?;
    let (_, expected) = read::<u8>(&folder, "dft_filter_u8")?;
    for (radius, expected) in [4, 8, 12, 16].into_iter().zip(expected.chunks(2 * 8 * 3072)) {
        let hybrid = Hybrid::new(3, 32, 32, radius)?;
        let (low, high) = expected.split_at(8 * 3072);
        let images = &images[..8 * 3072];
        assert_bytes(&format!("low, r = {radius}"), &channels_last(&hybrid.low_pass(images)?), low);
        assert_bytes(&format!("high, r = {radius}"), &channels_last(&hybrid.high_pass(images)?), high);
    }
    Ok(())
}
