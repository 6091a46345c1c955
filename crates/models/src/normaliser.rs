//! The per-channel standardisation that is part of the model.

use crate::error::Error;

/// (x − mean) / std per channel, inside the network: gradients are with respect to pixels in [0, 1].
///
/// There is no clamp in front, unlike in the `robustness` library: pixels are in range already, and a clamp's
/// gradient at exactly 0 and 1, which many pixels are, differs between frameworks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normaliser {
    mean: [f32; 3],
    std: [f32; 3],
}

impl Normaliser {
    /// The CIFAR-10 constants of the published checkpoints. (The standard deviations are not the true ones,
    /// which are 0.247, 0.243, 0.262; they are kept because existing checkpoints were trained with them.)
    pub const CIFAR10: Self = Self { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] };

    /// The CIFAR-100 constants in common use.
    pub const CIFAR100: Self = Self { mean: [0.5071, 0.4867, 0.4408], std: [0.2675, 0.2565, 0.2761] };

    /// The ImageNet constants of torchvision.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

    /// Pixels from −1 to 1, as TensorFlow's models have them.
    pub const HALF: Self = Self { mean: [0.5; 3], std: [0.5; 3] };

    /// A normaliser with a mean and a standard deviation per channel.
    ///
    /// # Errors
    /// If a value is not finite or a standard deviation is not positive.
    pub fn new(mean: [f32; 3], std: [f32; 3]) -> Result<Self, Error> {
        let sound = mean.iter().all(|m| m.is_finite()) && std.iter().all(|s| s.is_finite() && *s > 0.0);
        if sound { Ok(Self { mean, std }) } else { Err(Error::BadNormaliser { mean, std }) }
    }

    /// The mean per channel.
    pub fn mean(&self) -> [f32; 3] {
        self.mean
    }

    /// The standard deviation per channel.
    pub fn std(&self) -> [f32; 3] {
        self.std
    }
}
