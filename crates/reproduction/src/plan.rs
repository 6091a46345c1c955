//! The list of steps.

use std::path::{Path, PathBuf};

use crate::{
    config::ReproductionConfig,
    error::Error,
    paper::{MeasureOf, Network, ORIGINAL_MEASURES},
    paths::ResultPaths,
    radii::{HYBRID_RADIUS, RADII},
    result_names,
    step::{Program, Step, text},
    training_set::TrainingSet,
};

/// A reproduction with checked settings: its steps in order, and the folder that holds all results.
///
/// For each [`TrainingSet`]: fit kernels and make images, where the images are made; train a network and record its gradient
/// spectrum; evaluate it on frequency components. At the end, measures of other papers of the network trained on original images. Of other
/// papers ([`Paper`](crate::Paper)): train each network and measure it.
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
        let mut chains = Chains::default();
        if config.paper.is_default() {
            TrainingSet::ALL.into_iter().for_each(|set| chains.add(list.of_set(set), None));
            let original =
                chains.steps.iter().rposition(|step| step.folder == list.paths.run(TrainingSet::Original));
            chains.add(
                ORIGINAL_MEASURES.iter().map(|measure| list.measure_original(measure)).collect(),
                original,
            );
        } else {
            config.paper.networks().iter().for_each(|network| chains.add(list.of_other(network), None));
        }
        let Chains { steps, needs } = chains;
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

/// Steps, each of which reads what the one before it in its chain has left.
#[derive(Default)]
struct Chains {
    steps: Vec<Step>,
    needs: Vec<Vec<usize>>,
}

impl Chains {
    /// Adds a chain, whose first step reads what another one has left, or nothing.
    fn add(&mut self, chain: Vec<Step>, after: Option<usize>) {
        let mut before = after;
        for step in chain {
            self.needs.push(before.into_iter().collect());
            before = Some(self.steps.len());
            self.steps.push(step);
        }
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
        let make = self.make(set).into_iter().flatten();
        make.chain([self.train(set), self.evaluate(set)]).collect()
    }

    /// The network of another paper.
    fn of_other(&self, network: &Network) -> Vec<Step> {
        let make = self.make(network.set).into_iter().flatten();
        let measures = network.measures.iter().map(|measure| self.measure(network, measure));
        make.chain([self.train_other(network)]).chain(measures).collect()
    }

