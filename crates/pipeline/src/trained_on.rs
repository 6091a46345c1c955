//! What a run was trained on, beside the images that it is measured on.

use std::path::{Path, PathBuf};

use datasets::{HeadOutputs, OutputsOrigin};
use runs::{RunConfig, StoredCheckpoint};

use crate::Error;

/// A run, and what it says of its training.
pub(crate) struct TrainedOn {
    run: PathBuf,
    config: RunConfig,
}

impl TrainedOn {
    /// Of the run that a checkpoint is of, if it is of one and that says something.
    pub(crate) fn of(checkpoint: &StoredCheckpoint) -> Result<Option<Self>, Error> {
        let Some(run) = checkpoint.run.clone() else { return Ok(None) };
        Ok(RunConfig::beside(&run)?.map(|config| Self { run, config }))
    }

    /// Whether these outputs are by the class map that the run was trained with: then its outputs are the classes that the map made.
    pub(crate) fn has_map_of(&self, outputs: &HeadOutputs) -> bool {
        let OutputsOrigin::ClassMap(path) = outputs.origin() else { return false };
        self.config.settings.class_map.as_deref().is_some_and(|own| is_same(own, path))
    }

    /// Checks that the outputs which are measured are of classes of these names. `outputs` are those that are left of the head, where
    /// some are; where somebody said which they are, names may differ.
    pub(crate) fn check_classes(
        &self,
        classes: &[String],
        outputs: Option<&HeadOutputs>,
    ) -> Result<(), Error> {
        let own = &self.config.classes;
        let own: Vec<Option<&String>> = match outputs {
            _ if own.is_empty() => return Ok(()),
            None => own.iter().map(Some).collect(),
            Some(outputs) if *outputs.origin() == OutputsOrigin::WordNet => {
                outputs.indices().iter().map(|&output| own.get(output)).collect()
            }
            Some(_) => return Ok(()),
        };
        let both = |class: usize| (own.get(class).copied().flatten(), classes.get(class));
        let differs = |&class: &usize| both(class).0 != both(class).1;
        let all = 0..own.len().max(classes.len());
        let Some(class) = all.clone().find(differs) else { return Ok(()) };
        Err(Error::OtherClasses {
            run: self.run.clone(),
            own: self.config.classes.len(),
            found: classes.len(),
            differ: all.filter(differs).count(),
            class,
            own_name: both(class).0.cloned(),
            name: both(class).1.cloned(),
        })
    }

    /// What to say where the images are from another place.
    pub(crate) fn other_place(&self, root: Option<&Path>) -> Option<String> {
        let (own, root) = self.config.settings.data.as_deref().zip(root)?;
        let (run, own_place, place) = (self.run.display(), own.display(), root.display());
        (!is_same(own, root)).then(|| {
            format!("{run} was trained on the images in {own_place} and is measured on those in {place}")
        })
    }
}

/// Whether two paths are of one file or folder.
fn is_same(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    a == b || real(a).is_some_and(|own| real(b) == Some(own))
}

#[cfg(test)]
mod tests {
    use runs::Settings;
    use serde_json::json;

    use super::*;

    fn run(classes: &[&str]) -> TrainedOn {
        let settings = json!({ "data": "a/data", "class_map": "map.txt" });
        let settings = Settings::from_struct(&settings).expect("settings");
        TrainedOn {
            run: "out/run".into(),
            config: RunConfig { classes: names(classes), settings, ..RunConfig::default() },
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn other_classes_are_told_on_both_sides() -> Result<(), Error> {
        let cases: [(&[&str], &str); 3] = [
            (
                &["ant", "cow", "dog"],
                "it was trained on 3, and the images that are measured have 3; 2 differ, the first is class 1: `bee` in the run, \
                 `cow` in the images",
            ),
            (&["ant", "bee"], "have 2; 1 differ, the first is class 2: `cat` in the run, none in the images"),
            (&["ant", "bee", "cat", "dog"], "class 3: none in the run, `dog` in the images"),
        ];
        let own = run(&["ant", "bee", "cat"]);
        for (classes, words) in cases {
            let said = own.check_classes(&names(classes), None).expect_err(words).to_string();
            assert!(said.starts_with("out/run: ") && said.contains(words), "{said}");
        }
        own.check_classes(&names(&["ant", "bee", "cat"]), None)?;
        run(&[]).check_classes(&names(&["ant"]), None)
    }

    #[test]
    fn classes_are_compared_with_those_of_the_outputs_that_are_left() -> Result<(), Error> {
        let own = run(&["ant", "bee", "cat"]);
        let outputs = |origin| HeadOutputs::new(vec![0, 2], origin);
        own.check_classes(&names(&["ant", "cat"]), Some(&outputs(OutputsOrigin::WordNet)))?;
        let other = names(&["ant", "bee"]);
        own.check_classes(&other, Some(&outputs(OutputsOrigin::WordNet))).expect_err("output 2 is the cat");
        own.check_classes(&other, Some(&outputs(OutputsOrigin::ClassMap("map.txt".into()))))
    }

    #[test]
    fn another_place_and_another_map_are_known() {
        let own = run(&["ant"]);
        let said = own.other_place(Some(Path::new("c/data")));
        assert_eq!(
            said.as_deref(),
            Some("out/run was trained on the images in a/data and is measured on those in c/data")
        );
        assert_eq!((own.other_place(Some(Path::new("a/data"))), own.other_place(None)), (None, None));
        let has = |origin| own.has_map_of(&HeadOutputs::new(vec![0], origin));
        let map = |path: &str| OutputsOrigin::ClassMap(path.into());
        assert_eq!(
            [has(map("map.txt")), has(map("other.txt")), has(OutputsOrigin::WordNet)],
            [true, false, false]
        );
    }
}
