//! Classifiers among candle's own layers: as modules that autograd goes through, and with weights from a `VarBuilder`.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{Module, VarBuilder, VarMap};
use models::{Architecture, Backend, Classifier, Error, Frozen, Normaliser};

use crate::networks::{Outcome, distance, images, noise, weights};

const LABELS: [u32; 4] = [3, 0, 9, 3];

fn network(backend: &Backend) -> Outcome<Frozen> {
    let resnet: Architecture = "resnet20".parse()?;
    Ok(Classifier::on(backend, resnet, 10, Normaliser::CIFAR10, &weights(resnet)?)?.freeze()?)
}

fn on(backend: &Backend, tensor: &Tensor) -> Outcome<Tensor> {
    Ok(tensor.to_device(backend.device())?)
}

/// candle's loss, differentiated by candle through the module, is the gradient that the engine computes by itself.
fn autograd_goes_through_a_classifier(backend: &Backend) -> Outcome {
    let network = network(backend)?;
    let images = Var::from_tensor(&on(backend, &images(32)?)?)?;
    let labels = on(backend, &Tensor::new(&LABELS, &Device::Cpu)?)?;
    let logits = network.forward(&images)?;
    let loss = candle_nn::loss::cross_entropy(&logits, &labels)?;
    let gradients = loss.backward()?;
    let expected = network.input_gradient(&images, &LABELS)?;
    assert!(distance(&logits, &expected.logits)? < 1e-5, "logits");
    assert!((loss.to_scalar::<f32>()? / expected.loss - 1.0).abs() < 1e-5, "loss");
    let apart = distance(gradients.get(&images).ok_or("a gradient of the images")?, &expected.gradient)?;
    assert!(apart < 1e-4, "gradient of the pixels: {apart}");
    Ok(())
}

/// With layers before and behind: d/dv Σ f(v / 2 + 1/4)² = ½ Jᵀ 2 f.
fn the_chain_rule_holds_around_it(backend: &Backend) -> Outcome {
    let network = network(backend)?;
    let inner = Var::from_tensor(&on(backend, &images(32)?)?)?;
    let pixels = (inner.affine(0.5, 0.25))?;
    let logits = network.forward(&pixels)?;
    let gradients = logits.sqr()?.sum_all()?.backward()?;
    let by_hand = network.vector_jacobian_product(&pixels.detach(), &(&logits.detach() * 2.0)?)?;
    let apart = distance(gradients.get(&inner).ok_or("a gradient")?, &(by_hand * 0.5)?)?;
    assert!(apart < 1e-6, "{apart}");
    Ok(())
}

/// The product is linear in its gradient, and (softmax − one-hot) / N gives the gradient of the loss.
fn products_of_any_gradient_are_the_jacobians(backend: &Backend) -> Outcome {
    let (network, images) = (network(backend)?, on(backend, &images(32)?)?);
    let expected = network.input_gradient(&images, &LABELS)?;
    let one_hot: Vec<f32> =
        LABELS.iter().flat_map(|&label| (0..10).map(move |class| f32::from(class == label))).collect();
    let one_hot = on(backend, &Tensor::from_vec(one_hot, (4, 10), &Device::Cpu)?)?;
    let of_loss = ((candle_nn::ops::softmax(&expected.logits, 1)? - one_hot)? / 4.0)?;
    let product = |gradient: &Tensor| network.vector_jacobian_product(&images, gradient);
    assert!(distance(&product(&of_loss)?, &expected.gradient)? < 1e-4);
    let any = on(backend, &Tensor::from_vec(noise(40, 9), (4, 10), &Device::Cpu)?)?;
    let sum = product(&(&of_loss + &any)?)?;
    assert!(distance(&sum, &(product(&of_loss)? + product(&any)?)?)? < 1e-4);
    Ok(())
}

/// Against differences of the logits along the product itself.
fn products_are_slopes_of_the_logits(backend: &Backend) -> Outcome {
    let (network, images) = (network(backend)?, images(32)?);
    let weights = Tensor::from_vec(noise(40, 6), (4, 10), &Device::Cpu)?;
    let product = network.vector_jacobian_product(&on(backend, &images)?, &on(backend, &weights)?)?;
    let product = product.to_device(&Device::Cpu)?;
    let largest = product.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
    let direction = (&product / f64::from(largest))?;
    let value = |step: f64| -> Outcome<f64> {
        let moved = (&images + (&direction * step)?)?;
        let logits = network.logits(&on(backend, &moved)?)?.to_device(&Device::Cpu)?;
        Ok((logits * &weights)?.to_dtype(DType::F64)?.sum_all()?.to_scalar()?)
    };
    let step = 1e-3;
    let slope = (value(step)? - value(-step)?) / (2.0 * step);
    let found = (product * &direction)?.to_dtype(DType::F64)?.sum_all()?.to_scalar::<f64>()?;
    assert!((found / slope - 1.0).abs() < 2e-2, "{found}, by differences {slope}");
    Ok(())
}

