//! The report's figures: those that the steps drew, and one over all networks.

use std::path::{Path, PathBuf};

use plots::{Axes, Curve, LineChart, Spread};
use serde::Serialize;

use crate::{
    error::Error, findings::Findings, paper::Paper, paths::ResultPaths, radii::RADII, result_names, storage,
    training_set::TrainingSet,
};

/// A figure, as PNG and as SVG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// Its name in links and files.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// The PNG and the SVG file, relative to the folder of the reproduction.
    pub files: [PathBuf; 2],
}

/// The folder of figures in the folder of the reproduction.
const FOLDER: &str = "figures";

/// A figure that a step drew.
struct Drawn {
    id: String,
    title: String,
    caption: &'static str,
    /// Its files, without extension.
    stem: PathBuf,
}

/// Copies the figures that steps drew into the folder of figures, and draws the one that compares all networks.
///
/// # Errors
/// If a figure cannot be read, drawn or written.
pub(crate) fn collect(
    paper: Paper,
    paths: &ResultPaths<'_>,
    findings: &Findings,
    root: &Path,
) -> Result<Vec<Figure>, Error> {
    let folder = root.join(FOLDER);
    storage::create_folder(&folder)?;
    let drawn = of_spectra(paths, findings)
        .chain(of_images(paths, findings))
        .chain(of_evaluation(paths, findings))
        .chain(of_others(paper, paths, findings));
    let mut figures = drawn.map(|drawn| drawn.copy(&folder)).collect::<Result<Vec<_>, _>>()?;
    figures.extend(high_pass(findings, &folder)?);
    figures.extend(sensitivities(paper, findings, &folder)?);
    Ok(figures)
}

/// How to read a heat map.
const HEAT_MAP: &str = "Epochs from bottom to top, frequency bands from left to right; bright is where the loss depends on the image. \
     Colours span the values of the map: compare maps by their numbers.";

/// The heat map of each network, and the densities of images and gradients.
fn of_spectra(paths: &ResultPaths<'_>, findings: &Findings) -> impl Iterator<Item = Drawn> {
    let heat_map = |&set: &TrainingSet| Drawn {
        id: format!("heat_map_{}", set.key()),
        title: format!("Gradient spectrum of the network trained on {}", set.label()),
        caption: HEAT_MAP,
        stem: paths.spectrum(set).with_extension(""),
    };
    let density = findings.spectra.get(&TrainingSet::Original).map(|_| Drawn {
        id: "density_original".to_owned(),
        title: "What images hold, and what the network looks at".to_owned(),
        caption: "Mean over test images, ± one standard deviation.",
        stem: result_names::spectrum_density(&paths.run(TrainingSet::Original)),
    });
    let heat_maps: Vec<Drawn> = findings.spectra.keys().map(heat_map).collect();
    heat_maps.into_iter().chain(density)
}

/// The densities of the images that were made.
fn of_images(paths: &ResultPaths<'_>, findings: &Findings) -> impl Iterator<Item = Drawn> {
    let drawn = |&set: &TrainingSet| {
        Some(Drawn {
            id: format!("images_{}", set.key()),
            title: format!("Spectral density of {}", set.label()),
            caption: "Of the test images before and after kernels changed their high frequencies, with the density that the kernels were \
                      fitted to.",
            stem: result_names::image_density(&paths.images(set)?),
        })
    };
    findings.densities.keys().filter_map(drawn).collect::<Vec<_>>().into_iter()
}

/// Accuracy and features of the network trained on original images.
fn of_evaluation(paths: &ResultPaths<'_>, findings: &Findings) -> impl Iterator<Item = Drawn> {
    let run = paths.run(TrainingSet::Original);
    let accuracy = Drawn {
        id: "accuracy_original".to_owned(),
        title: "Accuracy on low- and high-pass images".to_owned(),
        caption: "Of the network trained on original images, against the radius at which they are cut.",
        stem: result_names::accuracy(&run),
    };
    let features = Drawn {
        id: "features_original".to_owned(),
        title: "Features by class and frequency component".to_owned(),
        caption: "A curve each class. Where they lie apart, the features tell classes apart.",
        stem: result_names::features(&run),
    };
    let drawn = findings.evaluations.contains_key(&TrainingSet::Original).then_some([accuracy, features]);
    drawn.into_iter().flatten()
}

