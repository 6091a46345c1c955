//! Kernels by themselves: checkpoints, refusals, and the gradient of the whole objective against differences.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result as Candle, Tensor};
use cdes::{Objective, ToyKernels};
use spectral::{Convention, DensityMap};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..len).map(|_| next()).collect()
}

fn tensors(kernels: &ToyKernels) -> BTreeMap<String, Tensor> {
    kernels.parameters().iter().map(|(name, value)| (name.clone(), value.as_detached_tensor())).collect()
}

/// The loss by its definition in f64: naive convolutions, then the density of what they give.
fn loss(parameters: &BTreeMap<String, Vec<f64>>, images: &[f32], side: usize, target: &[f64]) -> Result<f64> {
    use kernels::naive::{Conv2d, convolution::forward};
    let conv = Conv2d { padding: 1, ..Conv2d::default() };
    let shift = |mut values: Vec<f64>, bias: &[f64]| {
        for (plane, bias) in values.chunks_mut(side * side).zip(bias.iter().cycle()) {
            plane.iter_mut().for_each(|value| *value += bias);
        }
        values
    };
    let count = images.len() / (3 * side * side);
    let parameter = |name: &str| &parameters[name][..];
    let wide: Vec<f64> = images.iter().map(|&value| value.into()).collect();
    let inner = forward(&wide, [count, 3, side, side], parameter("kernels.0.weight"), [2, 3, 3, 3], conv);
    let inner = shift(inner, parameter("kernels.0.bias"));
    let fake = forward(&inner, [count, 2, side, side], parameter("kernels.1.weight"), [3, 2, 3, 3], conv);
    let fake = shift(fake, parameter("kernels.1.bias"));
    let single: Vec<f32> = fake.iter().map(|&value| value as f32).collect();
    let map = DensityMap::new(3, side, side, Convention::Reference)?;
    let densities = map.forward(&single)?;
    let square = |row: &[f64]| row.iter().zip(target).map(|(d, t)| (d - t).powi(2)).sum::<f64>();
    let spectral = densities.rows().map(square).sum::<f64>() / (count * target.len()) as f64;
    let image = fake.iter().zip(&wide).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / fake.len() as f64;
    Ok(spectral + image)
}

#[test]
fn gradients_of_the_whole_objective_are_differences() -> Result {
    let (side, target) = (8, vec![0.2, 0.9, 0.4]);
    let (kernels, objective) = (ToyKernels::new(2, 3, 5)?, Objective::new(side, side, target.clone())?);
    let images = numbers(3, 2 * 3 * side * side);
    let batch = Tensor::from_vec(images.clone(), (2, 3, side, side), &Device::Cpu)?;
    let (losses, gradients) = kernels.gradients(&objective, &batch)?;
    let wide = |(name, value): (&String, &candle_core::Var)| -> Candle<(String, Vec<f64>)> {
        Ok((name.clone(), value.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?))
    };
    let parameters: BTreeMap<String, Vec<f64>> =
        kernels.parameters().iter().map(wide).collect::<Candle<_>>()?;
    assert!((losses.total() - loss(&parameters, &images, side, &target)?).abs() < 1e-6, "{losses:?}");
    let mut compared = 0;
    for (name, gradient) in &gradients {
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        for (at, found) in gradient.iter().enumerate() {
            let moved = |step: f64| {
                let mut parameters = parameters.clone();
                parameters.get_mut(name).expect("a parameter")[at] += step;
                loss(&parameters, &images, side, &target)
            };
            let difference = (moved(1e-3)? - moved(-1e-3)?) / 2e-3;
            let off = (f64::from(*found) - difference).abs();
            assert!(off < 2e-4 * (1.0 + difference.abs()), "`{name}` {at}: {found} against {difference}");
            compared += 1;
        }
    }
    assert_eq!(compared, 2 * (54 + 54) / 2 + 2 + 3);
    Ok(())
}

#[test]
fn what_is_saved_is_loaded_bit_for_bit() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("kernels.safetensors");
    let kernels = ToyKernels::new(3, 5, 9)?;
    kernels.save(&path)?;
    let loaded = ToyKernels::load(&path)?;
    assert_eq!((loaded.number(), loaded.kernel_size()), (3, 5));
    for (name, value) in tensors(&kernels) {
        assert_eq!(
            value.flatten_all()?.to_vec1::<f32>()?,
            loaded.parameters()[&name].flatten_all()?.to_vec1::<f32>()?
        );
    }
    let first = std::fs::read(&path)?;
    loaded.save(&path)?;
    assert_eq!(std::fs::read(&path)?, first, "the same kernels give the same bytes");
    Ok(())
}

#[test]
fn kernels_own_their_memory() -> Result {
    let original = ToyKernels::new(2, 3, 0)?;
    let copy = ToyKernels::from_tensors(&tensors(&original))?;
    let before = copy.parameters()["kernels.0.bias"].to_vec1::<f32>()?;
    let gradients = tensors(&original);
    training::Sgd::new(0.0, 0.0).step(original.parameters(), &gradients, 0.5)?;
    assert_eq!(copy.parameters()["kernels.0.bias"].to_vec1::<f32>()?, before);
    Ok(())
}

