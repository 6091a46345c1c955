//! A network whose weights stand still.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{DType, Tensor, Var};

use crate::{
    backend::Backend,
    batch::{Batch, Images},
    difference::Difference,
    error::Error,
    foreign::{Foreign, ForeignNetwork},
    graph::{Graph, Shapes},
    network::{FrozenNetwork, GradientOf, Variables},
    normaliser::Normaliser,
    results::{Evaluation, InputGradient},
};

/// A classifier in evaluation mode: its weights are made ready once, for any number of batches. Copies share them.
#[derive(Debug, Clone)]
pub struct Frozen {
    network: Arc<dyn FrozenNetwork>,
    classes: usize,
}

impl Frozen {
    pub(crate) fn new(network: Box<dyn FrozenNetwork>, classes: usize) -> Self {
        Self { network: network.into(), classes }
    }

    /// A network of a graph of one's own, with the given weights, on a backend: exactly the parameters and buffers of the graph.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use candle_core::{Device, Tensor};
    /// use models::{Backend, Frozen, GraphBuilder, Normaliser};
    ///
    /// let (mut builder, x) = GraphBuilder::images(3);
    /// let mean = builder.global_avg_pool(x);
    /// let graph = builder.head(mean, "fc", 2);
    /// let weight = Tensor::new(&[[1f32, 0.0, 0.0], [0.0, 0.0, 2.0]], &Device::Cpu)?;
    /// let bias = Tensor::new(&[0f32, 1.0], &Device::Cpu)?;
    /// let weights = BTreeMap::from([("fc.weight".to_owned(), weight), ("fc.bias".to_owned(), bias)]);
    /// let plain = Normaliser::new([0.0; 3], [1.0; 3])?;
    /// let network = Frozen::of_graph(&Backend::default(), &graph, 2, plain, &weights)?;
    /// let grey = Tensor::full(0.5f32, (1, 3, 4, 4), &Device::Cpu)?;
    /// assert_eq!(network.logits(&grey)?.to_vec2::<f32>()?, [[0.5, 2.0]]);
    /// # Ok::<(), models::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::WeightsDoNotFit`] if they are not those of the graph; or if the device fails.
    pub fn of_graph(
        backend: &Backend,
        graph: &Graph,
        classes: usize,
        normaliser: Normaliser,
        weights: &BTreeMap<String, Tensor>,
    ) -> Result<Self, Error> {
        check(&graph.shapes(), weights)?;
        let variables = |names: &Shapes| -> Result<BTreeMap<String, Var>, Error> {
            let variable = |name: &String| {
                let plain = weights[name].to_device(backend.device())?.to_dtype(DType::F32)?.contiguous()?;
                Ok((name.clone(), Var::from_tensor(&plain)?))
            };
            names.keys().map(variable).collect()
        };
        let variables =
            Variables { parameters: variables(graph.parameters())?, buffers: variables(graph.buffers())? };
        let network = backend.network(graph, normaliser)?;
        Ok(Self::new(network.freeze(&variables)?, classes))
    }

