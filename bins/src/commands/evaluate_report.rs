//! What `evaluate` leaves: all numbers, figures, and a table on stdout.

use std::path::{Path, PathBuf};

use datasets::ImageSet;
use evaluation::{Accuracy, pearson};
use models::Attack;
use serde_json::{Value, json};

use super::evaluate::{Flags, Measured, Part, Projection};
use crate::{
    adversary,
    components::{Component, Plan},
    data,
    flags::Format,
    measured, terminal,
};

/// Classes that stdout lists one by one; more are in the file.
const MOST_LISTED: usize = 20;

/// A finished evaluation.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// What was asked for.
    pub flags: &'a Flags,
    /// Its components.
    pub plan: &'a Plan,
    /// Who changed the adversarial images.
    pub attack: Option<Attack>,
    /// The images.
    pub test: &'a ImageSet,
    /// What was found, checkpoint by checkpoint.
    pub measured: &'a [Measured],
}

/// In percent; 0 of no images.
pub(super) fn percent(accuracy: Accuracy) -> f64 {
    // In this order, as training does it: the same digits.
    100.0 * accuracy.correct as f64 / accuracy.of.max(1) as f64
}

impl Measured {
    /// Those of its parts that are frequency components.
    fn frequencies(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| matches!(part.component, Component::Part(_)))
    }

    /// What was right on the images as an adversary changed them, where there was one.
    pub(super) fn under_attack(&self) -> Option<Accuracy> {
        let attacked = self.parts.iter().find(|part| part.component == Component::Adversarial)?;
        Some(attacked.scores.accuracy())
    }

    /// The correlation of the variance between classes with accuracy over the frequency components, where there are enough of
    /// them: any two lie on a line.
    fn correlation(&self) -> Option<f64> {
        let pairs = self
            .frequencies()
            .filter_map(|part| Some((part.separation?.inter, percent(part.scores.accuracy()))));
        let (variances, accuracies): (Vec<f64>, Vec<f64>) = pairs.unzip();
        if variances.len() > 2 { pearson(&variances, &accuracies) } else { None }
    }
}

