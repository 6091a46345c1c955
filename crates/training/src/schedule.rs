//! Learning rates over epochs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// How the learning rate follows the epoch (0-based), with a form as text that each variant shows.
///
/// ```
/// let step: training::Schedule = "step:50:0.1".parse()?;
/// assert_eq!(step.learning_rate(0.1, 49, 200), 0.1);
/// assert!((step.learning_rate(0.1, 100, 200) - 0.001).abs() < 1e-15);
/// let milestones: training::Schedule = "60:0.1,120:0.01".parse()?;
/// assert!((milestones.learning_rate(0.2, 60, 200) - 0.02).abs() < 1e-15);
/// # Ok::<(), training::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[allow(missing_docs)] // the variants say what the fields are
pub enum Schedule {
    /// `constant`.
    Constant,
    /// `step:EPOCHS:FACTOR`: multiplied by the factor every so many epochs (PyTorch's StepLR).
    Step { epochs: usize, factor: f64 },
    /// `EPOCH:MULTIPLE,…`: from each epoch on, this multiple of the base rate (the `robustness` library's custom multipliers).
    Milestones(Vec<(usize, f64)>),
    /// `cyclic`: up from zero over the first 4/15 of the epochs, then down to zero, in straight lines (the `robustness` library's).
    Cyclic,
    /// `cosine`: half a period of the cosine from the base rate down to zero (Loshchilov & Hutter, ICLR 2017, without restarts).
    Cosine,
    /// `one-cycle`, `one-cycle:RISING`: up from a 25th over this share of the steps (0.3), then down to the 250,000th, both as half a
    /// period of the cosine (Smith & Topin 2019, as PyTorch's `OneCycleLR` without a cycle of momentum). The base rate is the highest.
    OneCycle { rising: f64 },
}

impl Schedule {
    /// `one-cycle` as PyTorch has it.
    pub const ONE_CYCLE: Self = Self::OneCycle { rising: 0.3 };

    /// Whether the rate changes from step to step within an epoch.
    pub fn is_by_step(&self) -> bool {
        matches!(self, Self::OneCycle { .. })
    }

    /// Whether the rate depends on how many epochs there are in all.
    pub fn depends_on_length(&self) -> bool {
        matches!(self, Self::Cyclic | Self::Cosine | Self::OneCycle { .. })
    }

    /// Whether the rate begins low and rises.
    pub fn warms_up(&self) -> bool {
        matches!(self, Self::Cyclic | Self::OneCycle { .. })
    }

    /// The learning rate of an epoch out of `epochs`. Of a schedule [by step](Self::is_by_step), steps may stand in the place of epochs.
    pub fn learning_rate(&self, base: f64, epoch: usize, epochs: usize) -> f64 {
        match self {
            Self::Constant => base,
            Self::Step { epochs: step, factor } => base * factor.powi((epoch / step) as i32),
            Self::Milestones(milestones) => {
                let reached = milestones.iter().rev().find(|(from, _)| epoch >= *from);
                base * reached.map_or(1.0, |(_, multiple)| *multiple)
            }
            Self::Cosine => base * half_period(epoch as f64 / epochs.max(1) as f64),
            Self::Cyclic => base * triangle(epoch as f64, (4 * epochs / 15) as f64, epochs as f64),
            Self::OneCycle { rising } => base * cycle(epoch as f64, *rising * epochs as f64, epochs as f64),
        }
    }
}

/// From 0 at 0 up to 1 at `top` and down to 0 at `end`.
fn triangle(at: f64, top: f64, end: f64) -> f64 {
    if at < top { at / top } else { ((end - at) / (end - top)).max(0.0) }
}

/// From 1 at 0 down to 0 at 1.
fn half_period(at: f64) -> f64 {
    (1.0 + (std::f64::consts::PI * at).cos()) / 2.0
}

/// Where a cycle begins, as a part of its highest rate, and where it ends.
const CYCLE_START: f64 = 1.0 / 25.0;
const CYCLE_END: f64 = CYCLE_START / 1e4;

