//! The normaliser that a graph has itself: what it does to pixels before anything else.

use crate::{
    call::Call,
    numbers::Numbers,
    value::{Origin, Value},
};

/// What a graph makes of each channel's pixels first: (x − mean) / std, of pixels from 0 to `brightest`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnNormaliser {
    /// By channel, in the graph's own range of pixels.
    pub mean: [f32; 3],
    /// By channel, likewise.
    pub std: [f32; 3],
    /// 1 or 255.
    pub brightest: f32,
}

/// Means of pixels from 0 to 255 are beyond this, and their deviations in this range, in all channels.
const BRIGHT_MEAN: f64 = 1.5;
const BRIGHT_STD: std::ops::RangeInclusive<f64> = 40.0..=300.0;

impl OwnNormaliser {
    /// Of factors and numbers that are added to the pixels; none if these stay what they are.
    pub(crate) fn new(factor: [f64; 3], added: [f64; 3]) -> Option<Self> {
        let is_nothing = factor == [1.0; 3] && added == [0.0; 3];
        if is_nothing || factor.iter().any(|factor| !factor.is_normal() || *factor < 0.0) {
            return None;
        }
        let all = |of: &dyn Fn(usize) -> f64| [of(0), of(1), of(2)];
        let (mean, std) = (all(&|c| -added[c] / factor[c]), all(&|c| 1.0 / factor[c]));
        let is_bright =
            mean.iter().all(|&mean| mean > BRIGHT_MEAN) || std.iter().all(|std| BRIGHT_STD.contains(std));
        let (mean, std) = (mean.map(|mean| mean as f32), std.map(|std| std as f32));
        Some(Self { mean, std, brightest: if is_bright { 255.0 } else { 1.0 } })
    }
}

/// What the result of a node is of the pixels, where its input is nothing else than them.
pub(crate) fn follow(call: &Call<'_>) -> Option<Origin> {
    let pixels = |value: Option<&Value>| match value?.origin {
        Some(Origin::Pixels { factor, added }) => Some((factor, added)),
        _ => None,
    };
    let numbers = |value: Option<&Value>| three(&value?.numbers()?);
    let (first, second) = (call.optional(0), call.optional(1));
    let (factor, added) = match call.operation() {
        "Identity" | "Cast" | "Transpose" => pixels(first)?,
        "Add" | "Sub" | "Mul" | "Div" => match (pixels(first), pixels(second)) {
            (Some((factor, added)), None) => {
                let by = numbers(second)?;
                match call.operation() {
                    "Add" => (factor, pairs(added, by, |a, b| a + b)),
                    "Sub" => (factor, pairs(added, by, |a, b| a - b)),
                    "Mul" => (pairs(factor, by, |a, b| a * b), pairs(added, by, |a, b| a * b)),
                    _ => (pairs(factor, by, |a, b| a / b), pairs(added, by, |a, b| a / b)),
                }
            }
            (None, Some((factor, added))) if call.operation() == "Add" || call.operation() == "Mul" => {
                let by = numbers(first)?;
                match call.operation() {
                    "Add" => (factor, pairs(added, by, |a, b| a + b)),
                    _ => (pairs(factor, by, |a, b| a * b), pairs(added, by, |a, b| a * b)),
                }
            }
            _ => return None,
        },
        "BatchNormalization" => {
            let (factor, added) = pixels(first)?;
            let [weight, bias, mean, variance] = [1, 2, 3, 4].map(|input| numbers(call.optional(input)));
            let (weight, bias, mean, variance) = (weight?, bias?, mean?, variance?);
            let epsilon = f64::from(call.float_or("epsilon", 1e-5));
            let scale = pairs(weight, variance, |weight, variance| weight / (variance + epsilon).sqrt());
            let centred = pairs(added, mean, |added, mean| added - mean);
            let scaled = pairs(centred, scale, |x, scale| x * scale);
            (pairs(factor, scale, |a, b| a * b), pairs(scaled, bias, |a, b| a + b))
        }
        _ => return None,
    };
    Some(Origin::Pixels { factor, added })
}

/// A number for each channel.
fn three(numbers: &Numbers) -> Option<[f64; 3]> {
    match numbers.as_doubles()[..] {
        [one] => Some([one; 3]),
        [red, green, blue] => Some([red, green, blue]),
        _ => None,
    }
}

fn pairs(a: [f64; 3], b: [f64; 3], of: impl Fn(f64, f64) -> f64) -> [f64; 3] {
    [of(a[0], b[0]), of(a[1], b[1]), of(a[2], b[2])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normaliser_says_which_pixels_it_is_of() {
        assert_eq!(OwnNormaliser::new([1.0; 3], [0.0; 3]), None);
        assert_eq!(OwnNormaliser::new([1.0, -2.0, 1.0], [0.0; 3]), None);
        let half = OwnNormaliser::new([2.0; 3], [-1.0; 3]).expect("a normaliser");
        assert_eq!((half.mean, half.std, half.brightest), ([0.5; 3], [0.5; 3], 1.0));
        let bright = OwnNormaliser::new([1.0 / 127.5; 3], [-1.0; 3]).expect("a normaliser");
        assert_eq!((bright.mean, bright.std, bright.brightest), ([127.5; 3], [127.5; 3], 255.0));
    }
}
