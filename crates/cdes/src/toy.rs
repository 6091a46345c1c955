//! Kernels that give images another spectrum.

use std::{collections::BTreeMap, fmt, path::Path};

use candle_core::{DType, Device, Tensor, Var};
use training::Checkpoint;

use crate::{
    Error, Losses, Objective, Setting,
    images::{CHANNELS, Dims, pixels, pixels_like, tensor},
    pair::{Form, NAMES, Pair, Parameters},
};

/// Conv(3→n, k×k), Conv(n→3, k×k), both with bias, stride 1 and (k−1)/2 zeros on every side, nothing in between (Lin, Gao
/// & Sang, IJCAI 2022, CDES): (B, 3, H, W) → (B, 3, H, W).
///
/// Parameters are called `kernels.0.weight` (n, 3, k, k), `kernels.0.bias` (n), `kernels.1.weight` (3, n, k, k) and
/// `kernels.1.bias` (3), as in the published checkpoints. They are candle variables that an optimiser moves.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let kernels = cdes::ToyKernels::new(16, 7, 0)?;
/// let count: usize = kernels.parameters().values().map(|p| p.elem_count()).sum();
/// assert_eq!(count, 2 * 16 * 3 * 49 + 16 + 3);
/// let images = Tensor::ones((2, 3, 32, 32), DType::F32, &Device::Cpu)?;
/// assert_eq!(kernels.apply(&images)?.dims(), [2, 3, 32, 32]);
/// # Ok::<(), cdes::Error>(())
/// ```
pub struct ToyKernels {
    pair: Pair,
    parameters: BTreeMap<String, Var>,
}

impl ToyKernels {
    /// `number` kernels of `kernel_size`² pixels, weights and biases uniform in ±1/√fan_in (PyTorch's default), drawn by
    /// ChaCha8 from `seed`.
    ///
    /// # Errors
    /// If there is no kernel, or the size is even: then the images would not keep their size.
    ///
    /// ```
    /// let same = |seed| -> Result<_, cdes::Error> {
    ///     Ok(cdes::ToyKernels::new(2, 3, seed)?.parameters()["kernels.1.bias"].to_vec1::<f32>()?)
    /// };
    /// assert_eq!(same(1)?, same(1)?);
    /// assert_ne!(same(1)?, same(2)?);
    /// assert!(same(1)?.iter().all(|bias| bias.abs() <= 1.0 / 18f32.sqrt()));
    /// assert!(cdes::ToyKernels::new(16, 6, 0).is_err());
    /// # Ok::<(), cdes::Error>(())
    /// ```
    pub fn new(number: usize, kernel_size: usize, seed: u64) -> Result<Self, Error> {
        let form = checked(number, kernel_size)?;
        let shapes = NAMES.iter().map(ToString::to_string).zip(form.shapes()).collect();
        Self::with_form(form, &training::initialise(&shapes, seed)?)
    }

    /// Kernels of a checkpoint's tensors.
    ///
    /// # Errors
    /// If a parameter is missing, of another shape or not finite, or there are others beside them.
    pub fn from_tensors(tensors: &BTreeMap<String, Tensor>) -> Result<Self, Error> {
        if let Some((name, other)) = tensors.iter().find(|(name, _)| !NAMES.contains(&name.as_str())) {
            let expected = format!("no parameters but {}", NAMES.join(", "));
            return Err(Error::Parameter { name: name.clone(), found: describe(other), expected });
        }
        let first = find(tensors, NAMES[0])?;
        let &[number, CHANNELS, height, width] = first.dims() else {
            return Err(misshapen(NAMES[0], first, "(n, 3, k, k)".to_owned()));
        };
        if height != width {
            return Err(misshapen(NAMES[0], first, "a square kernel".to_owned()));
        }
        let form = checked(number, height)?;
        for (name, shape) in NAMES.into_iter().zip(form.shapes()) {
            let tensor = find(tensors, name)?;
            if tensor.dims() != shape {
                return Err(misshapen(name, tensor, format!("{shape:?}")));
            }
        }
        Self::with_form(form, tensors)
    }

