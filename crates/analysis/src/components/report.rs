//! The files of an evaluation: all numbers, and figures.

use std::path::{Path, PathBuf};

use datasets::ImageSet;
use evaluation::{Accuracy, pearson};
use models::{Attack, Ball};
use runs::results;
use serde_json::{Value, json};
use spectral::Rescale;

use super::{
    component::{Component, ComponentPlan},
    evaluated::{EvaluatedCheckpoint, EvaluatedComponent},
    mask,
    measure::Evaluator,
    numbers::{interval, percent},
    settings::{EvaluationSettings, Projection},
};
use crate::{Error, network};

/// A finished evaluation.
#[derive(Debug)]
pub struct EvaluationReport<'a> {
    /// What measured it.
    pub evaluator: &'a Evaluator<'a>,
    /// What was found, checkpoint by checkpoint.
    pub measured: &'a [EvaluatedCheckpoint],
}

impl EvaluatedCheckpoint {
    /// Those of its parts that are frequency components.
    pub fn frequencies(&self) -> impl Iterator<Item = &EvaluatedComponent> {
        self.parts.iter().filter(|part| matches!(part.component, Component::Part(_)))
    }

    /// What was right on the images as an adversary changed them, where there was one.
    pub fn under_attack(&self) -> Option<Accuracy> {
        self.accuracy_of(Component::Adversarial)
    }

    /// What was right on images that were rescaled and not filtered, where that was measured.
    pub fn rescaled(&self) -> Option<Accuracy> {
        self.accuracy_of(Component::Rescaled)
    }

    fn accuracy_of(&self, component: Component) -> Option<Accuracy> {
        let part = self.parts.iter().find(|part| part.component == component)?;
        Some(part.scores.accuracy())
    }

    /// The correlation of the variance between classes with accuracy over the frequency components, where there are enough of
    /// them: any two lie on a line.
    pub fn correlation(&self) -> Option<f64> {
        let pairs = self
            .frequencies()
            .filter_map(|part| Some((part.separation?.inter, percent(part.scores.accuracy()))));
        let (variances, accuracies): (Vec<f64>, Vec<f64>) = pairs.unzip();
        if variances.len() > 2 { pearson(&variances, &accuracies) } else { None }
    }
}

impl EvaluationReport<'_> {
    pub(super) fn settings(&self) -> &EvaluationSettings {
        self.evaluator.settings()
    }

    pub(super) fn plan(&self) -> &ComponentPlan {
        self.evaluator.plan()
    }

    pub(super) fn images(&self) -> &ImageSet {
        self.evaluator.images()
    }

    /// Who changed the adversarial images.
    pub fn attack(&self) -> Option<&Attack> {
        self.settings().attack.as_ref()
    }

    /// Writes all files, and removes those of an earlier evaluation that this one does not have.
    ///
    /// # Errors
    /// If a file cannot be drawn or written.
    pub fn save(&self, output: &Path) -> Result<Vec<PathBuf>, Error> {
        results::replace(output, results::evaluation_figures(), |aside| {
            let numbers = aside.join(results::EVALUATION);
            files::write_atomically(&numbers, &serde_json::to_vec(&self.json(true))?)?;
            let mut files = vec![numbers];
            if let Some(chart) = self.accuracy_chart()? {
                files.extend(chart.save(&aside.join(results::ACCURACY))?);
            }
            if let Some(panels) = self.feature_panels()? {
                files.extend(panels.save(&aside.join(results::FEATURES))?);
            }
            Ok(files)
        })
    }

    /// How many images were measured: all but damaged ones.
    fn image_count(&self) -> u64 {
        let first = self.measured.first().and_then(|measured| measured.parts.first());
        first.map_or(self.images().len() as u64, |part| part.scores.accuracy().of)
    }

    /// All numbers, or all but those of single classes.
    pub fn json(&self, everything: bool) -> Value {
        let checkpoint = |measured: &EvaluatedCheckpoint| {
            let parts: Vec<Value> =
                measured.parts.iter().map(|part| self.part_json(part, everything)).collect();
            json!({
                "checkpoint": measured.checkpoint.path,
                "label": measured.label,
                "epoch": measured.checkpoint.epoch,
                "network": network::json(std::slice::from_ref(&measured.network)),
                "components": parts,
                "inter_class_variance_accuracy_correlation": measured.correlation(),
            })
        };
        json!({
            "dataset": self.evaluator.dataset(),
            "arch": self.evaluator.arch(),
            "n_images": self.image_count(),
            "n_left_out": self.images().left_out().len(),
            "classes": self.images().classes(),
            "mask": mask::name(self.settings().components.shape),
            "rescale": rescale_name(self.settings().components.rescale),
            "attack": self.settings().attack.as_ref().map(attack_json),
            "confidence": 0.95,
            "checkpoints": self.measured.iter().map(checkpoint).collect::<Vec<_>>(),
        })
    }

    fn part_json(&self, part: &EvaluatedComponent, everything: bool) -> Value {
        let mut value = part.component.json();
        let (own, scores) = (&mut value, &part.scores);
        own["loss"] = json!(scores.loss());
        own["prec1"] = json!(percent(scores.accuracy()));
        own["prec1_interval"] = json!(interval(scores.accuracy()));
        own["prec5"] = json!(percent(scores.top5()));
        own["prec5_interval"] = json!(interval(scores.top5()));
        own["correct"] = json!(scores.accuracy().correct);
        if let Some(found) = part.separation {
            let (inter, intra, ratio) = (found.inter, found.intra, found.ratio());
            own["features"] =
                json!({ "inter_class_variance": inter, "intra_class_variance": intra, "ratio": ratio });
        }
        if everything {
            let each = self.images().classes().iter().zip(scores.per_class());
            own["per_class"] = each.map(|(name, found)| class_json(name, found)).collect();
            own["confusion"] =
                json!(scores.confusion().chunks(self.images().classes().len()).collect::<Vec<_>>());
            if let Some(found) = &part.densities {
                let project = if self.settings().projection == Projection::Pc1 { "pc1" } else { "mean" };
                own["density"] = json!({ "project": project, "range": found.range, "curves": found.curves });
            }
        }
        value
    }
}

/// An attack as files have it.
fn attack_json(attack: &Attack) -> Value {
    let Attack { ball, radius, step, steps, random_start } = attack;
    let constraint = if *ball == Ball::L2 { "2" } else { "inf" };
    json!({ "constraint": constraint, "eps": radius, "steps": steps, "step": step, "random_start": random_start })
}

fn rescale_name(rescale: Rescale) -> &'static str {
    match rescale {
        Rescale::MinMax => "minmax",
        Rescale::Clip => "clip",
        Rescale::None => "none",
    }
}

fn class_json(name: &str, found: Accuracy) -> Value {
    // Of no images there is no accuracy.
    let prec1 = (found.of > 0).then(|| percent(found));
    json!({ "class": name, "prec1": prec1, "prec1_interval": interval(found), "correct": found.correct, "images": found.of })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_images_has_no_accuracy() {
        let found = class_json("cat", Accuracy::default());
        assert!(found["prec1"].is_null() && found["prec1_interval"] == json!([0.0, 100.0]));
    }
}
