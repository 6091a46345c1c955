//! One page of all comparisons: a table of what differs and where, and a figure of each difference.

use maud::{Markup, html};
use pages::{Cell, Chart, Map, MapAxis, Maps, Numbers, Page, Table, rounded, slug};
use plots::{Axes, Curve, Spread};

use super::{
    axes::CellAxis,
    compared::Comparison,
    difference::{Difference, FALSE_DISCOVERIES},
};

/// The page as its file has it.
pub(super) fn page(comparisons: &[Comparison]) -> String {
    let mut numbers = Numbers::default();
    let title = "What differs".to_owned();
    let sections: Vec<Markup> =
        comparisons.iter().enumerate().map(|(at, of)| section(at, of, &mut numbers)).collect();
    let body = html! {
        h1 { (title) }
        p.lead {
            "Differences are the second less the first, with 95 % intervals from the intervals of both, which are taken for independent. \
             Significant are those of which at most one in " (rounded(1.0 / FALSE_DISCOVERIES)) " is chance, on average (Benjamini & Hochberg, 1995), over the \
             numbers of each quantity. Where both networks saw the same images, intervals are too wide rather than too narrow."
        }
        @if comparisons.len() > 1 {
            nav aria-label="Parts of this page" {
                ul { @for (at, of) in comparisons.iter().enumerate() { li { a href={ "#part-" (at + 1) } { (of.first.measure) } } } }
            }
        }
        @for section in &sections { (section) "\n" }
    };
    Page { title, body, numbers }.render()
}

fn section(at: usize, of: &Comparison, numbers: &mut Numbers) -> Markup {
    let name = format!("compared-{}", at + 1);
    html! {
        section aria-labelledby={ "part-" (at + 1) } {
            h2 id={ "part-" (at + 1) } { (of.first.measure) }
            dl {
                dt { "First" } dd { (of.first.label()) " " small { "(" (of.first.path.display()) ")" } }
                dt { "Second" } dd { (of.second.label()) " " small { "(" (of.second.path.display()) ")" } }
            }
            @for note in &of.notes { p.note { (note) } }
            @if !of.differences.is_empty() {
                (table(of, &name).show())
                div.figures { @for difference in &of.differences { (figure(&name, difference, numbers)) } }
            }
        }
    }
}

fn table(of: &Comparison, name: &str) -> Table {
    let columns = [
        "quantity",
        "numbers",
        "significant",
        "mean difference",
        "largest difference",
        "from",
        "to",
        "where",
        "rank correlation",
    ];
    let row = |difference: &Difference| {
        let largest = difference.largest();
        let value = |number: Option<f64>| number.map_or(Cell::Nothing, Cell::Number);
        let end = |end: usize| value(largest.map(|at| difference.intervals[at][end]));
        vec![
            Cell::Text(words(&difference.name)),
            Cell::Number(difference.numbers() as f64),
            Cell::Number(difference.discoveries() as f64),
            Cell::Number(difference.mean()),
            value(largest.map(|at| difference.values[at])),
            end(0),
            end(1),
            largest
                .map(|at| difference.cell(at))
                .filter(|cell| !cell.is_empty())
                .map_or(Cell::Nothing, Cell::Text),
            value(difference.rank_correlation),
        ]
    };
    Table {
        name: format!("{name}-table"),
        title: "Differences".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: of.differences.iter().map(row).collect(),
    }
}

/// Of single numbers there is none.
fn figure(name: &str, of: &Difference, numbers: &mut Numbers) -> Markup {
    let name = format!("{name}-{}", slug(&of.name));
    match &of.axes[..] {
        [axis] if of.values.len() > 1 => chart(name, of, axis).show(numbers),
        [rows, columns] => maps(name, of, rows, columns).show(numbers),
        _ => html! {},
    }
}

fn caption(of: &Difference) -> String {
    let largest =
        of.largest().map(|at| format!("; the largest is {} at {}", rounded(of.values[at]), of.cell(at)));
    format!(
        "{} of {} differences are significant{}.",
        of.discoveries(),
        of.numbers(),
        largest.unwrap_or_default()
    )
}

fn chart(name: String, of: &Difference, axis: &CellAxis) -> Chart {
    let significant = of
        .values
        .iter()
        .zip(&of.significant)
        .map(|(&value, &is)| if is { value } else { f64::NAN })
        .collect();
    let curves = vec![
        Curve {
            label: "difference".to_owned(),
            mean: of.values.clone(),
            spread: Spread::Interval(of.intervals.clone()),
        },
        Curve { label: "significant".to_owned(), mean: significant, spread: Spread::None },
    ];
    let axes = Axes { right: axis.label.clone(), up: format!("difference of {}", words(&of.name)) };
    let places: Option<Vec<f64>> = axis.names.iter().map(|name| name.parse().ok()).collect();
    let is_increasing = |places: &Vec<f64>| places.windows(2).all(|pair| pair[0] < pair[1]);
    // Octaves are named by their centres, which are not evenly spaced.
    let counted =
        places.filter(|places| is_increasing(places) && places.iter().all(|place| place.fract() == 0.0));
    let is_named = counted.is_none();
    let places = counted.unwrap_or_else(|| (0..axis.names.len()).map(|place| place as f64).collect());
    let chart =
        Chart::new(name, words(&of.name), axes, places, curves).with_caption(caption(of)).within(0.0, 0.0);
    if is_named {
        chart.of_names(axis.names.iter().map(|name| name.replace('_', " ")).collect())
    } else {
        chart
    }
}

/// All differences, and those alone that are significant.
fn maps(name: String, of: &Difference, rows: &CellAxis, columns: &CellAxis) -> Maps {
    let axis = |of: &CellAxis| MapAxis {
        label: of.label.clone(),
        names: of.names.iter().map(|name| name.replace('_', " ")).collect(),
    };
    let marked = of
        .values
        .iter()
        .zip(&of.significant)
        .map(|(&value, &is)| if is { value } else { f64::NAN })
        .collect();
    let all = Map { title: "all".to_owned(), values: of.values.clone(), ends: of.intervals.clone() };
    let significant = Map { title: "significant".to_owned(), values: marked, ends: of.intervals.clone() };
    let has_any = of.discoveries() > 0;
    Maps {
        name,
        title: words(&of.name),
        caption: caption(of),
        quantity: format!("difference of {}", words(&of.name)),
        rows: axis(rows),
        columns: axis(columns),
        maps: std::iter::once(all).chain(has_any.then_some(significant)).collect(),
        from: None,
    }
}

fn words(name: &str) -> String {
    name.replace(['_', '.'], " ")
}