/// The heat map of each network of another paper, and the figure of each of its measures.
fn of_others(paper: Paper, paths: &ResultPaths<'_>, findings: &Findings) -> impl Iterator<Item = Drawn> {
    let mut drawn = Vec::new();
    for network in paper.networks() {
        if findings.others.contains_key(network.label) {
            drawn.push(Drawn {
                id: format!("heat_map_{}", network.id),
                title: format!("Gradient spectrum of the {} network", network.label),
                caption: HEAT_MAP,
                stem: paths.network_spectrum(network).with_extension(""),
            });
        }
        for measure in network.measures {
            if findings.measured.contains_key(&(network.label.to_owned(), measure.name.to_owned())) {
                drawn.push(Drawn {
                    id: format!("{}_{}", network.id, measure.name),
                    title: format!("The {} network: {}", network.label, measure.label),
                    caption: "As the program `measure` draws it, with 95 % intervals.",
                    stem: paths.measured(network, measure).with_extension(""),
                });
            }
        }
    }
    drawn.into_iter()
}

impl Drawn {
    fn copy(self, folder: &Path) -> Result<Figure, Error> {
        let Self { id, title, caption, stem } = self;
        let place = |extension: &str| {
            let (from, to) = (stem.with_extension(extension), folder.join(&id).with_extension(extension));
            storage::write(&to, &storage::read(&from)?)?;
            Ok::<_, Error>(beside(&to))
        };
        let files = [place("png")?, place("svg")?];
        Ok(Figure { id, title, caption: caption.to_owned(), files })
    }
}

/// The path of a figure relative to the folder of the reproduction.
fn beside(file: &Path) -> PathBuf {
    Path::new(FOLDER).join(file.file_name().unwrap_or_default())
}

/// The Fourier sensitivity of several networks in one figure; absent where there are not two.
fn sensitivities(paper: Paper, findings: &Findings, folder: &Path) -> Result<Option<Figure>, Error> {
    let mut found = Vec::new();
    for network in paper.networks() {
        let measured = findings.measured.get(&(network.label.to_owned(), "sensitivity".to_owned()));
        let row = measured.and_then(|measured| measured.rows().next_back());
        let numbers = row.and_then(|row| Some((measured?.shared::<Vec<usize>>("radii")?, row.get("mean")?)));
        found.extend(numbers.map(|(radii, mean)| (radii, network.label, mean)));
    }
    let Some(radii) = found.first().map(|(radii, ..)| radii.clone()) else { return Ok(None) };
    let is_same = |of: &(Vec<usize>, &str, Vec<f64>)| of.0 == radii && of.2.len() == radii.len();
    if found.len() < 2 || !found.iter().all(is_same) {
        return Ok(None);
    }
    let curve = |(_, label, mean)| Curve { label: format!("{label} network"), mean, spread: Spread::None };
    let title = "Fourier sensitivity of all networks";
    let subtitle = "after the last epoch, mean over test images";
    let axes =
        Axes { right: "radius r, cycles per image".into(), up: "share of the gradient's energy".into() };
    let chart = LineChart::new(title, subtitle, axes, radii, found.into_iter().map(curve).collect())?;
    let id = "sensitivity_all".to_owned();
    let files = chart.save(&folder.join(&id))?.map(|file| beside(&file));
    let caption = "The share of each ring of frequencies in the energy of input gradients.".to_owned();
    Ok(Some(Figure { id, title: title.to_owned(), caption, files }))
}

/// Accuracy of all networks on high-pass images of the kind that each was trained on; absent without any.
fn high_pass(findings: &Findings, folder: &Path) -> Result<Option<Figure>, Error> {
    let curve = |set: &TrainingSet| {
        let found = findings.evaluations.get(set)?;
        let mean = RADII.iter().map(|&r| found.high(r).map(|part| part.prec1)).collect::<Option<Vec<_>>>()?;
        Some(Curve { label: format!("trained on {}", set.label()), mean, spread: Spread::None })
    };
    let curves: Vec<Curve> = TrainingSet::ALL.iter().filter_map(curve).collect();
    if curves.is_empty() {
        return Ok(None);
    }
    let title = "Accuracy on high-pass images";
    let subtitle = "each network on test images of the kind that it was trained on (hybrids: original ones)";
    let axes = Axes { right: "cut-off radius r, cycles per image".into(), up: "accuracy, %".into() };
    let chart = LineChart::new(title, subtitle, axes, RADII.to_vec(), curves)?;
    let id = "high_pass_all".to_owned();
    let files = chart.save(&folder.join(&id))?.map(|file| beside(&file));
    let caption = "Only images whose high frequencies depend on the class leave a network anything to go by."
        .to_owned();
    Ok(Some(Figure { id, title: title.to_owned(), caption, files }))
}