impl Report<'_> {
    /// Writes all files, and removes those of an earlier evaluation that this one does not have.
    ///
    /// # Errors
    /// If a file cannot be drawn or written.
    pub(super) fn save(&self, output: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let files = measured::replace(output, |aside| {
            let numbers = aside.join(measured::EVALUATION);
            training::write_atomically(&numbers, &serde_json::to_vec(&self.json(true))?)?;
            let mut files = vec![numbers];
            if let Some(chart) = self.accuracy_chart()? {
                files.extend(chart.save(&aside.join(measured::ACCURACY))?);
            }
            if let Some(panels) = self.feature_panels()? {
                files.extend(panels.save(&aside.join(measured::FEATURES))?);
            }
            Ok(files)
        })?;
        measured::remove_evaluation(output, &files)?;
        Ok(files)
    }

    /// Prints the result.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub(super) fn print(&self, files: &[PathBuf], format: Format) -> anyhow::Result<()> {
        if format == Format::Json {
            let mut summary = self.json(false);
            summary["files"] = json!(files);
            return terminal::result(&serde_json::to_string(&summary)?);
        }
        for measured in self.measured {
            self.print_checkpoint(measured)?;
        }
        if let Some(words) = data::left_out_words(&data::left_out(self.test)) {
            terminal::result(&words)?;
        }
        files.iter().try_for_each(|file| terminal::result(&format!("wrote {}", file.display())))
    }

    fn print_checkpoint(&self, measured: &Measured) -> anyhow::Result<()> {
        let Measured { label, checkpoint, parts } = measured;
        terminal::result(&format!("{label}  {}", checkpoint.path.display()))?;
        let separation = if parts[0].separation.is_some() { "  between   within  ratio" } else { "" };
        let head = "component          accuracy %  95 % interval  top-5 %     loss";
        terminal::result(&format!("{head}{separation}"))?;
        parts.iter().try_for_each(|part| terminal::result(&row(part)))?;
        if let Some(attack) = &self.attack {
            terminal::result(&adversary::words(attack))?;
        }
        if let Some(correlation) = measured.correlation() {
            let count = measured.frequencies().count();
            terminal::result(&format!(
                "correlation of variance between classes with accuracy over {count} components: {correlation:.3}"
            ))?;
        }
        if self.measured.len() > 1 || self.test.classes().len() > MOST_LISTED {
            return Ok(());
        }
        terminal::result("class              accuracy %  95 % interval  (images themselves)")?;
        let classes = self.test.classes().iter().zip(parts[0].scores.per_class());
        classes.into_iter().try_for_each(|(name, found)| terminal::result(&accuracy_columns(name, found)))
    }

    /// How many images were measured: all but damaged ones.
    fn images(&self) -> u64 {
        let first = self.measured.first().and_then(|measured| measured.parts.first());
        first.map_or(self.test.len() as u64, |part| part.scores.accuracy().of)
    }

    /// All numbers, or all but those of single classes.
    fn json(&self, everything: bool) -> Value {
        let checkpoint = |measured: &Measured| {
            let parts: Vec<Value> =
                measured.parts.iter().map(|part| self.part_json(part, everything)).collect();
            json!({
                "checkpoint": measured.checkpoint.path,
                "label": measured.label,
                "epoch": measured.checkpoint.epoch,
                "components": parts,
                "inter_class_variance_accuracy_correlation": measured.correlation(),
            })
        };
        json!({
            "dataset": self.flags.data.dataset.as_str(),
            "arch": self.flags.run.arch.name(),
            "n_images": self.images(),
            "n_left_out": data::left_out(self.test).len(),
            "classes": self.test.classes(),
            "mask": self.flags.components.mask().as_str(),
            "rescale": self.flags.components.rescale_name(),
            "attack": self.attack.as_ref().map(adversary::json),
            "confidence": 0.95,
            "checkpoints": self.measured.iter().map(checkpoint).collect::<Vec<_>>(),
        })
    }

    fn part_json(&self, part: &Part, everything: bool) -> Value {
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
            let each = self.test.classes().iter().zip(scores.per_class());
            own["per_class"] = each.map(|(name, found)| class_json(name, found)).collect();
            own["confusion"] =
                json!(scores.confusion().chunks(self.test.classes().len()).collect::<Vec<_>>());
            if let Some(found) = &part.densities {
                let project = if self.flags.project == Projection::Pc1 { "pc1" } else { "mean" };
                own["density"] = json!({ "project": project, "range": found.range, "curves": found.curves });
            }
        }
        value
    }
}

fn class_json(name: &str, found: Accuracy) -> Value {
    // Of no images there is no accuracy.
    let prec1 = (found.of > 0).then(|| percent(found));
    json!({ "class": name, "prec1": prec1, "prec1_interval": interval(found), "correct": found.correct, "images": found.of })
}

/// The ends of the 95 % interval, in percent.
fn interval(accuracy: Accuracy) -> [f64; 2] {
    accuracy.interval().map(|end| 100.0 * end)
}

fn row(part: &Part) -> String {
    let scores = &part.scores;
    let separation = part.separation.map_or_else(String::new, |found| {
        let ratio = found.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:5.3}"));
        format!("  {:7.2e}  {:7.2e}  {ratio:>5}", found.inter, found.intra)
    });
    let (top5, loss) = (percent(scores.top5()), scores.loss().unwrap_or(f64::NAN));
    format!(
        "{}  {top5:7.2}  {loss:7.4}{separation}",
        accuracy_columns(&part.component.name(), scores.accuracy())
    )
}

fn accuracy_columns(name: &str, accuracy: Accuracy) -> String {
    let [low, high] = interval(accuracy);
    format!("{name:18} {:10.2}  {low:5.2} – {high:5.2}", percent(accuracy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_heads() {
        let found = accuracy_columns("low r = 4", Accuracy { correct: 8, of: 10 });
        assert_eq!(found, "low r = 4               80.00  49.02 – 94.33");
    }

    #[test]
    fn a_class_without_images_has_no_accuracy() {
        let found = class_json("cat", Accuracy::default());
        assert!(found["prec1"].is_null() && found["prec1_interval"] == json!([0.0, 100.0]));
    }
}
