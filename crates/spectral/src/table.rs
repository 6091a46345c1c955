//! The result of a run: a spectrum an epoch.

use serde::{Deserialize, Serialize};

use crate::{Error, MeanSpectrum, Outcome, SpectrumDetails, details::intervals};

/// Mean and standard deviation over images of the gradient profiles, by epoch and band.
///
/// ```
/// use spectral::{SpectrumRow, SpectrumTable};
/// let mut table = SpectrumTable::new("synthetic", "resnet18", 100, vec![1, 2, 3]);
/// let row = SpectrumRow { epoch: 0, mean: vec![0.0, 0.5, 1.0], std: vec![0.1; 3], nat_prec1: 10.0, ..SpectrumRow::default() };
/// assert!((row.centre_of_mass(&table.radii) - 8.0 / 3.0).abs() < 1e-12);
/// assert_eq!(row.peak(&table.radii), 3);
/// table.push(row)?;
/// assert_eq!(table.scaled(), [[0.0, 0.5, 1.0]]);
/// # Ok::<(), spectral::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// The radius r of each ring whose share of the energy was found; none where it was not asked for.
    pub rings: Vec<usize>,
    /// Which way images that are classified rightly and wrongly are compared, if they are.
    pub difference: Option<Outcome>,
    /// The names of the classes that have spectra of their own; none where that was not asked for.
    pub classes: Vec<String>,
    /// One row an epoch, epochs increasing.
    pub rows: Vec<SpectrumRow>,
}

/// One epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// What else the same gradients were asked.
    #[serde(default)]
    pub details: SpectrumDetails,
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

