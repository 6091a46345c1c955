//! What images gave: losses and hits.

use ranks::Wire;
use serde::{Deserialize, Serialize};

/// What a number of images gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Images.
    pub examples: usize,
    /// The sum of their losses, in nats.
    pub loss_sum: f64,
    /// Those whose best class is the label.
    pub correct: usize,
    /// Those with the label among the best five classes.
    pub correct5: usize,
}

impl Wire for Tally {
    fn write(&self, bytes: &mut Vec<u8>) {
        (self.examples, self.loss_sum, self.correct, self.correct5).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (examples, loss_sum, correct, correct5) = Wire::read(bytes)?;
        Some(Self { examples, loss_sum, correct, correct5 })
    }
}

impl Tally {
    /// Adds the images of another batch.
    pub fn add(&mut self, other: &Self) {
        self.examples += other.examples;
        self.loss_sum += other.loss_sum;
        self.correct += other.correct;
        self.correct5 += other.correct5;
    }

    /// The mean loss, in nats.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.examples.max(1) as f64
    }

    /// Top-1 accuracy in percent.
    pub fn prec1(&self) -> f64 {
        100.0 * self.correct as f64 / self.examples.max(1) as f64
    }

    /// Top-5 accuracy in percent.
    pub fn prec5(&self) -> f64 {
        100.0 * self.correct5 as f64 / self.examples.max(1) as f64
    }
}
