//! The list of steps.

use std::path::{Path, PathBuf};

use crate::{
    config::ReproductionConfig,
    error::Error,
    paths::ResultPaths,
    radii::{HYBRID_RADIUS, RADII},
    result_names,
    step::{Program, Step, text},
    training_set::TrainingSet,
};

/// A reproduction with checked settings: its steps in order, and the folder that holds all results.
///
/// For each [`TrainingSet`]: fit kernels and make images, where the images are made; train a network and record its gradient
/// spectrum; evaluate it on frequency components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    config: ReproductionConfig,
    root: PathBuf,
    steps: Vec<Step>,
    needs: Vec<Vec<usize>>,
}

impl Plan {
    /// Plans a reproduction with everything kept in the folder `root`. Nothing is read or written.
    ///
    /// # Errors
    /// If the data set is not one of small images, if it is read from files and has no folder, or if it is generated and has
    /// one.
    pub fn new(config: ReproductionConfig, root: impl Into<PathBuf>) -> Result<Self, Error> {
        config.check()?;
        let root = root.into();
        let list = StepList { config: &config, root: &root, paths: ResultPaths::new(&config, &root) };
        let (mut steps, mut needs) = (Vec::new(), Vec::new());
        for set in TrainingSet::ALL {
            // Each step of a training set reads what the one before it has left.
            let (own, first) = (list.of_set(set), steps.len());
            needs.extend((0..own.len()).map(|at| (at > 0).then(|| first + at - 1).into_iter().collect()));
            steps.extend(own);
        }
        Ok(Self { config, root, steps, needs })
    }

    /// The settings.
    pub fn config(&self) -> &ReproductionConfig {
        &self.config
    }

    /// The folder that holds all results.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// By step: the steps, by their places, whose results it reads.
    pub fn needs(&self) -> &[Vec<usize>] {
        &self.needs
    }

    /// Where the steps leave their results.
    pub fn paths(&self) -> ResultPaths<'_> {
        ResultPaths::new(&self.config, &self.root)
    }
}

/// What the steps are made from.
struct StepList<'a> {
    config: &'a ReproductionConfig,
    root: &'a Path,
    paths: ResultPaths<'a>,
}

impl StepList<'_> {
    fn of_set(&self, set: TrainingSet) -> Vec<Step> {
        let made = set.experiment().zip(self.paths.kernels(set)).zip(self.paths.images(set));
        let make =
            made.map(|((name, kernels), images)| [self.fit(name, kernels), self.generate(name, images)]);
        make.into_iter().flatten().chain([self.train(set), self.evaluate(set)]).collect()
    }

    fn fit(&self, experiment: &str, folder: PathBuf) -> Step {
        let (fit, seed) = (self.config.fit, self.config.seed);
        let mut arguments = self.with_root(&["--exp-name", experiment]);
        arguments.extend(data_flags(self.config));
        push(&mut arguments, &format!("--epochs {} --step-lr {} --seed {seed}", fit.epochs, fit.step));
        Step {
            program: Program::TrainToyModels,
            arguments,
            name: format!("fit the kernels of {experiment} images"),
            result: folder.join(result_names::FIT),
            folder,
        }
    }

    fn generate(&self, experiment: &str, folder: PathBuf) -> Step {
        let mut arguments = self.with_root(&["--exp-name", experiment]);
        arguments.extend(data_flags(self.config));
        push(&mut arguments, &format!("--seed {}", self.config.seed));
        Step {
            program: Program::GenerateToyDataset,
            arguments,
            name: format!("make {experiment} images"),
            result: result_names::image_density(&folder).with_extension("json"),
            folder,
        }
    }

    fn train(&self, set: TrainingSet) -> Step {
        let ReproductionConfig {
            epochs, recipe, hybrid_recipe, spectrum_images, checkpoint_every, seed, ..
        } = self.config;
        let recipe = if set == TrainingSet::Hars { hybrid_recipe } else { recipe };
        let mut arguments = self.of_network(set);
        push(&mut arguments, &format!("--epochs {epochs} --seed {seed}"));
        arguments.extend(recipe.iter().cloned());
        push(&mut arguments, &format!("--spectrum-every 1 --spectrum-images {spectrum_images}"));
        push(&mut arguments, &format!("--checkpoint-every {checkpoint_every}"));
        if set == TrainingSet::Hars {
            push(&mut arguments, &format!("--freq high --r {HYBRID_RADIUS}"));
        }
        Step {
            program: Program::EasyTrain,
            arguments,
            name: format!("train a network on {}", set.label()),
            result: self.paths.spectrum(set),
            folder: self.paths.run(set),
        }
    }

    fn evaluate(&self, set: TrainingSet) -> Step {
        let mut arguments = self.of_network(set);
        if set == TrainingSet::Hars {
            push(&mut arguments, &format!("--task {}", self.paths.task(set)));
        }
        let radii = RADII.map(|radius| radius.to_string()).join(",");
        push(&mut arguments, &format!("--freq low,high --r {radii} --features"));
        Step {
            program: Program::Evaluate,
            arguments,
            name: format!("evaluate the network trained on {}", set.label()),
            result: self.paths.evaluation(set),
            folder: self.paths.run(set),
        }
    }

    /// The arguments that name a network and its images.
    fn of_network(&self, set: TrainingSet) -> Vec<String> {
        let mut arguments = self.with_root(&["--arch", &self.config.arch]);
        match self.paths.images(set) {
            Some(images) => {
                push(&mut arguments, "--dataset generated --data");
                arguments.push(text(&images));
            }
            None => arguments.extend(data_flags(self.config)),
        }
        arguments
    }

    fn with_root(&self, arguments: &[&str]) -> Vec<String> {
        let root = ["--out-dir".to_owned(), text(self.root)];
        arguments.iter().map(|&argument| argument.to_owned()).chain(root).collect()
    }
}

