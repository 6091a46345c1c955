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

/// Pixels of each channel, times a factor plus a number.
#[derive(Clone, Copy)]
struct Pixels {
    factor: [f64; 3],
    added: [f64; 3],
    /// Where each channel is among those of the images.
    order: [usize; 3],
}

impl Pixels {
    /// What a value is, if it is nothing else.
    fn of(value: Option<&Value>) -> Option<Self> {
        match value?.origin {
            Some(Origin::Pixels { factor, added, order }) => Some(Self { factor, added, order }),
            _ => None,
        }
    }

    /// Numbers of its own channels, by those of the images.
    fn by_images(self, value: Option<&Value>) -> Option<[f64; 3]> {
        let own = three(&value?.numbers()?)?;
        let mut found = own;
        self.order.iter().zip(own).for_each(|(&channel, number)| found[channel] = number);
        Some(found)
    }

    fn plus(self, by: [f64; 3], sign: f64) -> Self {
        Self { added: pairs(self.added, by, |a, b| a + sign * b), ..self }
    }

    fn times(self, by: [f64; 3], of: impl Fn(f64, f64) -> f64) -> Self {
        Self { factor: pairs(self.factor, by, &of), added: pairs(self.added, by, of), ..self }
    }
}

/// What the result of a node is of the pixels, where its input is nothing else than them.
pub(crate) fn follow(call: &Call<'_>) -> Option<Origin> {
    let (first, second) = (call.optional(0), call.optional(1));
    let Pixels { factor, added, order } = match call.operation() {
        "Identity" | "Cast" | "Transpose" => Pixels::of(first)?,
        "Clip" => clipped(call)?,
        "Gather" | "Slice" => reordered(call)?,
        operation @ ("Add" | "Sub" | "Mul" | "Div") => match (Pixels::of(first), Pixels::of(second)) {
            (Some(pixels), None) => {
                let by = pixels.by_images(second)?;
                match operation {
                    "Add" => pixels.plus(by, 1.0),
                    "Sub" => pixels.plus(by, -1.0),
                    "Mul" => pixels.times(by, |a, b| a * b),
                    _ => pixels.times(by, |a, b| a / b),
                }
            }
            (None, Some(pixels)) => match operation {
                "Add" => pixels.plus(pixels.by_images(first)?, 1.0),
                "Mul" => pixels.times(pixels.by_images(first)?, |a, b| a * b),
                _ => return None,
            },
            _ => return None,
        },
        "BatchNormalization" => {
            let pixels = Pixels::of(first)?;
            let [weight, bias, mean, variance] =
                [1, 2, 3, 4].map(|input| pixels.by_images(call.optional(input)));
            let epsilon = f64::from(call.float_or("epsilon", 1e-5));
            let scale = pairs(weight?, variance?, |weight, variance| weight / (variance + epsilon).sqrt());
            pixels.plus(mean?, -1.0).times(scale, |a, b| a * b).plus(bias?, 1.0)
        }
        _ => return None,
    };
    Some(Origin::Pixels { factor, added, order })
}

/// Pixels that are clipped to a range that all have, and are what they were.
fn clipped(call: &Call<'_>) -> Option<Pixels> {
    let pixels = Pixels::of(call.optional(0))?;
    let bound = |input: usize, name: &str, none: f32| match call.optional(input) {
        Some(value) => value.numbers()?.as_floats().first().copied(),
        None => Some(call.float_or(name, none)),
    };
    let (low, high) = (bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?);
    let is_untouched = pixels.factor == [1.0; 3] && pixels.added == [0.0; 3] && low <= 0.0 && high >= 1.0;
    is_untouched.then_some(pixels)
}

/// Pixels with their channels in another order.
fn reordered(call: &Call<'_>) -> Option<Pixels> {
    let (x, second) = (call.optional(0)?, call.optional(1)?);
    let pixels = Pixels::of(Some(x))?;
    let known = |input: usize| Some(call.optional(input)?.numbers()?.as_ints());
    let (axis, chosen): (i64, Vec<i64>) = match call.operation() {
        "Gather" => (call.int_or("axis", 0), second.numbers()?.as_ints().to_vec()),
        // From the last one down, beyond the first.
        _ => match [known(1)?, known(2)?, known(3)?, known(4)?].each_ref().map(|numbers| &numbers[..]) {
            [[-1 | 2], [end], [axis], [-1]] if *end < -3 => (*axis, vec![2, 1, 0]),
            _ => return None,
        },
    };
    // The axis whose neighbours are whole planes apart: others may have three places, too.
    let axis = x.axis(axis).ok()?;
    if x.shape()[axis] != 3 || x.view.strides[axis].unsigned_abs() != x.count() / 3 {
        return None;
    }
    let mut order = [0; 3];
    for (place, channel) in order.iter_mut().zip(&chosen) {
        *place = *pixels.order.get(usize::try_from(channel.rem_euclid(3)).ok()?)?;
    }
    let mut sorted = order;
    sorted.sort_unstable();
    (chosen.len() == 3 && sorted == [0, 1, 2]).then_some(Pixels { order, ..pixels })
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
