//! The operations of [`kernels::device`] against the naive versions, on every device that this build has.

use candle_core::{Device, Result, Tensor};
use kernels::{
    Activation, Pool2d,
    blocked::{Cells, ConvolutionShape},
    device::{self, BandMeans, Convolution, Precision},
    naive::{self, Conv2d},
};

mod common;
use common::{error, fine, flat, wide};

/// Makes of each function `fn(&Device) -> Result<()>` a test for the CPU and, with the feature `cuda`, the first CUDA device.
macro_rules! on_every_device {
    ($($name:ident),+ $(,)?) => {
        mod cpu {
            $(#[test] fn $name() -> candle_core::Result<()> { super::$name(&candle_core::Device::Cpu) })+
        }
        #[cfg(feature = "cuda")]
        mod cuda {
            $(#[test] fn $name() -> candle_core::Result<()> {
                super::$name(&candle_core::Device::new_cuda(0)?)
            })+
        }
    };
}

on_every_device!(
    convolutions_are_the_naive_ones,
    unequal_padding_is_zeros_on_the_longer_sides,
    half_precision_is_near,
    batch_norm_is_the_naive_one,
    relu_lets_through_what_was_positive,
    maxima_are_the_naive_ones,
    means_are_the_naive_ones,
    cross_entropy_is_the_naive_one,
    soft_cross_entropy_is_the_naive_one,
    band_means_are_those_of_the_definition,
    gradients_of_any_scale_have_band_means,
    values_are_blended_in_place,
    resident_images_are_gathered_exactly,
    uploads_are_taken_as_they_were_begun,
    uploads_out_of_turn_are_refused,
);

/// Of sums of f32 products.
const NEAR: f64 = 1e-5;

fn tensor(values: &[f32], dims: &[usize], device: &Device) -> Result<Tensor> {
    Tensor::from_slice(values, dims, device)
}

fn convolutions_are_the_naive_ones(device: &Device) -> Result<()> {
    let same = |channels, kernel, stride| ConvolutionShape::same(channels, kernel, stride);
    let grouped = |groups, shape| ConvolutionShape { groups, ..shape };
    for (shape, size) in [
        (same([3, 8], 3, 1), [9, 7]),
        (same([4, 6], 3, 2), [8, 10]),
        (same([5, 4], 1, 1), [6, 6]),
        (same([4, 8], 1, 2), [7, 8]),
        (same([3, 5], 7, 2), [20, 17]),
        (same([3, 5], 7, 1), [12, 12]),
        (grouped(4, same([8, 12], 3, 1)), [6, 5]),
        (grouped(2, same([8, 4], 3, 2)), [9, 9]),
        (ConvolutionShape { kernel: [4, 4], padding: [0; 2], ..same([6, 5], 1, 1) }, [4, 4]),
    ] {
        let (x_dims, [height, width]) =
            ([3, shape.inputs, size[0], size[1]], shape.output_size(size).unwrap());
        let weight_dims = [shape.outputs, shape.inputs / shape.groups, shape.kernel[0], shape.kernel[1]];
        let y_dims = [3, shape.outputs, height, width];
        let conv = Conv2d { stride: shape.stride, padding: shape.padding[0], groups: shape.groups };
        let count = |dims: [usize; 4]| dims.iter().product::<usize>();
        let (x, weight, g) = (fine(1, count(x_dims)), fine(2, count(weight_dims)), fine(3, count(y_dims)));
        let on_device = Convolution::new(x_dims, shape, Precision::Full)?;
        let (xs, weights) = (tensor(&x, &x_dims, device)?, tensor(&weight, &weight_dims, device)?);
        let gs = tensor(&g, &y_dims, device)?;
        let (x, weight, g) = (wide(&x), wide(&weight), wide(&g));

        let y = naive::convolution::forward(&x, x_dims, &weight, weight_dims, conv);
        assert!(error(&flat(&on_device.forward(&xs, &weights)?), &y) < NEAR, "{shape:?}");
        let dx = naive::convolution::input_gradient(&weight, weight_dims, &g, x_dims, conv);
        assert!(error(&flat(&on_device.input_gradient(&weights, &gs)?), &dx) < NEAR, "{shape:?}");
        let dw = naive::convolution::weight_gradient(&x, x_dims, &g, weight_dims, conv);
        assert!(error(&flat(&on_device.weight_gradient(&xs, &gs)?), &dw) < NEAR, "{shape:?}");
    }
    Ok(())
}