    /// Kernels of a checkpoint.
    ///
    /// # Errors
    /// As [`ToyKernels::from_tensors`].
    pub fn from_checkpoint(checkpoint: &Checkpoint) -> Result<Self, Error> {
        Self::from_tensors(&checkpoint.tensors)
    }

    /// Kernels of a safetensors file.
    ///
    /// # Errors
    /// If the file is missing, damaged or holds something else; the error names it.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let refused = |error: Error| training::Error::Damaged {
            path: path.to_owned(),
            expected: "checkpoint of toy kernels",
            found: error.to_string(),
        };
        Ok(Self::from_checkpoint(&Checkpoint::load(path)?).map_err(refused)?)
    }

    /// Writes a safetensors file, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        Ok(files::write_atomically(path, &self.file(path)?)?)
    }

    /// What [`ToyKernels::save`] would write.
    pub(crate) fn file(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let detached = |(name, variable): (&String, &Var)| (name.clone(), variable.as_detached_tensor());
        let tensors = self.parameters.iter().map(detached).collect();
        Ok(Checkpoint { tensors, info: None }.file(path)?)
    }

    /// n, the number of kernels of the first convolution.
    pub fn number(&self) -> usize {
        self.pair.form().number
    }

    /// k, the side of a kernel in pixels.
    pub fn kernel_size(&self) -> usize {
        self.pair.form().size
    }

    /// The parameters by name.
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters
    }

    /// The images that the kernels make of `images`, (B, 3, H, W) f32 → (B, 3, H, W) f32, a few at a time. They are not
    /// confined to [0, 1].
    ///
    /// # Errors
    /// If there is no image, or values are not f32 or not finite.
    pub fn apply(&self, images: &Tensor) -> Result<Tensor, Error> {
        let (values, dims) = pixels(images, "images to apply kernels to")?;
        tensor(self.pair.forward(&self.values()?, &values, dims), dims)
    }

    /// The losses of the images that the kernels make of `images` (B, 3, H, W), which are compared with `images`
    /// themselves, and the gradient of the total with respect to each parameter.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use cdes::{Objective, ToyKernels};
    /// let kernels = ToyKernels::new(2, 3, 0)?;
    /// let objective = Objective::new(8, 8, vec![1.0, 0.0, 0.5])?;
    /// let images = Tensor::arange(0f32, 192.0, &Device::Cpu)?.sin()?.reshape((1, 3, 8, 8))?;
    /// let (losses, gradients) = kernels.gradients(&objective, &images)?;
    /// assert_eq!(gradients["kernels.0.weight"].dims(), [2, 3, 3, 3]);
    /// training::Sgd::new(0.9, 1e-4).step(kernels.parameters(), &gradients, 0.01)?;
    /// assert!(kernels.gradients(&objective, &images)?.0.total() < losses.total());
    /// # Ok::<(), cdes::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the images are not of the objective's size, not f32 or not finite.
    pub fn gradients(
        &self,
        objective: &Objective,
        images: &Tensor,
    ) -> Result<(Losses, BTreeMap<String, Tensor>), Error> {
        let (values, dims) = pixels(images, "images to fit on")?;
        objective.check(images)?;
        self.gradients_of(objective, &values, dims)
    }

    /// The gradient of a loss of one's own with respect to each parameter, given that with respect to the images that the
    /// kernels make of `images`; both are (B, 3, H, W) f32.
    ///
    /// # Errors
    /// If the two differ in shape, or values are not f32 or not finite.
    pub fn parameter_gradients(
        &self,
        images: &Tensor,
        gradient: &Tensor,
    ) -> Result<BTreeMap<String, Tensor>, Error> {
        let (images, dims) = pixels(images, "images to fit on")?;
        let gradient = pixels_like(gradient, "the gradient of the images", dims)?;
        let image = dims.image();
        let (found, _) = self.pair.gradients(&self.values()?, &images, dims, |first, made, to| {
            to.copy_from_slice(&gradient[first * image..][..made.len()]);
        });
        self.named(found)
    }

    /// [`ToyKernels::gradients`] for images that are known to fit.
    pub(crate) fn gradients_of(
        &self,
        objective: &Objective,
        images: &[f32],
        dims: Dims,
    ) -> Result<(Losses, BTreeMap<String, Tensor>), Error> {
        let image = dims.image();
        let part = |first: usize, made: &[f32], gradient: &mut [f32]| {
            objective.evaluate_part(made, &images[first * image..][..made.len()], dims.images, gradient)
        };
        let (gradients, parts) = self.pair.gradients(&self.values()?, images, dims, part);
        let losses =
            parts.into_iter().try_fold(Losses::default(), |sum, part| part.map(|part| sum.plus(part)))?;
        Ok((losses, self.named(gradients)?))
    }

    fn named(&self, values: Parameters) -> Result<BTreeMap<String, Tensor>, Error> {
        let each = NAMES.into_iter().zip(values).zip(self.pair.form().shapes());
        each.map(|((name, values), shape)| {
            Ok((name.to_owned(), Tensor::from_vec(values, shape, &Device::Cpu)?))
        })
        .collect()
    }

    /// Takes over the values of other kernels of the same form.
    pub(crate) fn set(&self, other: &Self) -> Result<(), Error> {
        for (name, parameter) in &self.parameters {
            parameter.set(&other.parameters[name].as_detached_tensor())?;
        }
        Ok(())
    }

    /// Whether all parameters are finite.
    pub(crate) fn are_finite(&self) -> Result<bool, Error> {
        Ok(self.values()?.iter().flatten().all(|value| value.is_finite()))
    }

    fn with_form(form: Form, tensors: &BTreeMap<String, Tensor>) -> Result<Self, Error> {
        let mut parameters = BTreeMap::new();
        for name in NAMES {
            let tensor = find(tensors, name)?.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            if let Some(place) = values.iter().position(|value| !value.is_finite()) {
                let (what, value) = (format!("parameter `{name}`"), f64::from(values[place]));
                return Err(Error::NotFinite { what, value, place: place.to_string() });
            }
            // A copy: the variables must not share memory with what the caller holds.
            parameters.insert(name.to_owned(), Var::from_vec(values, tensor.shape(), &Device::Cpu)?);
        }
        Ok(Self { pair: Pair::new(form), parameters })
    }

    fn values(&self) -> Result<Parameters, Error> {
        let mut values = Parameters::default();
        for (values, name) in values.iter_mut().zip(NAMES) {
            *values = self.parameters[name].flatten_all()?.to_vec1()?;
        }
        Ok(values)
    }
}

