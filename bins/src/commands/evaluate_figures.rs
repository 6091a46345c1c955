//! What `evaluate` draws: accuracy against cut-off radii, and densities of features.

use evaluation::Kde;
use plots::{Axes, Curve, LineChart, Panel, SmallMultiples};
use spectral::Pass;

use super::{
    evaluate::{Measured, Part, Projection},
    evaluate_report::{Report, percent},
};
use crate::{
    adversary,
    components::{Component, Freq},
};

/// Classes that a panel can hold: the first ones.
const SHOWN: usize = 10;

/// Values of a curve.
const POINTS: usize = 200;

/// The density of a feature in each class that is shown, over the same values.
#[derive(Debug)]
pub(crate) struct Densities {
    /// From where to where: without the outermost hundredth of the images at either end.
    pub range: (f64, f64),
    /// A curve each class, at even distances; empty where a class has fewer than two images, or all the same feature.
    pub curves: Vec<Vec<f64>>,
}

impl Densities {
    /// From the value and the label of each image.
    pub(super) fn new(values: &[f64], labels: &[u32], classes: usize) -> Self {
        let of_class = |class: usize| -> Vec<f64> {
            let own = labels.iter().zip(values).filter(|(label, _)| **label as usize == class);
            own.map(|(_, value)| *value).collect()
        };
        let classes = 0..classes.min(SHOWN);
        let found: Vec<Option<Kde>> = classes.map(|class| Kde::new(&of_class(class)).ok()).collect();
        let widest = found.iter().flatten().map(Kde::bandwidth).fold(0.0, f64::max);
        let range = if widest > 0.0 { around(values, 3.0 * widest) } else { (-1.0, 1.0) };
        let step = (range.1 - range.0) / (POINTS - 1) as f64;
        let curve = |density: &Kde| (0..POINTS).map(|at| density.at(range.0 + at as f64 * step)).collect();
        Self {
            range,
            curves: found.iter().map(|found| found.as_ref().map(curve).unwrap_or_default()).collect(),
        }
    }
}

/// From the 1st to the 99th percentile and a little more: a single image far away would leave no room for the others.
fn around(values: &[f64], margin: f64) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let outside = sorted.len() / 100;
    (sorted[outside] - margin, sorted[sorted.len() - 1 - outside] + margin)
}

