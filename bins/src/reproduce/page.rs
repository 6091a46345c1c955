//! The report as one page that needs nothing else: pictures in it, light and dark, readable on a phone.
//!
//! Every number is a `data` element whose `value` is the number in full and whose `data-at` is its place in `report.json`.

use std::{fmt::Write as _, path::Path};

use super::{
    claims::{Claim, Measure, Unit, Verdict},
    figures::Figure,
    report::{Ran, Report, Table, content},
};

const STYLE: &str = include_str!("page.css");

/// The page, with the figures below `root` in it.
///
/// # Errors
/// If a figure cannot be read.
pub(crate) fn render(report: &Report, root: &Path) -> anyhow::Result<String> {
    let study = &report.study;
    let title = format!("Frequency bias: {} on {}", study.arch, study.dataset);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
        title = escaped(&title)
    );
    page += &summary(report);
    for (index, claim) in report.claims.iter().enumerate() {
        page += &claim_section(index, claim, &report.figures);
    }
    page += "<h2 id=\"accuracy\">What each network gets right</h2>\n<p>Accuracy in percent with 95 % intervals (Wilson), on test images of \
             the kind that the network was trained on; the network trained on hybrids is tested on original images. d is the distance \
             of a frequency from the centre of the spectrum.</p>\n";
    for (index, table) in report.tables.iter().enumerate() {
        page += &accuracy_table(index, table);
    }
    page += "<h2 id=\"figures\">Figures</h2>\n";
    for figure in &report.figures {
        page += &figure_element(figure, root)?;
    }
    page += &how(report);
    page += "</main>\n</body>\n</html>\n";
    Ok(page)
}

fn summary(report: &Report) -> String {
    let count = |verdict| report.claims.iter().filter(|claim| claim.verdict == verdict).count();
    let study = &report.study;
    let mut text = format!(
        "<p class=\"lead\">Claims of Lin, Gao &amp; Sang, <a href=\"https://arxiv.org/abs/2205.03154\">Investigating and Explaining the Frequency \
         Bias in Image Classification</a> (IJCAI 2022), tested at scale <b>{}</b>: {} of {} reproduced, {} not, {} not tested at this \
         scale.</p>\n",
        study.scale.as_str(),
        count(Verdict::Reproduced),
        report.claims.len(),
        count(Verdict::NotReproduced),
        count(Verdict::NotTested),
    );
    text += "<table class=\"verdicts\">\n<tbody>\n";
    for claim in &report.claims {
        let Claim { id, title, .. } = claim;
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td><a href=\"#{id}\">{}</a></td></tr>",
            badge(claim.verdict),
            escaped(title)
        );
    }
    text += "</tbody>\n</table>\n<p>A claim is reproduced where its rule holds, which stands with it below. There, “more” and \
             “above” mean beyond the 95 % intervals: those of two values must not overlap, and a value is above a number \
             with all of its interval.</p>\n";
    text
}

fn badge(verdict: Verdict) -> String {
    let class = match verdict {
        Verdict::Reproduced => "yes",
        Verdict::NotReproduced => "no",
        Verdict::NotTested => "open",
    };
    format!("<span class=\"badge {class}\">{}</span>", verdict.as_str())
}

fn claim_section(index: usize, claim: &Claim, figures: &[Figure]) -> String {
    let Claim { id, title, paper, rule, verdict, reason, measures, .. } = claim;
    let mut text = format!(
        "<section id=\"{id}\">\n<h2>{}</h2>\n<p>{}</p>\n<dl>\n<dt>The paper</dt><dd>{}</dd>\n<dt>Reproduced if</dt><dd>{}</dd>\n",
        escaped(title),
        badge(*verdict),
        escaped(paper),
        escaped(rule)
    );
    if let Some(reason) = reason {
        let _ = writeln!(text, "<dt>Not tested</dt><dd>{}</dd>", escaped(reason));
    }
    text += &links(claim, figures);
    text += "</dl>\n";
    if !measures.is_empty() {
        let has_paper = measures.iter().any(|measure| measure.paper.is_some());
        let head = if has_paper { "<th>the paper's</th>" } else { "" };
        let _ = writeln!(
            text,
            "<div class=\"wide\"><table>\n<thead><tr><th>measured</th><th></th><th>95 % interval</th>{head}</tr></thead>\n<tbody>"
        );
        for (place, measure) in measures.iter().enumerate() {
            text += &measure_row(&format!("/claims/{index}/measures/{place}"), measure, has_paper);
        }
        text += "</tbody>\n</table></div>\n";
    }
    text + "</section>\n"
}

/// Links to those of a claim's figures that there are.
fn links(claim: &Claim, figures: &[Figure]) -> String {
    let link = |figure: &Figure| format!("<a href=\"#{}\">{}</a>", figure.id, escaped(&figure.title));
    let own = figures.iter().filter(|figure| claim.figures.contains(&figure.id.as_str()));
    let own: Vec<String> = own.map(link).collect();
    if own.is_empty() { String::new() } else { format!("<dt>To look at</dt><dd>{}</dd>\n", own.join("; ")) }
}