    /// A network that somebody else computes, measured as those of our own: its latent features are its logits, it has no
    /// blocks, and of gradients it has that of the cross-entropy alone.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use models::{ForeignError, ForeignNetwork, Frozen};
    ///
    /// /// The logit of class 1 is the mean of the pixels, that of class 0 is 0.
    /// #[derive(Debug)]
    /// struct Mean;
    ///
    /// impl ForeignNetwork for Mean {
    ///     fn classes(&self) -> usize {
    ///         2
    ///     }
    ///     fn logits(&self, images: &Tensor) -> Result<Tensor, ForeignError> {
    ///         let mean = images.flatten_from(1)?.mean_keepdim(1)?;
    ///         Ok(Tensor::cat(&[&mean.zeros_like()?, &mean], 1)?)
    ///     }
    ///     fn input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<Tensor, ForeignError> {
    ///         let ones = labels.iter().map(|&label| f32::from(label == 1)).collect::<Vec<_>>();
    ///         let is_one = Tensor::new(ones, &Device::Cpu)?.reshape((labels.len(), 1))?;
    ///         let slope = (candle_nn::ops::softmax(&self.logits(images)?, 1)?.narrow(1, 1, 1)? - is_one)?;
    ///         let of_pixel = (slope / images.get(0)?.elem_count() as f64)?.reshape((labels.len(), 1, 1, 1))?;
    ///         Ok(images.ones_like()?.broadcast_mul(&of_pixel)?)
    ///     }
    /// }
    ///
    /// let network = Frozen::of_foreign(Mean);
    /// let images = Tensor::full(0.5f32, (2, 3, 4, 4), &Device::Cpu)?;
    /// let found = network.evaluate(&images, &[0, 1])?;
    /// assert_eq!(found.logits.to_vec2::<f32>()?, [[0.0, 0.5], [0.0, 0.5]]);
    /// let expected = 0.5 * ((1.0 + 0.5f32.exp()).ln() + (1.0 + (-0.5f32).exp()).ln());
    /// assert!((found.loss - expected).abs() < 1e-6);
    /// let slope = network.scaled_input_gradient(&images, &[0, 1])?.gradient.sum((1, 2, 3))?.to_vec1::<f32>()?;
    /// assert!((slope[0] - 1.0 / (1.0 + (-0.5f32).exp())).abs() < 1e-6);
    /// assert!(network.vector_jacobian_product(&images, &found.logits).is_err());
    /// # Ok::<(), models::Error>(())
    /// ```
    pub fn of_foreign(network: impl ForeignNetwork + 'static) -> Self {
        let classes = network.classes();
        Self::new(Box::new(Foreign(network)), classes)
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The logits (N, classes) of images (N, 3, H, W) in [0, 1].
    ///
    /// # Errors
    /// If there are no images, they are not (N, 3, H, W), or the network takes no such size.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor, Error> {
        self.network.logits(self.images(images)?)
    }

    /// Logits, latent features and loss.
    ///
    /// # Errors
    /// If the batch is empty, is not (N, 3, H, W) or of a size that the network does not take, or has other labels than images.
    pub fn evaluate(&self, images: &Tensor, labels: &[u32]) -> Result<Evaluation, Error> {
        self.network.evaluate(self.batch(images, labels)?)
    }

    /// The blocks of the network, by the module that each ends with: the sums of residual blocks, attention and perceptrons being two;
    /// where there are none, the concatenations of dense ones; else rectified layers. Empty where operations on arrays hide them.
    ///
    /// ```
    /// # use models::{Architecture, Backend, Classifier, Normaliser};
    /// # use std::collections::BTreeMap;
    /// # use candle_core::{Device, Tensor};
    /// # let resnet: Architecture = "resnet20".parse()?;
    /// # let half = |(name, shape): (&String, &Vec<usize>)| Ok((name.clone(), Tensor::full(0.5f32, shape.as_slice(), &Device::Cpu)?));
    /// # let weights = resnet.graph(10).shapes().iter().map(half).collect::<candle_core::Result<BTreeMap<_, _>>>()?;
    /// # let network = Classifier::new(resnet, 10, Normaliser::CIFAR10, &weights)?.freeze()?;
    /// let images = Tensor::full(0.5f32, (2, 3, 32, 32), &Device::Cpu)?;
    /// let mut sizes = Vec::new();
    /// network.visit_blocks(&images, |block, values| Ok(sizes.push((block, values.dims().to_vec()))))?;
    /// assert_eq!((network.blocks().len(), network.blocks()[8].as_str()), (9, "layer3.2.conv2"));
    /// assert_eq!((&sizes[0], &sizes[8]), (&(0, vec![2, 16, 32, 32]), &(8, vec![2, 64, 8, 8])));
    /// # Ok::<(), models::Error>(())
    /// ```
    pub fn blocks(&self) -> Vec<String> {
        self.network.blocks()
    }

    /// Hands on what each block leaves of images, one block after the other: its number in [`Frozen::blocks`] and (N, C, h, w) on the
    /// CPU. Tokens are pixels of the grid that they come from; learned tokens in front of them are left out.
    ///
    /// # Errors
    /// As [`Frozen::logits`], or what the visitor returns.
    pub fn visit_blocks(
        &self,
        images: &Tensor,
        mut visit: impl FnMut(usize, &Tensor) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.network.visit_blocks(self.images(images)?, &mut visit)
    }

