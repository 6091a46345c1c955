//! Curves with their spread.

use maud::{Markup, html};
use plots::{Axes, Curve, Spread};
use serde_json::{Value, json};

use crate::{
    frame::{self, Frame, Tick, WIDTH},
    look::{color, mark, short, stroke, swatch},
    numbers::Numbers,
};

/// Curves over places of any distance, each with a shaded band where its spread is known.
///
/// Colours, strokes and marks are those of [`plots::LineChart`]. A value that is not finite is a gap.
#[derive(Debug, Clone)]
pub struct Chart {
    name: String,
    title: String,
    caption: String,
    axes: Axes,
    places: Vec<f64>,
    names: Vec<String>,
    curves: Vec<Curve>,
    range: Option<(f64, f64)>,
    height: f64,
    /// Whether each place stands alone: no line goes to its neighbour.
    is_scattered: bool,
}

/// Of the frame.
const HEIGHT: f64 = 230.0;
/// Places whose marks are drawn at most.
const MOST_MARKED: usize = 42;

impl Chart {
    /// A chart of this name, which is unique in a page, over places from left to right.
    pub fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        axes: Axes,
        places: Vec<f64>,
        curves: Vec<Curve>,
    ) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            caption: String::new(),
            axes,
            places,
            names: Vec::new(),
            curves,
            range: None,
            height: HEIGHT,
            is_scattered: false,
        }
    }

    /// With a sentence on how to read it.
    #[must_use]
    pub fn with_caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Of things with names at evenly spaced places, not joined by lines.
    #[must_use]
    pub fn of_names(self, names: Vec<String>) -> Self {
        Self {
            places: (0..names.len()).map(|place| place as f64).collect(),
            names,
            is_scattered: true,
            ..self
        }
    }

    /// Of things with names at evenly spaced places, joined in their order.
    #[must_use]
    pub fn joined_names(self, names: Vec<String>) -> Self {
        Self { is_scattered: false, ..self.of_names(names) }
    }

    /// Not joined by lines: each place stands alone.
    #[must_use]
    pub fn scattered(self) -> Self {
        Self { is_scattered: true, ..self }
    }

    /// With this name before its own.
    #[must_use]
    pub fn named(self, before: &str) -> Self {
        Self { name: format!("{before}-{}", self.name), ..self }
    }

    /// Upward at least from one value to another.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// Lower or higher than usual, in figure units.
    #[must_use]
    pub(crate) fn of_height(self, height: f64) -> Self {
        Self { height, ..self }
    }

    /// The figure with its caption; its numbers are added to the page's.
    pub fn show(&self, numbers: &mut Numbers) -> Markup {
        let (picture, name) = self.picture(numbers, "");
        html! {
            figure id=(name) {
                figcaption { b { (self.title) "." } @if !self.caption.is_empty() { " " (self.caption) } }
                (self.legend(&name))
                (picture)
                button.download type="button" data-of=(name) hidden { "Numbers as CSV" }
            }
        }
    }

    /// The drawing alone, and its name; `part` is what else its numbers say.
    pub(crate) fn picture(&self, numbers: &mut Numbers, part: &str) -> (Markup, String) {
        let frame = self.frame();
        let mut data = self.json(&frame);
        if !part.is_empty() {
            data["part"] = json!(part);
        }
        let name = numbers.keep(&self.name, data);
        let below = self.ticks_below();
        let beside = frame::of_values(frame.y, 6);
        let (axes, height) = frame.axes((&below, &self.axes.right), (&beside, &self.axes.up), true);
        let size = format!("0 0 {WIDTH} {}", short(height));
        let picture = html! {
            svg.chart viewBox=(size) role="img" aria-label={ (self.title) ": " (self.words()) } data-figure=(name) {
                (axes) (frame.border())
                @for (index, curve) in self.curves.iter().enumerate() { (self.curve(&frame, index, curve)) }
                g.cursor {
                    path.line d={ "M0 " (short(frame.top)) "V" (short(frame.bottom)) } {}
                    @for index in 0..self.curves.len() { g class=(color(index)) { (mark(index, (0.0, 0.0))) } }
                }
            }
        };
        (picture, name)
    }

    /// What the curves are called, and their values where the pointer is.
    fn legend(&self, name: &str) -> Markup {
        let spread = self.curves.iter().find_map(|curve| spread_name(&curve.spread));
        html! {
            ul.legend data-legend=(name) {
                @for (index, curve) in self.curves.iter().enumerate() {
                    li { (swatch(index)) span { (curve.label) } " " b.value {} }
                }
                @if let Some(spread) = spread { li { span.shade {} span { (spread) } } }
                li.place {}
            }
        }
    }

    /// What it shows, for those who do not see it.
    fn words(&self) -> String {
        let curves: Vec<String> = self.curves.iter().map(words).collect();
        format!("{} by {}; {}", self.axes.up, self.axes.right, curves.join("; "))
    }

    fn frame(&self) -> Frame {
        let mut extent = self.range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        let fixed = self.range;
        for value in self.curves.iter().flat_map(|curve| (0..curve.mean.len()).flat_map(|at| ends(curve, at)))
        {
            if frame::drawable(value).is_finite() {
                extent = (extent.0.min(value), extent.1.max(value));
            }
        }
        if !(extent.0.is_finite() && extent.1.is_finite()) {
            extent = (0.0, 1.0);
        }
        let y = if fixed == Some(extent) { (extent.0, extent.1) } else { frame::padded(extent) };
        let y = if y.1 > y.0 { y } else { frame::padded(y) };
        Frame::new(self.height, self.span(), y, &frame::of_values(y, 6))
    }

    /// From the left to the right edge.
    fn span(&self) -> (f64, f64) {
        let ends = (self.places.first().copied().unwrap_or(0.0), self.places.last().copied().unwrap_or(0.0));
        let room = if self.is_scattered && !self.names.is_empty() { 0.5 } else { 0.02 * (ends.1 - ends.0) };
        let room = if room > 0.0 { room } else { 0.5 };
        (ends.0 - room, ends.1 + room)
    }

    fn ticks_below(&self) -> Vec<Tick> {
        let names = if self.names.is_empty() {
            self.places.iter().map(|place| format!("{place}")).collect()
        } else {
            self.names.clone()
        };
        // Places that are not counted have round ticks among them.
        if self.names.is_empty() && self.places.iter().any(|place| place.fract() != 0.0) {
            return frame::of_values(self.span(), 8);
        }
        let most = if self.names.is_empty() { 10 } else { 24 };
        frame::of_names(&names, most).into_iter().map(|at| (self.places[at], names[at].clone())).collect()
    }

    fn curve(&self, frame: &Frame, index: usize, curve: &Curve) -> Markup {
        let points: Vec<(f64, f64)> = self.points(frame, &curve.mean);
        html! {
            g class={ "curve " (color(index)) } {
                path.band d=(if self.is_scattered { self.bars(frame, curve) } else { self.band(frame, curve) }) {}
                @if !self.is_scattered { path.line d=(line(&points)) stroke-dasharray=(stroke(index)) {} }
                @if points.len() <= MOST_MARKED || self.is_scattered {
                    g.marks { @for &point in points.iter().filter(|point| point.1.is_finite()) { (mark(index, point)) } }
                }
            }
        }
    }

    fn points(&self, frame: &Frame, values: &[f64]) -> Vec<(f64, f64)> {
        self.places
            .iter()
            .zip(values)
            .map(|(&place, &value)| (frame.right_of(place), frame.up_of(frame::drawable(value))))
            .collect()
    }

    /// Around each run of places whose ends are known.
    fn band(&self, frame: &Frame, curve: &Curve) -> String {
        if matches!(curve.spread, Spread::None) {
            return String::new();
        }
        let side = |end: usize| {
            let values: Vec<f64> = (0..curve.mean.len()).map(|at| ends(curve, at)[end]).collect();
            self.points(frame, &values)
        };
        let (low, high) = (side(0), side(1));
        let is_known = |at: &usize| low[*at].1.is_finite() && high[*at].1.is_finite();
        let places: Vec<usize> = (0..low.len().min(high.len())).collect();
        let mut path = String::new();
        for run in places.chunk_by(|a, b| is_known(a) == is_known(b)).filter(|run| is_known(&run[0])) {
            let around = run.iter().map(|&at| high[at]).chain(run.iter().rev().map(|&at| low[at]));
            path += &line(&around.collect::<Vec<_>>());
            path.push('Z');
        }
        path
    }

    /// A bar at each place whose ends are known.
    fn bars(&self, frame: &Frame, curve: &Curve) -> String {
        let places = self.places.iter().enumerate().take(curve.mean.len());
        let bar = |(at, &place): (usize, &f64)| {
            let [low, high] = ends(curve, at);
            let (x, low, high) = (
                frame.right_of(place),
                frame.up_of(frame::drawable(low)),
                frame.up_of(frame::drawable(high)),
            );
            let bar = format!(
                "M{} {}H{}V{}H{}Z",
                short(x - 2.5),
                short(low),
                short(x + 2.5),
                short(high),
                short(x - 2.5)
            );
            if low.is_finite() && high.is_finite() && !matches!(curve.spread, Spread::None) {
                bar
            } else {
                String::new()
            }
        };
        places.map(bar).collect()
    }

    fn json(&self, frame: &Frame) -> Value {
        let curve = |curve: &Curve| {
            let mut json = json!({ "label": curve.label, "values": curve.mean });
            if !matches!(curve.spread, Spread::None) {
                json["ends"] = (0..curve.mean.len()).map(|at| json!(ends(curve, at))).collect();
            }
            json
        };
        json!({
            "kind": "chart",
            "right": self.axes.right,
            "up": self.axes.up,
            "places": self.places,
            "names": self.names,
            "curves": self.curves.iter().map(curve).collect::<Value>(),
            "frame": frame.json(),
        })
    }
}

