//! Comparisons of all that two results share, and their files.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    compared::Comparison,
    difference::{Difference, FALSE_DISCOVERIES},
    figures, page,
    results::MeasuredResults,
};
use crate::{Error, measuring::Picture};

/// All comparisons, ready to be written.
#[derive(Debug)]
pub struct ComparisonReport {
    comparisons: Vec<Comparison>,
    /// By comparison: a picture of each difference, by the name of its file without extension.
    pictures: Vec<Vec<(String, Option<Picture>)>>,
}

impl ComparisonReport {
    /// The first of several networks with each of the others, by all measures that all of them have.
    ///
    /// # Errors
    /// [`Error::NothingShared`] if there is none; if a figure cannot be drawn.
    pub fn new(networks: Vec<Vec<MeasuredResults>>) -> Result<Self, Error> {
        let mut networks = networks.into_iter();
        let first = networks.next().unwrap_or_default();
        let others: Vec<Vec<MeasuredResults>> = networks.collect();
        let mut comparisons = Vec::new();
        for (at, others) in others.iter().enumerate() {
            for own in &first {
                let same = others.iter().find(|other| other.measure == own.measure);
                comparisons.extend(same.map(|same| (at, Comparison::new(own.clone(), same.clone()))));
            }
        }
        if comparisons.iter().all(|(_, of)| of.differences.is_empty()) {
            let names = |all: &[MeasuredResults]| all.iter().map(|of| of.measure.clone()).collect();
            return Err(Error::NothingShared {
                first: names(&first),
                others: others.first().map_or_else(Vec::new, |all| names(all)),
            });
        }
        let count = others.len();
        let drawn = |(at, of): &(usize, Comparison)| {
            let stem = of.stem(count, *at);
            let name = |difference: &Difference| format!("{stem}.{}", difference.name.replace('.', "-"));
            let of_difference =
                |difference: &Difference| Ok((name(difference), figures::picture(of, difference)?));
            of.differences.iter().map(of_difference).collect::<Result<_, plots::Error>>()
        };
        let pictures = comparisons.iter().map(drawn).collect::<Result<_, _>>()?;
        Ok(Self { comparisons: comparisons.into_iter().map(|(_, of)| of).collect(), pictures })
    }

    /// All comparisons.
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// All numbers.
    pub fn json(&self) -> Value {
        json!({
            "confidence": 0.95,
            "false_discovery_rate": FALSE_DISCOVERIES,
            "method": "second less first; intervals by Zou & Donner (2008) from those of both, taken for independent; significant by Benjamini & Hochberg (1995) over the numbers of each quantity",
            "comparisons": self.comparisons.iter().map(Comparison::json).collect::<Value>(),
        })
    }

    /// Writes `compare.json`, `compare.html` and the figures. They take the places of earlier ones together; figures of an earlier comparison
    /// that this one does not have go.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, output: &Path) -> Result<Vec<PathBuf>, Error> {
        runs::results::replace(output, earlier_figures(output)?, |folder| {
            let [json, page] = ["json", "html"].map(|extension| folder.join(format!("compare.{extension}")));
            files::write_atomically(&json, &serde_json::to_vec(&self.json())?)?;
            files::write_atomically(&page, page::page(&self.comparisons).as_bytes())?;
            let mut files = vec![json, page];
            for (stem, picture) in self.pictures.iter().flatten() {
                if let Some(picture) = picture {
                    files.extend(picture.save(&folder.join(stem))?);
                }
            }
            Ok(files)
        })
    }
}

/// The figures that an earlier comparison left in a folder: pictures whose names are those of its quantities.
fn earlier_figures(output: &Path) -> Result<Vec<String>, Error> {
    let Some(bytes) = files::read_if_there(&output.join("compare.json"))? else { return Ok(Vec::new()) };
    let earlier: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let comparisons = earlier["comparisons"].as_array().cloned().unwrap_or_default();
    let measures: Vec<&str> = comparisons.iter().filter_map(|of| of["measure"].as_str()).collect();
    let is_figure = |name: &String| {
        let picture = name.strip_suffix(".png").or_else(|| name.strip_suffix(".svg"));
        let of = |measure: &&str| {
            let rest = picture?.strip_prefix(*measure)?;
            let counted = rest
                .strip_prefix('-')
                .map(|rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
            Some(counted.unwrap_or(rest).starts_with('.'))
        };
        measures.iter().any(|measure| of(measure) == Some(true))
    };
    let names = files::entries(output)?
        .into_iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    Ok(names.filter(is_figure).collect())
}