/// A kernel of 1 × 7 is one of 7 × 7 with zeros above and below.
fn unequal_padding_is_zeros_on_the_longer_sides(device: &Device) -> Result<()> {
    let flat_shape =
        ConvolutionShape { kernel: [1, 7], padding: [0, 3], ..ConvolutionShape::same([2, 3], 1, 1) };
    let (x, weight) = (fine(1, 2 * 2 * 5 * 9), fine(2, 3 * 2 * 7));
    let mut square = vec![0.0; 3 * 2 * 49];
    for (kernel, row) in square.chunks_exact_mut(49).zip(weight.chunks_exact(7)) {
        kernel[21..28].copy_from_slice(row);
    }
    let x = tensor(&x, &[2, 2, 5, 9], device)?;
    let narrow = Convolution::new([2, 2, 5, 9], flat_shape, Precision::Full)?;
    let found = narrow.forward(&x, &tensor(&weight, &[3, 2, 1, 7], device)?)?;
    let wide_one = Convolution::new([2, 2, 5, 9], ConvolutionShape::same([2, 3], 7, 1), Precision::Full)?;
    let expected = wide_one.forward(&x, &tensor(&square, &[3, 2, 7, 7], device)?)?;
    assert!(error(&flat(&found), &wide(&flat(&expected))) < NEAR);
    Ok(())
}

/// Factors of eight bits: 2⁻⁹ each at most, and no more than that.
fn half_precision_is_near(device: &Device) -> Result<()> {
    let shape = ConvolutionShape::same([16, 8], 3, 1);
    let x = tensor(&fine(1, 2 * 16 * 64), &[2, 16, 8, 8], device)?;
    let weight = tensor(&fine(2, 8 * 16 * 9), &[8, 16, 3, 3], device)?;
    let of = |precision| Convolution::new([2, 16, 8, 8], shape, precision)?.forward(&x, &weight);
    let (half, full) = (flat(&of(Precision::Bf16)?), wide(&flat(&of(Precision::Full)?)));
    let apart = error(&half, &full);
    assert!(apart > 1e-5 && apart < 1e-2, "{apart}");
    Ok(())
}

fn batch_norm_is_the_naive_one(device: &Device) -> Result<()> {
    let (dims, count) = ([4, 5, 6, 7], 4 * 5 * 6 * 7);
    // Far from zero, so that a variance by differences of squares would show.
    let x: Vec<f32> = fine(1, count).iter().map(|value| 3.0 + 0.1 * value).collect();
    let (gamma, beta, g) = (fine(2, 5), fine(3, 5), fine(4, count));
    let on = |values: &[f32]| tensor(values, &[5], device);
    let (xs, gammas, gs) = (tensor(&x, &dims, device)?, on(&gamma)?, tensor(&g, &dims, device)?);
    let (y, moments) = device::batch_norm(&xs, &gammas, &on(&beta)?, 1e-5)?;
    let (x, gamma, beta, g) = (wide(&x), wide(&gamma), wide(&beta), wide(&g));
    let expected = naive::norm::batch_norm(&x, [4, 5, 42], &gamma, &beta, 1e-5, Activation::None);
    assert!(error(&flat(&y), &expected) < 2e-5);
    let (means, variances): (Vec<f64>, Vec<f64>) = naive::norm::moments(&x, [4, 5, 42]).into_iter().unzip();
    assert!(error(&flat(&moments.mean), &means) < 1e-6);
    for (found, expected) in flat(&moments.variance).iter().zip(&variances) {
        assert!((f64::from(*found) / expected - 1.0).abs() < 1e-4, "{found} {expected}");
    }
    assert_eq!(moments.count, 4 * 42);

    let (dx, dgamma, dbeta) = device::batch_norm_gradient(&xs, &gs, &gammas, &moments, 1e-5)?;
    let expected =
        naive::norm::batch_norm_backward(&x, [4, 5, 42], (&gamma, &beta), 1e-5, Activation::None, &g);
    assert!(error(&flat(&dx), &expected.x) < 1e-4);
    assert!(error(&flat(&dgamma), &expected.weight) < 1e-4);
    assert!(error(&flat(&dbeta), &expected.bias) < 1e-4);
    Ok(())
}

