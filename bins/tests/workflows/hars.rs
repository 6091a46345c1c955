//! Hybrids and filtered copies through the built programs: they are written, checked against the library, and learnt from.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use crate::support::{easy_train, fail, grad, program, succeed};
use datasets::{
    Dataset,
    frequency::{self, Writer},
    synthetic::Synthetic,
};
use serde_json::Value;
use spectral::{Hybrid, Shape};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const SMALL: [&str; 4] = ["--limit-train", "96", "--limit-test", "32"];
const SET: &str = "runs/synthetic-freq";

fn generate(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program("generate_freq_dataset", folder);
    command.args(SMALL).args(flags);
    command
}

fn original() -> Dataset {
    Synthetic { seed: 0, train: 96, test: 32 }.generate()
}

/// Shape and values, with a pixel's channels together.
fn images(path: &Path) -> Outcome<(Vec<u64>, Vec<u8>)> {
    let file = npyz::NpyFile::new(File::open(path)?)?;
    Ok((file.shape().to_vec(), file.into_vec()?))
}

fn channels_last(image: &[u8]) -> Vec<u8> {
    (0..3072).map(|at| image[at % 3 * 1024 + at / 3]).collect()
}

/// Donors of the files, checked: each of another class, each used once.
fn donors(path: &Path, labels: &[u32]) -> Outcome<Vec<usize>> {
    let donors: Vec<usize> = frequency::read_numbers(path)?.into_iter().map(|donor| donor as usize).collect();
    let mut used = donors.clone();
    used.sort_unstable();
    assert!(used.into_iter().eq(0..labels.len()), "each is used once");
    assert!(donors.iter().zip(labels).all(|(&donor, label)| labels[donor] != *label), "of another class");
    Ok(donors)
}

#[test]
fn hybrids_and_copies_are_those_of_the_library() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (at, set, data) = (folder.path(), folder.path().join(SET), original());
    let stdout = succeed(&mut generate(at, &[]));
    assert!(stdout.contains("wrote 96 hybrids") && stdout.contains("hybrid_high_12.npy"), "{stdout}");
    let numbers = |labels: &[u32]| labels.iter().copied().map(i64::from).collect::<Vec<_>>();
    assert_eq!(frequency::read_numbers(&set.join("train_label.npy"))?, numbers(data.train.labels()));
    assert_eq!(frequency::read_numbers(&set.join("dft/test_label.npy"))?, numbers(data.test.labels()));
    let labels = npyz::NpyFile::new(File::open(set.join("train_label.npy"))?)?;
    assert_eq!(labels.into_vec::<i64>()?.len(), 96, "as PyTorch wants them");

    let hybrid = Hybrid::new(3, 32, 32, 12)?;
    let (shape, hybrids) = images(&set.join("hybrid_high_12.npy"))?;
    assert_eq!(shape, [96, 32, 32, 3]);
    let donors = donors(&set.join("hybrid_high_12_donor.npy"), data.train.labels())?;
    for (index, found) in hybrids.chunks(3072).enumerate() {
        let expected = hybrid.apply(&data.train.bytes(index)?, &data.train.bytes(donors[index])?)?;
        assert!(found == channels_last(&expected), "hybrid {index}");
    }
    for (name, index, expected) in [
        ("low", 5, hybrid.low_pass(&data.test.bytes(5)?)?),
        ("high", 31, hybrid.high_pass(&data.test.bytes(31)?)?),
    ] {
        let (shape, copies) = images(&set.join(format!("dft/test_data_{name}_12.npy")))?;
        assert_eq!(shape, [32, 32, 32, 3]);
        assert!(copies[index * 3072..][..3072] == channels_last(&expected), "{name}");
        assert!(fs::metadata(set.join(format!("dft/test_data_{name}_12.png")))?.len() > 1000);
    }
    assert!(fs::metadata(set.join("hybrid_high_12.png"))?.len() > 1000);
    Ok(())
}

