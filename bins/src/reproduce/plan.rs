//! The steps of a reproduction. Each is a command line of one of the programs, and runs as if it had been typed.

use std::path::{Path, PathBuf};

use cdes::KernelFolder;
use clap::Parser;
use serde::Serialize;
use training::RunFolder;

use super::study::{Study, text};
use crate::{
    commands::{easy_train, evaluate, generate_toy_dataset, train_toy_models},
    freq, measured,
    session::Session,
};

/// What a network is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Diet {
    /// The data set's own images.
    Original,
    /// Images with strongly class-related spectra.
    Scr,
    /// Images with weakly class-related spectra.
    Wcr,
    /// High frequencies of one image, low ones of another.
    Hars,
}

impl Diet {
    /// In the order of the steps.
    pub(crate) const ALL: [Self; 4] = [Self::Original, Self::Scr, Self::Wcr, Self::Hars];

    /// What people read.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Original => "original images",
            Self::Scr => "SCR images",
            Self::Wcr => "WCR images",
            Self::Hars => "HARS hybrids",
        }
    }

    /// As files carry it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Scr => "scr",
            Self::Wcr => "wcr",
            Self::Hars => "hars",
        }
    }

    /// The experiment that makes its images.
    fn experiment(self) -> Option<&'static str> {
        match self {
            Self::Scr => Some("SCR"),
            Self::Wcr => Some("WCR"),
            Self::Original | Self::Hars => None,
        }
    }
}

/// The radii at which images are cut into low and high frequencies; those of the paper's table among them.
pub(crate) const RADII: [usize; 7] = [4, 8, 10, 12, 14, 16, 18];

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    TrainToyModels,
    GenerateToyDataset,
    EasyTrain,
    Evaluate,
}

/// A command line and the file that is there once it has run.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    program: Program,
    arguments: Vec<String>,
    /// What it is, for people.
    pub name: String,
    /// What it leaves last.
    pub result: PathBuf,
    /// The folder whose run it begins or goes on with.
    folder: PathBuf,
}

/// Whether a step was begun before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// It goes on if it can.
    GoOn,
    /// Whatever is there is of another reproduction.
    Anew,
}

/// Where the results of a reproduction are.
#[derive(Debug, Clone)]
pub(crate) struct Places<'a> {
    study: &'a Study,
    root: &'a Path,
}

impl<'a> Places<'a> {
    pub(crate) fn new(study: &'a Study, root: &'a Path) -> Self {
        Self { study, root }
    }

    /// The run folder of a network.
    pub(crate) fn run(&self, diet: Diet) -> PathBuf {
        let arch = &self.study.arch;
        match diet.experiment() {
            Some(name) => self.root.join(format!("generated/{arch}_{name}-Toy-Dataset")),
            None => self.root.join(&self.study.dataset).join(self.task(diet)),
        }
    }

    fn task(&self, diet: Diet) -> String {
        let suffix =
            if diet == Diet::Hars { format!("high_{}", freq::RADIUS) } else { "baseline".to_owned() };
        format!("{}_{suffix}", self.study.arch)
    }

    /// The folder of generated images.
    pub(crate) fn images(&self, diet: Diet) -> Option<PathBuf> {
        diet.experiment().map(|name| self.root.join(format!("{name}-Toy-Dataset")))
    }

    /// The gradient spectrum of a network.
    pub(crate) fn spectrum(&self, diet: Diet) -> PathBuf {
        measured::live_folder(&self.run(diet)).join(measured::SPECTRUM)
    }

    /// The evaluation of a network.
    pub(crate) fn evaluation(&self, diet: Diet) -> PathBuf {
        measured::evaluation_folder(&self.run(diet)).join(measured::EVALUATION)
    }

    /// The densities of generated test images, and of those that they were made of.
    pub(crate) fn densities(&self, diet: Diet) -> Option<PathBuf> {
        self.images(diet).map(|folder| folder.join("test/density"))
    }

    /// All steps, in order.
    pub(crate) fn plan(&self) -> Vec<Step> {
        Diet::ALL.into_iter().flat_map(|diet| self.steps(diet)).collect()
    }

    fn steps(&self, diet: Diet) -> Vec<Step> {
        let mut steps = Vec::new();
        if let (Some(name), Some(images)) = (diet.experiment(), self.images(diet)) {
            steps.push(self.fit(name));
            steps.push(self.generate(name, images));
        }
        steps.push(self.train(diet));
        steps.push(self.evaluate(diet));
        steps
    }

    fn fit(&self, experiment: &str) -> Step {
        let (epochs, step) = self.study.fit;
        let mut arguments = self.with_root(&["--exp-name", experiment]);
        arguments.extend(self.study.data_flags());
        let seed = self.study.seed;
        push(&mut arguments, &format!("--epochs {epochs} --step-lr {step} --seed {seed}"));
        let folder = self.root.join(experiment);
        let result = folder.join("config.json");
        Step {
            program: Program::TrainToyModels,
            arguments,
            name: format!("fit the kernels of {experiment} images"),
            result,
            folder,
        }
    }

    fn generate(&self, experiment: &str, images: PathBuf) -> Step {
        let mut arguments = self.with_root(&["--exp-name", experiment]);
        arguments.extend(self.study.data_flags());
        push(&mut arguments, &format!("--seed {}", self.study.seed));
        Step {
            program: Program::GenerateToyDataset,
            arguments,
            name: format!("make {experiment} images"),
            result: images.join("test/density.json"),
            folder: images,
        }
    }