/// Up to 1 at step `top` − 1 and down again until the last of `steps` steps.
fn cycle(at: f64, top: f64, steps: f64) -> f64 {
    let (top, last) = (top - 1.0, steps - 1.0);
    let between = |from: f64, to: f64, share: f64| to + (from - to) * half_period(share);
    match at <= top && top > 0.0 {
        true => between(CYCLE_START, 1.0, at / top),
        false => between(1.0, CYCLE_END, ((at - top) / (last - top)).min(1.0)),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Step { epochs, factor } => write!(f, "step:{epochs}:{factor}"),
            Self::Milestones(milestones) => {
                let texts: Vec<String> =
                    milestones.iter().map(|(epoch, multiple)| format!("{epoch}:{multiple}")).collect();
                f.write_str(&texts.join(","))
            }
            Self::Cyclic => f.write_str("cyclic"),
            Self::Cosine => f.write_str("cosine"),
            Self::OneCycle { .. } if *self == Self::ONE_CYCLE => f.write_str("one-cycle"),
            Self::OneCycle { rising } => write!(f, "one-cycle:{rising}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::Schedule { found: text.to_owned() };
        match text {
            "constant" => return Ok(Self::Constant),
            "cyclic" => return Ok(Self::Cyclic),
            "cosine" => return Ok(Self::Cosine),
            "one-cycle" => return Ok(Self::ONE_CYCLE),
            _ => {}
        }
        if let Some(step) = text.strip_prefix("step:") {
            let (epochs, factor) = pair(step).filter(|&(epochs, _)| epochs > 0).ok_or_else(refused)?;
            return Ok(Self::Step { epochs, factor });
        }
        if let Some(rising) = text.strip_prefix("one-cycle:") {
            let rising = rising.parse().ok().filter(|rising: &f64| *rising > 0.0 && *rising < 1.0);
            return rising.map(|rising| Self::OneCycle { rising }).ok_or_else(refused);
        }
        let milestones: Vec<(usize, f64)> =
            text.split(',').map(pair).collect::<Option<_>>().ok_or_else(refused)?;
        let increasing = milestones.windows(2).all(|two| two[0].0 < two[1].0);
        if increasing { Ok(Self::Milestones(milestones)) } else { Err(refused()) }
    }
}

/// `EPOCH:NUMBER` with a finite number that is not negative.
fn pair(text: &str) -> Option<(usize, f64)> {
    let (epoch, number) = text.trim().split_once(':')?;
    let number: f64 = number.parse().ok()?;
    Some((epoch.parse().ok()?, number)).filter(|(_, number)| number.is_finite() && *number >= 0.0)
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

impl TryFrom<String> for Schedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() -> Result<(), Error> {
        for text in [
            "constant",
            "cyclic",
            "cosine",
            "one-cycle",
            "one-cycle:0.25",
            "step:50:0.1",
            "60:0.1,120:0.01,180:0.001",
        ] {
            assert_eq!(text.parse::<Schedule>()?.to_string(), text);
        }
        Ok(())
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "step", "step:0:0.1", "step:5:nan", "60:0.1,50:0.2", "60", "linear", "one-cycle:1"] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_cosine_falls_from_the_base_rate() {
        let rate = |epoch| Schedule::Cosine.learning_rate(0.1, epoch, 10);
        assert_eq!(rate(0), 0.1);
        assert!((rate(5) - 0.05).abs() < 1e-15);
        assert!(rate(9) > 0.0 && rate(9) < 0.003);
    }

    #[test]
    fn one_cycle_rises_for_its_share_of_the_steps() {
        let rate = |step| Schedule::ONE_CYCLE.learning_rate(0.5, step, 100);
        assert!((rate(0) - 0.02).abs() < 1e-15 && (rate(29) - 0.5).abs() < 1e-15);
        assert!((rate(99) / 2e-6 - 1.0).abs() < 1e-9, "{}", rate(99));
        assert!(rate(28) < rate(29) && rate(30) < rate(29));
        let short = Schedule::ONE_CYCLE.learning_rate(0.5, 0, 1);
        assert!(short.is_finite() && short > 0.0, "{short}");
    }

    #[test]
    fn the_cycle_peaks_at_four_fifteenths() {
        let rate = |epoch| Schedule::Cyclic.learning_rate(0.5, epoch, 15);
        assert_eq!(rate(0), 0.0);
        assert_eq!(rate(4), 0.5);
        assert!((rate(2) - 0.25).abs() < 1e-15);
        assert!((rate(14) - 0.5 / 11.0).abs() < 1e-15);
    }
}
