//! Results that were measured before, as files.

use std::path::{Path, PathBuf};

use runs::results;
use serde_json::Value;
use spectral::SpectrumTable;

use super::quantity::{self, Quantity};
use crate::Error;

/// What a gradient spectrum is called beside the measures.
const SPECTRUM: &str = "gradient-spectrum";
/// What of a result says what its numbers are of.
const AXES: [&str; 9] = [
    "radii",
    "corruptions",
    "octave_centres",
    "noise",
    "octaves",
    "vertical_frequencies",
    "horizontal_frequencies",
    "dominant_percent",
    "blocks",
];

/// The results of one measure, of one network at one epoch.
#[derive(Debug, Clone)]
pub struct MeasuredResults {
    /// The file.
    pub path: PathBuf,
    /// What was measured.
    pub measure: String,
    /// Network and data set, in words.
    pub words: String,
    /// The epoch of the row.
    pub epoch: usize,
    /// The numbers of the row that have intervals.
    pub quantities: Vec<Quantity>,
    /// The data set.
    pub dataset: String,
    /// What numbers are of, by name: lists of rings, corruptions, classes, blocks …
    pub axes: Value,
    /// Rings of frequencies, where there are any.
    pub radii: Vec<usize>,
    /// All that numbers depend on beside images and network; networks are compared where it is the same.
    pub settings: Value,
    /// How many images were measured.
    pub images: u64,
}

impl MeasuredResults {
    /// All results of a run, a folder of results, or a file: of the row of this epoch, or of the last one. Those without the epoch are left
    /// out.
    ///
    /// # Errors
    /// [`Error::Results`] if there are none, or a file is none; [`Error::NoEpoch`] if none has the epoch.
    pub fn read_all(path: &Path, epoch: Option<usize>) -> Result<Vec<Self>, Error> {
        let files = files_of(path)?;
        if files.is_empty() {
            let found = "no results of `measure` or `grad`".to_owned();
            return Err(Error::Results { path: path.to_path_buf(), found });
        }
        let (mut results, mut missing) = (Vec::new(), None);
        for file in &files {
            match Self::read(file, epoch) {
                Err(error @ Error::NoEpoch { .. }) => missing = missing.or(Some(error)),
                found => results.push(found?),
            }
        }
        missing.filter(|_| results.is_empty()).map_or(Ok(results), Err)
    }

    /// The results of a file.
    ///
    /// # Errors
    /// As [`MeasuredResults::read_all`].
    pub fn read(path: &Path, epoch: Option<usize>) -> Result<Self, Error> {
        let other = |found: String| Error::Results { path: path.to_path_buf(), found };
        let json: Value =
            serde_json::from_slice(&files::read(path)?).map_err(|error| other(error.to_string()))?;
        let Some(measure) = json["measure"].as_str() else { return Self::spectrum(path, epoch) };
        let rows = json["rows"].as_array().ok_or_else(|| other("no rows".to_owned()))?;
        let of_epoch = |row: &Value| row["epoch"].as_u64().map(|epoch| epoch as usize);
        let row = match epoch {
            Some(epoch) => rows.iter().find(|row| of_epoch(row) == Some(epoch)),
            None => rows.last(),
        };
        let row = row.ok_or_else(|| no_epoch(path, epoch, rows.iter().filter_map(of_epoch).collect()))?;
        let text = |key: &str| json[key].as_str().unwrap_or("?").to_owned();
        let radii = json["radii"].as_array().cloned().unwrap_or_default();
        let known = |axis: &&str| json.get(*axis).map(|value| ((*axis).to_owned(), value.clone()));
        let mut axes: serde_json::Map<String, Value> = AXES.iter().filter_map(known).collect();
        if let Some(classes) = row["classes"].as_array() {
            let names = classes.iter().map(|class| class["name"].clone()).collect();
            axes.insert("classes".to_owned(), names);
        }
        Ok(Self {
            path: path.to_path_buf(),
            measure: measure.to_owned(),
            words: format!("{} on {}", text("arch"), text("dataset")),
            dataset: text("dataset"),
            axes: Value::Object(axes),
            epoch: of_epoch(row).unwrap_or(0),
            quantities: quantity::of_row(row),
            radii: radii.iter().filter_map(|radius| Some(radius.as_u64()? as usize)).collect(),
            settings: json["settings"].clone(),
            images: json["n_images"].as_u64().unwrap_or(0),
        })
    }

    fn spectrum(path: &Path, epoch: Option<usize>) -> Result<Self, Error> {
        let table = SpectrumTable::load_json(path)?;
        let row = match epoch {
            Some(epoch) => table.rows.iter().find(|row| row.epoch == epoch),
            None => table.rows.last(),
        };
        let epochs = || table.rows.iter().map(|row| row.epoch).collect();
        let row = row.ok_or_else(|| no_epoch(path, epoch, epochs()))?;
        Ok(Self {
            path: path.to_path_buf(),
            measure: SPECTRUM.to_owned(),
            words: format!("{} on {}", table.arch, table.dataset),
            dataset: table.dataset.clone(),
            axes: serde_json::json!({ "radii": table.radii }),
            epoch: row.epoch,
            quantities: quantity::of_spectrum(&table, row),
            radii: table.radii.clone(),
            settings: Value::Null,
            images: table.n_images as u64,
        })
    }

    /// The network in words, and the epoch.
    pub fn label(&self) -> String {
        format!("{}, epoch {}", self.words, self.epoch)
    }
}

fn no_epoch(path: &Path, epoch: Option<usize>, known: Vec<usize>) -> Error {
    match epoch {
        Some(epoch) => Error::NoEpoch { path: path.to_path_buf(), epoch, known },
        None => Error::Results { path: path.to_path_buf(), found: "no rows".to_owned() },
    }
}

/// A file itself; of a folder its results, those of a run's measures, and of its gradient spectra.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let spectrum = |folder: PathBuf| folder.join(results::SPECTRUM).with_extension("json");
    let mut folders = vec![path.to_path_buf()];
    folders.extend(results::measure_folders(path)?);
    let named = |folder: &PathBuf| {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        folder.join(format!("{name}.json"))
    };
    let own = folders.iter().map(named).filter(|file| file.is_file());
    let spectra =
        [results::spectrum_folder(path), results::live_folder(path), path.to_path_buf()].map(spectrum);
    let mut files: Vec<PathBuf> = own.collect();
    files.extend(spectra.into_iter().find(|file| file.is_file()));
    Ok(files)
}
