//! Weights from a `VarBuilder` of candle's.

use std::collections::BTreeMap;

use candle_core::Tensor;
use candle_nn::{Init, VarBuilder, init::DEFAULT_KAIMING_NORMAL};
use kernels::Precision;

use crate::{
    architectures::Architecture, backend::Backend, classifier::Classifier, error::Error, graph::Shapes,
    normaliser::Normaliser,
};

impl Classifier {
    /// A classifier with weights of a `VarBuilder`, on its device: every parameter and buffer of `architecture.graph(classes)`, by
    /// PyTorch's name below the builder's prefix.
    ///
    /// A builder from files or tensors must have all of them; what else it has does not matter. A `VarMap` makes those that it lacks
    /// (convolutions and linear layers normally distributed by their fan-in, scales 1, the rest 0) and shares them: training the
    /// classifier changes the map's variables.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use candle_core::{DType, Device, Tensor};
    /// use candle_nn::{VarBuilder, VarMap};
    /// use models::{Architecture, Classifier, Error, Normaliser};
    ///
    /// let resnet: Architecture = "resnet20".parse()?;
    /// let map = VarMap::new();
    /// let builder = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    /// let network = Classifier::from_var_builder(resnet, 10, Normaliser::CIFAR10, builder.pp("net"))?;
    /// assert_eq!(network.parameters()["linear.weight"].dims(), [10, 64]);
    /// assert_eq!(map.all_vars().len(), resnet.graph(10).shapes().len());
    ///
    /// let head = HashMap::from([("linear.weight".to_owned(), Tensor::zeros((100, 64), DType::F32, &Device::Cpu)?)]);
    /// let builder = VarBuilder::from_tensors(head, DType::F32, &Device::Cpu);
    /// let error = Classifier::from_var_builder(resnet, 10, Normaliser::CIFAR10, builder).unwrap_err();
    /// let Error::WeightsDoNotFit { differences, .. } = &error else { panic!("{error}") };
    /// let of_head = differences.iter().find(|difference| difference.name == "linear.weight").unwrap();
    /// assert_eq!(of_head.to_string(), "`linear.weight` is [100, 64], expected [10, 64]");
    /// assert!(error.to_string().contains("`bn1.bias` [16] is missing"));
    /// # Ok::<(), models::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::WeightsDoNotFit`] with what is missing or of another shape, by the names below the prefix; or if a tensor cannot be
    /// read.
    pub fn from_var_builder(
        architecture: Architecture,
        classes: usize,
        normaliser: Normaliser,
        builder: VarBuilder<'_>,
    ) -> Result<Self, Error> {
        let device = builder.device();
        let backend = match device.is_cpu() {
            true => Backend::default(),
            false => Backend::Candle { device: device.clone(), precision: Precision::Full },
        };
        let expected = architecture.graph(classes).shapes();
        let weights = read(&builder, &expected)?;
        // Complains of those that could not be had.
        let found: Shapes =
            weights.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect();
        architecture.compare(&expected, &found)?;
        Self::on(&backend, architecture, classes, normaliser, &weights)
    }
}

/// The tensors of these names that there are, whatever their shapes.
fn read(builder: &VarBuilder<'_>, expected: &Shapes) -> Result<BTreeMap<String, Tensor>, Error> {
    let mut weights = BTreeMap::new();
    for (name, shape) in expected {
        match builder.get_with_hints(shape.as_slice(), name, initial(name, shape)) {
            Ok(tensor) => drop(weights.insert(name.clone(), tensor)),
            Err(_) if !builder.contains_tensor(name) => {}
            // There is one, of another shape or damaged.
            Err(error) => drop(weights.insert(name.clone(), builder.get_unchecked(name).map_err(|_| error)?)),
        }
    }
    Ok(weights)
}

/// What a map of variables begins with.
fn initial(name: &str, shape: &[usize]) -> Init {
    let is_scale = shape.len() == 1 && name.ends_with(".weight") || name.ends_with(".running_var");
    match shape.len() {
        2.. => DEFAULT_KAIMING_NORMAL,
        _ => Init::Const(if is_scale { 1.0 } else { 0.0 }),
    }
}
