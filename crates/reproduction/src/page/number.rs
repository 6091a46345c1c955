//! Numbers on the page.

use maud::{Markup, html};
use serde_json::json;

use crate::claims::Unit;

/// A number, rounded for people, with its place and all digits for programs.
pub(super) fn number(at: &str, value: f64, unit: Unit) -> Markup {
    let decimals = match unit {
        Unit::Band => 0,
        Unit::Percent => 1,
        Unit::Radius => 2,
        Unit::Scaled | Unit::Ratio => 3,
    };
    let shown = format!("{value:.decimals$}");
    let is_zero = shown.chars().all(|digit| matches!(digit, '-' | '0' | '.'));
    data(at, value, &shown.replace('-', if is_zero { "" } else { "−" }))
}

/// The ends of an interval.
pub(super) fn interval(at: &str, [low, high]: [f64; 2], unit: Unit) -> Markup {
    html! { (number(&format!("{at}/0"), low, unit)) " to " (number(&format!("{at}/1"), high, unit)) }
}

/// A duration.
pub(super) fn seconds(at: &str, seconds: f64) -> Markup {
    let is_short = seconds < 90.0;
    let shown = if is_short { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) };
    data(at, seconds, &shown)
}

fn data(at: &str, value: f64, shown: &str) -> Markup {
    html! { data value=(json!(value)) data-at=(at) { (shown) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_for_people_and_whole_for_programs() {
        let found = number("/claims/0/measures/1/value", -1.0 / 3.0, Unit::Ratio).into_string();
        assert_eq!(
            found,
            "<data value=\"-0.3333333333333333\" data-at=\"/claims/0/measures/1/value\">−0.333</data>"
        );
        assert!(number("", -1e-9, Unit::Scaled).into_string().ends_with(">0.000</data>"));
    }

    #[test]
    fn long_durations_are_minutes() {
        assert_eq!(seconds("/a", 89.4).into_string(), "<data value=\"89.4\" data-at=\"/a\">89 s</data>");
        assert!(seconds("/a", 150.0).into_string().ends_with(">2 min</data>"));
    }
}
