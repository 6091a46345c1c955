//! A spectrum table as its JSON file has it: columns rather than rows.

use std::{io, path::Path};

use files::{Action, failed, write_atomically};
use serde::{Deserialize, Serialize};

use crate::{
    Error, MeanSpectrum, Outcome, Outcomes, SpectrumDetails, SpectrumRow, SpectrumTable, details::intervals,
};

/// Numbers by epoch, class and band that the JSON file has at most: of more it says how many images each class has, and the NumPy
/// archive has the rest.
const MOST_OF_CLASSES: usize = 1_000_000;

/// Ends of intervals by band; null where they are not known.
type Ends = Option<Vec<[f64; 2]>>;

/// The file's form.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Columns {
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
    /// Follows from the rest.
    #[serde(default, skip_deserializing)]
    interval: Vec<Ends>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shares: Option<Shares>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<Class>>,
}

/// By epoch: means of some images; null where there are none.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Means {
    images: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mean: Vec<Option<Vec<f64>>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    std: Vec<Option<Vec<f64>>>,
    #[serde(default, skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    interval: Vec<Ends>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Shares {
    radii: Vec<usize>,
    #[serde(flatten)]
    means: Means,
}

#[derive(Debug, Serialize, Deserialize)]
struct Difference {
    /// What the other is taken from.
    from: Outcome,
    correct: Means,
    wrong: Means,
    #[serde(default, skip_deserializing)]
    mean: Vec<Option<Vec<f64>>>,
    #[serde(default, skip_deserializing)]
    interval: Vec<Ends>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Class {
    name: String,
    #[serde(flatten)]
    means: Means,
}

impl From<&SpectrumTable> for Columns {
    fn from(table: &SpectrumTable) -> Self {
        let column =
            |of: fn(&SpectrumRow) -> &Vec<f64>| table.rows.iter().map(|row| of(row).clone()).collect();
        Self {
            dataset: table.dataset.clone(),
            arch: table.arch.clone(),
            network: table.network.clone(),
            n_images: table.n_images,
            radii: table.radii.clone(),
            epochs: table.rows.iter().map(|row| row.epoch).collect(),
            mean: column(|row| &row.mean),
            std: column(|row| &row.std),
            nat_prec1: table.rows.iter().map(|row| row.nat_prec1).collect(),
            skipped: table.rows.iter().map(|row| row.skipped).collect(),
            interval: table.rows.iter().map(|row| table.interval(row)).collect(),
            shares: shares(table),
            difference: difference(table),
            classes: classes(table),
        }
    }
}

impl Means {
    fn new<'a>(rows: impl Iterator<Item = Option<&'a MeanSpectrum>> + Clone) -> Self {
        let known = |of: Option<&'a MeanSpectrum>| of.filter(|of| of.images > 0);
        Self {
            images: rows.clone().map(|of| of.map_or(0, |of| of.images)).collect(),
            mean: rows.clone().map(|of| known(of).map(|of| of.mean.clone())).collect(),
            std: rows.clone().map(|of| known(of).map(|of| of.std.clone())).collect(),
            interval: rows.map(|of| intervals(&of?.mean, &of?.std, of?.images)).collect(),
        }
    }

    /// The means of a row of so many bands; zeros where there are none.
    fn row(&self, row: usize, bands: usize) -> Result<MeanSpectrum, String> {
        let images = self.images.get(row).copied().unwrap_or(0);
        let values = |of: &[Option<Vec<f64>>]| {
            let values = of.get(row).cloned().flatten().unwrap_or_else(|| vec![0.0; bands]);
            let found = values.len();
            if found == bands {
                Ok(values)
            } else {
                Err(format!("a row of {found} values beside {bands} radii"))
            }
        };
        Ok(MeanSpectrum { images, mean: values(&self.mean)?, std: values(&self.std)? })
    }
}

