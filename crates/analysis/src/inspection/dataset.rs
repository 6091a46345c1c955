//! What a data set holds.

use std::path::{Path, PathBuf};

use datasets::{Batch, Dataset, ImageSet};
use plots::{BandCurves, Curve, Spread};
use serde::Serialize;
use spectral::{Convention, Profiler, Recipe, RunningBands};

use pipeline::test_batches;
use progress::Progress;

use crate::Error;

/// Images looked at between two looks at Ctrl-C.
const BATCH: usize = 256;

/// Damaged files that are listed.
const MOST_LISTED: usize = 20;

/// Curves that can be told apart; of more classes only those farthest from the mean of all are drawn.
const MOST_CURVES: usize = 10;
const FARTHEST: usize = 6;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// The data set's name.
    pub dataset: String,
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    /// By label.
    pub classes: Vec<String>,
    /// By label: which output of a network's head it is, where the data set says so.
    pub outputs: Option<Vec<usize>>,
    /// Training images, then test images.
    pub parts: Vec<PartFound>,
    /// A curve for each class: the mean spectral density of its images, training and test images together.
    pub radii: Vec<usize>,
    /// By class; empty for a class without images.
    pub density: Vec<Vec<f64>>,
    /// The picture of these curves.
    pub files: Vec<PathBuf>,
    /// Files that cannot be decoded.
    pub damaged: usize,
    /// The first of them, and what is wrong with each.
    pub damaged_files: Vec<String>,
    /// The first thing that is wrong, if anything is.
    pub problem: Option<String>,
}

/// What a part of a data set holds.
#[derive(Debug, Serialize)]
pub struct PartFound {
    /// `train` or `test`.
    pub part: &'static str,
    /// Images that could be read.
    pub images: usize,
    /// Images of each class.
    pub labels: Vec<usize>,
    /// Of all pixels, by channel.
    pub mean: Vec<f64>,
    /// Of all pixels, by channel.
    pub std: Vec<f64>,
}

/// Looks at every image of a data set.
///
/// # Errors
/// If an image cannot be read, or Ctrl-C stops it.
pub fn inspect_dataset(dataset: &Dataset, workers: usize, progress: &Progress) -> Result<Inspection, Error> {
    let (shape, classes) = (dataset.train.shape(), dataset.train.classes());
    let profiler =
        Profiler::new(Recipe::Density, shape.channels, shape.height, shape.width, Convention::Reference)?;
    let mut density: Vec<RunningBands> =
        classes.iter().map(|_| RunningBands::new(profiler.radii().len())).collect();
    let mut parts = Vec::new();
    for (part, set) in [("train", &dataset.train), ("test", &dataset.test)] {
        let mut moments = Moments::new(part, set);
        let pass = progress.pass(part, set.len());
        for batch in test_batches(set, BATCH, workers) {
            let batch = batch?;
            moments.add(&batch);
            // One by one: an image of a single colour has no profile, and those after it would be given its label.
            for (image, &label) in batch.images.chunks_exact(shape.len()).zip(&batch.labels) {
                profiler.profiles(image)?.rows().for_each(|row| density[label as usize].push(row));
            }
            pass.advance(batch.len());
            pass.check()?;
        }
        parts.push(moments.finish());
    }
    let mut damaged_files = [left_out(&dataset.train), left_out(&dataset.test)].concat();
    let damaged = damaged_files.len();
    damaged_files.truncate(MOST_LISTED);
    let is_flat = density.iter().all(|bands| bands.count() == 0);
    let flat =
        || is_flat.then(|| "no image has a spectral density to draw: each is of a single colour".to_owned());
    let problem = damaged_files.first().cloned().or_else(|| problem(classes, &parts)).or_else(flat);
    Ok(Inspection {
        dataset: dataset.name.clone(),
        shape: [shape.channels, shape.height, shape.width],
        classes: classes.to_vec(),
        outputs: dataset.train.outputs().map(|outputs| outputs.indices().to_vec()),
        parts,
        radii: profiler.radii().to_vec(),
        density: density
            .iter()
            .map(|bands| if bands.count() > 0 { bands.mean() } else { Vec::new() })
            .collect(),
        files: Vec::new(),
        damaged,
        damaged_files,
        problem,
    })
}

/// The files that were left out, and what is wrong with each.
fn left_out(set: &ImageSet) -> Vec<String> {
    set.left_out().iter().map(ToString::to_string).collect()
}

/// What is odd about the numbers alone.
fn problem(classes: &[String], parts: &[PartFound]) -> Option<String> {
    let empty =
        parts.iter().find(|part| part.images == 0).map(|part| format!("there are no {} images", part.part));
    let missing = parts.iter().find_map(|part| {
        let class = part.labels.iter().position(|&count| count == 0)?;
        Some(format!("the class `{}` has no {} images", classes[class], part.part))
    });
    let flat = parts.iter().find_map(|part| {
        let channel = part.std.iter().position(|&std| std == 0.0)?;
        Some(format!("channel {channel} of all {} images is one value", part.part))
    });
    empty.or(missing).or(flat)
}

/// Sums over the pixels of a part.
struct Moments {
    found: PartFound,
    /// Values of a channel of an image.
    plane: usize,
}

impl Moments {
    fn new(part: &'static str, set: &ImageSet) -> Self {
        let shape = set.shape();
        let zeros = vec![0.0; shape.channels];
        let labels = vec![0; set.classes().len()];
        let found = PartFound { part, images: 0, labels, mean: zeros.clone(), std: zeros };
        Self { found, plane: shape.height * shape.width }
    }