impl Report<'_> {
    /// A curve each checkpoint and side; absent where no cut-off is asked for.
    pub(super) fn accuracy_chart(&self) -> Result<Option<LineChart>, plots::Error> {
        if self.plan.radii.is_empty() {
            return Ok(None);
        }
        let sides = self.plan.freqs.iter();
        let curves = sides.flat_map(|&freq| self.measured.iter().map(move |of| self.curve(of, freq)));
        let unit = self.flags.components.mask().unit();
        let axes = Axes { right: format!("cut-off radius r, {unit}"), up: "accuracy, %".into() };
        let mut subtitle = self.subtitle();
        if let [one] = self.measured {
            let original = percent(one.parts[0].scores.accuracy());
            subtitle = format!("{subtitle}; {original:.2} % on the images themselves");
            if let Some((found, attack)) = one.under_attack().zip(self.attack.as_ref()) {
                let reach = adversary::caption(attack);
                subtitle = format!("{subtitle}, {:.2} % attacked ({reach})", percent(found));
            }
        }
        let title = "Accuracy on low- and high-pass images";
        LineChart::new(title, subtitle, axes, self.plan.radii.clone(), curves.collect()).map(Some)
    }

    fn curve(&self, measured: &Measured, freq: Freq) -> Curve {
        let (side, pass): (&str, fn(usize) -> Pass) = match freq {
            Freq::Low => ("low-pass, d < r", Pass::Low),
            Freq::High => ("high-pass, d ≥ r", Pass::High),
        };
        let at = |&r: &usize| {
            let part = measured.parts.iter().find(|part| part.component == Component::Part(pass(r)));
            part.map_or(0.0, |part| percent(part.scores.accuracy()))
        };
        let label = match self.measured {
            [_] => side.to_owned(),
            _ => format!("{side}: {}", measured.label),
        };
        Curve { label, mean: self.plan.radii.iter().map(at).collect(), std: Vec::new() }
    }

    /// A row each checkpoint, a panel each component; absent where no features are asked for.
    pub(super) fn feature_panels(&self) -> Result<Option<SmallMultiples>, plots::Error> {
        if self.plan.drawn.is_empty() {
            return Ok(None);
        }
        let panels: Vec<Panel> = self.measured.iter().flat_map(|of| self.panels(of)).collect();
        let right = match self.flags.project {
            Projection::Pc1 => "first principal component of the features, on the images of the panel",
            Projection::Mean => "mean activation of the features",
        };
        let axes = Axes { right: right.to_owned(), up: "density".to_owned() };
        let classes = self.test.classes();
        let names: Vec<String> = classes.iter().take(SHOWN).cloned().collect();
        let mut subtitle =
            format!("{}; a curve each class, Gaussian kernels of Scott's width", self.subtitle());
        if classes.len() > SHOWN {
            subtitle = format!("{subtitle}; the first {SHOWN} of {} classes", classes.len());
        }
        let columns = self.plan.drawn.len().min(3);
        SmallMultiples::new("Features by frequency component", subtitle, axes, names, panels, columns)
            .map(Some)
    }

    fn panels(&self, measured: &Measured) -> Vec<Panel> {
        let panel = |component: &Component| {
            let part: &Part = measured.parts.iter().find(|part| part.component == *component)?;
            let densities = part.densities.as_ref()?;
            let what = format!("{}: {:.1} % right", component.distances(), percent(part.scores.accuracy()));
            let title = if self.measured.len() == 1 { what } else { format!("{}, {what}", measured.label) };
            Some(Panel { title, range: densities.range, curves: densities.curves.clone() })
        };
        self.plan.drawn.iter().filter_map(panel).collect()
    }

    fn subtitle(&self) -> String {
        let (flags, images) = (self.flags, self.test.len());
        let label = match self.measured {
            [one] => format!(", {}", one.label),
            _ => String::new(),
        };
        let rescale = match flags.components.rescale_name() {
            "minmax" => "min–max scaled",
            "clip" => "clipped",
            _ => "as they are",
        };
        let mask = flags.components.mask().caption();
        let (arch, dataset) = (flags.run.arch.name(), flags.data.dataset.as_str());
        format!("{arch} on {dataset}{label}, {images} test images, filtered values {rescale}{mask}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_not_stretched_by_a_single_image() {
        let mut values: Vec<f64> = (0..200).map(f64::from).collect();
        values[7] = 1e6;
        assert_eq!(around(&values, 0.5), (1.5, 198.5));
        assert_eq!(around(&[3.0, 1.0], 1.0), (0.0, 4.0));
    }

    #[test]
    fn densities_span_all_classes() {
        let found = Densities::new(&[0.0, 1.0, 10.0, 11.0, 5.0], &[0, 0, 1, 1, 2], 3);
        let width = 0.5f64.sqrt() * 2f64.powf(-0.2);
        assert!(
            (found.range.0 + 3.0 * width).abs() < 1e-12 && (found.range.1 - 11.0 - 3.0 * width).abs() < 1e-12
        );
        let lengths: Vec<usize> = found.curves.iter().map(Vec::len).collect();
        assert_eq!(lengths, [POINTS, POINTS, 0], "one image has no density");
        assert!((found.curves[0][0] - found.curves[1][POINTS - 1]).abs() < 1e-12, "mirror images");
        assert_eq!(Densities::new(&[0.0; 4], &[0, 0, 1, 1], 2).range, (-1.0, 1.0));
    }
}
