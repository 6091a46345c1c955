//! Adversaries on the command line, with the flags of the `robustness` library.

use clap::{Args, ValueEnum};
use models::{Attack, Ball};
use serde::Serialize;

use crate::{flags::at_least_one, launch::UnusableFlags};

/// How images are changed against the network.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct AttackFlags {
    /// How far an adversary may change an image, in units of pixels in [0, 1]; a fraction such as 8/255 will do
    #[arg(long, value_name = "X", value_parser = positive)]
    pub eps: Option<f32>,
    /// What that limits: the Euclidean length of the change, or the change of each value
    #[arg(long, value_enum, default_value_t = Constraint::L2, value_name = "BALL")]
    pub constraint: Constraint,
    /// Steps of an attack
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = at_least_one)]
    pub attack_steps: usize,
    /// How far a step goes [default: 2.5 · eps / steps]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub attack_lr: Option<f32>,
    /// Begin at a random place within eps
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_value = "0", default_missing_value = "1", value_parser = zero_or_one)]
    pub random_start: bool,
}

/// The shape of what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
pub(crate) enum Constraint {
    /// The Euclidean length
    #[value(name = "2", alias = "l2")]
    #[serde(rename = "2")]
    L2,
    /// Each value
    #[value(name = "inf", alias = "linf")]
    #[serde(rename = "inf")]
    Linf,
}

impl AttackFlags {
    /// The attack that the flags describe.
    ///
    /// # Errors
    /// If they do not say how far it may go; `wanted_by` is the flag that needs to know.
    pub(crate) fn attack(&self, wanted_by: &str) -> anyhow::Result<Attack> {
        let missing = || {
            UnusableFlags(format!(
                "{wanted_by}: how far may the adversary go? give --eps, such as --constraint inf --eps 8/255 or --constraint 2 --eps 0.5"
            ))
        };
        let radius = self.eps.ok_or_else(missing)?;
        let ball = match self.constraint {
            Constraint::L2 => Ball::L2,
            Constraint::Linf => Ball::Linf,
        };
        let step = self.attack_lr.unwrap_or(2.5 * radius / self.attack_steps as f32);
        Ok(Attack { ball, radius, step, steps: self.attack_steps, random_start: self.random_start })
    }
}

/// An attack in words, by which runs are told apart.
pub(crate) fn words(attack: &Attack) -> String {
    let Attack { ball, radius, step, steps, random_start } = attack;
    let ball = if *ball == Ball::L2 { "2" } else { "inf" };
    let start = if *random_start { " from a random start" } else { "" };
    format!("adversarial images (--constraint {ball} --eps {radius}, {steps} steps of {step}{start})")
}

/// Seeds of an attack's random starts, from what is attacked alone: so they are the same in a run that was stopped and goes on, and for
/// any size of batch.
pub(crate) fn seeds(images: &[f32], count: usize) -> Vec<u64> {
    let each = images.len() / count.max(1);
    let checksum = |image: &[f32]| {
        let bytes = |digest, value: &f32| crc32c::crc32c_append(digest, &value.to_le_bytes());
        u64::from(image.iter().fold(0, bytes))
    };
    images.chunks(each.max(1)).map(checksum).collect()
}

/// A positive number, or a fraction of two.
fn positive(text: &str) -> Result<f32, String> {
    let number = |text: &str| text.trim().parse::<f32>().ok();
    let value = match text.split_once('/') {
        Some((above, below)) => number(above).zip(number(below)).map(|(above, below)| above / below),
        None => number(text),
    };
    let value = value.filter(|value| value.is_finite() && *value > 0.0);
    value.ok_or_else(|| "expected a number above 0, or a fraction such as 8/255".to_owned())
}

/// As the `robustness` library has its switches.
pub(crate) fn zero_or_one(text: &str) -> Result<bool, String> {
    match text {
        "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        _ => Err("expected 0 or 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_numbers() {
        assert_eq!(positive("8/255"), Ok(8.0 / 255.0));
        assert_eq!(positive("0.5"), Ok(0.5));
        for text in ["0", "-1", "1/0", "x", "1/2/3", "nan", ""] {
            assert!(positive(text).is_err_and(|said| said.contains("8/255")), "{text}");
        }
    }

    #[test]
    fn seeds_are_those_of_the_images() {
        let images = [0.1f32, 0.2, 0.3, 0.4, 0.1, 0.2];
        let found = seeds(&images, 3);
        assert!(found.len() == 3 && found[0] == found[2] && found[0] != found[1]);
        assert_eq!(seeds(&images[2..4], 1), found[1..2], "alone or in a batch");
    }
}
