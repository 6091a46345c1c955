//! Results that were measured before, as files.

use std::path::{Path, PathBuf};

use runs::results;
use serde_json::Value;
use spectral::SpectrumTable;

use super::{
    axes,
    quantity::{self, Quantity},
};
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
    /// Quantities whose numbers and intervals do not belong together; they are left out.
    pub damaged: Vec<String>,
}

impl MeasuredResults {
    /// All results of a run, a folder of results, or a file: of the row of this epoch, or of the last one; of one measure, or of all. Those
    /// without the epoch are left out, and so are damaged files that are named as those of other measures.
    ///
    /// # Errors
    /// [`Error::Results`] if there are none; [`Error::NoMeasure`] if there are none of the measure; [`Error::NoEpoch`] if none has the epoch;
    /// [`Error::DamagedResults`] if a file named as results are is none.
    pub fn read_all(path: &Path, epoch: Option<usize>, measure: Option<&str>) -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        for file in files_of(path)? {
            let is_of_another = measure.is_some_and(|measure| !is_named_after(&file, measure));
            match ResultFile::open(&file) {
                Ok(Some(found)) => all.push(found),
                Ok(None) if path == file || is_named_as_results(&file) && !is_of_another => {
                    return Err(no_result(&file)?);
                }
                Err(error) if !is_of_another && (path == file || is_named_as_results(&file)) => {
                    return Err(error);
                }
                Ok(None) | Err(_) => {}
            }
        }
        if all.is_empty() {
            let found = if path.exists() {
                "no results of `measure` or `grad`"
            } else {
                "there is no such file or folder"
            };
            return Err(Error::Results { path: path.to_path_buf(), found: found.to_owned() });
        }
        if let Some(measure) = measure {
            let known: Vec<String> = all.iter().map(|found| found.measure().to_owned()).collect();
            all.retain(|found| found.measure() == measure);
            if all.is_empty() {
                return Err(Error::NoMeasure {
                    path: path.to_path_buf(),
                    measure: measure.to_owned(),
                    known,
                });
            }
        }
        let (mut results, mut missing) = (Vec::new(), None);
        for found in &all {
            match found.row(epoch) {
                Err(error @ Error::NoEpoch { .. }) => missing = missing.or(Some(error)),
                // Spectra of checkpoints come before those that were recorded in training.
                found => {
                    let found = found?;
                    if results.iter().all(|earlier: &Self| earlier.measure != found.measure) {
                        results.push(found);
                    }
                }
            }
        }
        missing.filter(|_| results.is_empty()).map_or(Ok(results), Err)
    }

    /// The results of a file.
    ///
    /// # Errors
    /// As [`MeasuredResults::read_all`].
    pub fn read(path: &Path, epoch: Option<usize>) -> Result<Self, Error> {
        match ResultFile::open(path)? {
            Some(found) => found.row(epoch),
            None => Err(no_result(path)?),
        }
    }

    /// The network in words, and the epoch.
    pub fn label(&self) -> String {
        format!("{}, epoch {}", self.words, self.epoch)
    }
}

/// A file of results.
#[derive(Debug)]
struct ResultFile {
    path: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Measure { name: String, json: Value },
    Spectrum(SpectrumTable),
}