fn measure_row(at: &str, measure: &Measure, has_paper: bool) -> String {
    let Measure { label, unit, value, interval, paper } = measure;
    let ends = interval.map_or_else(String::new, |ends| ends_of(&format!("{at}/interval"), ends, *unit));
    let paper = match (has_paper, paper) {
        (false, _) => String::new(),
        (true, None) => "<td></td>".to_owned(),
        (true, Some(value)) => format!("<td>{}</td>", number(&format!("{at}/paper"), *value, *unit)),
    };
    let percent = if *unit == Unit::Percent { "\u{a0}%" } else { "" };
    let value = number(&format!("{at}/value"), *value, *unit) + percent;
    format!("<tr><td>{}</td><td>{value}</td><td>{ends}</td>{paper}</tr>\n", escaped(label))
}

fn ends_of(at: &str, [low, high]: [f64; 2], unit: Unit) -> String {
    format!("{} to {}", number(&format!("{at}/0"), low, unit), number(&format!("{at}/1"), high, unit))
}

/// A number, shortened for people, with its place and its full value for programs.
fn number(at: &str, value: f64, unit: Unit) -> String {
    let decimals = match unit {
        Unit::Band => 0,
        Unit::Percent => 1,
        Unit::Radius => 2,
        Unit::Scaled | Unit::Ratio => 3,
    };
    let shown = format!("{value:.decimals$}");
    let is_zero = shown.chars().all(|digit| matches!(digit, '-' | '0' | '.'));
    let shown = shown.replace('-', if is_zero { "" } else { "−" });
    format!("<data value=\"{}\" data-at=\"{at}\">{shown}</data>", serde_json::json!(value))
}

fn accuracy_table(index: usize, table: &Table) -> String {
    let heads: String = table.columns.iter().map(|column| format!("<th>{}</th>", escaped(column))).collect();
    let mut text = format!(
        "<h3>{}</h3>\n<div class=\"wide\"><table>\n<thead><tr><th>trained on</th>{heads}</tr></thead>\n<tbody>\n",
        escaped(table.title)
    );
    for (place, row) in table.rows.iter().enumerate() {
        let cell = |(column, cell): (usize, &super::report::Cell)| {
            let at = format!("/tables/{index}/rows/{place}/cells/{column}");
            let value = number(&format!("{at}/value"), cell.value, Unit::Percent);
            let ends = ends_of(&format!("{at}/interval"), cell.interval, Unit::Percent);
            format!("<td>{value}<br><small>{ends}</small></td>")
        };
        let cells: String = row.cells.iter().enumerate().map(cell).collect();
        let _ = writeln!(text, "<tr><td>{}</td>{cells}</tr>", escaped(row.label));
    }
    text + "</tbody>\n</table></div>\n"
}

fn figure_element(figure: &Figure, root: &Path) -> anyhow::Result<String> {
    let Figure { id, title, caption, files: [_, svg] } = figure;
    let (title, caption, picture) = (escaped(title), escaped(caption), base64(&content(&root.join(svg))?));
    Ok(format!(
        "<figure id=\"{id}\">\n<div class=\"wide\"><img alt=\"{title}\" src=\"data:image/svg+xml;base64,{picture}\"></div>\n\
         <figcaption><b>{title}.</b> {caption}</figcaption>\n</figure>\n"
    ))
}

fn how(report: &Report) -> String {
    let mut text = format!(
        "<h2 id=\"how\">How this was made</h2>\n<p>freqbias {}, kernels {}, seed {}. Intervals of spectra are those of the mean over test \
         images, with deviations of bands added as if all moved together, so that they are at least as wide as the true ones. They do not \
         hold the chance of training: other seeds give other networks. All numbers are in <code>report.json</code>, tables in \
         <code>claims.csv</code> and <code>accuracy.csv</code>, figures in <code>figures/</code>, beside this page.</p>\n<ol>\n",
        report.version, report.kernels, report.study.seed
    );
    for (index, Ran { name, command, seconds }) in report.steps.iter().enumerate() {
        let took = seconds.map_or_else(
            || "not done yet".to_owned(),
            |seconds| {
                let shown = if seconds < 90.0 {
                    format!("{seconds:.0} s")
                } else {
                    format!("{:.0} min", seconds / 60.0)
                };
                format!(
                    "<data value=\"{}\" data-at=\"/steps/{index}/seconds\">{shown}</data>",
                    serde_json::json!(seconds)
                )
            },
        );
        let _ = writeln!(text, "<li>{} ({took})<pre>{}</pre></li>", escaped(name), escaped(command));
    }
    text + "</ol>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let three = [0, 1, 2].map(|place| u32::from(chunk.get(place).copied().unwrap_or(0)));
        let bits = three[0] << 16 | three[1] << 8 | three[2];
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn numbers_are_shortened_for_people_and_whole_for_programs() {
        let found = number("/claims/0/measures/1/value", -1.0 / 3.0, Unit::Ratio);
        assert!(number("", -1e-9, Unit::Scaled).ends_with(">0.000</data>"));
        assert_eq!(
            found,
            "<data value=\"-0.3333333333333333\" data-at=\"/claims/0/measures/1/value\">−0.333</data>"
        );
    }

    #[test]
    fn what_is_not_ours_cannot_be_markup() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