impl SpectrumTable {
    /// A table without rows.
    pub fn new(
        dataset: impl Into<String>,
        arch: impl Into<String>,
        n_images: usize,
        radii: Vec<usize>,
    ) -> Self {
        Self { dataset: dataset.into(), arch: arch.into(), n_images, radii, ..Self::default() }
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

    /// The 95 % interval of each mean of a row (Student's); absent of fewer than two images.
    ///
    /// ```
    /// use spectral::{SpectrumRow, SpectrumTable};
    /// let table = SpectrumTable::new("synthetic", "resnet18", 4, vec![1]);
    /// // Three of four images have a profile: 1, 2 and 6.
    /// let std = (14f64 / 3.0).sqrt();
    /// let row = SpectrumRow { mean: vec![3.0], std: vec![std], skipped: 1, ..SpectrumRow::default() };
    /// let [low, high] = table.interval(&row).expect("three images")[0];
    /// assert!((low + 3.5724).abs() < 5e-5 && (high - 9.5724).abs() < 5e-5);
    /// ```
    pub fn interval(&self, row: &SpectrumRow) -> Option<Vec<[f64; 2]>> {
        intervals(&row.mean, &row.std, self.n_images.saturating_sub(row.skipped))
    }

    /// The shares of energy of a row, by ring of the table; absent where they are not known.
    pub fn shares<'a>(&self, row: &'a SpectrumRow) -> Option<&'a MeanSpectrum> {
        let shares = row.details.shares.as_ref()?;
        (!self.rings.is_empty() && shares.mean.len() == self.rings.len()).then_some(shares)
    }

    /// Σ r·S(r) of a row, the mean radius of the energy, in cycles per image; absent where the shares are not known.
    ///
    /// ```
    /// use spectral::{MeanSpectrum, SpectrumDetails, SpectrumRow, SpectrumTable};
    /// let table = SpectrumTable { rings: vec![1, 2], ..SpectrumTable::default() };
    /// let shares = MeanSpectrum { images: 7, mean: vec![0.25, 0.75], std: vec![0.1; 2] };
    /// let details = SpectrumDetails { shares: Some(shares), ..SpectrumDetails::default() };
    /// let row = SpectrumRow { details, ..SpectrumRow::default() };
    /// assert_eq!(table.energy_centre(&row), Some(1.75));
    /// ```
    pub fn energy_centre(&self, row: &SpectrumRow) -> Option<f64> {
        let shares = &self.shares(row)?.mean;
        Some(shares.iter().zip(&self.rings).map(|(share, &radius)| share * radius as f64).sum())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Outcomes;

    fn table() -> Result<SpectrumTable, Error> {
        let mut table = SpectrumTable::new("cifar10", "resnet18", 1017, vec![1, 2]);
        table.network = Some(serde_json::json!({ "classes": 10 }));
        table.push(SpectrumRow {
            epoch: 0,
            mean: vec![0.9, 0.1],
            std: vec![0.2, 0.3],
            nat_prec1: 30.5,
            skipped: 2,
            ..SpectrumRow::default()
        })?;
        table.push(SpectrumRow {
            epoch: 3,
            mean: vec![0.5, 0.7],
            std: vec![0.1, 0.1],
            nat_prec1: 41.0,
            ..SpectrumRow::default()
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

    fn detailed() -> Result<SpectrumTable, Error> {
        let mut table = table()?;
        table.rings = vec![1, 2, 3];
        table.difference = Some(Outcome::Correct);
        table.classes = vec!["cat".to_owned(), "dog".to_owned()];
        let of =
            |images, mean: &[f64]| MeanSpectrum { images, mean: mean.to_vec(), std: vec![0.5; mean.len()] };
        table.rows[0].details = SpectrumDetails {
            shares: Some(of(1015, &[0.5, 0.25, 0.25])),
            outcomes: Some(Outcomes { correct: of(1000, &[0.75, 0.25]), wrong: of(15, &[0.5, 0.5]) }),
            classes: vec![of(1015, &[0.9, 0.1]), MeanSpectrum { std: vec![0.0; 2], ..of(0, &[0.0; 2]) }],
        };
        let none = || MeanSpectrum { std: vec![0.0; 2], ..of(0, &[0.0; 2]) };
        table.rows[1].details = SpectrumDetails {
            shares: None,
            outcomes: Some(Outcomes { correct: of(1017, &[0.5, 0.7]), wrong: none() }),
            classes: vec![of(1016, &[0.5, 0.7]), of(1, &[0.5, 0.7])],
        };
        Ok(table)
    }

    #[test]
    fn details_are_read_back_and_leave_the_rest_as_it_is() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("gradient_spectrum.json");
        let read = |table: &SpectrumTable| -> Result<String, Box<dyn std::error::Error>> {
            table.save_json(&path)?;
            Ok(fs::read_to_string(&path)?)
        };
        let (plain, whole) = (read(&table()?)?, read(&detailed()?)?);
        assert_eq!(SpectrumTable::load_json(&path)?, detailed()?);
        let before = plain.find(",\"interval\"").ok_or("an interval")?;
        assert_eq!(plain[..before], whole[..before], "keys of earlier versions");
        assert!(plain[..before].ends_with("\"skipped\":[2,0]"), "{plain}");
        let json: serde_json::Value = serde_json::from_str(&whole)?;
        assert_eq!(json["difference"]["mean"], serde_json::json!([[0.25, -0.25], null]));
        assert_eq!(json["classes"][1]["mean"], serde_json::json!([null, [0.5, 0.7]]));
        assert_eq!(json["shares"]["mean"], serde_json::json!([[0.5, 0.25, 0.25], null]));
        assert_eq!(
            json["classes"][1]["interval"],
            serde_json::json!([null, null]),
            "of one image nothing is known"
        );
        // 0.9 ± t(1014)·0.2/√1014
        let low = json["interval"][0][0][0].as_f64().ok_or("a number")?;
        assert!((low - (0.9 - 1.962_32 * 0.2 / 1014f64.sqrt())).abs() < 1e-6, "{low}");
        fs::write(&path, whole.replace("\"radii\":[1,2,3]", "\"radii\":[1,2]"))?;
        assert!(SpectrumTable::load_json(&path).is_err(), "shares of other rings");
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
        assert_eq!(archive.len(), 4, "and the interval's ends");
        detailed()?.save_npz(&path)?;
        let mut archive = zip::ZipArchive::new(fs::File::open(&path)?)?;
        let mut read = |name: &str| {
            let file = npyz::NpyFile::new(archive.by_name(name)?)?;
            Ok::<_, Box<dyn std::error::Error>>((file.shape().to_vec(), file.into_vec::<f64>()?))
        };
        let (shape, shares) = read("shares_mean.npy")?;
        assert!(shape == [2, 3] && shares[..3] == [0.5, 0.25, 0.25] && shares[3].is_nan());
        let (shape, classes) = read("class_mean.npy")?;
        assert!(shape == [2, 2, 2] && classes[..2] == [0.9, 0.1] && classes[2].is_nan() && classes[7] == 0.7);
        assert_eq!(read("class_images.npy")?.1, [1015.0, 0.0, 1016.0, 1.0]);
        assert_eq!(read("difference.npy")?.1[..2], [0.25, -0.25]);
        assert!(read("wrong_mean.npy")?.1[2].is_nan() && read("difference_low.npy")?.1[0] < 0.25);
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
