//! One page of all comparisons: a table of what differs, and the figures beside it. It needs no script and no network.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{compared::Comparison, difference::Difference};
use crate::measuring::Picture;

/// The pictures of each comparison's differences are files beside the page, by name without extension.
pub(super) fn page(comparisons: &[Comparison], pictures: &[Vec<(String, Option<Picture>)>]) -> String {
    let sections = comparisons.iter().zip(pictures);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "freqbias: comparison" }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                h1 { "What differs" }
                p {
                    "Differences are the second less the first, with 95 % intervals from the intervals of both, which are taken for \
                     independent. Where a quantity has many numbers, those are marked of which at most one in twenty is chance \
                     (Benjamini and Hochberg, 1995)."
                }
                @for (comparison, pictures) in sections { (section(comparison, pictures)) }
            }
        }
    }
    .into_string()
}

fn section(of: &Comparison, pictures: &[(String, Option<Picture>)]) -> Markup {
    html! {
        h2 { (of.first.measure) }
        p { "First: " (of.first.label()) " (" (of.first.path.display()) "). Second: " (of.second.label()) " (" (of.second.path.display()) ")." }
        @for note in &of.notes { p class="mark" { "Note: " (note) "." } }
        div class="scroll" {
            table {
                thead {
                    tr {
                        th scope="col" { "quantity" }
                        th scope="col" { "numbers" }
                        th scope="col" { "significant" }
                        th scope="col" { "mean difference" }
                        th scope="col" { "largest, with its interval" }
                        th scope="col" { "rank correlation" }
                    }
                }
                tbody { @for difference in &of.differences { (row(difference)) } }
            }
        }
        @for (difference, (stem, picture)) in of.differences.iter().zip(pictures) {
            @if picture.is_some() {
                figure {
                    img src=(format!("{stem}.svg")) alt=(words(of, difference)) loading="lazy";
                    figcaption { (words(of, difference)) }
                }
            }
        }
    }
}

fn row(of: &Difference) -> Markup {
    let marked = of.significant.iter().filter(|&&is| is).count();
    let class = (marked > 0).then_some("mark");
    html! {
        tr {
            th scope="row" { (of.name.replace('_', " ")) }
            td { (of.values.len()) }
            td class=[class] { (marked) }
            td { (number(mean(of))) }
            td { (largest(of)) }
            td { (of.rank_correlation.map_or_else(|| "–".to_owned(), |found| format!("{found:.3}"))) }
        }
    }
}

fn mean(of: &Difference) -> f64 {
    let known: Vec<f64> = of.values.iter().copied().filter(|value| value.is_finite()).collect();
    known.iter().sum::<f64>() / known.len() as f64
}

fn largest(of: &Difference) -> String {
    let known = of.values.iter().zip(&of.intervals).filter(|(value, _)| value.is_finite());
    let found = known.max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    found.map_or_else(
        || "–".to_owned(),
        |(&value, [low, high])| format!("{} ({} to {})", number(value), number(*low), number(*high)),
    )
}

fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.4}") } else { "–".to_owned() }
}

fn words(of: &Comparison, difference: &Difference) -> String {
    let marked = difference.significant.iter().filter(|&&is| is).count();
    format!(
        "{}, {}: {} less {}; {marked} of {} differences are significant",
        of.first.measure,
        difference.name.replace('_', " "),
        of.second.label(),
        of.first.label(),
        difference.values.len()
    )
}
