//! The figures of an evaluation: accuracy against cut-off radii, and densities of features.

use pipeline::attack_caption;
use plots::{Axes, Curve, LineChart, Panel, SmallMultiples, Spread};
use spectral::{Pass, Rescale};

use super::{
    component::{Component, Side},
    densities::SHOWN,
    evaluated::{EvaluatedCheckpoint, EvaluatedComponent},
    mask,
    numbers::percent,
    report::EvaluationReport,
    settings::Projection,
};

impl EvaluationReport<'_> {
    /// A curve each checkpoint and side; absent where no cut-off is asked for.
    ///
    /// # Errors
    /// If there is nothing to draw.
    pub fn accuracy_chart(&self) -> Result<Option<LineChart>, plots::Error> {
        if self.plan().radii.is_empty() {
            return Ok(None);
        }
        let curves = self
            .plan()
            .sides
            .iter()
            .flat_map(|&side| self.measured.iter().map(move |of| self.curve(of, side)));
        let unit = mask::unit(self.settings().components.shape);
        let axes = Axes { right: format!("cut-off radius r, {unit}"), up: "accuracy, %".into() };
        let mut subtitle = self.subtitle();
        if let [one] = self.measured {
            let original = percent(one.parts[0].scores.accuracy());
            subtitle = format!("{subtitle}; {original:.2} % on the images themselves");
            if let Some(found) = one.rescaled() {
                subtitle = format!("{subtitle}, {:.2} % rescaled only", percent(found));
            }
            if let Some((found, attack)) = one.under_attack().zip(self.settings().attack.as_ref()) {
                let reach = attack_caption(attack);
                subtitle = format!("{subtitle}, {:.2} % attacked ({reach})", percent(found));
            }
        }
        let title = "Accuracy on low- and high-pass images";
        LineChart::new(title, subtitle, axes, self.plan().radii.clone(), curves.collect()).map(Some)
    }

    fn curve(&self, measured: &EvaluatedCheckpoint, side: Side) -> Curve {
        let (name, pass): (&str, fn(usize) -> Pass) = match side {
            Side::Low => ("low-pass, d < r", Pass::Low),
            Side::High => ("high-pass, d ≥ r", Pass::High),
        };
        let at = |&r: &usize| {
            let part = measured.parts.iter().find(|part| part.component == Component::Part(pass(r)));
            part.map_or(0.0, |part| percent(part.scores.accuracy()))
        };
        let label = match self.measured {
            [_] => name.to_owned(),
            _ => format!("{name}: {}", measured.label),
        };
        Curve { label, mean: self.plan().radii.iter().map(at).collect(), spread: Spread::None }
    }

    /// A row each checkpoint, a panel each component; absent where no features are asked for.
    pub(super) fn feature_panels(&self) -> Result<Option<SmallMultiples>, plots::Error> {
        if self.plan().drawn.is_empty() {
            return Ok(None);
        }
        let panels: Vec<Panel> = self.measured.iter().flat_map(|of| self.panels(of)).collect();
        let right = match self.settings().projection {
            Projection::Pc1 => "first principal component of the features, on the images of the panel",
            Projection::Mean => "mean activation of the features",
        };
        let axes = Axes { right: right.to_owned(), up: "density".to_owned() };
        let classes = self.images().classes();
        let names: Vec<String> = classes.iter().take(SHOWN).cloned().collect();
        let mut subtitle =
            format!("{}; a curve each class, Gaussian kernels of Scott's width", self.subtitle());
        if classes.len() > SHOWN {
            subtitle = format!("{subtitle}; the first {SHOWN} of {} classes", classes.len());
        }
        let columns = self.plan().drawn.len().min(3);
        SmallMultiples::new("Features by frequency component", subtitle, axes, names, panels, columns)
            .map(Some)
    }

    fn panels(&self, measured: &EvaluatedCheckpoint) -> Vec<Panel> {
        let panel = |component: &Component| {
            let part: &EvaluatedComponent =
                measured.parts.iter().find(|part| part.component == *component)?;
            let densities = part.densities.as_ref()?;
            let what = format!("{}: {:.1} % right", component.distances(), percent(part.scores.accuracy()));
            let title = if self.measured.len() == 1 { what } else { format!("{}, {what}", measured.label) };
            Some(Panel { title, range: densities.range, curves: densities.curves.clone() })
        };
        self.plan().drawn.iter().filter_map(panel).collect()
    }

    fn subtitle(&self) -> String {
        let (settings, images) = (self.settings(), self.images().len());
        let label = match self.measured {
            [one] => format!(", {}", one.label),
            _ => String::new(),
        };
        let rescale = match settings.components.rescale {
            Rescale::MinMax => "min–max scaled",
            Rescale::Clip => "clipped",
            Rescale::None => "as they are",
        };
        let mask = mask::caption(settings.components.shape);
        let (arch, dataset) = (self.evaluator.arch(), self.evaluator.dataset());
        format!("{arch} on {dataset}{label}, {images} test images, filtered values {rescale}{mask}")
    }
}