fn shares(table: &SpectrumTable) -> Option<Shares> {
    let rows = table.rows.iter().map(|row| row.details.shares.as_ref());
    let is_known = !table.rings.is_empty() && rows.clone().any(|row| row.is_some());
    is_known.then(|| Shares { radii: table.rings.clone(), means: Means::new(rows) })
}

fn difference(table: &SpectrumTable) -> Option<Difference> {
    let from = table.difference?;
    let rows = table.rows.iter().map(|row| row.details.outcomes.as_ref());
    Some(Difference {
        from,
        correct: Means::new(rows.clone().map(|row| row.map(|of| &of.correct))),
        wrong: Means::new(rows.clone().map(|row| row.map(|of| &of.wrong))),
        mean: rows.clone().map(|row| row?.difference(from)).collect(),
        interval: rows.map(|row| row?.difference_interval(from)).collect(),
    })
}

fn classes(table: &SpectrumTable) -> Option<Vec<Class>> {
    let names = (!table.classes.is_empty()).then_some(&table.classes)?;
    let fits = names.len() * table.radii.len() * table.rows.len() <= MOST_OF_CLASSES;
    let of_class = |(class, name): (usize, &String)| {
        let means = Means::new(table.rows.iter().map(|row| row.details.classes.get(class)));
        let means = if fits { means } else { Means { images: means.images, ..Means::default() } };
        Class { name: name.clone(), means }
    };
    Some(names.iter().enumerate().map(of_class).collect())
}

impl Columns {
    /// The table of these columns, or what is wrong with them.
    pub(crate) fn table(self) -> Result<SpectrumTable, String> {
        let mut table = SpectrumTable::new(self.dataset, self.arch, self.n_images, self.radii);
        table.network = self.network;
        let epochs = self.epochs.len();
        let lengths = [self.mean.len(), self.std.len(), self.nat_prec1.len()];
        if let Some(found) = lengths.into_iter().find(|&found| found != epochs) {
            return Err(format!("a column of {found} epochs beside one of {epochs}"));
        }
        table.rings = self.shares.as_ref().map_or_else(Vec::new, |shares| shares.radii.clone());
        table.difference = self.difference.as_ref().map(|difference| difference.from);
        let classes = self.classes.as_deref().unwrap_or_default();
        table.classes = classes.iter().map(|class| class.name.clone()).collect();
        let (bands, rings) = (table.radii.len(), table.rings.len());
        let columns = self.epochs.into_iter().zip(self.mean).zip(self.std).zip(self.nat_prec1);
        for (index, (((epoch, mean), std), nat_prec1)) in columns.enumerate() {
            let shares = self.shares.as_ref().map(|shares| shares.means.row(index, rings)).transpose()?;
            let outcomes = self.difference.as_ref().map(|of| {
                Ok::<_, String>(Outcomes {
                    correct: of.correct.row(index, bands)?,
                    wrong: of.wrong.row(index, bands)?,
                })
            });
            let details = SpectrumDetails {
                shares: shares.filter(|shares| shares.images > 0),
                outcomes: outcomes.transpose()?,
                classes: classes.iter().map(|of| of.means.row(index, bands)).collect::<Result<_, _>>()?,
            };
            let skipped = self.skipped.get(index).copied().unwrap_or(0);
            let row = SpectrumRow { epoch, mean, std, nat_prec1, skipped, details };
            table.push(row).map_err(|error: Error| error.to_string())?;
        }
        Ok(table)
    }
}

impl SpectrumTable {
    /// Writes `{"dataset", "arch", "network", "n_images", "radii", "epochs", "mean", "std", "nat_prec1", "skipped", "interval"}` and, where
    /// they were asked for, `"shares"`, `"difference"` and `"classes"`. Of very many numbers by class the file has none: they are in the
    /// archive of [`SpectrumTable::save_npz`].
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_json(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(&Columns::from(self)).map_err(io::Error::other);
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
        columns.table().map_err(damaged)
    }
}
