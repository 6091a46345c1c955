//! Errors of another network, which errors are set in proportion to.

use std::path::Path;

use serde::Deserialize;

use crate::Error;

/// The mean error of each corruption, of the network of a result file's last row.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) words: String,
    errors: Vec<(String, f64)>,
}

/// What every measure's results say.
#[derive(Deserialize)]
struct Named {
    measure: String,
}

/// What is read of a result of this measure.
#[derive(Deserialize)]
struct Results {
    arch: String,
    dataset: String,
    corruptions: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    error: Vec<Vec<f64>>,
}

impl Reference {
    /// Out of the JSON of results in this place; `dataset` is what is measured now.
    pub(super) fn of(json: &[u8], path: &Path, dataset: &str) -> Result<Self, Error> {
        let other = |found: String| Error::Reference { path: path.to_path_buf(), found };
        let unread = |error: serde_json::Error| other(error.to_string());
        let Named { measure } = serde_json::from_slice(json).map_err(unread)?;
        if measure != "corruptions" {
            return Err(other(format!("results of {measure}")));
        }
        let results: Results = serde_json::from_slice(json).map_err(unread)?;
        if results.dataset != dataset {
            return Err(other(format!("results on {}, not on {dataset}", results.dataset)));
        }
        let row = results.rows.last().ok_or_else(|| other("no rows".to_owned()))?;
        let mean = |errors: &Vec<f64>| errors.iter().sum::<f64>() / errors.len().max(1) as f64;
        let errors = results.corruptions.into_iter().zip(row.error.iter().map(mean)).collect();
        Ok(Self { words: format!("{} on {}", results.arch, results.dataset), errors })
    }

    /// CE of each corruption: its mean error over the reference's; absent where that has none.
    pub(super) fn ratios(&self, names: &[String], errors: &[f64]) -> Vec<Option<f64>> {
        let ratio = |(name, error): (&String, &f64)| {
            let (_, reference) = self.errors.iter().find(|(known, _)| known == name)?;
            (*reference > 0.0).then(|| error / reference)
        };
        names.iter().zip(errors).map(ratio).collect()
    }
}

/// mCE: the mean of the ratios, where all are known.
pub(super) fn mean_of(ratios: &[Option<f64>]) -> Option<f64> {
    let all: Option<Vec<f64>> = ratios.iter().copied().collect();
    all.filter(|all| !all.is_empty()).map(|all| all.iter().sum::<f64>() / all.len() as f64)
}
