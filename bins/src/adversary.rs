//! Adversaries on the command line, with the flags of the `robustness` library.

use candle_core::Tensor;
use clap::{Args, ValueEnum};
use datasets::ImageShape;
use models::{Attack, Ball, Frozen};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{feed::Fed, flags::at_least_one, launch::UnusableFlags, terminal::Terminal};

/// How images are changed against the network.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct AttackFlags {
    /// How far an adversary may change an image, in units of pixels in [0, 1]; a fraction such as 8/255 will do
    #[arg(long, value_name = "X", value_parser = positive)]
    pub eps: Option<f32>,
    /// What that limits: the Euclidean length of the change, or the change of each value [default: 2]
    #[arg(long, value_enum, value_name = "BALL", requires = "eps")]
    pub constraint: Option<Constraint>,
    /// Steps of an attack [default: 7]
    #[arg(long, value_name = "N", requires = "eps", value_parser = at_least_one)]
    pub attack_steps: Option<usize>,
    /// How far a step goes [default: 2.5 · eps / steps]
    #[arg(long, value_name = "X", requires = "eps", value_parser = positive)]
    pub attack_lr: Option<f32>,
    /// Begin at a random place within eps
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_value = "0", default_missing_value = "1", requires = "eps", value_parser = zero_or_one)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_start: bool,
}

/// Steps of an attack, unless flags say otherwise.
const STEPS: usize = 7;

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
    /// If they do not say how far it may go, or that a value may change by more than 1, from one end of its range to the other;
    /// `wanted_by` is the flag that needs to know.
    pub(crate) fn attack(&self, wanted_by: &str) -> anyhow::Result<Attack> {
        let missing = || {
            UnusableFlags(format!(
                "{wanted_by}: how far may the adversary go? give --eps, such as --constraint inf --eps 8/255 or --constraint 2 --eps 0.5"
            ))
        };
        let radius = self.eps.ok_or_else(missing)?;
        let ball = match self.constraint.unwrap_or(Constraint::L2) {
            Constraint::L2 => Ball::L2,
            Constraint::Linf => Ball::Linf,
        };
        if ball == Ball::Linf && radius > 1.0 {
            return Err(UnusableFlags(format!(
                "--eps {}: pixels are in [0, 1], so that with --constraint inf none can change by more than 1; expected a fraction, \
                 such as --eps {}/255",
                amount(radius),
                radius.min(255.0)
            ))
            .into());
        }
        let steps = self.attack_steps.unwrap_or(STEPS);
        let step = self.attack_lr.unwrap_or(2.5 * radius / steps as f32);
        Ok(Attack { ball, radius, step, steps, random_start: self.random_start })
    }

    /// Says which ball is taken where none is named: 8/255 is much of one and nothing of the other.
    pub(crate) fn tell_ball(&self, terminal: Terminal) {
        if let (Some(radius), None) = (self.eps, self.constraint) {
            terminal.note(&format!(
                "note: --eps {} limits the Euclidean length of an image's change (--constraint 2); to limit the change of each value, \
                 give --constraint inf",
                amount(radius)
            ));
        }
    }

    /// Writes down what is not said, for the configuration of a run.
    pub(crate) fn fill_in(&mut self) {
        self.constraint.get_or_insert(Constraint::L2);
        self.attack_steps.get_or_insert(STEPS);
    }
}

/// Refuses a ball that is larger than all images together.
///
/// # Errors
/// If the attack may go farther than from a black to a white image of this shape.
pub(crate) fn check(attack: &Attack, shape: ImageShape) -> anyhow::Result<()> {
    let ImageShape { channels, height, width } = shape;
    let farthest = ((channels * height * width) as f32).sqrt();
    if attack.ball == Ball::Linf || attack.radius <= farthest {
        return Ok(());
    }
    Err(UnusableFlags(format!(
        "--eps {}: pixels are in [0, 1], so that with --constraint 2 images of {height}×{width} pixels are at most {farthest:.1} apart; \
         expected less, such as --eps 0.5 or --eps 128/255",
        amount(attack.radius)
    ))
    .into())
}