fn without_variables_there_is_no_history(backend: &Backend) -> Outcome {
    let (network, images) = (network(backend)?, on(backend, &images(32)?)?);
    assert!(!network.forward(&images)?.track_op());
    let variable = Var::from_tensor(&images)?;
    assert!(network.forward(&variable)?.track_op());
    Ok(())
}

fn what_does_not_fit_is_refused(backend: &Backend) -> Outcome {
    let (network, images) = (network(backend)?, on(backend, &images(32)?)?);
    let refusal = |images: &Tensor| network.forward(images).err().map(|error| error.to_string());
    let two_channels = refusal(&images.narrow(1, 0, 2)?).ok_or("two channels")?;
    assert!(two_channels.contains("[4, 2, 32, 32]: expected (images, 3, height, width)"), "{two_channels}");
    let none = refusal(&images.narrow(0, 0, 0)?).ok_or("no images")?;
    assert!(none.contains("at least one image"), "{none}");
    let of_others =
        network.vector_jacobian_product(&images, &Tensor::zeros((4, 9), DType::F32, images.device())?);
    let Err(Error::LogitsGradient { found, images: 4, classes: 10 }) = of_others else {
        panic!("a gradient of nine classes")
    };
    assert_eq!(found, [4, 9]);
    Ok(())
}

on_every_backend!(
    autograd_goes_through_a_classifier,
    the_chain_rule_holds_around_it,
    products_of_any_gradient_are_the_jacobians,
    products_are_slopes_of_the_logits,
    without_variables_there_is_no_history,
    what_does_not_fit_is_refused,
);

#[test]
fn a_builder_of_tensors_gives_the_same_network() -> Outcome {
    let resnet: Architecture = "resnet20".parse()?;
    let (weights, images) = (weights(resnet)?, images(32)?);
    let named = weights.iter().map(|(name, tensor)| (format!("module.model.{name}"), tensor.clone()));
    let more = [("module.attacker.weight".to_owned(), images.clone())];
    let tensors: HashMap<String, Tensor> = named.chain(more).collect();
    let builder = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu).pp("module").pp("model");
    let found = Classifier::from_var_builder(resnet, 10, Normaliser::CIFAR10, builder)?.freeze()?;
    let expected = Classifier::new(resnet, 10, Normaliser::CIFAR10, &weights)?.freeze()?;
    let logits = |network: &Frozen| -> Outcome<Vec<Vec<f32>>> { Ok(network.logits(&images)?.to_vec2()?) };
    assert_eq!(logits(&found)?, logits(&expected)?);
    Ok(())
}

#[test]
fn a_map_of_variables_is_trained() -> Outcome {
    let resnet: Architecture = "resnet20".parse()?;
    let map = VarMap::new();
    let builder = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    let mut network = Classifier::from_var_builder(resnet, 10, Normaliser::CIFAR10, builder.clone())?;
    let value = |name: &str| -> Outcome<Vec<f32>> {
        let variables = map.data().lock().map_err(|_| "a lock")?;
        Ok(variables.get(name).ok_or("a variable")?.flatten_all()?.to_vec1()?)
    };
    assert!(value("bn1.weight")?.iter().chain(&value("bn1.running_var")?).all(|&scale| scale == 1.0));
    assert!(value("bn1.bias")?.iter().chain(&value("linear.bias")?).all(|&shift| shift == 0.0));
    let (before, mean) = (value("linear.weight")?, value("bn1.running_mean")?);
    // Normal with the deviation of He et al. 2015: √(2 / 64).
    let square: f32 = before.iter().map(|weight| weight * weight).sum::<f32>() / before.len() as f32;
    assert!((square * 32.0 - 1.0).abs() < 0.3, "{square}");
    let found = network.parameter_gradients(&images(32)?, &LABELS)?;
    assert_ne!(value("bn1.running_mean")?, mean, "statistics move");
    let weight = &network.parameters()["linear.weight"];
    weight.set(&(weight.as_tensor() - &found.gradients["linear.weight"])?)?;
    assert_ne!(value("linear.weight")?, before, "the map has the classifier's variables");
    let error =
        Classifier::from_var_builder(resnet, 100, Normaliser::CIFAR10, builder).err().ok_or("other")?;
    let said = error.to_string();
    assert!(said.contains("linear.bias") && said.contains("[100]") && said.contains("[10]"), "{said}");
    Ok(())
}