fn relu_lets_through_what_was_positive(device: &Device) -> Result<()> {
    let (x, g) = (fine(1, 120), fine(2, 120));
    let y = tensor(&x, &[2, 3, 4, 5], device)?.relu()?;
    let found = device::relu_gradient(&y, &tensor(&g, &[2, 3, 4, 5], device)?)?;
    assert_eq!(wide(&flat(&found)), naive::activation::backward(&wide(&x), &wide(&g), Activation::Relu));
    Ok(())
}

/// Numbers of values that fill no block of threads, and more than all blocks at once.
fn values_are_blended_in_place(device: &Device) -> Result<()> {
    for count in [1, 255, 300, 1_500_000] {
        let [to, x, y] = [1, 2, 3].map(|seed| fine(seed, count));
        let [blended, accumulated] = [tensor(&to, &[count], device)?, tensor(&to, &[count], device)?];
        let [xs, ys] = [tensor(&x, &[count], device)?, tensor(&y, &[count], device)?];
        device::blend(&blended, 0.9, &xs, -0.25)?;
        device::accumulate(&accumulated, 0.9, &xs, &ys, 5e-4)?;
        let [to, x, y] = [to, x, y].map(|values| wide(&values));
        let expected = |i: usize| [0.9 * to[i] - 0.25 * x[i], 0.9 * to[i] + (x[i] + 5e-4 * y[i])];
        let (blended, accumulated) = (flat(&blended), flat(&accumulated));
        for i in 0..count {
            for (found, expected) in [blended[i], accumulated[i]].into_iter().zip(expected(i)) {
                assert!(
                    (f64::from(found) - expected).abs() < 1e-6,
                    "{i} of {count}: {found}, not {expected}"
                );
            }
        }
    }
    let [three, four] = [tensor(&[1.0; 3], &[3], device)?, tensor(&[1.0; 4], &[4], device)?];
    assert!(device::blend(&three, 1.0, &four, 1.0).is_err(), "three values and four");
    assert!(device::accumulate(&three, 1.0, &three.copy()?, &four, 1.0).is_err(), "three values and four");
    Ok(())
}

fn maxima_are_the_naive_ones(device: &Device) -> Result<()> {
    for pool in [
        Pool2d::new(2, 2),
        Pool2d::new(3, 2),
        Pool2d { padding: 1, ..Pool2d::new(3, 2) },
        Pool2d { ceil: true, ..Pool2d::new(3, 2) },
        Pool2d { padding: 1, ..Pool2d::new(3, 1) },
    ] {
        let (dims, x) = ([2, 3, 10, 8], fine(1, 480));
        let on_device = tensor(&x, &dims, device)?;
        let y = device::max_pool(&on_device, pool)?;
        assert_eq!(wide(&flat(&y)), naive::pool::max(&wide(&x), dims, pool), "{pool:?}");
        let g = fine(2, y.elem_count());
        let gradient = device::max_pool_gradient(&on_device, &y, &tensor(&g, y.dims(), device)?, pool)?;
        let expected = naive::pool::max_backward(&wide(&x), dims, pool, &wide(&g));
        assert!(error(&flat(&gradient), &expected) < 1e-6, "{pool:?}");
    }
    Ok(())
}

fn means_are_the_naive_ones(device: &Device) -> Result<()> {
    let (dims, x) = ([2, 3, 11, 8], fine(1, 528));
    let on_device = tensor(&x, &dims, device)?;
    for pool in [
        Pool2d::new(2, 2),
        Pool2d { padding: 1, ..Pool2d::new(3, 1) },
        Pool2d { ceil: true, ..Pool2d::new(2, 2) },
        Pool2d { padding: 1, ceil: true, ..Pool2d::new(3, 2) },
    ] {
        let cells = Cells::windows(pool, [11, 8]).unwrap();
        let y = device::mean_pool(&on_device, &cells)?;
        assert!(error(&flat(&y), &naive::pool::mean(&wide(&x), dims, pool)) < 1e-6, "{pool:?}");
        let g = fine(2, y.elem_count());
        let gradient = device::mean_pool_gradient(&tensor(&g, y.dims(), device)?, &cells, [11, 8])?;
        let expected = naive::pool::mean_backward(dims, pool, &wide(&g));
        assert!(error(&flat(&gradient), &expected) < 1e-6, "{pool:?}");
    }
    for out in [[1, 1], [4, 3], [7, 7]] {
        let cells = Cells::adaptive(out, [11, 8]);
        let y = device::mean_pool(&on_device, &cells)?;
        assert!(error(&flat(&y), &naive::pool::adaptive_mean(&wide(&x), dims, out)) < 1e-6, "{out:?}");
        let g = fine(2, y.elem_count());
        let gradient = device::mean_pool_gradient(&tensor(&g, y.dims(), device)?, &cells, [11, 8])?;
        let expected = naive::pool::adaptive_mean_backward(dims, out, &wide(&g));
        assert!(error(&flat(&gradient), &expected) < 1e-6, "{out:?}");
    }
    Ok(())
}