impl ResultFile {
    /// None of JSON that is something else.
    fn open(path: &Path) -> Result<Option<Self>, Error> {
        let json = parse(path)?;
        let content = match json["measure"].as_str() {
            Some(name) if json["rows"].is_array() => Content::Measure { name: name.to_owned(), json },
            None if ["radii", "epochs", "mean", "std"].iter().all(|key| json[*key].is_array()) => {
                let damaged = |error: spectral::Error| match error {
                    spectral::Error::Damaged { path, found } => Error::DamagedResults { path, found },
                    other => other.into(),
                };
                Content::Spectrum(SpectrumTable::load_json(path).map_err(damaged)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { path: path.to_path_buf(), content }))
    }

    fn measure(&self) -> &str {
        match &self.content {
            Content::Measure { name, .. } => name,
            Content::Spectrum(_) => SPECTRUM,
        }
    }

    /// The row of an epoch, or the last one.
    fn row(&self, epoch: Option<usize>) -> Result<MeasuredResults, Error> {
        match &self.content {
            Content::Measure { name, json } => of_measure(&self.path, name, json, epoch),
            Content::Spectrum(table) => of_spectrum(&self.path, table, epoch),
        }
    }
}

fn parse(path: &Path) -> Result<Value, Error> {
    let damaged = |error: serde_json::Error| Error::DamagedResults {
        path: path.to_path_buf(),
        found: error.to_string(),
    };
    serde_json::from_slice(&files::read(path)?).map_err(damaged)
}

/// What a file of JSON holds instead of results.
fn no_result(path: &Path) -> Result<Error, Error> {
    let found = match parse(path)? {
        Value::Object(members) => {
            let keys: Vec<&str> = members.keys().take(6).map(String::as_str).collect();
            format!(
                "JSON with {}, which is no result",
                if keys.is_empty() { "nothing in it".to_owned() } else { keys.join(", ") }
            )
        }
        _ => "JSON that is no object".to_owned(),
    };
    Ok(Error::Results { path: path.to_path_buf(), found })
}

fn of_measure(
    path: &Path,
    measure: &str,
    json: &Value,
    epoch: Option<usize>,
) -> Result<MeasuredResults, Error> {
    let rows = json["rows"].as_array().map_or(&[][..], Vec::as_slice);
    let of_epoch = |row: &Value| row["epoch"].as_u64().map(|epoch| epoch as usize);
    let row = match epoch {
        Some(epoch) => rows.iter().find(|row| of_epoch(row) == Some(epoch)),
        None => rows.last(),
    };
    let row = row.ok_or_else(|| no_epoch(path, epoch, rows.iter().filter_map(of_epoch).collect()))?;
    let text = |key: &str| json[key].as_str().unwrap_or("?").to_owned();
    let radii = json["radii"].as_array().cloned().unwrap_or_default();
    let known = |axis: &&str| json.get(*axis).map(|value| ((*axis).to_owned(), value.clone()));
    let mut shared: serde_json::Map<String, Value> = AXES.iter().filter_map(known).collect();
    if let Some(classes) = row["classes"].as_array() {
        let names = classes.iter().map(|class| class["name"].clone()).collect();
        shared.insert("classes".to_owned(), names);
    }
    let shared = Value::Object(shared);
    let (mut quantities, damaged) = quantity::of_row(row);
    for quantity in &mut quantities {
        quantity.axes = axes::of_quantity(measure, &quantity.name, &quantity.shape, &shared);
    }
    Ok(MeasuredResults {
        path: path.to_path_buf(),
        measure: measure.to_owned(),
        words: format!("{} on {}", text("arch"), text("dataset")),
        dataset: text("dataset"),
        axes: shared,
        epoch: of_epoch(row).unwrap_or(0),
        quantities,
        radii: radii.iter().filter_map(|radius| Some(radius.as_u64()? as usize)).collect(),
        settings: json["settings"].clone(),
        images: json["n_images"].as_u64().unwrap_or(0),
        damaged,
    })
}

fn of_spectrum(path: &Path, table: &SpectrumTable, epoch: Option<usize>) -> Result<MeasuredResults, Error> {
    let row = match epoch {
        Some(epoch) => table.rows.iter().find(|row| row.epoch == epoch),
        None => table.rows.last(),
    };
    let epochs = || table.rows.iter().map(|row| row.epoch).collect();
    let row = row.ok_or_else(|| no_epoch(path, epoch, epochs()))?;
    let shared = serde_json::json!({ "radii": table.radii });
    let mut quantities = quantity::of_spectrum(table, row);
    for quantity in &mut quantities {
        quantity.axes = axes::of_quantity(SPECTRUM, &quantity.name, &quantity.shape, &shared);
    }
    Ok(MeasuredResults {
        path: path.to_path_buf(),
        measure: SPECTRUM.to_owned(),
        words: format!("{} on {}", table.arch, table.dataset),
        dataset: table.dataset.clone(),
        axes: shared,
        epoch: row.epoch,
        quantities,
        radii: table.radii.clone(),
        settings: Value::Null,
        images: table.n_images as u64,
        damaged: Vec::new(),
    })
}

fn no_epoch(path: &Path, epoch: Option<usize>, known: Vec<usize>) -> Error {
    match epoch {
        Some(epoch) => Error::NoEpoch { path: path.to_path_buf(), epoch, known },
        None => Error::DamagedResults { path: path.to_path_buf(), found: "no rows".to_owned() },
    }
}

/// A file itself; of a folder its JSON files, those of a run's measures, and of its gradient spectra, whatever they are called.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut folders = vec![path.to_path_buf()];
    folders.extend(results::measure_folders(path)?);
    folders.extend([results::spectrum_folder(path), results::live_folder(path)]);
    let mut found = Vec::new();
    for folder in folders {
        let is_json =
            |file: &PathBuf| file.is_file() && file.extension().is_some_and(|extension| extension == "json");
        let is_finished = |file: &PathBuf| !file.to_string_lossy().ends_with(".partial.json");
        found.extend(files::entries(&folder)?.into_iter().filter(|file| is_json(file) && is_finished(file)));
    }
    Ok(found)
}

/// Whether a file has the name that programs give to results: that of its folder, or a gradient spectrum's.
fn is_named_as_results(file: &Path) -> bool {
    let stem = file.file_stem();
    stem.is_some_and(|stem| stem == results::SPECTRUM) || stem == file.parent().and_then(Path::file_name)
}

fn is_named_after(file: &Path, measure: &str) -> bool {
    let name = if measure == SPECTRUM { results::SPECTRUM } else { measure };
    file.file_stem().is_some_and(|stem| stem == name)
}
