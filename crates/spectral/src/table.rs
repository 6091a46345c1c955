//! The result of a run: a spectrum an epoch.

use std::{io, path::Path};

use files::{Action, failed, write_atomically};
use serde::{Deserialize, Serialize};

use crate::{Array, Error};

/// Mean and standard deviation over images of the gradient profiles, by epoch and band.
///
/// ```
/// use spectral::{SpectrumRow, SpectrumTable};
/// let mut table = SpectrumTable::new("synthetic", "resnet18", 100, vec![1, 2, 3]);
/// let row = SpectrumRow { epoch: 0, mean: vec![0.0, 0.5, 1.0], std: vec![0.1; 3], nat_prec1: 10.0, skipped: 0 };
/// assert!((row.centre_of_mass(&table.radii) - 8.0 / 3.0).abs() < 1e-12);
/// assert_eq!(row.peak(&table.radii), 3);
/// table.push(row)?;
/// assert_eq!(table.scaled(), [[0.0, 0.5, 1.0]]);
/// # Ok::<(), spectral::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SpectrumTable {
    /// The data set's name.
    pub dataset: String,
    /// The architecture's name.
    pub arch: String,
    /// How many images were measured, those without a profile included.
    pub n_images: usize,
    /// What the networks are and what of them was taken from where, as JSON; absent where nobody said it.
    pub network: Option<serde_json::Value>,
    /// The radius ρ of each band.
    pub radii: Vec<usize>,
    /// One row an epoch, epochs increasing.
    pub rows: Vec<SpectrumRow>,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectrumRow {
    /// 0-based.
    pub epoch: usize,
    /// The mean profile.
    pub mean: Vec<f64>,
    /// The population standard deviation over images.
    pub std: Vec<f64>,
    /// Accuracy on the same images, in percent.
    pub nat_prec1: f64,
    /// Images without a profile: their gradient is constant, zero or not finite.
    pub skipped: usize,
}

impl SpectrumRow {
    /// Σ ρ·mean / Σ mean, in units of radius; 0 if all is zero.
    pub fn centre_of_mass(&self, radii: &[usize]) -> f64 {
        let total: f64 = self.mean.iter().sum();
        let moment: f64 = self.mean.iter().zip(radii).map(|(mean, &radius)| mean * radius as f64).sum();
        if total > 0.0 { moment / total } else { 0.0 }
    }

    /// The radius of the band with the largest mean.
    pub fn peak(&self, radii: &[usize]) -> usize {
        let largest = self.mean.iter().zip(radii).max_by(|a, b| a.0.total_cmp(b.0));
        largest.map_or(0, |(_, &radius)| radius)
    }
}

/// The file's form: columns rather than rows.
#[derive(Debug, Serialize, Deserialize)]
struct Columns {
    dataset: String,
    arch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<serde_json::Value>,
    n_images: usize,
    radii: Vec<usize>,
    epochs: Vec<usize>,
    mean: Vec<Vec<f64>>,
    std: Vec<Vec<f64>>,
    nat_prec1: Vec<f64>,
    #[serde(default)]
    skipped: Vec<usize>,
}

impl SpectrumTable {
    /// A table without rows.
    pub fn new(
        dataset: impl Into<String>,
        arch: impl Into<String>,
        n_images: usize,
        radii: Vec<usize>,
    ) -> Self {
        Self { dataset: dataset.into(), arch: arch.into(), n_images, network: None, radii, rows: Vec::new() }
    }

    /// Adds an epoch.
    ///
    /// # Errors
    /// If it has another number of bands, or does not come after the last one.
    pub fn push(&mut self, row: SpectrumRow) -> Result<(), Error> {
        let expected = self.radii.len();
        if let Some(found) = [row.mean.len(), row.std.len()].into_iter().find(|&found| found != expected) {
            return Err(Error::RowLength { epoch: row.epoch, found, expected });
        }
        if let Some(last) = self.rows.last().filter(|last| last.epoch >= row.epoch) {
            return Err(Error::EpochOrder { epoch: row.epoch, last: last.epoch });
        }
        self.rows.push(row);
        Ok(())
    }

    /// The means, min–max scaled over the whole table to [0, 1]; zeros if all are equal.
    pub fn scaled(&self) -> Vec<Vec<f64>> {
        let all = || self.rows.iter().flat_map(|row| row.mean.iter().copied());
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        let span = if high > low { high - low } else { f64::INFINITY };
        self.rows.iter().map(|row| row.mean.iter().map(|mean| (mean - low) / span).collect()).collect()
    }