fn cross_entropy_is_the_naive_one(device: &Device) -> Result<()> {
    // Scores far apart: an exponential of their size would overflow.
    let logits: Vec<f32> = fine(1, 40).iter().map(|value| 300.0 * value).collect();
    let labels = [3u32, 9, 0, 5];
    let (loss, gradient) =
        device::cross_entropy(&tensor(&logits, &[4, 10], device)?, &Tensor::new(&labels, device)?)?;
    let expected = naive::loss::cross_entropy(&wide(&logits), &labels);
    assert!((f64::from(loss.to_scalar::<f32>()?) / expected - 1.0).abs() < 1e-5);
    let expected = naive::loss::cross_entropy_backward(&wide(&logits), &labels);
    assert!(error(&flat(&gradient), &expected) < 1e-6);
    Ok(())
}

fn soft_cross_entropy_is_the_naive_one(device: &Device) -> Result<()> {
    for size in [1.0, 20.0, 300.0] {
        let logits: Vec<f32> = fine(1, 40).iter().map(|value| size * value).collect();
        let mut targets = vec![0f32; 40];
        // Smoothed, mixed, one-hot, and mixed with hardly anything.
        targets[..10].copy_from_slice(&[0.91, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]);
        (targets[13], targets[17], targets[25]) = (0.3, 0.7, 1.0);
        (targets[31], targets[38]) = (1.0 - 1e-6, 1e-6);
        let [on, of] = [&logits, &targets].map(|values| tensor(values, &[4, 10], device));
        let (loss, gradient) = device::soft_cross_entropy(&on?, &of?)?;
        let (logits, targets) = (wide(&logits), wide(&targets));
        if size < 100.0 {
            let expected = naive::loss::soft_cross_entropy(&logits, &targets, 4);
            assert!((f64::from(loss.to_scalar::<f32>()?) / expected - 1.0).abs() < 1e-5, "{size}");
        }
        let expected = naive::loss::soft_cross_entropy_backward(&logits, &targets, 4);
        assert!(error(&flat(&gradient), &expected) < 1e-6, "{size}");
    }
    Ok(())
}

/// |F(u, v)| of a plane, by the definition.
fn magnitudes(plane: &[f64], [height, width]: [usize; 2]) -> impl Fn(usize, usize) -> f64 {
    move |u, v| {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (at, value) in plane.iter().enumerate() {
            let turns = (u * (at / width)) as f64 / height as f64 + (v * (at % width)) as f64 / width as f64;
            let (sin, cos) = (-std::f64::consts::TAU * turns).sin_cos();
            (real, imaginary) = (real + value * cos, imaginary + value * sin);
        }
        f64::hypot(real, imaginary)
    }
}

fn band_means_are_those_of_the_definition(device: &Device) -> Result<()> {
    for size @ [height, width] in [[8, 8], [7, 10], [12, 9]] {
        // Any weights: each coefficient counts in two bands.
        let half = width / 2 + 1;
        let weights = fine(5, half * height * 2);
        let planes = fine(1, 3 * height * width);
        let means = BandMeans::new(size, &weights, 2, device)?;
        let found = flat(&means.of(&tensor(&planes, &[3, height, width], device)?)?);
        for (plane, found) in wide(&planes).chunks(height * width).zip(found.chunks(2)) {
            let magnitude = magnitudes(plane, size);
            let mean = |band: usize| {
                let term =
                    |at: usize| f64::from(weights[2 * at + band]) * magnitude(at % height, at / height);
                (0..half * height).map(term).sum::<f64>()
            };
            assert!(error(found, &[mean(0), mean(1)]) < NEAR, "{height}×{width}");
        }
    }
    Ok(())
}