impl fmt::Debug for ToyKernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Form { number, size } = self.pair.form();
        write!(f, "ToyKernels({number} of {size}×{size})")
    }
}

fn checked(number: usize, size: usize) -> Result<Form, Error> {
    if number == 0 {
        let expected = "at least one kernel";
        return Err(Error::Setting { setting: Setting::Kernels, found: number.to_string(), expected });
    }
    if size.is_multiple_of(2) {
        let expected = "an odd number of pixels, so that images keep their size";
        return Err(Error::Setting { setting: Setting::KernelSize, found: size.to_string(), expected });
    }
    let count = [number, CHANNELS, size, size].into_iter().try_fold(1usize, |count, n| count.checked_mul(n));
    if count.is_none_or(|count| count > MOST) {
        let expected = "few enough for less than 2^28 weights (3 · number · size²)";
        return Err(Error::Setting { setting: Setting::Kernels, found: number.to_string(), expected });
    }
    Ok(Form { number, size })
}

/// Weights of one convolution: a gigabyte of them is a mistake, and more could not be addressed.
const MOST: usize = 1 << 28;

fn find<'a>(tensors: &'a BTreeMap<String, Tensor>, name: &str) -> Result<&'a Tensor, Error> {
    let missing = || Error::Parameter {
        name: name.to_owned(),
        found: format!("only {:?}", tensors.keys().collect::<Vec<_>>()),
        expected: "a tensor".to_owned(),
    };
    tensors.get(name).ok_or_else(missing)
}

fn misshapen(name: &str, tensor: &Tensor, expected: String) -> Error {
    Error::Parameter { name: name.to_owned(), found: describe(tensor), expected }
}

fn describe(tensor: &Tensor) -> String {
    format!("{:?}", tensor.dims())
}