    /// Writes `{"dataset", "arch", "network", "n_images", "radii", "epochs", "mean", "std", "nat_prec1", "skipped"}`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_json(&self, path: &Path) -> Result<(), Error> {
        let column =
            |of: fn(&SpectrumRow) -> &Vec<f64>| self.rows.iter().map(|row| of(row).clone()).collect();
        let columns = Columns {
            dataset: self.dataset.clone(),
            arch: self.arch.clone(),
            network: self.network.clone(),
            n_images: self.n_images,
            radii: self.radii.clone(),
            epochs: self.rows.iter().map(|row| row.epoch).collect(),
            mean: column(|row| &row.mean),
            std: column(|row| &row.std),
            nat_prec1: self.rows.iter().map(|row| row.nat_prec1).collect(),
            skipped: self.rows.iter().map(|row| row.skipped).collect(),
        };
        let text = serde_json::to_vec(&columns).map_err(io::Error::other);
        Ok(write_atomically(path, &text.map_err(failed(Action::Write, path))?)?)
    }

    /// Reads what [`SpectrumTable::save_json`] wrote.
    ///
    /// # Errors
    /// If the file is missing, is no such table, or its columns differ in length.
    pub fn load_json(path: &Path) -> Result<Self, Error> {
        let damaged = |found: String| Error::Damaged { path: path.to_owned(), found };
        let bytes = files::read(path)?;
        let columns: Columns = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let mut table = Self::new(columns.dataset, columns.arch, columns.n_images, columns.radii);
        table.network = columns.network;
        let epochs = columns.epochs.len();
        let lengths = [columns.mean.len(), columns.std.len(), columns.nat_prec1.len()];
        if let Some(found) = lengths.into_iter().find(|&found| found != epochs) {
            return Err(damaged(format!("a column of {found} epochs beside one of {epochs}")));
        }
        let rows =
            columns.epochs.into_iter().zip(columns.mean).zip(columns.std).zip(columns.nat_prec1).enumerate();
        for (index, (((epoch, mean), std), nat_prec1)) in rows {
            let skipped = columns.skipped.get(index).copied().unwrap_or(0);
            table
                .push(SpectrumRow { epoch, mean, std, nat_prec1, skipped })
                .map_err(|error| damaged(error.to_string()))?;
        }
        Ok(table)
    }

    /// Writes a NumPy archive with `mean` and `std`, (epochs, bands) f64.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_npz(&self, path: &Path) -> Result<(), Error> {
        let shape = [self.rows.len(), self.radii.len()];
        let array = |name: &str, of: fn(&SpectrumRow) -> &Vec<f64>| {
            Array::new(name, &shape, self.rows.iter().flat_map(|row| of(row).iter().copied()).collect())
        };
        Array::save_npz(path, &[array("mean", |row| &row.mean), array("std", |row| &row.std)])
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn table() -> Result<SpectrumTable, Error> {
        let mut table = SpectrumTable::new("cifar10", "resnet18", 1017, vec![1, 2]);
        table.network = Some(serde_json::json!({ "classes": 10 }));
        table.push(SpectrumRow {
            epoch: 0,
            mean: vec![0.9, 0.1],
            std: vec![0.2, 0.3],
            nat_prec1: 30.5,
            skipped: 2,
        })?;
        table.push(SpectrumRow {
            epoch: 3,
            mean: vec![0.5, 0.7],
            std: vec![0.1, 0.1],
            nat_prec1: 41.0,
            skipped: 0,
        })?;
        Ok(table)
    }

    #[test]
    fn a_table_is_read_back_as_it_was() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("gradient_spectrum.json");
        table()?.save_json(&path)?;
        assert_eq!(SpectrumTable::load_json(&path)?, table()?);
        Ok(())
    }

    #[test]
    fn a_damaged_table_is_an_error_that_names_the_file() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("spectrum.json");
        let texts = [
            "{",
            r#"{"dataset":"a","arch":"b","n_images":1,"radii":[1],"epochs":[0],"mean":[],"std":[[0]],"nat_prec1":[0]}"#,
            r#"{"dataset":"a","arch":"b","n_images":1,"radii":[1],"epochs":[0],"mean":[[0,1]],"std":[[0]],"nat_prec1":[0]}"#,
        ];
        for text in texts {
            fs::write(&path, text)?;
            let error = SpectrumTable::load_json(&path).expect_err("a damaged table");
            assert!(error.to_string().contains("spectrum.json"), "{error}");
        }
        Ok(())
    }

    #[test]
    fn the_archive_holds_both_arrays() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("spectrum.npz");
        table()?.save_npz(&path)?;
        let mut archive = zip::ZipArchive::new(fs::File::open(&path)?)?;
        let mean = npyz::NpyFile::new(archive.by_name("mean.npy")?)?;
        assert_eq!(mean.shape(), [2, 2]);
        assert_eq!(mean.into_vec::<f64>()?, [0.9, 0.1, 0.5, 0.7]);
        assert_eq!(npyz::NpyFile::new(archive.by_name("std.npy")?)?.into_vec::<f64>()?, [0.2, 0.3, 0.1, 0.1]);
        Ok(())
    }

    #[test]
    fn epochs_must_increase() -> Result<(), Error> {
        let mut table = table()?;
        let again = table.rows[1].clone();
        assert!(table.push(again).is_err());
        Ok(())
    }
}
