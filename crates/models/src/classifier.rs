//! A network with its weights: what is trained, evaluated and differentiated.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{DType, Device, Layout, Storage, StorageRef, Tensor, Var};
use kernels::blocked::{Dims, Moments, cross_entropy};

use crate::{
    Architecture, Error, Normaliser,
    engine::{Engine, Mode, Packed, Pass, Pixels, Purpose, Weights},
    frozen::Frozen,
    graph::Graph,
};

/// How much of a batch's moments enters the running statistics (PyTorch's default momentum).
const RUNNING_MOMENTUM: f64 = 0.1;

/// An image classifier: an architecture, its weights, and the normaliser in front.
///
/// All images are (N, 3, H, W) f32 in [0, 1]. While the weights stand still, [`Classifier::freeze`] gives the form in
/// which the network is evaluated and differentiated with respect to its pixels.
#[derive(Debug)]
pub struct Classifier {
    architecture: Architecture,
    graph: Graph,
    classes: usize,
    normaliser: Normaliser,
    engine: Arc<Engine>,
    parameters: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
    /// The weights as the last training step packed them: the next one uses the memory again.
    packed: Option<Packed>,
    /// What dropout draws from: a seed and the number of the next training step.
    randomness: (u64, u64),
}

/// The gradient of the batch's mean loss with respect to the parameters.
#[derive(Debug)]
pub struct ParameterGradients {
    /// Mean cross-entropy over the batch, in nats.
    pub loss: f32,
    /// (N, classes).
    pub logits: Tensor,
    /// By parameter name; same shapes as the parameters.
    pub gradients: BTreeMap<String, Tensor>,
}

impl Classifier {
    /// A classifier with the given weights: exactly the parameters and buffers of `architecture.graph(classes)`.
    ///
    /// # Errors
    /// [`Error::WeightsDoNotFit`], naming the first three names or shapes that differ, of both sides.
    pub fn new(
        architecture: Architecture,
        classes: usize,
        normaliser: Normaliser,
        weights: &BTreeMap<String, Tensor>,
    ) -> Result<Self, Error> {
        let graph = architecture.graph(classes);
        check_fit(architecture, &graph, weights)?;
        let variables = |names: &crate::Shapes| -> Result<BTreeMap<String, Var>, Error> {
            let variable = |name: &String| {
                let plain = weights[name].to_device(&Device::Cpu)?.to_dtype(DType::F32)?.contiguous()?;
                Ok((name.clone(), Var::from_tensor(&plain)?))
            };
            names.keys().map(variable).collect()
        };
        let (parameters, buffers) = (variables(graph.parameters())?, variables(graph.buffers())?);
        let engine = Arc::new(Engine::new(&graph, normaliser));
        Ok(Self {
            architecture,
            graph,
            classes,
            normaliser,
            engine,
            parameters,
            buffers,
            packed: None,
            randomness: (0, 0),
        })
    }

    /// Which architecture this is.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The normaliser in front of the network.
    pub fn normaliser(&self) -> Normaliser {
        self.normaliser
    }