    /// Images of a set that are made.
    fn make(&self, set: TrainingSet) -> Option<[Step; 2]> {
        let name = set.experiment()?;
        Some([self.fit(name, self.paths.kernels(set)?), self.generate(name, self.paths.images(set)?)])
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

    fn train_other(&self, network: &Network) -> Step {
        let ReproductionConfig { epochs, recipe, spectrum_images, checkpoint_every, seed, .. } = self.config;
        let mut arguments = self.of_other_network(network);
        push(&mut arguments, &format!("--epochs {epochs} --seed {seed}"));
        match network.recipe {
            Some(own) => push(&mut arguments, own),
            None => arguments.extend(recipe.iter().cloned()),
        }
        push(&mut arguments, network.training);
        push(&mut arguments, &format!("--spectrum-every 1 --spectrum-images {spectrum_images}"));
        push(&mut arguments, &format!("--checkpoint-every {checkpoint_every}"));
        Step {
            program: Program::EasyTrain,
            arguments,
            name: format!("train the {} network", network.label),
            result: self.paths.network_spectrum(network),
            folder: self.paths.network_run(network),
        }
    }

    fn measure(&self, network: &Network, measure: &MeasureOf) -> Step {
        Step {
            program: Program::Measure,
            arguments: self.measured(self.of_other_network(network), measure),
            name: format!("measure {} of the {} network", measure.label, network.label),
            result: self.paths.measured(network, measure),
            folder: self.paths.network_run(network),
        }
    }

    fn measure_original(&self, measure: &MeasureOf) -> Step {
        let set = TrainingSet::Original;
        Step {
            program: Program::Measure,
            arguments: self.measured(self.of_network(set), measure),
            name: format!("measure {} of the network trained on {}", measure.label, set.label()),
            result: self.paths.measure(set, measure.name),
            folder: self.paths.run(set),
        }
    }

    /// The arguments of a measure of a network.
    fn measured(&self, network: Vec<String>, measure: &MeasureOf) -> Vec<String> {
        let mut arguments = vec![measure.name.to_owned()];
        arguments.extend(network);
        push(&mut arguments, measure.flags);
        if measure.is_of_last {
            push(&mut arguments, &format!("--epoch {}", self.config.epochs - 1));
        }
        push(&mut arguments, &format!("--seed {}", self.config.seed));
        arguments
    }

    /// The arguments that name another paper's network and its images.
    fn of_other_network(&self, network: &Network) -> Vec<String> {
        let mut arguments = self.on_images(self.paths.arch(network), network.set);
        if network.set.experiment().is_none() {
            push(&mut arguments, &format!("--task {}", self.paths.network_task(network)));
        }
        arguments
    }

    /// The arguments that name a network and its images.
    fn of_network(&self, set: TrainingSet) -> Vec<String> {
        self.on_images(&self.config.arch, set)
    }

    fn on_images(&self, arch: &str, set: TrainingSet) -> Vec<String> {
        let mut arguments = self.with_root(&["--arch", arch]);
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
    use crate::{config::Scale, paper::Paper};

    fn lines(config: ReproductionConfig, root: &str) -> Result<Vec<String>, Error> {
        Ok(Plan::new(config, root)?.steps().iter().map(Step::command_line).collect())
    }

    #[test]
    fn a_full_reproduction_is_the_papers() -> Result<(), Error> {
        let config =
            ReproductionConfig { data: Some("my data".into()), ..ReproductionConfig::for_scale(Scale::Full) };
        let lines = lines(config, "out")?;
        assert_eq!(lines.len(), 14);
        assert_eq!(
            lines[12],
            "measure sensitivity --arch resnet18 --out-dir out --dataset cifar10 --data 'my data' --seed 0"
        );
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

    fn of(paper: Paper) -> ReproductionConfig {
        ReproductionConfig { paper, ..ReproductionConfig::for_scale(Scale::Smoke) }
    }

    #[test]
    fn networks_of_other_papers_are_trained_and_then_measured() -> Result<(), Error> {
        let lines = lines(of(Paper::AmplitudePhase), "out")?;
        let data = "--dataset synthetic --limit-train 2000 --limit-test 500 --task resnet20_baseline";
        assert_eq!(
            lines,
            [
                format!(
                    "easy_train --arch resnet20 --out-dir out {data} --epochs 8 --seed 0 --lr 0.05 --schedule cosine --spectrum-every 1 \
                     --spectrum-images 500 --checkpoint-every 1"
                ),
                format!("measure phase-amplitude --arch resnet20 --out-dir out {data} --seed 0"),
            ]
        );
        Ok(())
    }

    #[test]
    fn no_two_steps_of_a_paper_leave_the_same_file() -> Result<(), Error> {
        for paper in Paper::ALL {
            let plan = Plan::new(of(paper), "out")?;
            let results: std::collections::BTreeSet<_> =
                plan.steps().iter().map(|step| &step.result).collect();
            assert_eq!(results.len(), plan.steps().len(), "{}", paper.name());
            assert!(
                plan.steps().iter().all(|step| step.result.starts_with(&step.folder)),
                "{}",
                paper.name()
            );
        }
        let shortcuts = lines(of(Paper::Shortcuts), "out")?;
        assert!(shortcuts[3].starts_with(
            "measure shortcuts --arch resnet20 --out-dir out --dataset generated --data out/SCR-Toy-Dataset"
        ));
        assert!(shortcuts[3].ends_with("--epoch 7 --seed 0"), "{}", shortcuts[3]);
        Ok(())
    }

    #[test]
    fn steps_of_different_training_sets_need_nothing_of_each_other() -> Result<(), Error> {
        let plan = Plan::new(ReproductionConfig::for_scale(Scale::Smoke), "out")?;
        let first: Vec<usize> = (0..12).filter(|&at| plan.needs()[at].is_empty()).collect();
        assert_eq!(first, [0, 2, 6, 10]);
        assert!((0..12).all(|at| first.contains(&at) || plan.needs()[at] == [at - 1]));
        assert_eq!(
            plan.needs()[12..],
            [vec![1], vec![12]],
            "measures of the first network come after its evaluation"
        );
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
