//! Adversaries on the command line, with the flags of the `robustness` library.

use clap::{Args, ValueEnum};
use models::{Attack, Ball};
use pipeline::attack_amount;
use progress::Progress;
use serde::Serialize;

use super::names::stands_for;
use super::values::{at_least_one, positive, zero_or_one};
use crate::cli::UsageError;

/// How images are changed against the network.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct AttackFlags {
    /// How far an adversary may change an image, in units of pixels in [0, 1]; a fraction such as 8/255 will do
    #[arg(long, value_name = "X", value_parser = positive)]
    pub(crate) eps: Option<f32>,
    /// What that limits: the Euclidean length of the change, or the change of each value [default: 2]
    #[arg(long, value_enum, value_name = "BALL", requires = "eps")]
    constraint: Option<Constraint>,
    /// Steps of an attack [default: 7]
    #[arg(long, value_name = "N", requires = "eps", value_parser = at_least_one)]
    attack_steps: Option<usize>,
    /// How far a step goes [default: 2.5 · eps / steps]
    #[arg(long, value_name = "X", requires = "eps", value_parser = positive)]
    attack_lr: Option<f32>,
    /// Begin at a random place within eps
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_value = "0", default_missing_value = "1", requires = "eps", value_parser = zero_or_one)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    random_start: bool,
}

/// Steps of an attack, unless flags say otherwise.
const STEPS: usize = 7;

/// The shape of what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
enum Constraint {
    /// The Euclidean length
    #[value(name = "2", alias = "l2")]
    #[serde(rename = "2")]
    L2,
    /// Each value
    #[value(name = "inf", alias = "linf")]
    #[serde(rename = "inf")]
    Linf,
}

stands_for!(Constraint => Ball { L2, Linf });

impl AttackFlags {
    /// The attack that the flags describe.
    ///
    /// # Errors
    /// If they do not say how far it may go, or that a value may change by more than 1, from one end of its range to the other;
    /// `wanted_by` is the flag that needs to know.
    pub(crate) fn attack(&self, wanted_by: &str) -> anyhow::Result<Attack> {
        let missing = || {
            UsageError(format!(
                "{wanted_by}: how far may the adversary go? give --eps, such as --constraint inf --eps 8/255 or --constraint 2 --eps 0.5"
            ))
        };
        let radius = self.eps.ok_or_else(missing)?;
        let ball = self.constraint.unwrap_or(Constraint::L2).into();
        if ball == Ball::Linf && radius > 1.0 {
            return Err(UsageError(format!(
                "--eps {}: pixels are in [0, 1], so that with --constraint inf none can change by more than 1; expected a fraction, \
                 such as --eps {}/255",
                attack_amount(radius),
                radius.min(255.0)
            ))
            .into());
        }
        let steps = self.attack_steps.unwrap_or(STEPS);
        let step = self.attack_lr.unwrap_or(2.5 * radius / steps as f32);
        Ok(Attack { ball, radius, step, steps, random_start: self.random_start })
    }

    /// Says which ball is taken where none is named: 8/255 is much of one and nothing of the other.
    pub(crate) fn note_ball(&self, progress: &Progress) {
        if let (Some(radius), None) = (self.eps, self.constraint) {
            progress.note(&format!(
                "--eps {} limits the Euclidean length of an image's change (--constraint 2); to limit the change of each value, \
                 give --constraint inf",
                attack_amount(radius)
            ));
        }
    }

    /// Writes down what is not said, for the configuration of a run.
    pub(crate) fn fill_in(&mut self) {
        self.constraint.get_or_insert(Constraint::L2);
        self.attack_steps.get_or_insert(STEPS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_changes_by_no_more_than_its_range() {
        let flags = |eps: f32| AttackFlags {
            eps: Some(eps),
            constraint: Some(Constraint::Linf),
            attack_steps: None,
            attack_lr: None,
            random_start: false,
        };
        let said = flags(8.0).attack("--eps").expect_err("pixels are in [0, 1]");
        assert!(said.to_string().contains("--eps 8/255"), "{said}");
        assert_eq!(flags(1.0).attack("--eps").map(|attack| attack.steps).ok(), Some(7));
    }
}
