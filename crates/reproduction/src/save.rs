//! The files of a report.

use std::path::{Path, PathBuf};

use crate::{csv, error::Error, page, report::Report, storage};

const PAGE: &str = "report.html";
const NUMBERS: &str = "report.json";
const CLAIMS: &str = "claims.csv";
const TABLES: &str = "accuracy.csv";

impl Report {
    /// Writes `report.json`, `claims.csv`, `accuracy.csv` and the page `report.html` into the folder of the reproduction, each
    /// whole or not at all, the numbers last; returns their paths.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, root: &Path) -> Result<Vec<PathBuf>, Error> {
        let contents = [
            (NUMBERS, serde_json::to_string_pretty(self)? + "\n"),
            (CLAIMS, csv::claims(&self.claims)),
            (TABLES, csv::tables(&self.tables)),
            (PAGE, page::render(self, root)),
        ];
        let path = |name: &str| root.join(name);
        for (name, content) in contents.iter().rev() {
            storage::write(&path(name), content.as_bytes())?;
        }
        Ok(contents.iter().map(|(name, _)| path(name)).collect())
    }
}
