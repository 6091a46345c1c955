//! Pictures of differences.

use plots::{Axes, Curve, FrequencyMap, FrequencyMaps, LineChart, Spread};

use super::{compared::Comparison, difference::Difference};
use crate::measuring::Picture;

/// The picture of a difference; none of single numbers.
pub(super) fn picture(of: &Comparison, difference: &Difference) -> Result<Option<Picture>, plots::Error> {
    let subtitle = format!(
        "{} less {}; {} of {} differences are significant",
        of.second.label(),
        of.first.label(),
        difference.discoveries(),
        difference.numbers()
    );
    let title = format!("{}: {}", of.first.measure, difference.name.replace('_', " "));
    match difference.shape[..] {
        [rows, columns] if rows > 2 && columns > 2 && of.first.measure == "fourier-heat-map" => {
            Ok(Some(Picture::Maps(maps(difference, [rows, columns], title, subtitle)?)))
        }
        _ if difference.values.len() > 1 => Ok(Some(Picture::Lines(lines(difference, title, subtitle)?))),
        _ => Ok(None),
    }
}

/// All differences, and those alone that are not chance.
fn maps(
    difference: &Difference,
    sides: [usize; 2],
    title: String,
    subtitle: String,
) -> Result<FrequencyMaps, plots::Error> {
    let finite = |&value: &f64| value.is_finite().then_some(value);
    let all =
        FrequencyMap { title: "all".to_owned(), values: difference.values.iter().map(finite).collect() };
    let marked = difference.values.iter().zip(&difference.significant);
    let marked = FrequencyMap {
        title: "significant".to_owned(),
        values: marked.map(|(value, is)| finite(value).filter(|_| *is)).collect(),
    };
    let has_any = marked.values.iter().any(Option::is_some);
    let maps = std::iter::once(all).chain(has_any.then_some(marked)).collect();
    FrequencyMaps::new(title, subtitle, "difference", sides, maps)
}

fn lines(difference: &Difference, title: String, subtitle: String) -> Result<LineChart, plots::Error> {
    let count = difference.values.len();
    // Places by their numbers where these increase, as rings do; others are counted.
    let numbers =
        |names: &Vec<String>| names.iter().map(|name| name.parse().ok()).collect::<Option<Vec<usize>>>();
    let own =
        difference.axes.first().filter(|_| difference.axes.len() == 1).and_then(|axis| numbers(&axis.names));
    let own = own.filter(|places| places.len() == count && places.windows(2).all(|pair| pair[0] < pair[1]));
    let labels: Vec<&str> = difference.axes.iter().map(|axis| axis.label.as_str()).collect();
    let right = match (&own, labels.len()) {
        (Some(_), _) => labels.join(""),
        (None, 0) => "number".to_owned(),
        (None, _) => format!("{}, in the order of the results", labels.join(" × ")),
    };
    let places = own.unwrap_or_else(|| (1..=count).collect());
    let axes = Axes { right, up: "difference".to_owned() };
    let plain = |value: f64| if value.is_finite() { value } else { 0.0 };
    let mean = difference.values.iter().copied().map(plain).collect();
    let spread = Spread::Interval(difference.intervals.iter().map(|ends| ends.map(plain)).collect());
    let zero = Curve { label: "no difference".to_owned(), mean: vec![0.0; count], spread: Spread::None };
    let curve = Curve { label: "difference".to_owned(), mean, spread };
    LineChart::new(title, subtitle, axes, places, vec![curve, zero])
}
