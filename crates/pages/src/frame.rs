//! The frame of a figure: what is where, ticks, labels.

use maud::{Markup, html};
use plots::{index_ticks_to_the_end, value_ticks};
use serde_json::{Value, json};

use crate::look::short;

/// Of every figure, in its own units: narrow enough that letters can be read on a phone.
pub(crate) const WIDTH: f64 = 480.0;
/// About the width of a letter of a tick.
const LETTER: f64 = 7.2;
/// The right edge of frames.
const RIGHT: f64 = 468.0;

/// Where the values of a figure are.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
    /// The values at the left and right edge.
    pub(crate) x: (f64, f64),
    /// The values at the lower and upper edge.
    pub(crate) y: (f64, f64),
}

/// A tick: its value and what it says.
pub(crate) type Tick = (f64, String);

impl Frame {
    /// Of so many rows of pixels, for labels on the left as long as these.
    pub(crate) fn new(height: f64, x: (f64, f64), y: (f64, f64), left_ticks: &[Tick]) -> Self {
        let widest = left_ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
        let left = (30.0 + LETTER * widest as f64).min(0.4 * WIDTH);
        Self { left, top: 8.0, right: RIGHT, bottom: 8.0 + height, x, y }
    }

    /// The place of a value on the axis to the right.
    pub(crate) fn right_of(&self, value: f64) -> f64 {
        self.left + (value - self.x.0) / (self.x.1 - self.x.0) * (self.right - self.left)
    }

    /// The place of a value on the axis upward.
    pub(crate) fn up_of(&self, value: f64) -> f64 {
        self.bottom - (value - self.y.0) / (self.y.1 - self.y.0) * (self.bottom - self.top)
    }

    /// As the script has it.
    pub(crate) fn json(&self) -> Value {
        json!({ "l": self.left, "t": self.top, "r": self.right, "b": self.bottom, "x": [self.x.0, self.x.1], "y": [self.y.0, self.y.1] })
    }

    /// Both axes; the height of the figure follows from the labels below.
    pub(crate) fn axes(
        &self,
        (below, right_label): (&[Tick], &str),
        (beside, up_label): (&[Tick], &str),
        grid: bool,
    ) -> (Markup, f64) {
        let slanted = is_tight(below, self.right - self.left);
        let longest = below.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0) as f64;
        let room = if slanted { 12.0 + 0.62 * LETTER * longest } else { 16.0 };
        let label_at = self.bottom + room + 22.0;
        let middle = 0.5 * (self.top + self.bottom);
        let markup = html! {
            g.axes {
                @for (value, label) in beside {
                    @let y = self.up_of(*value);
                    @if grid { path.grid d={ "M" (short(self.left)) " " (short(y)) "H" (short(self.right)) } {} }
                    text.tick x=(short(self.left - 7.0)) y=(short(y + 4.5)) text-anchor="end" { (label) }
                }
                @for (value, label) in below {
                    @let x = self.right_of(*value);
                    path.rule d={ "M" (short(x)) " " (short(self.bottom)) "v4" } {}
                    @if slanted {
                        text.tick text-anchor="end" transform={ "translate(" (short(x + 4.0)) " " (short(self.bottom + 14.0)) ")rotate(-38)" } { (label) }
                    } @else {
                        text.tick x=(short(x)) y=(short(self.bottom + 18.0)) text-anchor="middle" { (label) }
                    }
                }
                text.label x=(short(0.5 * (self.left + self.right))) y=(short(label_at)) text-anchor="middle" { (right_label) }
                text.label text-anchor="middle" transform={ "translate(13 " (short(middle)) ")rotate(-90)" } { (up_label) }
            }
        };
        (markup, label_at + 8.0)
    }

    /// The line around everything.
    pub(crate) fn border(&self) -> Markup {
        html! {
            rect.frame x=(short(self.left)) y=(short(self.top)) width=(short(self.right - self.left)) height=(short(self.bottom - self.top)) {}
        }
    }
}

/// Whether labels would touch each other.
fn is_tight(ticks: &[Tick], width: f64) -> bool {
    let longest = ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0) as f64;
    ticks.len() > 1 && (longest + 1.0) * LETTER * ticks.len() as f64 > width
}

/// Ticks of values.
pub(crate) fn of_values(range: (f64, f64), most: usize) -> Vec<Tick> {
    value_ticks(range, most)
}

/// Ticks at the places of names: all of them, or some; of whole numbers round ones, zero among them.
pub(crate) fn of_names(names: &[String], most: usize) -> Vec<usize> {
    let numbers: Option<Vec<i64>> = names.iter().map(|name| name.replace('−', "-").parse().ok()).collect();
    let Some(numbers) = numbers else {
        return (0..names.len()).step_by(names.len().div_ceil(most).max(1)).collect();
    };
    match numbers.iter().map(|&number| usize::try_from(number).ok()).collect::<Option<Vec<usize>>>() {
        Some(numbers) => index_ticks_to_the_end(&numbers, most),
        None => {
            let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
            let numbers = &numbers;
            let shown = |step: i64| -> Vec<usize> {
                (0..numbers.len()).filter(|&at| numbers[at] % step == 0).collect()
            };
            steps.into_iter().map(shown).find(|places| places.len() <= most).unwrap_or_default()
        }
    }
}

/// A value that can be drawn: what is not finite, or so large that differences would not be, is a gap.
pub(crate) fn drawable(value: f64) -> f64 {
    if value.abs() < 1e150 { value } else { f64::NAN }
}

/// A range with some room around what it must show, of some width.
pub(crate) fn padded((low, high): (f64, f64)) -> (f64, f64) {
    let room = 0.05 * (high - low);
    // Half a unit where all values are alike, however large they are.
    let room = if room > 0.0 { room } else { (0.1 * high.abs()).max(0.5) };
    (low - room, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_zero_is_among_them() {
        let names: Vec<String> = (-16..16).map(|number: i64| number.to_string().replace('-', "−")).collect();
        let shown: Vec<&str> = of_names(&names, 8).into_iter().map(|at| names[at].as_str()).collect();
        assert_eq!(shown, ["−15", "−10", "−5", "0", "5", "10", "15"]);
        assert_eq!(of_names(&["a", "b", "c"].map(str::to_owned), 2), [0, 2]);
        assert!(of_names(&[], 2).is_empty());
    }
}
