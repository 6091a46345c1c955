//! The gradient spectrum of a run that is being trained, in the run's folder, row by row.

use std::path::{Path, PathBuf};

use files::FolderLock;
use runs::results;
use spectral::{RunningBands, SpectrumRow, SpectrumTable};

use super::report::SpectrumReport;
use crate::Error;

/// A table of spectra in the folder `spectrum` of a run, to which rows are added, whoever measures them. All files are those of
/// [`SpectrumReport`].
///
/// ```
/// use analysis::RecordedSpectrum;
/// use spectral::{RunningBands, SpectrumRow, SpectrumTable};
///
/// let run = tempfile::tempdir()?;
/// let mut images = RunningBands::new(2); // the density of the images that are measured
/// images.push(&[1.0, 0.0]);
/// let empty = || SpectrumTable::new("mine", "my network", 1, vec![1, 2]);
/// let mut recorded = RecordedSpectrum::open(run.path(), empty(), images.clone())?;
/// let row = |epoch| SpectrumRow { epoch, mean: vec![0.5, 1.0], std: vec![0.0; 2], nat_prec1: 10.0, ..SpectrumRow::default() };
/// recorded.insert(row(3));
/// recorded.save()?;
/// assert!(run.path().join("spectrum/gradient_spectrum.png").exists());
/// // Opened again it goes on; rows of the same epoch take the place of earlier ones.
/// let mut recorded = RecordedSpectrum::open(run.path(), empty(), images)?;
/// [3, 1].map(row).into_iter().for_each(|row| recorded.insert(row));
/// assert_eq!(recorded.table().rows.iter().map(|row| row.epoch).collect::<Vec<_>>(), [1, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RecordedSpectrum {
    run: PathBuf,
    table: SpectrumTable,
    /// The density of the images, which epochs do not change.
    images: RunningBands,
    /// Whether the files are known to be those of the table.
    is_saved: bool,
    /// Held where the folder has no writer beside this.
    _lock: Option<FolderLock>,
}

impl RecordedSpectrum {
    /// The spectrum in the folder of a run: the rows that are there, and what the empty table says. The caller has locked the folder.
    ///
    /// # Errors
    /// If what is there is damaged, or of another number of images or of other bands.
    pub fn open(run: &Path, empty: SpectrumTable, images: RunningBands) -> Result<Self, Error> {
        let mut table = empty;
        let path = results::live_folder(run).join(results::SPECTRUM).with_extension("json");
        if path.exists() {
            let stored = SpectrumTable::load_json(&path)?;
            if stored.n_images != table.n_images {
                let (before, now) = (stored.n_images, table.n_images);
                return Err(Error::OtherImageCount { path, before, now });
            }
            if stored.radii != table.radii {
                let (before, now) = (stored.radii.len(), table.radii.len());
                return Err(Error::OtherBands { path, before, now });
            }
            (table.rows, table.network) = (stored.rows, stored.network);
            // Rows of earlier versions have no shares.
            if table.rings.is_empty() {
                table.rings = stored.rings;
            }
        }
        let is_saved = table.rows.is_empty();
        Ok(Self { run: run.to_path_buf(), table, images, is_saved, _lock: None })
    }

    /// The same, which locks the folder of the run until this is dropped.
    ///
    /// # Errors
    /// As [`RecordedSpectrum::open`]; if the folder cannot be created, or another program writes to it.
    pub fn begin(run: &Path, empty: SpectrumTable, images: RunningBands) -> Result<Self, Error> {
        let lock = FolderLock::take(run)?;
        Ok(Self { _lock: Some(lock), ..Self::open(run, empty, images)? })
    }

    /// The rows so far, and what they are of.
    pub fn table(&self) -> &SpectrumTable {
        &self.table
    }

    /// Whether the files are known to be those of the rows: of what is opened they may be of other rows, where a program was killed.
    pub fn is_saved(&self) -> bool {
        self.is_saved
    }

    /// Says what the networks are, as JSON.
    pub(super) fn describe(&mut self, network: serde_json::Value) {
        self.table.network = Some(network);
    }

    /// Forgets the rows of this epoch and later ones; whether there were any.
    pub fn forget_from(&mut self, epoch: usize) -> bool {
        let before = self.table.rows.len();
        self.table.rows.retain(|row| row.epoch < epoch);
        self.table.rows.len() != before
    }

    /// Adds a row, in the place of an earlier one of its epoch.
    pub fn insert(&mut self, row: SpectrumRow) {
        let rows = &mut self.table.rows;
        match rows.binary_search_by_key(&row.epoch, |earlier| earlier.epoch) {
            Ok(place) => rows[place] = row,
            Err(place) => rows.insert(place, row),
        }
    }

    /// Writes all files; none while there are no rows.
    ///
    /// # Errors
    /// If the folder of the run is gone, a file cannot be written, or a row has other bands than the table.
    pub fn save(&mut self) -> Result<Vec<PathBuf>, Error> {
        self.is_saved = true;
        if self.table.rows.is_empty() {
            return Ok(Vec::new());
        }
        let output = results::live_folder(&self.run);
        files::create_folder(&output)?;
        SpectrumReport { table: &self.table, checkpoints: &[], images: &self.images }.save(&output)
    }
}
