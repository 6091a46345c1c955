//! What was written.

use std::path::{Path, PathBuf};

use serde::Serialize;
use spectral::RunningBands;

use crate::Error;

/// The files of the densities, without their extensions.
pub(super) const DENSITY: &str = "density";

/// The valley of the target density is below its second peak, which is in band 16, of this radius.
const SECOND_PEAK: usize = 17;

/// A part of the data set that is written. `density.json` holds it too, but for the folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// `train` or `test`.
    pub part: String,
    /// Its folder.
    pub folder: PathBuf,
    /// How many images it has.
    pub images: usize,
    /// The radius ρ of each band, in cycles per image.
    pub radii: Vec<usize>,
    /// The density that the kernels were fitted for, a value a band.
    pub target: Vec<f64>,
    /// The density of the images that others were made of.
    pub before: Density,
    /// The density of the images that were made.
    pub after: Density,
}

/// Spectral densities of images, a value a band, scaled to [0, 1] for each image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Density {
    /// Over the images.
    pub mean: Vec<f64>,
    /// Standard deviation over the images.
    pub std: Vec<f64>,
}

impl From<&RunningBands> for Density {
    fn from(bands: &RunningBands) -> Self {
        Self { mean: bands.mean(), std: bands.std() }
    }
}

impl Summary {
    /// The band of the lowest mean density but for the outermost ones, and that of the highest beyond it: radius and density.
    /// Nothing where images are too small to have a second peak.
    pub fn valley_and_peak(&self) -> Option<[(usize, f64); 2]> {
        let by_density = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
        let bands: Vec<_> = self.radii.iter().copied().zip(self.after.mean.iter().copied()).collect();
        let most = bands.iter().position(|band| band.0 >= SECOND_PEAK)?;
        let valley = bands[..most].iter().copied().min_by(by_density)?;
        let beyond = bands.iter().copied().filter(|band| band.0 > valley.0);
        Some([valley, beyond.max_by(by_density)?])
    }

    /// Writes `density.json`, its keys sorted.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn save(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(format!("{DENSITY}.json"));
        let damaged = Error::damaged(&path, "summary of densities");
        let mut entries = serde_json::to_value(self).map_err(&damaged)?;
        // Where it is now is not where it will be.
        entries.as_object_mut().map(|entries| entries.remove("folder"));
        let text = serde_json::to_vec(&entries).map_err(&damaged)?;
        Ok(files::write_atomically(&path, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(after: Vec<f64>) -> Summary {
        let density = |mean: Vec<f64>| Density { std: vec![0.0; mean.len()], mean };
        Summary {
            part: "train".into(),
            folder: PathBuf::new(),
            images: 1,
            radii: (1..=after.len()).collect(),
            target: vec![0.0; after.len()],
            before: density(vec![0.0; after.len()]),
            after: density(after),
        }
    }

    #[test]
    fn the_peak_is_the_highest_band_beyond_the_valley() {
        let mut mean: Vec<f64> = (0..20).map(|band| 1.0 - 0.05 * f64::from(band)).collect();
        (mean[8], mean[15], mean[18]) = (0.1, 0.6, 0.9);
        assert_eq!(summary(mean.clone()).valley_and_peak(), Some([(9, 0.1), (19, 0.9)]));
        // Without a valley before the peak's place the lowest band is the one just below it.
        let falling = (0..20).map(|band| 1.0 / f64::from(band + 1)).collect();
        assert_eq!(summary(falling).valley_and_peak().map(|[valley, _]| valley.0), Some(16));
        assert_eq!(summary(vec![1.0, 0.5, 0.2]).valley_and_peak(), None, "too small");
    }
}
