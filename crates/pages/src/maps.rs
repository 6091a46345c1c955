//! Tables of values as colours.

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::{
    cells,
    frame::{self, Frame, Tick, WIDTH},
    look::short,
    numbers::Numbers,
    text::rounded,
};

/// What the rows or columns of a map are.
#[derive(Debug, Clone, Default)]
pub struct MapAxis {
    /// What they count.
    pub label: String,
    /// Each one's name.
    pub names: Vec<String>,
}

/// One table of values, row by row from above.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// What it is of.
    pub title: String,
    /// Values; those that are not finite are left white.
    pub values: Vec<f64>,
    /// The ends of their 95 % intervals; none or one for each value.
    pub ends: Vec<[f64; 2]>,
}

/// Maps with the same rows, columns and colours side by side.
#[derive(Debug, Clone)]
pub struct Maps {
    /// Unique in the page.
    pub name: String,
    /// What they show.
    pub title: String,
    /// How to read them.
    pub caption: String,
    /// What colours stand for.
    pub quantity: String,
    /// From above.
    pub rows: MapAxis,
    /// From the left.
    pub columns: MapAxis,
    /// The values.
    pub maps: Vec<Map>,
    /// The value of the darkest colour at most: 0 where zero means something.
    pub from: Option<f64>,
}

/// Of a frame that is as high as wide.
const MOST_HIGH: f64 = 400.0;

impl Maps {
    /// The figure with its caption; its numbers are added to the page's. Without rows or columns there is none.
    pub fn show(&self, numbers: &mut Numbers) -> Markup {
        if self.rows.names.is_empty() || self.columns.names.is_empty() {
            return html! {};
        }
        let range = self.range();
        let name = numbers.keep(&self.name, self.json());
        html! {
            figure.many[self.maps.len() > 1] id=(name) {
                figcaption { b { (self.title) "." } @if !self.caption.is_empty() { " " (self.caption) } }
                (scale(range, &self.quantity))
                p.reading data-reading=(name) { "\u{a0}" }
                div.maps {
                    @for (at, map) in self.maps.iter().enumerate() {
                        div { p.name { (map.title) } (self.picture(&name, at, map, range)) }
                    }
                }
                button.download type="button" data-of=(name) hidden { "Numbers as CSV" }
            }
        }
    }

    fn range(&self) -> (f64, f64) {
        let known = || {
            self.maps
                .iter()
                .flat_map(|map| &map.values)
                .copied()
                .filter(|&value| frame::drawable(value).is_finite())
        };
        let low = known().fold(self.from.unwrap_or(f64::INFINITY), f64::min);
        let high = known().fold(f64::NEG_INFINITY, f64::max);
        if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) }
    }

    fn picture(&self, name: &str, at: usize, map: &Map, range: (f64, f64)) -> Markup {
        let sides = [self.rows.names.len(), self.columns.names.len()];
        let words = format!(
            "{}, {}: {} by {} and {}",
            self.title, map.title, self.quantity, self.rows.label, self.columns.label
        );
        let drawn = grid(&self.rows, &self.columns, &cells::link(&map.values, sides, range), false);
        html! {
            svg.map viewBox=(drawn.size) role="img" aria-label=(words) data-figure=(name) data-map=(at)
                data-frame=(drawn.frame.json()) { (drawn.markup) }
        }
    }

    fn json(&self) -> Value {
        let map = |map: &Map| {
            let mut json = json!({ "title": map.title, "values": map.values });
            if !map.ends.is_empty() {
                json["ends"] = json!(map.ends);
            }
            json
        };
        json!({
            "kind": "maps",
            "quantity": self.quantity,
            "rows": { "label": self.rows.label, "names": self.rows.names },
            "columns": { "label": self.columns.label, "names": self.columns.names },
            "maps": self.maps.iter().map(map).collect::<Value>(),
        })
    }
}

/// What a colour stands for.
pub(crate) fn scale((low, high): (f64, f64), quantity: &str) -> Markup {
    html! { p.scale { span { (rounded(low)) } i {} span { (rounded(high)) } span { (quantity) } } }
}

/// A grid of cells as it is drawn.
pub(crate) struct Grid {
    pub(crate) frame: Frame,
    pub(crate) size: String,
    pub(crate) markup: Markup,
}

/// Cells, whose picture is a link, with their axes; `upward` if the first row is below.
pub(crate) fn grid(rows: &MapAxis, columns: &MapAxis, picture: &str, upward: bool) -> Grid {
    let (down, across) = (rows.names.len() as f64, columns.names.len() as f64);
    let place = |at: usize| if upward { at as f64 + 0.5 } else { down - at as f64 - 0.5 };
    let beside: Vec<Tick> =
        frame::of_names(&rows.names, 14).into_iter().map(|at| (place(at), rows.names[at].clone())).collect();
    let below: Vec<Tick> = frame::of_names(&columns.names, 12)
        .into_iter()
        .map(|at| (at as f64 + 0.5, columns.names[at].clone()))
        .collect();
    let mut frame = Frame::new(0.0, (0.0, across), (0.0, down), &beside);
    let height = if upward {
        (60.0 * down).clamp(180.0, 300.0)
    } else {
        (down / across.max(1.0) * (frame.right - frame.left)).clamp(30.0, MOST_HIGH)
    };
    frame.bottom = frame.top + height;
    let (axes, height) = frame.axes((&below, &columns.label), (&beside, &rows.label), false);
    let markup = html! {
        image x=(short(frame.left)) y=(short(frame.top)) width=(short(frame.right - frame.left))
            height=(short(frame.bottom - frame.top)) preserveAspectRatio="none" href=(picture) {}
        (frame.border()) (axes)
        rect.cell.cursor width=(short((frame.right - frame.left) / across.max(1.0))) height=(short((frame.bottom - frame.top) / down.max(1.0))) {}
    };
    Grid { size: format!("0 0 {WIDTH} {}", short(height)), frame, markup }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(values: Vec<f64>) -> Maps {
        let names = |count: usize| (0..count).map(|at| at.to_string()).collect();
        Maps {
            name: "m".to_owned(),
            title: "Errors".to_owned(),
            caption: String::new(),
            quantity: "error rate, %".to_owned(),
            rows: MapAxis { label: "u".to_owned(), names: names(2) },
            columns: MapAxis { label: "v".to_owned(), names: names(3) },
            maps: vec![Map { title: "epoch 0".to_owned(), values, ends: Vec::new() }],
            from: Some(0.0),
        }
    }

    #[test]
    fn a_map_shows_its_numbers() {
        let mut numbers = Numbers::default();
        let found = maps(vec![1.0, 2.0, 3.0, f64::NAN, 5.0, 6.0]);
        assert_eq!(found.range(), (0.0, 6.0));
        let markup = found.show(&mut numbers).into_string();
        assert_eq!(
            numbers.get("m").expect("numbers")["maps"][0]["values"],
            json!([1.0, 2.0, 3.0, null, 5.0, 6.0])
        );
        assert!(markup.contains("data:image/png;base64,") && markup.contains("error rate, %"));
        assert_eq!(maps(vec![f64::NAN; 6]).range(), (0.0, 1.0));
    }
}
