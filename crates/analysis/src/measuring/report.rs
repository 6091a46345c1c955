//! The files of a measurement: numbers, arrays, figures, events.

use std::path::{Path, PathBuf};

use pipeline::NetworkDescription;
use runs::results;
use serde_json::{Value, json};
use spectral::Array;
use training::{EventFile, Png, Summary};

use super::{
    findings::{Findings, Picture},
    measure::Measure,
    run::MeasuredRow,
    subject::Subject,
};
use crate::{Error, network};

/// An epoch, and the numbers that are followed over epochs.
type EpochNumbers = (usize, Vec<(&'static str, f64)>);

/// A finished measurement, ready to be written and shown.
#[derive(Debug)]
pub struct MeasureReport {
    name: &'static str,
    json: Value,
    summary: Value,
    arrays: Vec<Array>,
    pictures: Vec<(&'static str, Picture)>,
    scalars: Vec<EpochNumbers>,
    table: Vec<String>,
}

impl MeasureReport {
    /// Of rows in the order of epochs, and what their networks are.
    ///
    /// # Errors
    /// If a figure cannot be drawn.
    pub fn new<M: Measure>(
        measure: &M,
        subject: &Subject<'_>,
        networks: &[NetworkDescription],
        measured: &[MeasuredRow<M::Row>],
    ) -> Result<Self, Error> {
        let rows: Vec<&M::Row> = measured.iter().map(|of| &of.row).collect();
        let epochs: Vec<usize> = measured.iter().map(|of| of.epoch).collect();
        let words = match &epochs[..] {
            [only] => format!("{}, epoch {only}", subject.words()),
            _ => subject.words(),
        };
        let Findings { shared, rows, arrays, pictures, scalars } =
            measure.findings(&rows, &epochs, &words)?;
        let head = json!({
            "measure": M::NAME,
            "dataset": subject.profile.label,
            "arch": subject.network.name(),
            "network": network::json(networks),
            "n_images": measured.first().map_or(0, |of| of.images),
            "n_left_out": subject.images.left_out().len(),
            "confidence": 0.95,
            "settings": measure.settings(),
            "kernels": subject.session.kernels(),
        });
        let with_rows = |rows: Vec<Value>| {
            let mut json = head.clone();
            shared.iter().for_each(|(key, value)| json[key] = value.clone());
            let own = measured.iter().zip(rows).map(|(of, mut row)| {
                (row["epoch"], row["checkpoint"]) = (json!(of.epoch), json!(of.checkpoint));
                row
            });
            json["rows"] = own.collect();
            json
        };
        let short = |numbers: &Vec<(&'static str, f64)>| {
            numbers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<Value>()
        };
        let line = |of: &MeasuredRow<M::Row>| format!("{:5}  {}", of.epoch, measure.line(&of.row));
        let table = [format!("epoch  {}", measure.head())].into_iter().chain(measured.iter().map(line));
        Ok(Self {
            name: M::NAME,
            summary: with_rows(scalars.iter().map(short).collect()),
            json: with_rows(rows),
            arrays,
            pictures,
            scalars: measured.iter().map(|of| of.epoch).zip(scalars).collect(),
            table: table.collect(),
        })
    }

    /// Writes all files. They take the places of earlier ones together, once all are written: a full disk leaves what was there.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, output: &Path) -> Result<Vec<PathBuf>, Error> {
        results::replace(output, [], |aside| {
            let files = self.save_in(aside)?;
            self.save_events(aside)?;
            Ok(files)
        })
    }

    fn save_in(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let file = |extension: &str| folder.join(format!("{}.{extension}", self.name));
        let (json, npz) = (file("json"), file("npz"));
        files::write_atomically(&json, &serde_json::to_vec(&self.json)?)?;
        Array::save_npz(&npz, &self.arrays)?;
        let mut files = vec![json, npz];
        for (part, picture) in &self.pictures {
            files.extend(picture.save(&folder.join(self.stem(part)))?);
        }
        Ok(files)
    }

    /// What a figure is called, without extension.
    fn stem(&self, part: &str) -> String {
        if part.is_empty() { self.name.to_owned() } else { format!("{}.{part}", self.name) }
    }

    /// For TensorBoard: numbers by epoch, and at the last one the figures, which are there already.
    fn save_events(&self, output: &Path) -> Result<PathBuf, Error> {
        let tag = |name: &str| format!("{}/{name}", self.name.replace('-', "_"));
        let mut file = EventFile::new();
        for (epoch, numbers) in &self.scalars {
            let finite = numbers.iter().filter(|(_, value)| value.is_finite());
            file.push(*epoch, finite.map(|(name, value)| (tag(name), Summary::Scalar(*value))));
        }
        if let Some((last, _)) = self.scalars.last() {
            for (part, _) in &self.pictures {
                let stem = self.stem(part);
                let bytes = files::read(&output.join(format!("{stem}.png")))?;
                file.push(*last, [(stem, Summary::Image(Png::new(bytes)?))]);
            }
        }
        Ok(file.save(&results::events_folder(output))?)
    }

    /// All numbers, as the JSON file has them.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The arrays of the NumPy archive.
    pub fn arrays(&self) -> &[Array] {
        &self.arrays
    }

    /// The figures; the first has no name, others that of their part.
    pub fn pictures(&self) -> &[(&'static str, Picture)] {
        &self.pictures
    }

    /// All numbers but maps and curves, for programs.
    pub fn summary(&self, files: &[PathBuf]) -> Value {
        let mut summary = self.summary.clone();
        summary["files"] = json!(files);
        summary
    }

    /// A head and a line each row, for people.
    pub fn table(&self) -> &[String] {
        &self.table
    }
}