/// Copies of another mask stand beside the published ones; hybrids stay those of discs.
#[test]
fn copies_can_have_masks_of_other_shapes() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (at, set, data) = (folder.path(), folder.path().join(SET), original());
    succeed(&mut generate(at, &["--r", "8"]));
    let hybrids = fs::read(set.join("hybrid_high_8.npy"))?;
    for (mask, shape) in [("square", Shape::Square), ("l1", Shape::L1), ("dct", Shape::Dct)] {
        succeed(&mut generate(at, &["--r", "8", "--mask", mask, "--overwrite"]));
        let copier = Hybrid::shaped(shape, [3, 32, 32], 8)?;
        let test = data.test.bytes(5)?;
        for (part, expected) in [("low", copier.low_pass(&test)?), ("high", copier.high_pass(&test)?)] {
            let (dims, copies) = images(&set.join(format!("dft/test_data_{part}_8_{mask}.npy")))?;
            assert_eq!(dims, [32, 32, 32, 3]);
            assert!(copies[5 * 3072..][..3072] == channels_last(&expected), "{mask} {part}");
        }
        assert!(hybrids == fs::read(set.join("hybrid_high_8.npy"))?);
    }
    assert!(set.join("dft/test_data_low_8.npy").exists());
    let said = fail(&mut generate(at, &["--r", "20", "--mask", "square"]), 2);
    assert!(said.contains("--r 20") && said.contains("1 to 16"), "{said}");
    Ok(())
}

#[test]
fn the_low_part_can_keep_its_label() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (at, set, data) = (folder.path(), folder.path().join(SET), original());
    let flags = ["--keep-label", "low", "--r", "8", "--freq", "none", "--seed", "5", "--format", "json"];
    let made: Value = serde_json::from_str(&succeed(&mut generate(at, &flags)))?;
    assert_eq!((made.as_array().map(Vec::len), &made[0]["count"]), (Some(1), &Value::from(96)));
    assert!(!set.join("dft").exists());
    let donors = donors(&set.join("hybrid_low_8_donor.npy"), data.train.labels())?;
    let (_, hybrids) = images(&set.join("hybrid_low_8.npy"))?;
    let expected = Hybrid::new(3, 32, 32, 8)?.apply(&data.train.bytes(donors[7])?, &data.train.bytes(7)?)?;
    assert!(hybrids[7 * 3072..][..3072] == channels_last(&expected));
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() -> Outcome {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    for (folder, threads) in folders.iter().zip(["1", "2"]) {
        succeed(&mut generate(folder.path(), &["--threads", threads, "--seed", "3"]));
    }
    for name in ["hybrid_high_12.npy", "hybrid_high_12_donor.npy", "dft/test_data_low_12.npy"] {
        let [one, two] = folders.each_ref().map(|folder| fs::read(folder.path().join(SET).join(name)));
        assert!(one? == two?, "{name}");
    }
    let hybrids = || fs::read(folders[0].path().join(SET).join("hybrid_high_12.npy"));
    let before = hybrids()?;
    succeed(&mut generate(folders[0].path(), &["--seed", "4", "--overwrite"]));
    assert!(hybrids()? != before, "another seed, other pairs");
    Ok(())
}