/// Straight lines through points; a gap where one is not finite.
fn line(points: &[(f64, f64)]) -> String {
    let (mut path, mut pen) = (String::new(), 'M');
    for &(x, y) in points {
        if y.is_finite() {
            path += &format!("{pen}{} {}", short(x), short(y));
        }
        pen = if y.is_finite() { 'L' } else { 'M' };
    }
    path
}

/// The ends of a curve's spread at a place; the value itself where there is none.
fn ends(curve: &Curve, at: usize) -> [f64; 2] {
    let value = curve.mean[at];
    match &curve.spread {
        Spread::None => [value; 2],
        Spread::Std(half) => half.get(at).map_or([f64::NAN; 2], |half| [value - half, value + half]),
        Spread::Interval(ends) => ends.get(at).copied().unwrap_or([f64::NAN; 2]),
    }
}

fn spread_name(spread: &Spread) -> Option<&'static str> {
    match spread {
        Spread::None => None,
        Spread::Std(_) => Some("±1 standard deviation"),
        Spread::Interval(_) => Some("95 % interval"),
    }
}

fn words(curve: &Curve) -> String {
    let known: Vec<f64> = curve.mean.iter().copied().filter(|value| value.is_finite()).collect();
    match (known.first(), known.last()) {
        (Some(&first), Some(&last)) => {
            format!("{} from {} to {}", curve.label, crate::rounded(first), crate::rounded(last))
        }
        _ => format!("{}: nothing known", curve.label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: Vec<f64>) -> Chart {
        let axes = Axes { right: "epoch".to_owned(), up: "accuracy, %".to_owned() };
        let places = (0..values.len()).map(|place| place as f64).collect();
        let ends = values.iter().map(|value| [value - 1.0, value + 1.0]).collect();
        let curve = Curve { label: "</script>".to_owned(), mean: values, spread: Spread::Interval(ends) };
        Chart::new("a", "Accuracy", axes, places, vec![curve])
    }

    #[test]
    fn a_gap_is_a_gap() {
        let chart = chart(vec![1.0, f64::NAN, 3.0, 4.0]);
        let mut numbers = Numbers::default();
        let markup = chart.show(&mut numbers).into_string();
        assert!(
            markup.contains("&lt;/script&gt;") && !markup.contains("</script>") && !markup.contains("NaN")
        );
        let data = numbers.get("a").expect("numbers");
        assert_eq!(data["curves"][0]["values"], json!([1.0, null, 3.0, 4.0]));
        assert_eq!(data["curves"][0]["ends"][3], json!([3.0, 5.0]));
        // A point alone, and a line of two.
        let frame = chart.frame();
        let path = line(&chart.points(&frame, &chart.curves[0].mean));
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
        assert_eq!(chart.band(&frame, &chart.curves[0]).matches('Z').count(), 2);
    }

    #[test]
    fn values_are_where_the_axes_say() {
        let chart = chart(vec![0.0, 10.0]).within(0.0, 20.0);
        let frame = chart.frame();
        // From −1, the lowest end, to 20, and a twentieth more.
        assert_eq!(frame.y, (-1.0 - 1.05, 20.0 + 1.05));
        assert!((frame.up_of(frame.y.0) - frame.bottom).abs() < 1e-9);
        assert!((frame.right_of(frame.x.1) - frame.right).abs() < 1e-9);
        for values in [vec![], vec![f64::NAN], vec![1e300, -1e300], vec![5.0]] {
            let markup = self::chart(values).show(&mut Numbers::default()).into_string();
            assert!(!markup.contains("NaN") && !markup.contains("inf"), "{markup}");
        }
    }
}