fn gradients_of_any_scale_have_band_means(device: &Device) -> Result<()> {
    let means = BandMeans::new([8, 8], &[1.0 / 40.0; 40], 1, device)?;
    let wave = fine(1, 192);
    let scaled = |factor: f32| wave.iter().map(move |value| value * factor);
    let batch: Vec<f32> = scaled(1.0).chain(scaled(1e-30)).chain([0.5; 192]).chain([0.0; 192]).collect();
    let rows = means.of_gradients(&tensor(&batch, &[4, 3, 8, 8], device)?)?.to_vec2::<f32>()?;
    assert!((rows[0][0] / rows[1][0] - 1.0).abs() < 1e-5 && rows[0][1] > 0.0, "the scale is taken out");
    assert!(rows[2][1] == 0.0, "a constant has no range: {rows:?}");
    assert!(!rows[3][0].is_finite(), "nothing has no scale: {rows:?}");
    Ok(())
}

fn resident_images_are_gathered_exactly(device: &Device) -> Result<()> {
    let bytes: Vec<u8> = (0..=255).collect();
    let images = device::ResidentImages::new(&bytes, [2, 8, 8], device)?;
    let batch =
        images.gather(&[1, 0], &[(0..8).collect::<Vec<_>>(), (0..8).rev().collect()].concat(), &[3; 16])?;
    let expected = |b: usize, c: usize, y: usize| {
        let (image, row) = if b == 0 { (1, y) } else { (0, 7 - y) };
        f32::from(bytes[image * 128 + c * 64 + row * 8 + 3]) / 255.0
    };
    for (at, found) in flat(&batch).into_iter().enumerate() {
        assert_eq!(found, expected(at / 128, at / 64 % 2, at / 8 % 8), "{at}");
    }
    assert!(images.gather(&[2], &[0; 8], &[0; 8]).is_err(), "there are two images");
    Ok(())
}

fn uploads_are_taken_as_they_were_begun(device: &Device) -> Result<()> {
    // Large enough for a copy to take its time, of sizes that grow and shrink.
    let sizes = [300_000, 1_000_000, 1_000_000, 70_000, 2_000_000, 2_000_000, 2_000_000, 1];
    let batch = |number: usize| fine(number as u64, sizes[number]);
    let work = tensor(&fine(9, 1 << 18), &[512, 512], device)?;
    let mut uploads = device::Uploads::new(device)?;
    let mut kept = Vec::new();
    uploads.begin(&batch(0), sizes[0])?;
    for number in 0..sizes.len() {
        let taken = uploads.take()?;
        // What a device is at work on is what the next copies could overwrite.
        let mut product = work.clone();
        for _ in 0..4 {
            product = (product.matmul(&work)? * 0.01)?;
        }
        let read_late = taken.broadcast_add(&(product.sum_all()? * 0.0)?)?;
        if let Some(&size) = sizes.get(number + 1) {
            let mut values = batch(number + 1);
            uploads.begin(&values, size)?;
            values.fill(f32::NAN);
        }
        kept.push((taken, read_late));
    }
    for (number, (taken, read_late)) in kept.iter().enumerate() {
        assert!(taken.to_vec1::<f32>()? == batch(number), "batch {number} as it was begun");
        assert!(read_late.to_vec1::<f32>()? == batch(number), "batch {number} as it was computed with");
    }
    Ok(())
}

fn uploads_out_of_turn_are_refused(device: &Device) -> Result<()> {
    let mut uploads = device::Uploads::new(device)?;
    let refused = |error: candle_core::Error| error.to_string();
    assert!(uploads.take().map_err(refused).is_err_and(|said| said.contains("no batch is on its way")));
    assert!(uploads.begin(&[0.0; 5], (2, 3)).map_err(refused).is_err_and(|said| said.contains("5 values")));
    uploads.begin(&[1.0; 6], (2, 3))?;
    assert!(uploads.begin(&[2.0], 1).map_err(refused).is_err_and(|said| said.contains("not taken yet")));
    assert_eq!(uploads.take()?.to_vec2::<f32>()?, [[1.0; 3]; 2]);
    assert!(uploads.take().is_err(), "a batch is taken once");
    for value in [3.0, 4.0, 5.0] {
        uploads.begin(&[value; 4], (2, 2))?;
        uploads.discard();
    }
    uploads.begin(&[6.0; 4], (4, 1))?;
    assert_eq!(uploads.take()?.to_vec2::<f32>()?, [[6.0]; 4]);
    // One that nobody takes.
    uploads.begin(&[7.0], 1)
}