/// The images of a batch, changed against the network, (N, C, H, W).
///
/// # Errors
/// If the batch does not suit the network.
pub(crate) fn attacked(attack: &Attack, network: &Frozen, batch: &Fed) -> Result<Tensor, models::Error> {
    let seeds = seeds(&batch.images.flatten_all()?.to_vec1::<f32>()?, batch.len());
    attack.on(network, &batch.images, &batch.labels, &seeds)
}

/// An attack as files have it.
pub(crate) fn json(attack: &Attack) -> Value {
    let Attack { ball, radius, step, steps, random_start } = attack;
    let constraint = constraint(*ball);
    json!({ "constraint": constraint, "eps": radius, "steps": steps, "step": step, "random_start": random_start })
}

/// How far an attack goes, as figures have it.
pub(crate) fn caption(attack: &Attack) -> String {
    let norm = if attack.ball == Ball::L2 { "2" } else { "∞" };
    format!("L{norm}, ε = {}", amount(attack.radius))
}

/// How far, as people write it: steps of a byte are fractions of 255.
pub(crate) fn amount(value: f32) -> String {
    let bytes = (value * 255.0).round();
    let plain = value.to_string();
    // 0.2 is 51/255, and nobody's.
    if plain.len() > 6 && bytes / 255.0 == value { format!("{bytes}/255") } else { plain }
}

fn constraint(ball: Ball) -> &'static str {
    match ball {
        Ball::L2 => "2",
        Ball::Linf => "inf",
    }
}

/// An attack in words, by which runs are told apart.
pub(crate) fn words(attack: &Attack) -> String {
    let Attack { ball, radius, step, steps, random_start } = attack;
    let ball = constraint(*ball);
    let (radius, step) = (amount(*radius), amount(*step));
    let start = if *random_start { " from a random start" } else { "" };
    format!("adversarial images (--constraint {ball} --eps {radius}, {steps} steps of {step}{start})")
}

/// Seeds of an attack's random starts, from what is attacked alone: so they are the same in a run that was stopped and goes on, and for
/// any size of batch.
fn seeds(images: &[f32], count: usize) -> Vec<u64> {
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
    fn amounts_are_said_as_they_are_given() {
        for text in ["8/255", "128/255", "0.5", "0.2", "0.031", "3", "0.0313725"] {
            assert_eq!(positive(text).map(amount).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_ball_ends_where_images_do() {
        let flags = |eps: f32, constraint: Constraint| AttackFlags {
            eps: Some(eps),
            constraint: Some(constraint),
            attack_steps: None,
            attack_lr: None,
            random_start: false,
        };
        let said = flags(8.0, Constraint::Linf).attack("--eps").expect_err("pixels are in [0, 1]");
        assert!(said.to_string().contains("--eps 8/255"), "{said}");
        let widest = flags(1.0, Constraint::Linf).attack("--eps").expect("from black to white");
        assert_eq!(caption(&widest), "L∞, ε = 1");
        let shape = ImageShape { channels: 3, height: 32, width: 32 };
        let check =
            |eps: f32| check(&flags(eps, Constraint::L2).attack("--eps").expect("no limit yet"), shape);
        assert!(check(55.4).is_ok(), "√3072 = 55.43");
        assert!(check(55.5).is_err_and(|said| said.to_string().contains("at most 55.4")));
    }

    #[test]
    fn seeds_are_those_of_the_images() {
        let images = [0.1f32, 0.2, 0.3, 0.4, 0.1, 0.2];
        let found = seeds(&images, 3);
        assert!(found.len() == 3 && found[0] == found[2] && found[0] != found[1]);
        assert_eq!(seeds(&images[2..4], 1), found[1..2], "alone or in a batch");
    }
}