#[test]
fn forms_that_there_are_not_are_refused() {
    let message = |number, size| {
        ToyKernels::new(number, size, 0).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(message(0, 7).contains("number of kernels 0: expected at least one"));
    assert!(message(16, 6).contains("kernel size 6: expected an odd number"));
    assert!(message(16, 0).contains("kernel size 0"));
    assert!(message(usize::MAX, 7).contains("2^28") && message(1, usize::MAX).contains("2^28"));
}

/// What makes a checkpoint another one.
type Change<'a> = dyn Fn(&mut BTreeMap<String, Tensor>) -> Candle<()> + 'a;

#[test]
fn other_checkpoints_are_refused() -> Result {
    let good = tensors(&ToyKernels::new(2, 3, 0)?);
    let refused = |change: &Change<'_>| -> Result<String> {
        let mut tensors = good.clone();
        change(&mut tensors)?;
        Ok(ToyKernels::from_tensors(&tensors).err().map(|error| error.to_string()).unwrap_or_default())
    };
    let put = |name: &'static str, shape: &'static [usize]| {
        move |tensors: &mut BTreeMap<String, Tensor>| -> Candle<()> {
            tensors.insert(name.to_owned(), Tensor::zeros(shape, DType::F32, &Device::Cpu)?);
            Ok(())
        }
    };
    assert_eq!(refused(&|_| Ok(()))?, "");
    let message = refused(&put("kernels.0.weight", &[2, 1, 3, 3]))?;
    assert!(message.contains("`kernels.0.weight`: found [2, 1, 3, 3], expected (n, 3, k, k)"), "{message}");
    assert!(refused(&put("kernels.0.weight", &[2, 3, 3, 5]))?.contains("square"));
    assert!(refused(&put("kernels.0.weight", &[2, 3, 4, 4]))?.contains("kernel size 4"));
    assert!(refused(&put("kernels.0.weight", &[0, 3, 3, 3]))?.contains("number of kernels 0"));
    assert!(refused(&put("kernels.1.weight", &[3, 3, 3, 3]))?.contains("expected [3, 2, 3, 3]"));
    assert!(refused(&put("kernels.1.bias", &[1]))?.contains("`kernels.1.bias`: found [1], expected [3]"));
    assert!(refused(&put("fc.weight", &[1]))?.contains("`fc.weight`"));
    let missing = refused(&|tensors| {
        tensors.remove("kernels.0.bias");
        Ok(())
    })?;
    assert!(missing.contains("`kernels.0.bias`") && missing.contains("kernels.1.bias"), "{missing}");
    let broken = refused(&|tensors| {
        tensors.insert("kernels.0.bias".to_owned(), Tensor::new(&[0f32, f32::INFINITY], &Device::Cpu)?);
        Ok(())
    })?;
    assert!(broken.contains("`kernels.0.bias`") && broken.contains("inf at place 1"), "{broken}");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("other.safetensors");
    training::Checkpoint { tensors: BTreeMap::new(), info: None }.save(&path)?;
    assert!(ToyKernels::load(&path).expect_err("nothing").to_string().contains("other.safetensors"));
    Ok(())
}

/// More images than go at once, and one by one: two images share a complex plane and so their roundings, but nothing else.
#[test]
fn images_depend_on_their_batch_by_rounding_alone() -> Result {
    let kernels = ToyKernels::new(40, 3, 2)?;
    let (count, height, width) = (250, 40, 24);
    let images =
        Tensor::from_vec(numbers(8, count * 3 * height * width), (count, 3, height, width), &Device::Cpu)?;
    let together = kernels.apply(&images)?;
    for index in [0, 17, 240, 249] {
        let alone = kernels.apply(&images.narrow(0, index, 1)?)?.flatten_all()?.to_vec1::<f32>()?;
        let together = together.get(index)?.flatten_all()?.to_vec1::<f32>()?;
        let apart = together.iter().zip(&alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-6, "image {index}: {apart}");
    }
    Ok(())
}

#[test]
fn images_that_kernels_cannot_take_are_refused() -> Result {
    let kernels = ToyKernels::new(2, 3, 0)?;
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu);
    assert!(kernels.apply(&zeros(&[2, 1, 8, 8])?).is_err());
    assert!(kernels.apply(&(zeros(&[2, 3, 8, 8])? + f64::NAN)?).is_err());
    let objective = Objective::new(8, 8, vec![0.0; 3])?;
    let message = kernels.gradients(&objective, &zeros(&[2, 3, 9, 8])?).expect_err("nine rows").to_string();
    assert!(message.contains("[2, 3, 9, 8]") && message.contains("(B, 3, 8, 8)"), "{message}");
    assert!(kernels.parameter_gradients(&zeros(&[2, 3, 8, 8])?, &zeros(&[1, 3, 8, 8])?).is_err());
    Ok(())
}