    fn add(&mut self, batch: &Batch) {
        let channels = self.found.mean.len();
        self.found.images += batch.len();
        batch.labels.iter().for_each(|&label| self.found.labels[label as usize] += 1);
        for (index, plane) in batch.images.chunks_exact(self.plane.max(1)).enumerate() {
            let sums = plane.iter().fold([0.0, 0.0], |[sum, squares], &value| {
                let value = f64::from(value);
                [sum + value, squares + value * value]
            });
            self.found.mean[index % channels] += sums[0];
            self.found.std[index % channels] += sums[1];
        }
    }

    /// Sums become means, sums of squares standard deviations.
    fn finish(mut self) -> PartFound {
        let values = (self.found.images * self.plane).max(1) as f64;
        for (mean, std) in self.found.mean.iter_mut().zip(&mut self.found.std) {
            *mean /= values;
            *std = (*std / values - *mean * *mean).max(0.0).sqrt();
        }
        self.found
    }
}

impl Inspection {
    /// Draws the classes' densities to `{stem}.png` and `.svg`; nothing where no class has one.
    ///
    /// # Errors
    /// If the pictures cannot be written.
    pub fn save_curves(&mut self, stem: &Path) -> Result<(), Error> {
        if self.density.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let folder = stem.parent().unwrap_or(stem);
        files::create_folders(folder)?;
        self.files = self.curves()?.save(stem)?.to_vec();
        Ok(())
    }

    fn curves(&self) -> Result<BandCurves, plots::Error> {
        let named: Vec<(&String, &Vec<f64>)> =
            self.classes.iter().zip(&self.density).filter(|(_, mean)| !mean.is_empty()).collect();
        let curve = |(class, mean): &(&String, &Vec<f64>)| Curve {
            label: (*class).clone(),
            mean: (*mean).clone(),
            spread: Spread::None,
        };
        let images: usize = self.parts.iter().map(|part| part.images).sum();
        let mut subtitle = format!(
            "{}, {}",
            self.dataset,
            if images == 1 { "1 image".to_owned() } else { format!("{images} images") }
        );
        let mut curves: Vec<Curve> = named.iter().map(curve).collect();
        if curves.len() > MOST_CURVES {
            let label = format!("mean of all {} classes", curves.len());
            let all = summary(label, &curves);
            let mut far: Vec<(f64, Curve)> =
                curves.into_iter().map(|curve| (distance(&curve.mean, &all.mean), curve)).collect();
            far.sort_by(|one, other| other.0.total_cmp(&one.0));
            far.truncate(FARTHEST);
            subtitle =
                format!("{subtitle}; the mean of all classes, and the {FARTHEST} that differ most from it");
            curves = [all].into_iter().chain(far.into_iter().map(|(_, curve)| curve)).collect();
        }
        BandCurves::new(
            "Spectral density by class",
            subtitle,
            "scaled to [0, 1] per image",
            self.radii.clone(),
            curves,
        )
    }
}

/// The mean of curves and their spread around it.
fn summary(label: String, curves: &[Curve]) -> Curve {
    let bands = curves[0].mean.len();
    let mut all = RunningBands::new(bands);
    curves.iter().for_each(|curve| all.push(&curve.mean));
    Curve { label, mean: all.mean(), spread: Spread::Std(all.std()) }
}

/// The mean square of the differences.
fn distance(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f64>() / one.len() as f64
}

#[cfg(test)]
mod tests {
    use datasets::synthetic::Synthetic;

    use super::*;

    #[test]
    fn counts_and_moments_are_those_of_the_images() -> Result<(), Box<dyn std::error::Error>> {
        let data = Synthetic { seed: 0, train: 300, test: 100 }.generate();
        let found = inspect_dataset(&data, 1, &Progress::default())?;
        assert_eq!((found.parts[0].images, found.parts[0].labels.iter().sum::<usize>()), (300, 300));
        let green: Vec<f64> = (0..100)
            .flat_map(|index| data.test.bytes(index).expect("in memory")[1024..2048].to_vec())
            .map(|byte| f64::from(byte) / 255.0)
            .collect();
        let mean = green.iter().sum::<f64>() / green.len() as f64;
        let variance = green.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / green.len() as f64;
        assert!((found.parts[1].mean[1] - mean).abs() < 1e-6);
        assert!((found.parts[1].std[1] - variance.sqrt()).abs() < 1e-6);
        assert_eq!((found.density.len(), found.density[0].len()), (10, 20));
        assert_eq!(found.problem, None);
        Ok(())
    }

    #[test]
    fn of_many_classes_the_farthest_are_drawn() -> Result<(), Box<dyn std::error::Error>> {
        let density: Vec<Vec<f64>> = (0..20).map(|class| vec![1.0, 0.1 * f64::from(class % 11)]).collect();
        let found = Inspection {
            dataset: "many".to_owned(),
            shape: [3, 32, 32],
            classes: (0..20).map(|class| format!("class {class}")).collect(),
            outputs: None,
            parts: Vec::new(),
            radii: vec![1, 2],
            density,
            files: Vec::new(),
            damaged: 0,
            damaged_files: Vec::new(),
            problem: None,
        };
        let folder = tempfile::tempdir()?;
        let [_, svg] = found.curves()?.save(&folder.path().join("density"))?;
        let text = std::fs::read_to_string(svg)?;
        assert!(
            text.contains("mean of all 20 classes")
                && text.contains("class 10")
                && text.contains("the 6 that differ most")
        );
        assert!(!text.contains("class 4<") && !text.contains("class 15"), "near the mean of all");
        Ok(())
    }

    #[test]
    fn what_is_missing_is_a_problem() -> Result<(), Box<dyn std::error::Error>> {
        let data = Synthetic { seed: 0, train: 3, test: 0 }.generate();
        let found = inspect_dataset(&data, 1, &Progress::default())?;
        assert_eq!(found.problem.as_deref(), Some("there are no test images"));
        Ok(())
    }
}
