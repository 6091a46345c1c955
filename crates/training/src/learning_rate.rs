//! The learning rate of each training step.

use crate::Schedule;

/// What the first step's rate is of the rate at the end of the warm-up.
const START: f64 = 0.01;

/// The learning rate of a run: `warmup_epochs` in which it rises in a straight line, step by step, from a hundredth (PyTorch's `LinearLR`
/// with a start factor of 0.01), then the schedule, whose epochs are counted from there.
#[derive(Debug, Clone, Copy)]
pub struct LearningRate<'a> {
    /// The base rate.
    pub base: f64,
    /// How it changes.
    pub schedule: &'a Schedule,
    /// Epochs before the schedule begins.
    pub warmup_epochs: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Training steps in an epoch.
    pub steps: usize,
}

impl LearningRate<'_> {
    /// The rate of a step of an epoch, both 0-based.
    ///
    /// ```
    /// use training::{LearningRate, Schedule};
    /// let rate = LearningRate { base: 0.1, schedule: &Schedule::Cosine, warmup_epochs: 2, epochs: 12, steps: 5 };
    /// assert!((rate.at(0, 0) - 0.001).abs() < 1e-15); // a hundredth
    /// assert!((rate.at(1, 0) - 0.0505).abs() < 1e-15); // half-way
    /// assert_eq!(rate.at(2, 0), 0.1);
    /// assert!((rate.at(7, 3) - 0.05).abs() < 1e-15); // half of the ten epochs of the cosine
    /// ```
    pub fn at(&self, epoch: usize, step: usize) -> f64 {
        let Some(epoch) = epoch.checked_sub(self.warmup_epochs) else {
            let steps = (self.warmup_epochs * self.steps.max(1)) as f64;
            let done = (epoch * self.steps + step) as f64 / steps;
            return self.scheduled(0, 0) * (START + (1.0 - START) * done);
        };
        self.scheduled(epoch, step)
    }

    /// The schedule's rate, epochs counted from the end of the warm-up.
    fn scheduled(&self, epoch: usize, step: usize) -> f64 {
        let epochs = self.epochs.saturating_sub(self.warmup_epochs);
        if self.schedule.is_by_step() {
            return self.schedule.learning_rate(self.base, epoch * self.steps + step, epochs * self.steps);
        }
        self.schedule.learning_rate(self.base, epoch, epochs)
    }
}