#[test]
fn a_network_learns_from_hybrids_made_first() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (at, set) = (folder.path(), folder.path().join(SET));
    succeed(&mut easy_train(at, &["--epochs", "1", "--freq", "high", "--r", "12"]));
    let run = at.join("runs/synthetic/resnet20_high_12");
    let config: Value = serde_json::from_slice(&fs::read(run.join("config.json"))?)?;
    assert_eq!((&config["settings"]["freq"], &config["settings"]["r"]), (&"high".into(), &12.into()));
    assert_eq!(config["train_images"], 96);
    donors(&set.join("hybrid_high_12_donor.npy"), original().train.labels())?;
    // Not a second time: what is there is read, and gives another network than the images themselves.
    let before = fs::metadata(set.join("hybrid_high_12.npy"))?.modified()?;
    succeed(&mut easy_train(at, &["--epochs", "1", "--freq", "high", "--task", "again"]));
    assert_eq!(fs::metadata(set.join("hybrid_high_12.npy"))?.modified()?, before);
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let metrics = |task: &str| -> Outcome<Value> {
        let text = fs::read_to_string(at.join("runs/synthetic").join(task).join("metrics.jsonl"))?;
        Ok(serde_json::from_str::<Value>(text.trim())?["train_loss"].clone())
    };
    assert_eq!(metrics("again")?, metrics("resnet20_high_12")?);
    assert_ne!(metrics("again")?, metrics("resnet20_baseline")?);
    // Its checkpoints are measured on the test images, which are those of the data set.
    succeed(&mut grad(at, &["--task", "resnet20_high_12"]));
    succeed(&mut easy_train(at, &["--epochs", "2", "--freq", "high", "--resume"]));
    Ok(())
}

#[test]
fn what_cannot_be_done_is_told_in_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let cases: [(&[&str], &[&str]); 6] = [
        (&["--r", "0"], &["--r", "0"]),
        (&["--r", "23"], &["--r 23", "32×32", "1 to 22"]),
        (&["--keep-label", "middle"], &["--keep-label", "middle", "high"]),
        (&["--freq", "low,middle"], &["--freq", "middle"]),
        (&["--limit-train", "1"], &["has 1 of 1 images", "--limit-train"]),
        (&["--dataset", "cifar10"], &["cifar10", "--data"]),
    ];
    for (flags, words) in cases {
        let said = fail(&mut generate(at, flags), 2);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    for flags in [&["--r", "12"][..], &["--freq", "middle"], &["--freq", "high", "--r", "99"]] {
        let said = fail(&mut easy_train(at, flags), 2);
        assert!(said.contains("--freq") || said.contains("--r 99"), "{flags:?}: {said}");
    }
    assert_eq!(fs::read_dir(at)?.count(), 0, "what is refused leaves nothing behind");
    Ok(())
}

#[test]
fn what_is_there_is_not_mixed_with_other_images() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (at, set) = (folder.path(), folder.path().join(SET));
    succeed(&mut generate(at, &["--freq", "none"]));
    let before = fs::read(set.join("hybrid_high_12.npy"))?;
    let said = fail(&mut generate(at, &[]), 2);
    assert!(said.contains("hybrid_high_12.npy") && said.contains("--overwrite"), "{said}");
    // Another radius shares the labels; fewer images would not fit them.
    succeed(&mut generate(at, &["--r", "6", "--freq", "high"]));
    let fewer = ["--r", "7", "--limit-train", "64"];
    let said = fail(&mut generate(at, &fewer), 2);
    assert!(said.contains("train_label.npy") && said.contains("--overwrite"), "{said}");
    assert_eq!(fs::read(set.join("hybrid_high_12.npy"))?, before);
    for limit in ["200", "64"] {
        let said = fail(&mut easy_train(at, &["--freq", "high", "--limit-train", limit, "--quiet"]), 2);
        assert!(said.contains("hybrid_high_12.npy") && said.contains("made of other images"), "{said}");
    }
    succeed(generate(at, &fewer).arg("--overwrite"));
    assert!(!set.join("hybrid_high_12.npy").exists(), "its labels are gone");

    let mut writer = Writer::create(&set.join("hybrid_low_9.npy"), datasets::ImageShape::RGB32, 64)?;
    writer.put(&vec![7; 64 * 3072])?;
    writer.finish()?;
    frequency::write_numbers(&set.join("train_label.npy"), &[99; 64])?;
    let foreign = ["--freq", "low", "--r", "9", "--limit-train", "64", "--quiet"];
    let said = fail(&mut easy_train(at, &foreign), 2);
    assert!(said.contains("hybrid_low_9.npy") && said.contains("not finished"), "{said}");
    Ok(())
}