/// The arguments that name the images of the data set.
fn data_flags(config: &ReproductionConfig) -> Vec<String> {
    let mut flags = vec!["--dataset".to_owned(), config.dataset.clone()];
    let mut push = |flag: &str, value: Option<String>| {
        flags.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    };
    push("--data", config.data.as_deref().map(text));
    push("--limit-train", config.limit_train.map(|limit| limit.to_string()));
    push("--limit-test", config.limit_test.map(|limit| limit.to_string()));
    flags
}

/// Adds arguments that are written as one text.
fn push(arguments: &mut Vec<String>, more: &str) {
    arguments.extend(more.split_whitespace().map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Scale;

    fn lines(config: ReproductionConfig, root: &str) -> Result<Vec<String>, Error> {
        Ok(Plan::new(config, root)?.steps().iter().map(Step::command_line).collect())
    }

    #[test]
    fn a_full_reproduction_is_the_papers() -> Result<(), Error> {
        let config =
            ReproductionConfig { data: Some("my data".into()), ..ReproductionConfig::for_scale(Scale::Full) };
        let lines = lines(config, "out")?;
        assert_eq!(lines.len(), 12);
        assert_eq!(
            lines[0],
            "easy_train --arch resnet18 --out-dir out --dataset cifar10 --data 'my data' --epochs 200 --seed 0 --lr 0.1 \
             --schedule step:50:0.1 --spectrum-every 1 --spectrum-images 2000 --checkpoint-every 20"
        );
        assert_eq!(
            lines[2],
            "train_toy_models --exp-name SCR --out-dir out --dataset cifar10 --data 'my data' --epochs 20 --step-lr 5 --seed 0"
        );
        assert_eq!(
            lines[11],
            "evaluate --arch resnet18 --out-dir out --dataset cifar10 --data 'my data' --task resnet18_high_12 --freq low,high \
             --r 4,8,10,12,14,16,18 --features"
        );
        Ok(())
    }

    #[test]
    fn steps_of_different_training_sets_need_nothing_of_each_other() -> Result<(), Error> {
        let plan = Plan::new(ReproductionConfig::for_scale(Scale::Smoke), "out")?;
        let first: Vec<usize> = (0..12).filter(|&at| plan.needs()[at].is_empty()).collect();
        assert_eq!(first, [0, 2, 6, 10]);
        assert!((0..12).all(|at| first.contains(&at) || plan.needs()[at] == [at - 1]));
        // Whoever reads a folder needs the step that makes it.
        for (at, step) in plan.steps().iter().enumerate() {
            let reads = |other: &usize| step.arguments.contains(&text(&plan.steps()[*other].folder));
            assert!(
                (0..12).filter(|other| *other != at).filter(reads).all(|other| other < at),
                "{}",
                step.name
            );
        }
        Ok(())
    }

    #[test]
    fn networks_of_made_images_read_them_from_the_folder_that_they_were_written_to() -> Result<(), Error> {
        let plan = Plan::new(ReproductionConfig::for_scale(Scale::Smoke), "out")?;
        let [generate, train] = [&plan.steps()[3], &plan.steps()[4]];
        assert_eq!(generate.folder, Path::new("out/SCR-Toy-Dataset"));
        assert!(train.command_line().contains("--dataset generated --data out/SCR-Toy-Dataset --epochs 8"));
        assert_eq!(train.folder, Path::new("out/generated/resnet20_SCR-Toy-Dataset"));
        assert_eq!(train.result, train.folder.join("spectrum/gradient_spectrum.json"));
        Ok(())
    }
}
