//! Which optimiser moves the parameters.

use std::collections::BTreeMap;

use candle_core::{Result as Done, Tensor, Var};

use crate::{AdamW, Error, Sgd, bounds::Bounds, decay::Decay, setting::Setting};

/// An optimiser with its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimiser {
    /// [`Sgd`].
    Sgd {
        /// Its momentum.
        momentum: f64,
    },
    /// [`AdamW`].
    AdamW {
        /// β₁ and β₂: how slowly the running means of the gradient and of its square change.
        betas: [f64; 2],
        /// What is added to the root of the second.
        epsilon: f64,
    },
}

impl Default for Optimiser {
    fn default() -> Self {
        Self::Sgd { momentum: 0.9 }
    }
}

impl Optimiser {
    /// AdamW as PyTorch has it: β 0.9 and 0.999, ε 10⁻⁸.
    pub const ADAMW: Self = Self::AdamW { betas: [0.9, 0.999], epsilon: 1e-8 };

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::AdamW { .. } => "adamw",
        }
    }

    /// Checks that its numbers are such as can be.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        match *self {
            Self::Sgd { momentum } => Bounds::BelowOne.check(Setting::Momentum, momentum),
            Self::AdamW { betas: [first, second], epsilon } => {
                Bounds::BelowOne.check(Setting::Betas, first)?;
                Bounds::BelowOne.check(Setting::Betas, second)?;
                Bounds::Positive.check(Setting::AdamEpsilon, epsilon)
            }
        }
    }

    /// Before its first step.
    pub(crate) fn start(self, decay: Decay) -> RunningOptimiser {
        match self {
            Self::Sgd { momentum } => RunningOptimiser::Sgd(Sgd::new(momentum, decay)),
            Self::AdamW { betas, epsilon } => RunningOptimiser::AdamW(AdamW::new(betas, epsilon, decay)),
        }
    }
}

/// An optimiser under way.
#[derive(Debug)]
pub(crate) enum RunningOptimiser {
    Sgd(Sgd),
    AdamW(AdamW),
}

/// What stands before the names of its tensors in a file.
const MOMENTUM: &str = "momentum.";
const MEAN: &str = "mean.";
const SQUARE: &str = "square.";

impl RunningOptimiser {
    /// Moves the parameters after `done` earlier steps.
    pub(crate) fn step(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        gradients: &BTreeMap<String, Tensor>,
        rate: f64,
        done: u64,
    ) -> Done<()> {
        match self {
            Self::Sgd(sgd) => sgd.step(parameters, gradients, rate),
            Self::AdamW(adam) => adam.step(parameters, gradients, rate, done),
        }
    }

    /// What it must know to go on, by name.
    pub(crate) fn tensors(&self) -> Vec<(String, Tensor)> {
        match self {
            Self::Sgd(sgd) => sgd
                .buffers()
                .iter()
                .map(|(name, buffer)| (format!("{MOMENTUM}{name}"), buffer.clone()))
                .collect(),
            Self::AdamW(adam) => {
                let both = |(name, [mean, square]): (&String, &[Tensor; 2])| {
                    [(format!("{MEAN}{name}"), mean.clone()), (format!("{SQUARE}{name}"), square.clone())]
                };
                adam.moments().iter().flat_map(both).collect()
            }
        }
    }

    /// Goes on from the tensors of an earlier one, each of the shape of its parameter.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn restore(
        &mut self,
        mut tensors: BTreeMap<String, Tensor>,
        parameters: &BTreeMap<String, Var>,
    ) -> Result<(), String> {
        let mut take = |start: &str| -> BTreeMap<String, Tensor> {
            let own: Vec<String> = tensors.keys().filter(|name| name.starts_with(start)).cloned().collect();
            let taken = own
                .into_iter()
                .filter_map(|name| Some((name[start.len()..].to_owned(), tensors.remove(&name)?)));
            taken.collect()
        };
        match self {
            Self::Sgd(sgd) => {
                let buffers = take(MOMENTUM);
                fit(MOMENTUM, &buffers, parameters)?;
                sgd.set_buffers(buffers);
            }
            Self::AdamW(adam) => {
                let (means, mut squares) = (take(MEAN), take(SQUARE));
                fit(MEAN, &means, parameters)?;
                fit(SQUARE, &squares, parameters)?;
                let pair = |(name, mean): (String, Tensor)| {
                    let square = squares.remove(&name).ok_or_else(|| format!("no `{SQUARE}{name}`"))?;
                    Ok((name, [mean, square]))
                };
                adam.set_moments(means.into_iter().map(pair).collect::<Result<_, String>>()?);
            }
        }
        Ok(())
    }
}

/// Whether each tensor is of a parameter, and has its shape.
fn fit(
    start: &str,
    tensors: &BTreeMap<String, Tensor>,
    parameters: &BTreeMap<String, Var>,
) -> Result<(), String> {
    for (name, tensor) in tensors {
        let expected =
            parameters.get(name).ok_or_else(|| format!("`{start}{name}`, which the network has not"))?;
        if tensor.shape() != expected.shape() {
            return Err(format!("`{start}{name}` is {:?}, expected {:?}", tensor.shape(), expected.shape()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn what_does_not_fit_the_parameters_is_not_restored() -> Done<()> {
        let parameters =
            BTreeMap::from([("p".to_owned(), Var::zeros(3, candle_core::DType::F32, &Device::Cpu)?)]);
        let tensor = |size: usize| Tensor::zeros(size, candle_core::DType::F32, &Device::Cpu);
        let restore = |optimiser: Optimiser, tensors: Vec<(&str, Tensor)>| {
            let tensors = tensors.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect();
            optimiser.start(Decay::from(0.0)).restore(tensors, &parameters)
        };
        let sgd = Optimiser::default();
        assert_eq!(restore(sgd, vec![("momentum.p", tensor(3)?)]), Ok(()));
        assert!(
            restore(sgd, vec![("momentum.p", tensor(2)?)]).is_err_and(|said| said.contains("expected [3]"))
        );
        assert!(
            restore(sgd, vec![("momentum.q", tensor(3)?)]).is_err_and(|said| said.contains("`momentum.q`"))
        );
        let halves = vec![("mean.p", tensor(3)?)];
        assert!(restore(Optimiser::ADAMW, halves).is_err_and(|said| said.contains("no `square.p`")));
        Ok(())
    }
}
