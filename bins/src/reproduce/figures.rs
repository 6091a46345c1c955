//! The report's figures: those that the steps drew, and one over all networks.

use std::path::{Path, PathBuf};

use anyhow::Context;
use plots::{Axes, Curve, LineChart};
use serde::Serialize;

use super::{
    findings::Findings,
    plan::{Diet, Places, RADII},
};
use crate::measured;

/// A figure, as PNG and as SVG.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// For links and file names.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// The files, from the report's folder on.
    pub files: [PathBuf; 2],
}

/// The folder of figures beside the report.
pub(crate) const FOLDER: &str = "figures";

/// A figure that a step drew: the stem of its files.
struct Drawn {
    id: String,
    title: String,
    caption: &'static str,
    stem: PathBuf,
}

/// Copies and draws all figures that there is something for into the folder of figures.
///
/// # Errors
/// If one cannot be read, drawn or written.
pub(crate) fn collect(places: &Places<'_>, findings: &Findings, root: &Path) -> anyhow::Result<Vec<Figure>> {
    let folder = root.join(FOLDER);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create folder {}", folder.display()))?;
    let mut figures: Vec<Figure> = Vec::new();
    for drawn in drawn(places, findings) {
        figures.push(drawn.copy(&folder)?);
    }
    figures.extend(high_pass(findings, &folder)?);
    Ok(figures)
}

fn drawn(places: &Places<'_>, findings: &Findings) -> Vec<Drawn> {
    let mut all = Vec::new();
    for &diet in findings.spectra.keys() {
        all.push(Drawn {
            id: format!("heat_map_{}", diet.key()),
            title: format!("Gradient spectrum of the network trained on {}", diet.label()),
            caption: "Epochs from bottom to top, frequency bands from left to right; bright is where the loss depends on the image. Colours \
                      span the values of the map: compare maps by their numbers.",
            stem: places.spectrum(diet),
        });
    }
    if findings.spectra.contains_key(&Diet::Original) {
        let stem = measured::live_folder(&places.run(Diet::Original)).join(measured::DENSITY);
        let title = "What images hold, and what the network looks at".to_owned();
        let caption = "Mean over test images, ± one standard deviation.";
        all.push(Drawn { id: "density_original".to_owned(), title, caption, stem });
    }
    for &diet in findings.densities.keys() {
        let title = format!("Spectral density of {}", diet.label());
        let caption = "Of the test images before and after kernels changed their high frequencies, with the density that the kernels were \
                       fitted to.";
        let stem = places.densities(diet);
        all.extend(stem.map(|stem| Drawn { id: format!("images_{}", diet.key()), title, caption, stem }));
    }
    if findings.evaluations.contains_key(&Diet::Original) {
        let folder = measured::evaluation_folder(&places.run(Diet::Original));
        let of = |id: &str, title: &str, caption, stem: &str| Drawn {
            id: id.to_owned(),
            title: title.to_owned(),
            caption,
            stem: folder.join(stem),
        };
        let (accuracy, features) = (
            "Of the network trained on original images, against the radius at which they are cut.",
            "A curve each class. Where they lie apart, the features tell classes apart.",
        );
        all.push(of(
            "accuracy_original",
            "Accuracy on low- and high-pass images",
            accuracy,
            measured::ACCURACY,
        ));
        all.push(of(
            "features_original",
            "Features by class and frequency component",
            features,
            measured::FEATURES,
        ));
    }
    all
}

impl Drawn {
    fn copy(self, folder: &Path) -> anyhow::Result<Figure> {
        let Self { id, title, caption, stem } = self;
        let place = |extension: &str| {
            let (from, to) = (stem.with_extension(extension), folder.join(&id).with_extension(extension));
            let content = std::fs::read(&from).with_context(|| from.display().to_string())?;
            training::write_atomically(&to, &content)?;
            Ok::<_, anyhow::Error>(beside(&to))
        };
        let files = [place("png")?, place("svg")?];
        Ok(Figure { id, title, caption: caption.to_owned(), files })
    }
}

/// The path of a figure from the report's folder on.
fn beside(file: &Path) -> PathBuf {
    Path::new(FOLDER).join(file.file_name().unwrap_or_default())
}

/// Accuracy of all networks on high-pass images of the kind that each was trained on; absent without any.
fn high_pass(findings: &Findings, folder: &Path) -> anyhow::Result<Option<Figure>> {
    let curve = |diet: &Diet| {
        let found = findings.evaluations.get(diet)?;
        let mean = RADII.iter().map(|&r| found.high(r).map(|part| part.prec1)).collect::<Option<Vec<_>>>()?;
        Some(Curve { label: format!("trained on {}", diet.label()), mean, std: Vec::new() })
    };
    let curves: Vec<Curve> = Diet::ALL.iter().filter_map(curve).collect();
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