    fn train(&self, diet: Diet) -> Step {
        let Study { epochs, recipe, hybrid_recipe, spectrum_images, checkpoint_every, seed, .. } = self.study;
        let recipe = if diet == Diet::Hars { hybrid_recipe } else { recipe };
        let mut arguments = self.of_network(diet);
        push(&mut arguments, &format!("--epochs {epochs} --seed {seed}"));
        arguments.extend(recipe.iter().cloned());
        push(&mut arguments, &format!("--spectrum-every 1 --spectrum-images {spectrum_images}"));
        push(&mut arguments, &format!("--checkpoint-every {checkpoint_every}"));
        if diet == Diet::Hars {
            push(&mut arguments, &format!("--freq high --r {}", freq::RADIUS));
        }
        let folder = self.run(diet);
        let result = self.spectrum(diet).with_extension("json");
        let name = format!("train a network on {}", diet.label());
        Step { program: Program::EasyTrain, arguments, name, result, folder }
    }

    fn evaluate(&self, diet: Diet) -> Step {
        let mut arguments = self.of_network(diet);
        if diet == Diet::Hars {
            push(&mut arguments, &format!("--task {}", self.task(diet)));
        }
        let radii = RADII.map(|radius| radius.to_string()).join(",");
        push(&mut arguments, &format!("--freq low,high --r {radii} --features"));
        Step {
            program: Program::Evaluate,
            arguments,
            name: format!("evaluate the network trained on {}", diet.label()),
            result: self.evaluation(diet),
            folder: self.run(diet),
        }
    }

    /// Which network, and its images.
    fn of_network(&self, diet: Diet) -> Vec<String> {
        let mut arguments = self.with_root(&["--arch", &self.study.arch]);
        match self.images(diet) {
            Some(images) => {
                push(&mut arguments, "--dataset generated --data");
                arguments.push(text(&images));
            }
            None => arguments.extend(self.study.data_flags()),
        }
        arguments
    }

    fn with_root(&self, arguments: &[&str]) -> Vec<String> {
        let root = ["--out-dir".to_owned(), text(self.root)];
        arguments.iter().map(|&argument| argument.to_owned()).chain(root).collect()
    }
}

/// Whether a fit was begun here, of all classes or of each.
fn holds_kernels(folder: &Path) -> bool {
    let sets = std::fs::read_dir(folder).into_iter().flatten().flatten();
    sets.map(|entry| KernelFolder::at(entry.path())).any(|set| set.state_path().exists())
}

/// Adds arguments that are written as one.
fn push(arguments: &mut Vec<String>, more: &str) {
    arguments.extend(more.split_whitespace().map(str::to_owned));
}

impl Step {
    /// What it is known by: its command line without the place of the reproduction, so that this may move or be spelt otherwise.
    pub(crate) fn key(&self, root: &Path) -> String {
        self.command_line().replace(&text(root), "{out-dir}")
    }

    /// What could be typed.
    pub(crate) fn command_line(&self) -> String {
        let quoted = self.arguments.iter().map(|argument| match argument.contains([' ', '\'', '"']) {
            true => format!("'{}'", argument.replace('\'', "'\\''")),
            false => argument.clone(),
        });
        std::iter::once(self.program_name().to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
    }

    /// Runs it.
    ///
    /// # Errors
    /// As the program itself.
    pub(crate) fn run(&self, begin: Begin, session: &Session) -> anyhow::Result<()> {
        let mut line = vec![self.program_name().to_owned()];
        line.extend(self.arguments.iter().cloned());
        line.extend(self.start(begin).map(str::to_owned));
        match self.program {
            Program::TrainToyModels => {
                train_toy_models::fit(&train_toy_models::Flags::try_parse_from(line)?, session).map(drop)
            }
            Program::GenerateToyDataset => {
                let flags = generate_toy_dataset::Flags::try_parse_from(line)?;
                generate_toy_dataset::generate(&flags, session).map(drop)
            }
            Program::EasyTrain => {
                easy_train::train(easy_train::Flags::try_parse_from(line)?, session).map(drop)
            }
            Program::Evaluate => {
                let flags = evaluate::Flags::try_parse_from(line)?;
                evaluate::measure(&flags, session, |_, _| Ok(()))
            }
        }
    }

    /// What becomes of what is there.
    fn start(&self, begin: Begin) -> Option<&'static str> {
        let (again, goes_on) = ("--overwrite", "--resume");
        match self.program {
            Program::Evaluate => None,
            Program::GenerateToyDataset => Some(again),
            Program::TrainToyModels | Program::EasyTrain if !self.was_begun() => None,
            Program::TrainToyModels | Program::EasyTrain => {
                Some(if begin == Begin::GoOn { goes_on } else { again })
            }
        }
    }

    fn was_begun(&self) -> bool {
        match self.program {
            Program::EasyTrain => RunFolder::at(&self.folder).holds_a_run(),
            _ => holds_kernels(&self.folder),
        }
    }

    fn program_name(&self) -> &'static str {
        match self.program {
            Program::TrainToyModels => "train_toy_models",
            Program::GenerateToyDataset => "generate_toy_dataset",
            Program::EasyTrain => "easy_train",
            Program::Evaluate => "evaluate",
        }
    }
}
