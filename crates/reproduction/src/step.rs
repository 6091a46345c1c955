//! One step of a reproduction: the command line of a program.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::result_names::{self, Begun};

/// A program that runs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// Fits kernels that change the spectra of images.
    TrainToyModels,
    /// Makes images with these kernels.
    GenerateToyDataset,
    /// Trains a network and records its gradient spectrum.
    EasyTrain,
    /// Measures accuracy and features on frequency components.
    Evaluate,
    /// Measures what another paper defines: the first argument is what.
    Measure,
}

impl Program {
    /// The program's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrainToyModels => "train_toy_models",
            Self::GenerateToyDataset => "generate_toy_dataset",
            Self::EasyTrain => "easy_train",
            Self::Evaluate => "evaluate",
            Self::Measure => "measure",
        }
    }
}

/// What becomes of earlier work in the same folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It is continued.
    Resume,
    /// It is replaced.
    Overwrite,
}

/// The command line of a program, and the file that it writes last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The program.
    pub program: Program,
    /// Its arguments, without those that say what becomes of earlier work; see [`start`](Self::start).
    pub arguments: Vec<String>,
    /// What the step does, for people.
    pub name: String,
    /// The file that is there once the step is done.
    pub result: PathBuf,
    /// The folder that the program works in.
    pub folder: PathBuf,
}

impl Step {
    /// The command line as it can be typed into a shell.
    pub fn command_line(&self) -> String {
        let arguments = self.arguments.iter().map(|argument| quoted(argument));
        std::iter::once(self.program.name().to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
    }

    /// The command line without the folder of the reproduction, which may move or be spelled differently.
    pub(crate) fn key(&self, root: &Path) -> String {
        self.command_line().replace(&text(root), "{out-dir}")
    }

    /// The further arguments that say what becomes of earlier work; none where there is no such work.
    pub fn start(&self, restart: Restart) -> Vec<String> {
        let again = |begun: Begun| match (begun, restart) {
            (Begun::Nothing, _) => None,
            (Begun::Whole, Restart::Resume) => Some("--resume"),
            // What is left of work that was being removed when a program was killed cannot go on.
            (Begun::Broken, _) | (_, Restart::Overwrite) => Some("--overwrite"),
        };
        let flag = match self.program {
            Program::Evaluate | Program::Measure => None,
            // Images are made anew in any case: the program cannot continue.
            Program::GenerateToyDataset => Some("--overwrite"),
            Program::TrainToyModels => again(result_names::kernels(&self.folder)),
            Program::EasyTrain => again(result_names::training(&self.folder)),
        };
        flag.into_iter().map(str::to_owned).collect()
    }
}

/// An argument as it can be typed into a shell.
pub(crate) fn quoted(argument: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:,=+@%{}".contains(letter);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use training::RunFolder;

    use super::*;

    fn step(program: Program, arguments: &[&str], folder: &Path) -> Step {
        Step {
            program,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            name: String::new(),
            result: folder.join("result"),
            folder: folder.to_owned(),
        }
    }

    #[test]
    fn a_command_line_can_be_typed() {
        let step = step(Program::EasyTrain, &["--out-dir", "my runs/it's", "--epochs", "2"], Path::new("."));
        assert_eq!(step.command_line(), r"easy_train --out-dir 'my runs/it'\''s' --epochs 2");
        assert_eq!(step.key(Path::new("my runs")), r"easy_train --out-dir '{out-dir}/it'\''s' --epochs 2");
    }

    #[test]
    fn earlier_work_is_continued_or_replaced_only_where_there_is_some() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let train = step(Program::EasyTrain, &[], folder.path());
        assert!(train.start(Restart::Resume).is_empty());
        std::fs::write(RunFolder::at(folder.path()).checkpoint_path(0), "")?;
        assert_eq!(train.start(Restart::Resume), ["--overwrite"], "without a state");
        std::fs::write(RunFolder::at(folder.path()).state_path(), "")?;
        assert_eq!(train.start(Restart::Resume), ["--resume"]);
        assert_eq!(train.start(Restart::Overwrite), ["--overwrite"]);

        let fit = step(Program::TrainToyModels, &[], folder.path());
        assert!(fit.start(Restart::Overwrite).is_empty());
        let set = cdes::KernelFolder::at(folder.path().join("class0"));
        std::fs::create_dir(set.path())?;
        std::fs::write(set.state_path(), "")?;
        assert_eq!(fit.start(Restart::Resume), ["--resume"]);

        let generate = step(Program::GenerateToyDataset, &[], folder.path());
        assert_eq!(generate.start(Restart::Resume), ["--overwrite"]);
        assert!(step(Program::Evaluate, &[], folder.path()).start(Restart::Overwrite).is_empty());
        Ok(())
    }
}