    /// What is learned, by PyTorch's names.
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters
    }

    /// The batch-norm statistics, by PyTorch's names.
    pub fn buffers(&self) -> &BTreeMap<String, Var> {
        &self.buffers
    }

    /// Replaces parameters and buffers, as another checkpoint of the same network has them.
    ///
    /// # Errors
    /// As [`Classifier::new`]; then nothing has changed.
    pub fn load(&mut self, weights: &BTreeMap<String, Tensor>) -> Result<(), Error> {
        check_fit(self.architecture, &self.graph, weights)?;
        for (name, variable) in self.parameters.iter().chain(&self.buffers) {
            variable.set(&weights[name].to_device(variable.device())?)?;
        }
        Ok(())
    }

    /// The network with its weights as they are now, for evaluation and for gradients of the pixels.
    ///
    /// # Errors
    /// If the weights cannot be read.
    pub fn freeze(&self) -> Result<Frozen, Error> {
        Ok(Frozen::new(Arc::clone(&self.engine), self.values()?, self.classes))
    }

    /// The gradient with respect to every parameter, in training mode; moves the running statistics.
    ///
    /// # Errors
    /// If the batch is empty, is not (N, 3, H, W), or has other labels than images.
    pub fn parameter_gradients(
        &mut self,
        images: &Tensor,
        labels: &[u32],
    ) -> Result<ParameterGradients, Error> {
        let key = self.next_key();
        let (found, packed) = {
            let packed = self.packed.take();
            let held = self.hold();
            let weights = held.weights()?;
            let packed = match packed {
                Some(packed) => self.engine.repack(&weights, packed),
                None => self.engine.pack(&weights, Purpose::Parameters),
            };
            let pass = Pass {
                weights: &weights,
                packed: &packed,
                mode: Mode::Train,
                purpose: Purpose::Parameters,
                key,
            };
            (self.differentiate(images, labels, pass), packed)
        };
        self.packed = Some(packed);
        let (gradients, moments) = found?;
        self.track(&moments)?;
        Ok(gradients)
    }

    /// The gradient with respect to every parameter with the running statistics in place of the batch's.
    ///
    /// # Errors
    /// As [`Classifier::parameter_gradients`].
    pub fn parameter_gradients_in_evaluation(
        &self,
        images: &Tensor,
        labels: &[u32],
    ) -> Result<ParameterGradients, Error> {
        let held = self.hold();
        let weights = held.weights()?;
        let (mode, purpose) = (Mode::Evaluate, Purpose::Parameters);
        let packed = self.engine.pack(&weights, purpose);
        let pass = Pass { weights: &weights, packed: &packed, mode, purpose, key: 0 };
        Ok(self.differentiate(images, labels, pass)?.0)
    }

    /// Says what the next training step draws its dropout from; later steps count on from there. The same seed and step drop the
    /// same values, whatever the number of threads.
    pub fn set_step(&mut self, seed: u64, step: u64) {
        self.randomness = (seed, step);
    }

    fn next_key(&mut self) -> u64 {
        let (seed, step) = self.randomness;
        self.randomness.1 = step.wrapping_add(1);
        seed.wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(32) ^ step.wrapping_mul(0x94D0_49BB_1331_11EB)
    }

    fn differentiate(
        &self,
        images: &Tensor,
        labels: &[u32],
        pass: Pass<'_>,
    ) -> Result<(ParameterGradients, SeenMoments), Error> {
        let (pixels, dims) = batch(&self.engine, images, labels, self.classes)?;
        let mut tape = self.engine.forward(Pixels { values: &pixels, dims }, pass);
        let moments = std::mem::take(&mut tape.moments);
        let logits = Tensor::from_slice(&tape.logits, (labels.len(), self.classes), &Device::Cpu)?;
        let (loss, gradient) = cross_entropy(&tape.logits, labels);
        let found = self.engine.backward(tape, &gradient, pass);
        let tensor = |(name, values): (String, Vec<f32>)| {
            let shape = self.graph.parameters()[&name].as_slice();
            Ok((name, Tensor::from_vec(values, shape, &Device::Cpu)?))
        };
        let gradients = found.parameters.into_iter().map(tensor).collect::<Result<_, Error>>()?;
        Ok((ParameterGradients { loss, logits, gradients }, moments))
    }

    /// Locks parameters and buffers for reading.
    fn hold(&self) -> Held<'_> {
        let all = self.parameters.iter().chain(&self.buffers);
        Held(all.map(|(name, variable)| (name.as_str(), variable.storage_and_layout())).collect())
    }

    /// Parameters and buffers as plain numbers.
    fn values(&self) -> Result<BTreeMap<String, Vec<f32>>, Error> {
        let all = self.parameters.iter().chain(&self.buffers);
        all.map(|(name, variable)| Ok((name.clone(), variable.flatten_all()?.to_vec1()?))).collect()
    }

    /// running ← 0.9 · running + 0.1 · batch, with the unbiased variance.
    fn track(&self, seen: &SeenMoments) -> Result<(), Error> {
        for (module, moments) in seen {
            let unbiased = |m: &Moments| m.variance * m.count as f64 / (m.count.max(2) - 1) as f64;
            self.blend(&format!("{module}.running_mean"), moments.iter().map(|m| m.mean))?;
            self.blend(&format!("{module}.running_var"), moments.iter().map(unbiased))?;
        }
        Ok(())
    }

    fn blend(&self, name: &str, seen: impl Iterator<Item = f64>) -> Result<(), Error> {
        let running = &self.buffers[name];
        let kept = running.to_vec1::<f32>()?;
        let blend = |(kept, seen): (f32, f64)| {
            ((1.0 - RUNNING_MOMENTUM) * f64::from(kept) + RUNNING_MOMENTUM * seen) as f32
        };
        let blended: Vec<f32> = kept.into_iter().zip(seen).map(blend).collect();
        Ok(running.set(&Tensor::new(blended, &Device::Cpu)?)?)
    }
}

type SeenMoments = Vec<(String, Vec<Moments>)>;

/// Parameters and buffers, locked for reading: a step reads them where they are.
struct Held<'a>(Vec<(&'a str, (StorageRef<'a>, &'a Layout))>);

impl Held<'_> {
    fn weights(&self) -> Result<Weights<'_>, Error> {
        let mut weights = Weights::new();
        for (name, (storage, layout)) in &self.0 {
            let Storage::Cpu(values) = &**storage else {
                unreachable!("`Classifier::new` puts weights on the CPU")
            };
            let (start, end) =
                layout.contiguous_offsets().expect("`Classifier::new` makes variables contiguous");
            weights.insert(name, &values.as_slice::<f32>()?[start..end]);
        }
        Ok(weights)
    }
}

pub(crate) fn borrow(values: &BTreeMap<String, Vec<f32>>) -> Weights<'_> {
    values.iter().map(|(name, values)| (name.as_str(), values.as_slice())).collect()
}

/// The pixels of a batch and their size, once it is known to be (N, 3, H, W) with a label in range for each image.
pub(crate) fn batch(
    engine: &Engine,
    images: &Tensor,
    labels: &[u32],
    classes: usize,
) -> Result<(Vec<f32>, Dims), Error> {
    let found = images.dims().to_vec();
    let &[count, 3, height, width] = found.as_slice() else { return Err(Error::BatchShape { found }) };
    if count != labels.len() || count == 0 {
        return Err(Error::BatchMismatch { images: count, labels: labels.len() });
    }
    if let Some(&label) = labels.iter().find(|&&label| label as usize >= classes) {
        return Err(Error::LabelOutOfRange { label, classes });
    }
    let dims = Dims { images: count, channels: 3, height, width };
    if height == 0 || width == 0 || !engine.fits(dims) {
        return Err(Error::ImageTooSmall { height, width });
    }
    Ok((images.flatten_all()?.to_vec1()?, dims))
}

fn check_fit(
    architecture: Architecture,
    graph: &Graph,
    weights: &BTreeMap<String, Tensor>,
) -> Result<(), Error> {
    let found = weights.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect();
    architecture.compare(&graph.shapes(), &found)
}