    /// The gradient with respect to the pixels; no parameter's gradient is computed.
    ///
    /// # Errors
    /// As [`Frozen::evaluate`].
    pub fn input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<InputGradient, Error> {
        self.network.input_gradient(self.batch(images, labels)?, GradientOf::Mean)
    }

    /// The gradient of each image's own loss with respect to its pixels, times a power of two that brings its gradient with respect to
    /// the logits to about 1. Where only the direction or the shape of a gradient matters, this is right however sure the network is:
    /// the gradient itself would leave the range of f32.
    ///
    /// # Errors
    /// As [`Frozen::evaluate`].
    pub fn scaled_input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<InputGradient, Error> {
        self.network.input_gradient(self.batch(images, labels)?, GradientOf::Scaled)
    }

    /// The gradient of any function of the logits with respect to the pixels, (N, 3, H, W): its gradient with respect to the logits,
    /// (N, classes), times the Jacobian of the logits. Each image is an input of its own: a row of the gradient reaches its image alone.
    ///
    /// ```
    /// # use candle_core::{Device, Tensor};
    /// # use models::{Architecture, Classifier, Normaliser};
    /// # let resnet: Architecture = "resnet20".parse()?;
    /// # let waves = |(name, shape): (&String, &Vec<usize>)| {
    /// #     let values = Tensor::arange(0f32, shape.iter().product::<usize>() as f32, &Device::Cpu)?.sin()?;
    /// #     let is_positive = name.ends_with("running_var");
    /// #     let values = if is_positive { (values.sqr()? + 0.5)? } else { (values * 0.2)? };
    /// #     Ok((name.clone(), values.reshape(shape.as_slice())?))
    /// # };
    /// # let weights = resnet.graph(10).shapes().iter().map(waves).collect::<candle_core::Result<_>>()?;
    /// # let network = Classifier::new(resnet, 10, Normaliser::CIFAR10, &weights)?.freeze()?;
    /// let images = Tensor::full(0.5f32, (2, 3, 32, 32), &Device::Cpu)?;
    /// // The logit of class 4 for the second image: its gradient is nowhere in the first.
    /// let mut direction = vec![0f32; 20];
    /// direction[14] = 1.0;
    /// let direction = Tensor::from_vec(direction, (2, 10), &Device::Cpu)?;
    /// let gradient = network.vector_jacobian_product(&images, &direction)?;
    /// let sums = gradient.abs()?.sum((1, 2, 3))?.to_vec1::<f32>()?;
    /// assert!(sums[0] == 0.0 && sums[1] > 0.0);
    /// # Ok::<(), models::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Frozen::logits`], or if the gradient is not (N, classes).
    pub fn vector_jacobian_product(&self, images: &Tensor, gradient: &Tensor) -> Result<Tensor, Error> {
        let images = self.images(images)?;
        let (found, expected) = (gradient.dims(), [images.count(), self.classes]);
        if found != expected {
            let [images, classes] = expected;
            return Err(Error::LogitsGradient { found: found.to_vec(), images, classes });
        }
        self.network.vector_jacobian_product(images, gradient)
    }

    fn images<'a>(&self, images: &'a Tensor) -> Result<Images<'a>, Error> {
        Images::new(images, |size| self.network.fits(size))
    }

    fn batch<'a>(&self, images: &'a Tensor, labels: &'a [u32]) -> Result<Batch<'a>, Error> {
        Batch::new(images, labels, self.classes, |size| self.network.fits(size))
    }
}

/// That these are the weights, and no others.
fn check(wanted: &Shapes, found: &BTreeMap<String, Tensor>) -> Result<(), Error> {
    let missing = wanted
        .iter()
        .filter(|(name, shape)| found.get(*name).is_none_or(|tensor| tensor.dims() != shape.as_slice()));
    let unknown = found.keys().filter(|name| !wanted.contains_key(*name));
    let names = missing.map(|(name, _)| name).chain(unknown);
    let difference = |name: &String| Difference {
        name: name.clone(),
        expected: wanted.get(name).cloned(),
        found: found.get(name).map(|tensor| tensor.dims().to_vec()),
    };
    let differences: Vec<Difference> = names.map(difference).collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::WeightsDoNotFit { arch: "the graph", differences, other: None })
}
