//! What the targets share: a file that is written anew for each input and read as a user's would be.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Everything that a data set has.
pub const ALL: datasets::Limits = datasets::Limits { train: None, test: None };

/// Two test images of SVHN.
pub const SVHN: &[u8] = include_bytes!("../../crates/datasets/tests/data/arrays/test_32x32.mat");

/// Writes the input to a file of this path below a folder of this process; the folder and the file. The folder is made once, below
/// `TMPDIR`, with other files that a target needs beside its input.
pub fn input(name: &str, bytes: &[u8], beside: &[(&str, &[u8])]) -> (&'static Path, PathBuf) {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("freqbias-fuzz-{}", std::process::id()));
        for (name, content) in [(name, bytes)].iter().chain(beside) {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for the input");
            fs::write(path, content).expect("a file beside the input");
        }
        folder
    });
    let path = folder.join(name);
    fs::write(&path, bytes).expect("the input");
    (folder, path)
}

/// What was read is asked for all of its images; what was refused must be told in one line.
pub fn use_up(read: Result<datasets::Dataset, datasets::Error>) {
    let used = read.and_then(|data| {
        (0..data.train.len()).try_for_each(|index| data.train.bytes(index).map(drop))?;
        (0..data.test.len()).try_for_each(|index| data.test.bytes(index).map(drop))
    });
    if let Err(error) = used {
        let text = error.to_string();
        assert!(!text.is_empty() && text.lines().count() == 1, "one line: {text}");
    }
}

/// What a file of weights holds is looked for with and without an architecture, and read.
pub fn use_up_weights(mut file: checkpoints::CheckpointFile) {
    let resnet = "resnet20".parse().ok();
    for architecture in [None, resnet] {
        let found = file.recognise(checkpoints::Wanted { architecture, weights: None });
        let read = found.and_then(|found| file.load(&found));
        if let Err(error) = read {
            let text = error.to_string();
            assert!(!text.is_empty() && text.lines().count() == 1, "one line: {text}");
        }
    }
}
