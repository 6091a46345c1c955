//! Fitting kernels: what can be chosen, and what is reported on the way.

use candle_core::Device;
use serde::{Deserialize, Serialize};
use training::Schedule;

use crate::{Error, Losses, Objective, Setting, ToyKernels, tensors::TensorObjective};

/// How kernels are fitted; the defaults are the paper's (Lin, Gao & Sang, IJCAI 2022, CDES). [`FitSettings::check`] makes a
/// [`Fit`] of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitSettings {
    /// Epochs in all; 20.
    pub epochs: usize,
    /// The base learning rate; 0.01.
    pub lr: f64,
    /// SGD's momentum; 0.9.
    pub momentum: f64,
    /// SGD's weight decay, of biases too; 1e-4.
    pub weight_decay: f64,
    /// How the rate changes; a tenth every 5 epochs.
    pub schedule: Schedule,
    /// Images of a batch, the last one of an epoch may have fewer; 100.
    pub batch_size: usize,
    /// Of the images' order and of their noise; 0.
    pub seed: u64,
}

impl Default for FitSettings {
    fn default() -> Self {
        let schedule = Schedule::Step { epochs: 5, factor: 0.1 };
        Self { epochs: 20, lr: 0.01, momentum: 0.9, weight_decay: 1e-4, schedule, batch_size: 100, seed: 0 }
    }
}

impl FitSettings {
    /// The fit of these settings, for an objective.
    ///
    /// # Errors
    /// If the rate, the momentum or the decay is negative or not finite, batches have no images, or the schedule steps every
    /// 0 epochs.
    pub fn check(self, objective: Objective) -> Result<Fit, Error> {
        let rates = [
            (Setting::LearningRate, self.lr),
            (Setting::Momentum, self.momentum),
            (Setting::WeightDecay, self.weight_decay),
        ];
        if let Some((setting, value)) =
            rates.into_iter().find(|(_, value)| !value.is_finite() || *value < 0.0)
        {
            return Err(Error::Setting {
                setting,
                found: value.to_string(),
                expected: "a finite number from 0 on",
            });
        }
        if self.batch_size == 0 {
            return Err(Error::Setting {
                setting: Setting::BatchSize,
                found: "0".into(),
                expected: "at least one image",
            });
        }
        if let Schedule::Step { epochs: 0, .. } = self.schedule {
            let found = self.schedule.to_string();
            return Err(Error::Setting {
                setting: Setting::Schedule,
                found,
                expected: "steps of at least one epoch",
            });
        }
        Ok(Fit { settings: self, objective, on_device: None })
    }
}

/// What an epoch gave: a line of `log.jsonl`. Losses are means over the images, while the kernels moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochLosses {
    /// 0-based.
    pub epoch: usize,
    /// The sum of the two.
    pub loss: f64,
    /// Of the density.
    pub spectral_loss: f64,
    /// Of the pixels.
    pub image_loss: f64,
    /// The learning rate.
    pub lr: f64,
}

/// What happens while kernels are fitted.
#[derive(Debug)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum FitEvent<'a> {
    /// A batch is done: how many of the epoch's images are, and their mean losses.
    Batch { epoch: usize, images: usize, losses: Losses },
    /// An epoch is done, and kept if there is a folder.
    Epoch { losses: &'a EpochLosses, kernels: &'a ToyKernels },
}

/// SGD over shuffled, noisy batches.
///
/// Order and noise depend on (seed, epoch, batch) alone and all sums run in a fixed order, so the same settings, kernels and
/// images give the same bits, for any number of threads and however often the fit was interrupted.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use cdes::{ByteImages, FitEvent, FitSettings, Objective, ToyKernels};
/// let bytes: Vec<u8> = (0..8 * 192).map(|at| (at * at % 251) as u8).collect();
/// let images = ByteImages::new(&bytes, [8, 8])?;
/// let fit = FitSettings { epochs: 3, batch_size: 4, ..FitSettings::default() }
///     .check(Objective::new(8, 8, vec![1.0, 0.0, 0.5])?)?;
/// let (mut kernels, mut losses) = (ToyKernels::new(2, 3, 0)?, Vec::new());
/// fit.run(&mut kernels, &images, None, &AtomicBool::new(false), &mut |event| {
///     if let FitEvent::Epoch { losses: epoch, .. } = event {
///         losses.push(epoch.loss);
///     }
/// })?;
/// assert!(losses.len() == 3 && losses[2] < losses[0]);
/// # Ok::<(), cdes::Error>(())
/// ```
pub struct Fit {
    settings: FitSettings,
    objective: Objective,
    /// The objective on another device, where steps are computed there.
    pub(crate) on_device: Option<TensorObjective>,
}

impl Fit {
    /// What was chosen.
    pub fn settings(&self) -> &FitSettings {
        &self.settings
    }

    /// Computes steps on a device; kernels and their state stay on the CPU. The results differ in rounding.
    ///
    /// # Errors
    /// If the device fails.
    pub fn on(mut self, device: &Device) -> Result<Self, Error> {
        self.on_device = Some(TensorObjective::new(&self.objective, device)?);
        Ok(self)
    }

    /// What is fitted for.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }
}
