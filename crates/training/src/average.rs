//! The running average of a network's weights.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};
use kernels::device::blend;

/// An exponential moving average of parameters and batch-norm statistics: after each step a ← d · a + (1 − d) · w, with
/// d = min(decay, (1 + t) / (10 + t)) after step t (from 1). It begins as the network before the first step.
///
/// The smaller decay of the first steps is that of TensorFlow's `ExponentialMovingAverage` with `num_updates`: without it the average of
/// a short run would be of weights that were drawn at random.
#[derive(Debug)]
pub struct Average {
    decay: f64,
    values: BTreeMap<String, Tensor>,
}

impl Average {
    /// The average before the first step.
    ///
    /// # Errors
    /// If the weights cannot be copied.
    pub fn new<'a>(decay: f64, weights: impl Iterator<Item = (&'a String, &'a Var)>) -> Result<Self> {
        let copy = |(name, weight): (&String, &Var)| {
            Ok((name.clone(), weight.as_tensor().contiguous()?.copy()?.detach()))
        };
        Ok(Self { decay, values: weights.map(copy).collect::<Result<_>>()? })
    }

    /// The averages by name.
    pub fn values(&self) -> &BTreeMap<String, Tensor> {
        &self.values
    }

    /// Continues from the averages of an earlier one.
    pub(crate) fn set_values(&mut self, values: BTreeMap<String, Tensor>) {
        self.values = values;
    }

    /// Puts the averages in the place of the weights; what was there.
    ///
    /// # Errors
    /// As [`Average::update`].
    pub(crate) fn put_into<'a>(
        &self,
        weights: impl Iterator<Item = (&'a String, &'a Var)>,
    ) -> Result<BTreeMap<String, Tensor>> {
        let mut before = BTreeMap::new();
        for (name, weight) in weights {
            before.insert(name.clone(), weight.as_tensor().copy()?.detach());
            weight.set(self.of(name)?)?;
        }
        Ok(before)
    }

    fn of(&self, name: &str) -> Result<&Tensor> {
        self.values.get(name).ok_or_else(|| candle_core::Error::Msg(format!("no average of `{name}`")))
    }

    /// Takes in the weights after a step; `done` is how many steps came before it.
    ///
    /// # Errors
    /// If the weights are others than those that it began with.
    pub fn update<'a>(
        &mut self,
        weights: impl Iterator<Item = (&'a String, &'a Var)>,
        done: u64,
    ) -> Result<()> {
        let step = done as f64 + 1.0;
        let decay = self.decay.min((1.0 + step) / (10.0 + step)) as f32;
        for (name, weight) in weights {
            // What is left of 1 exactly: the two factors, rounded one by one, would make the average longer or shorter with every step.
            blend(self.of(name)?, decay, weight, 1.0 - decay)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_average_of_what_stands_still_is_itself() -> Result<()> {
        let weights = BTreeMap::from([("p".to_owned(), Var::new(&[0.3f32, -7.0], &Device::Cpu)?)]);
        let mut average = Average::new(0.9999, weights.iter())?;
        for step in 0..50_000 {
            average.update(weights.iter(), step)?;
        }
        let found = average.values()["p"].to_vec1::<f32>()?;
        assert!((found[0] / 0.3 - 1.0).abs() < 1e-3 && (found[1] / -7.0 - 1.0).abs() < 1e-3, "{found:?}");
        Ok(())
    }

    #[test]
    fn the_first_steps_count_for_more() -> Result<()> {
        let weights = BTreeMap::from([("p".to_owned(), Var::new(&[0f32], &Device::Cpu)?)]);
        let mut average = Average::new(0.9, weights.iter())?;
        let mut expected = 0.0;
        for step in 0..200u32 {
            weights["p"].set(&Tensor::new(&[1f32], &Device::Cpu)?)?;
            average.update(weights.iter(), step.into())?;
            let decay = 0.9f64.min((2.0 + f64::from(step)) / (11.0 + f64::from(step)));
            expected = decay * expected + (1.0 - decay);
            let found = f64::from(average.values()["p"].to_vec1::<f32>()?[0]);
            assert!((found - expected).abs() < 1e-6, "step {step}: {found} {expected}");
        }
        Ok(())
    }
}
