//! A gradient spectrum as TensorBoard shows it: a histogram and two curves over epochs, and the figures.

use std::path::{Path, PathBuf};

use runs::results;
use spectral::{SpectrumRow, SpectrumTable};
use training::{EventFile, Histogram, Png, Summary};

use crate::Error;

/// Writes `tensorboard/` in a folder of results: by epoch the mean profile, its centre of mass and its peak, and at the last
/// epoch the figures, which are there already.
///
/// # Errors
/// If a figure cannot be read or the file not be written.
pub(crate) fn save(output: &Path, table: &SpectrumTable, figures: &[&str]) -> Result<PathBuf, Error> {
    let mut file = EventFile::new();
    for row in &table.rows {
        file.push(row.epoch, epoch(row, table)?);
    }
    if let Some(last) = table.rows.last() {
        let figure = |name: &&str| {
            let path = output.join(name).with_extension("png");
            let bytes = files::read(&path)?;
            Ok(((*name).to_owned(), Summary::Image(Png::new(bytes)?)))
        };
        file.push(last.epoch, figures.iter().map(figure).collect::<Result<Vec<_>, Error>>()?);
    }
    Ok(file.save(&results::events_folder(output))?)
}

fn epoch(row: &SpectrumRow, table: &SpectrumTable) -> Result<Vec<(String, Summary)>, Error> {
    let radii = &table.radii;
    let (lower, edges) = edges(radii);
    let spectrum = Histogram::new(lower, edges.into_iter().zip(row.mean.iter().copied()).collect())?;
    let centre = row.centre_of_mass(radii);
    let mut values = vec![
        ("gradient_spectrum/bands".to_owned(), Summary::Histogram(spectrum)),
        ("gradient_spectrum/peak".to_owned(), Summary::Scalar(row.peak(radii) as f64)),
    ];
    // A spectrum of zeros has no centre.
    if centre.is_finite() {
        values.push(("gradient_spectrum/centre_of_mass".to_owned(), Summary::Scalar(centre)));
    }
    if let Some(centre) = table.energy_centre(row) {
        values.push(("gradient_spectrum/energy_centre".to_owned(), Summary::Scalar(centre)));
    }
    Ok(values)
}

/// The first band's lower edge and each band's upper one: half-way to the neighbours, so that the middle of a band is its
/// radius and the histogram's mean the centre of mass.
fn edges(radii: &[usize]) -> (f64, Vec<f64>) {
    let middle = |pair: &[usize]| 0.5 * (pair[0] as f64 + pair[1] as f64);
    let outer = radii.last().map(|&last| last as f64 + 0.5);
    (
        radii.first().map_or(0.0, |&first| first as f64 - 0.5),
        radii.windows(2).map(middle).chain(outer).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radii_are_in_the_middle_of_their_bands() {
        assert_eq!(edges(&[1, 2, 3]), (0.5, vec![1.5, 2.5, 3.5]));
        assert_eq!(edges(&[7]), (6.5, vec![7.5]));
    }
}
