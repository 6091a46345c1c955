//! Where ticks go and what they say.
//!
//! Two kinds of axes: of values, which any round number may mark, and of things counted (epochs, bands), which
//! only whole numbers that are there may mark. "Round" is 1, 2 or 5 times a power of ten.

/// What the axis of bands is called in every figure.
pub(crate) const BANDS: &str = "frequency band (radius ρ)";

/// Round values in a range, about `most` of them, each with its label.
///
/// ```
/// let ticks = plots::value_ticks((0.0, 1.0), 6);
/// assert_eq!((ticks.len(), ticks[1].1.as_str()), (6, "0.2"));
/// ```
pub fn value_ticks((low, high): (f64, f64), most: usize) -> Vec<(f64, String)> {
    let step = nice_step((high - low) / most as f64);
    let first = (low / step).ceil();
    let values = (0..=2 * most).map(|tick| (first + tick as f64) * step);
    values.take_while(|&value| value <= high + 1e-9 * step).map(|value| (value, label(value, step))).collect()
}

/// Indices of the labels to show, at most about `most`: all, or those of the multiples of 2, 5, 10, … among consecutive
/// numbers and the first one if there is room for it, or else every n-th.
pub(crate) fn index_ticks(labels: &[usize], most: usize) -> Vec<usize> {
    let (Some(&first), Some(&last)) = (labels.first(), labels.last()) else { return Vec::new() };
    if labels.len() <= most {
        return (0..labels.len()).collect();
    }
    if labels.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1])) {
        return integer_ticks(first, last, most).into_iter().map(|label| label - first).collect();
    }
    (0..labels.len()).step_by(round_step(labels.len(), most)).collect()
}

/// Indices of the labels of things counted to show, at most about `most`, with the last one in place of one that stands too close to it.
///
/// ```
/// assert_eq!(plots::index_ticks_to_the_end(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4), [0, 5, 9]);
/// ```
pub fn index_ticks_to_the_end(labels: &[usize], most: usize) -> Vec<usize> {
    let (mut ticks, last) = (index_ticks(labels, most), labels.len().saturating_sub(1));
    if let [.., before, end] = ticks[..]
        && end < last
    {
        if ((last - end) as f64) < 0.6 * (end - before) as f64 {
            ticks.pop();
        }
        ticks.push(last);
    }
    ticks
}

/// Whether each number is as far from the next one as from the one before.
pub(crate) fn is_even(numbers: &[usize]) -> bool {
    numbers.windows(3).all(|three| three[1].abs_diff(three[0]) == three[2].abs_diff(three[1]))
}

/// Multiples of 1, 2, 5, 10, … from `first` to `last`, at most `most` and one: `first` itself, unless it stands too close.
pub(crate) fn integer_ticks(first: usize, last: usize, most: usize) -> Vec<usize> {
    let step = round_step(last.saturating_sub(first).saturating_add(1), most);
    let multiples = (first.div_ceil(step)..=last / step).map(|multiple| multiple * step);
    let gap = (step - first % step) % step;
    let lone_first = (gap as f64 > 0.6 * step as f64).then_some(first);
    lone_first.into_iter().chain(multiples).collect()
}

/// The least of 1, 2, 5, 10, … that cuts a length into at most `most` parts.
fn round_step(length: usize, most: usize) -> usize {
    let steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    steps.into_iter().find(|step| length.div_ceil(*step) <= most.max(1)).unwrap_or(length)
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn nice_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|&step| step >= least).unwrap_or(least)
}

/// As many decimals as the step has; powers of ten for what would be long.
fn label(value: f64, step: f64) -> String {
    let value = if value.abs() < 0.5 * step { 0.0 } else { value };
    let (size, fineness) = (value.abs().max(step).log10().floor(), step.log10().floor());
    let decimals = |digits: f64| digits.max(0.0) as usize;
    if fineness < -4.0 || size > 5.0 {
        if value == 0.0 {
            return "0".to_owned();
        }
        let digits = decimals((size - fineness).min(15.0));
        return format!("{value:.digits$e}").replace('-', "−");
    }
    format!("{value:.digits$}", digits = decimals(-fineness)).replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(range: (f64, f64), most: usize) -> Vec<String> {
        value_ticks(range, most).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn values_are_round() {
        assert_eq!(labels((-0.04, 1.04), 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels((-13.0, 108.0), 6), ["0", "50", "100"]);
        assert_eq!(labels((-0.021, 0.02), 5), ["−0.02", "−0.01", "0.00", "0.01", "0.02"]);
        assert_eq!(labels((0.0, 3e-9), 3), ["0", "1e−9", "2e−9", "3e−9"]);
        assert_eq!(labels((0.0, 3e9), 3), ["0", "1e9", "2e9", "3e9"]);
    }

    #[test]
    fn the_number_of_ticks_is_bounded() {
        for range in [(0.0, f64::MIN_POSITIVE), (-1e300, 1e300), (1e15, 1e15 + 2.0), (0.0, 1e-9)] {
            assert!(value_ticks(range, 6).len() <= 13, "{range:?}");
        }
    }

    #[test]
    fn few_indices_are_all_shown() {
        assert_eq!(index_ticks(&[3, 7, 8], 20), [0, 1, 2]);
        assert!(index_ticks(&[], 20).is_empty());
    }

    #[test]
    fn the_last_one_is_among_those_shown_to_the_end() {
        let shown = |count: usize| index_ticks_to_the_end(&(0..count).collect::<Vec<_>>(), 20);
        assert_eq!(shown(40)[17..], [34, 36, 39], "38 stands too close");
        assert_eq!(shown(200)[18..], [180, 190, 199]);
        assert_eq!((shown(7), shown(0)), ((0..7).collect(), vec![]));
    }

    #[test]
    fn gaps_are_found() {
        assert!(is_even(&[]) && is_even(&[3, 9]) && is_even(&[0, 5, 10, 15]));
        assert!(!is_even(&[0, 1, 2, 10]));
    }

    #[test]
    fn many_are_thinned_to_multiples() {
        let radii: Vec<usize> = (1..=156).collect();
        let shown: Vec<usize> = index_ticks(&radii, 20).into_iter().map(|index| radii[index]).collect();
        assert_eq!(shown, [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150]);
        let epochs: Vec<usize> = (0..200).map(|epoch| 5 * epoch).collect();
        assert_eq!(index_ticks(&epochs, 20)[..3], [0, 10, 20]);
        assert_eq!(integer_ticks(0, usize::MAX, 3).len(), 2);
    }
}
