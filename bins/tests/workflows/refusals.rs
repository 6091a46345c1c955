//! What cannot be done: one line that names the flag or file, what was found and what to do; nothing is lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{SMALL, easy_train, fail, grad, interrupt, program, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const RUN: &str = "runs/synthetic/resnet20_baseline";

fn checkpoint(folder: &Path, epoch: usize) -> PathBuf {
    folder.join(RUN).join(format!("{epoch}_checkpoint.safetensors"))
}

/// Flags, the exit code they end with, and words of the error.
type Refused<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[test]
fn flags_that_cannot_be_used_are_told_in_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let cases: [Refused<'_>; 15] = [
        (&["--arch", "resnet81"], 2, &["--arch", "resnet81", "resnet18"]),
        (&["--epochs", "0"], 2, &["--epochs", "0"]),
        (&["--no-such-flag"], 2, &["--no-such-flag"]),
        (&["--lr", "fast"], 2, &["--lr", "fast"]),
        (&["--lr", "-1"], 2, &["--lr", "-1"]),
        (&["--threads", "100000"], 2, &["--threads", "100000", "512"]),
        (&["--workers", "0"], 2, &["--workers", "0", "64"]),
        (&["--mean", "1,2", "--std", "1,2,3"], 2, &["--mean", "1,2"]),
        (&["--task", "../elsewhere"], 2, &["--task", "../elsewhere"]),
        (&["--dataset", "cifar10"], 2, &["cifar10", "--data"]),
        (&["--dataset", "cifar10", "--data", "nowhere"], 2, &["nowhere: no such file or folder", "--data"]),
        (&["--config", "nowhere.json"], 2, &["--config nowhere.json", "config.json"]),
        (&["--resume"], 2, &[RUN]),
        (&["--epochs", "1.5"], 2, &["--epochs", "1.5", "whole number"]),
        (&["--momentum", "1"], 2, &["--momentum", "below 1"]),
    ];
    for (flags, code, words) in cases {
        let said = fail(&mut easy_train(folder.path(), flags), code);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    let cases: [Refused<'_>; 4] = [
        (&["--checkpoints", "a.pt", "--checkpoints=b.pt"], 2, &["--checkpoints", "2 times", "pattern"]),
        (&["--run", "missing"], 2, &["--run missing"]),
        (&["--checkpoints", "missing/*.pt"], 2, &["missing/*.pt", "--checkpoints"]),
        (&["--checkpoints", "x["], 2, &["x[", "--checkpoints"]),
    ];
    for (flags, code, words) in cases {
        let said = fail(&mut grad(folder.path(), flags), code);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "what is refused leaves nothing behind");
    Ok(())
}

/// Nobody may ever write to a pipe: it is not waited for.
#[cfg(unix)]
#[test]
fn processes_that_cannot_reach_each_other_are_told() -> Outcome {
    let folder = tempfile::tempdir()?;
    let started =
        [[("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "0")], [("PMI_SIZE", "2"), ("PMI_RANK", "0")]];
    for variables in &started[..if cfg!(feature = "mpi") { 1 } else { 2 }] {
        let output = grad(folder.path(), &["--run", "nowhere"]).envs(variables.to_vec()).output()?;
        let said = String::from_utf8(output.stderr)?;
        assert!(said.starts_with("note: 2 processes are started, and each does all of the work"), "{said}");
        assert!(said.contains("MASTER_ADDR") && said.contains("--features mpi"), "{said}");
    }
    Ok(())
}

#[test]
fn pipes_are_not_waited_for() -> Outcome {
    let folder = tempfile::tempdir()?;
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("pipe.pt")).status()?.success());
    let said = fail(program("inspect", folder.path()).arg("pipe.pt"), 2);
    assert!(said.contains("pipe.pt: this is a pipe"), "{said}");
    let said = fail(&mut easy_train(folder.path(), &["--config", "pipe.pt"]), 2);
    assert!(said.contains("--config pipe.pt: this is no file"), "{said}");
    Ok(())
}

/// Only what `grad` itself began does it go on with.
#[cfg(unix)]
#[test]
fn grad_leaves_a_run_that_has_only_begun() -> Outcome {
    let folder = tempfile::tempdir()?;
    let run = folder.path().join(RUN);
    let many = ["--epochs", "2", "--limit-train", "20000"];
    let mut child = easy_train(folder.path(), &many).stderr(std::process::Stdio::null()).spawn()?;
    interrupt(&child, || run.join("config.json").exists())?;
    assert_eq!(child.wait()?.code(), Some(1));
    let before = fs::read(run.join("config.json"))?;
    let state = |entry: fs::DirEntry| entry.file_name().to_string_lossy().contains("state");
    assert!(fs::read_dir(&run)?.flatten().any(state), "it can go on");
    let said = fail(&mut grad(folder.path(), &[]), 2);
    assert!(said.contains("stopped before its first checkpoint") && said.contains("--resume"), "{said}");
    assert_eq!(fs::read(run.join("config.json"))?, before, "the run is what it was");
    Ok(())
}

#[test]
fn files_that_are_no_checkpoints_are_told_by_name() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    fs::write(at.join("broken.pt"), b"PK\x03\x04 not a checkpoint")?;
    fs::write(at.join("broken.safetensors"), [255; 64])?;
    for name in ["broken.pt", "broken.safetensors"] {
        let said = fail(&mut grad(at, &["--checkpoints", name]), 1);
        assert!(said.contains(name), "{said}");
        assert!(!at.join("runs").exists(), "no folder for results that there are not");
    }
    fs::write(at.join("photo.jpg"), [0xff, 0xd8, 0xff, 0xe0, 0, 16])?;
    let said = fail(program("inspect", at).arg("photo.jpg"), 1);
    assert!(
        said.contains("photo.jpg: this is a JPEG picture, not a checkpoint; expected a safetensors file"),
        "{said}"
    );
    Ok(())
}

/// What was meant is said where it can be known.
#[test]
fn wrong_paths_are_told_with_right_ones() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    for name in ["a.pt", "b.pt", "run/0_checkpoint.safetensors", "run/9_checkpoint.safetensors"] {
        fs::create_dir_all(at.join("run"))?;
        fs::write(at.join(name), "")?;
    }
    for part in ["train", "val"] {
        let class = at.join("photos").join(part).join("a");
        fs::create_dir_all(&class)?;
        fs::write(class.join("0.ppm"), [b"P6 8 8 255\n".as_slice(), &[9; 192]].concat())?;
    }
    fs::create_dir(at.join("hundred"))?;
    for name in ["train.bin", "test.bin"] {
        fs::write(at.join("hundred").join(name), [1; 3074])?;
    }
    let cases: [(&str, Refused<'_>); 14] = [
        (
            "easy_train",
            (
                &["--dataset", "cifar10", "--data", "hundred"],
                2,
                &["hundred holds CIFAR-100", "--dataset cifar100"],
            ),
        ),
        (
            "easy_train",
            (
                &["--dataset", "folder", "--data", "photos/train"],
                2,
                &["no training images", "name the folder that has train/ with --data"],
            ),
        ),
        ("easy_train", (&["--dataset", "folder", "--data", "."], 2, &["one in ./photos: name that"])),
        (
            "easy_train",
            (
                &["--dataset", "folder", "--data", "nowhere"],
                2,
                &["nowhere: no such file or folder", "--data"],
            ),
        ),
        (
            "easy_train",
            (
                &["--dataset", "generated", "--data", "nowhere"],
                2,
                &["nowhere: no such file or folder", "--data"],
            ),
        ),
        ("easy_train", (&["--out-dir", "a.pt/runs"], 2, &["--out-dir", "a.pt is a file, expected a folder"])),
        ("inspect", (&["run"], 2, &["run: this is a folder", "such as run/9_checkpoint.safetensors"])),
        (
            "inspect",
            (&["a.pt", "--convert", "new/a.safetensors"], 2, &["--convert", "there is no folder new"]),
        ),
        (
            "inspect",
            (
                &["--dataset", "synthetic", "--convert", "x.pt"],
                2,
                &["which checkpoint?", "inspect CKPT --convert x.pt"],
            ),
        ),
        ("inspect", (&["--data", "photos"], 2, &["--data photos: which data set is it? add --dataset"])),
        (
            "grad",
            (&["--checkpoints", "run"], 2, &["this is a folder", "run/9_checkpoint.safetensors", "--run"]),
        ),
        ("grad", (&["--checkpoints", "a.pt", "b.pt"], 2, &["b.pt", "one pattern in quotes"])),
        (
            "evaluate",
            (&["--checkpoints", "hundred/*"], 2, &["is not a checkpoint: neither PyTorch's nor safetensors"]),
        ),
        ("evaluate", (&["--run", "a.pt"], 2, &["a.pt: this is a file", "--run", "--checkpoints"])),
    ];
    for (name, (flags, code, words)) in cases {
        let said = fail(program(name, at).args(flags), code);
        assert!(words.iter().all(|word| said.contains(word)), "{name} {flags:?}: {said}");
    }
    assert!(!at.join("runs").exists() && !at.join("new").exists(), "what is refused leaves nothing behind");
    Ok(())
}

#[test]
fn flags_without_effect_are_told() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let stderr = |flags: &[&str]| -> Outcome<String> {
        let output = program("inspect", at)
            .args(["--dataset", "synthetic", "--limit-train", "20", "--limit-test", "20"])
            .args(flags)
            .output()?;
        assert!(output.status.success(), "{output:?}");
        Ok(String::from_utf8(output.stderr)?)
    };
    let said = stderr(&["--labels", "coarse", "--bf16", "--style", "plain"])?;
    for words in [
        "--labels has no effect on synthetic",
        "--style has no effect without --convert",
        "--precision has no effect: this program",
    ] {
        assert!(
            said.lines().any(|line| line.starts_with("note: ") && line.contains(words)),
            "{words}: {said}"
        );
    }
    assert_eq!(stderr(&[])?, "", "defaults are not told");
    assert_eq!(stderr(&["--labels", "coarse", "--bf16", "--quiet"])?, "");
    let help = |name| succeed(program(name, at).arg("--help"));
    assert!(help("grad").contains("--gpu") && help("grad").contains("--bf16"));
    let of_the_cpu = help("inspect");
    assert!(
        ["--gpu", "--device", "--precision", "--tf32", "--bf16"]
            .iter()
            .all(|flag| !of_the_cpu.contains(flag)),
        "{of_the_cpu}"
    );
    Ok(())
}

/// What changed is said in words.
#[test]
fn a_run_goes_on_with_its_own_images_only() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let image = |name: &str, shade: u8| {
        let path = at.join("photos").join(name);
        fs::create_dir_all(path.parent().unwrap_or(at))?;
        fs::write(path, [b"P6 16 16 255\n".as_slice(), &[shade; 768]].concat())
    };
    for (index, name) in ["train/a", "train/b", "val/a", "val/b"].iter().enumerate() {
        (0..4).try_for_each(|number| image(&format!("{name}/{number}.ppm"), 40 * index as u8 + number))?;
    }
    let train = |epochs: &str, flags: &[&str]| {
        let mut command = easy_train(at, &["--dataset", "folder", "--data", "photos", "--epochs", epochs]);
        command.args(flags);
        command
    };
    succeed(&mut train("1", &[]));
    image("train/a/2.ppm", 255)?;
    let said = fail(&mut train("2", &["--resume"]), 2);
    let words = ["the images or their labels are not those", "--data", "--overwrite", "--task"];
    assert!(words.iter().all(|word| said.contains(word)) && !said.contains("checksum"), "{said}");
    fs::remove_file(at.join("photos/train/a/2.ppm"))?;
    let said = fail(&mut train("2", &["--resume"]), 2);
    assert!(said.contains("started with 8 training images, but now there are 7"), "{said}");
    image("train/a/2.ppm", 2)?;
    succeed(&mut train("2", &["--resume"]));

    let run = at.join("runs/cifar100/resnet20_baseline");
    fs::create_dir_all(&run)?;
    let settings = r#"{"settings": {"dataset": "cifar100", "arch": "resnet20", "labels": "fine"}}"#;
    fs::write(run.join("config.json"), settings)?;
    let said = fail(&mut grad(at, &["--dataset", "cifar100", "--data", "photos", "--labels", "coarse"]), 2);
    assert!(said.contains("--labels coarse") && said.contains("give --labels fine"), "{said}");
    Ok(())
}

#[test]
fn a_default_from_elsewhere_is_refused_by_its_place() -> Outcome {
    let folder = tempfile::tempdir()?;
    let config = |text: &str| fs::write(folder.path().join("mine.json"), text);
    let cases = [
        (r#"{"epcohs": 3}"#, ["`epcohs` in mine.json", "--epochs"]),
        (r#"{"epochs": "many"}"#, ["`epochs` in mine.json", "many"]),
        (r#"{"quiet": "maybe"}"#, ["`quiet` in mine.json", "maybe"]),
        (r#"{"lr": {"from": 1}}"#, ["--config mine.json", "`lr`"]),
        ("{\n\"lr\": }", ["--config mine.json", "line 2"]),
    ];
    for (text, words) in cases {
        config(text)?;
        let said = fail(&mut easy_train(folder.path(), &["--config", "mine.json"]), 2);
        assert!(words.iter().all(|word| said.contains(word)), "{text}: {said}");
        let mut command = easy_train(folder.path(), &[]);
        let by_variable = fail(command.env("FREQBIAS_CONFIG", "mine.json"), 2);
        assert!(by_variable.contains(words[1]), "{by_variable}");
    }
    let said = fail(easy_train(folder.path(), &[]).env("FREQBIAS_KERNELS", "plain"), 2);
    assert!(said.contains("FREQBIAS_KERNELS") && said.contains("portable"), "{said}");
    let said = fail(easy_train(folder.path(), &[]).env("FREQBIAS_LR", "fast"), 2);
    assert!(said.contains("FREQBIAS_LR") && said.contains("fast"), "{said}");
    #[cfg(unix)]
    {
        let said = fail(&mut easy_train(folder.path(), &["--config", "/dev/zero"]), 2);
        assert!(said.contains("/dev/zero") && said.contains("no file"), "{said}");
    }
    config(&" ".repeat(2 << 20))?;
    let said = fail(&mut easy_train(folder.path(), &["--config", "mine.json"]), 2);
    assert!(said.contains("mine.json") && said.contains("larger"), "{said}");
    Ok(())
}

#[test]
fn flags_beat_the_environment_which_beats_the_config_file() -> Outcome {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("mine.json"), r#"{"lr": 0.5, "momentum": 0.5, "weight_decay": 0.5}"#)?;
    let mut command = easy_train(folder.path(), &["--epochs", "1", "--config", "mine.json", "--lr", "0.01"]);
    succeed(command.env("FREQBIAS_LR", "0.02").env("FREQBIAS_MOMENTUM", "0.8").env("FREQBIAS_GPU", "0"));
    let config: Value = serde_json::from_slice(&fs::read(folder.path().join(RUN).join("config.json"))?)?;
    let found = ["lr", "momentum", "weight_decay"].map(|key| config["settings"][key].as_f64());
    assert_eq!(found, [Some(0.01), Some(0.8), Some(0.5)]);
    Ok(())
}

#[test]
fn a_run_is_not_written_over_unless_asked() -> Outcome {
    let folder = tempfile::tempdir()?;
    let read = || fs::read(checkpoint(folder.path(), 0));
    succeed(&mut grad(folder.path(), &["--epochs", "1"]));
    let before = read()?;
    let said = fail(&mut easy_train(folder.path(), &["--epochs", "1"]), 2);
    assert!(said.contains("--resume") && said.contains("--overwrite"), "{said}");
    let unusable = ["--epochs", "1", "--overwrite", "--mean", "0.5,0.5,0.5", "--std", "0,0,0"];
    let said = fail(&mut easy_train(folder.path(), &unusable), 2);
    assert!(said.contains("--std"), "{said}");
    assert_eq!(read()?, before, "a refused run removes nothing");

    let results = folder.path().join(RUN).join("grad");
    fs::write(results.join("notes.txt"), "mine")?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "1", "--overwrite", "--seed", "3"]));
    assert_ne!(read()?, before);
    let left: Vec<_> = fs::read_dir(&results)?.map(|entry| Ok(entry?.file_name())).collect::<Outcome<_>>()?;
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("gradient_spectrum")), "{left:?}");
    assert!(results.join("notes.txt").exists(), "what is not ours stays");
    Ok(())
}

#[test]
fn a_run_goes_on_with_its_own_settings_only() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1", "--task", "t", "--lr", "0.05"]));
    let resume = ["--epochs", "2", "--task", "t", "--resume"];
    let others: [(&[&str], &str); 5] = [
        (&["--arch", "resnet18"], "--arch resnet20"),
        (&["--seed", "4"], "--seed 0"),
        (&["--limit-test", "16"], "32 test images"),
        (&["--mean", "0.5,0.5,0.5", "--std", "0.2,0.2,0.2"], "--mean 0.4914"),
        (&["--lr", "0.1"], "--lr 0.05"),
    ];
    for (flags, words) in others {
        let said = fail(easy_train(at, &resume).args(flags), 2);
        assert!(said.contains(words), "{flags:?}: {said}");
    }
    // What was lost beside the state is put right; the learning rate is the run's, not the default.
    let metrics = at.join("runs/synthetic/t/metrics.jsonl");
    fs::write(&metrics, "garbage\n")?;
    succeed(&mut easy_train(at, &resume));
    assert_eq!(fs::read_to_string(&metrics)?.lines().count(), 2);

    fs::remove_file(at.join("runs/synthetic/t/checkpoint.latest.state.safetensors"))?;
    for flags in [&resume[..], &resume[..4]] {
        let said = fail(&mut easy_train(at, flags), 2);
        assert!(said.contains("state.safetensors") && said.contains("--overwrite"), "{said}");
    }
    fs::write(at.join("runs/synthetic/t/config.json"), "{")?;
    let said = fail(&mut grad(at, &["--run", "runs/synthetic/t"]), 1);
    assert!(said.contains("config.json"), "{said}");
    Ok(())
}

#[test]
fn a_network_without_gradients_is_no_row_of_the_map() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    // What a run says of itself need not be typed.
    let flags = ["--run", RUN, "--limit-test", "32", "--format", "json"];
    let summary: Value = serde_json::from_str(&succeed(program("grad", at).args(flags)))?;
    assert_eq!(summary["arch"], "resnet20");
    let said = fail(&mut grad(at, &["--run", RUN, "--arch", "resnet18"]), 2);
    assert!(said.contains("--arch resnet20"), "{said}");
    let mut stored = training::Checkpoint::load(&checkpoint(at, 0))?;
    let head = stored.tensors.get_mut("linear.weight").ok_or("a head")?;
    *head = head.zeros_like()?;
    stored.save(&at.join("blind.safetensors"))?;
    let said = fail(&mut grad(at, &["--checkpoints", "blind.safetensors", "--quiet"]), 1);
    assert!(said.contains("blind.safetensors") && said.contains("none of the 32 images"), "{said}");

    // A number for its loss looks like one of a network that has learned little.
    let mut stored = training::Checkpoint::load(&checkpoint(at, 0))?;
    let head = stored.tensors.get_mut("linear.weight").ok_or("a head")?;
    *head = (&*head * 1e12)?;
    stored.save(&at.join("wild.safetensors"))?;
    let evaluate = |name: &str| {
        let mut command = program("evaluate", at);
        command.args(SMALL).args(["--checkpoints", name]);
        command
    };
    let output = evaluate("wild.safetensors").output()?;
    let notes = String::from_utf8(output.stderr)?;
    assert!(
        output.status.success()
            && notes.contains("wild.safetensors: the loss is")
            && notes.contains("has diverged"),
        "{notes}"
    );
    *stored.tensors.get_mut("linear.bias").ok_or("a bias")? =
        candle_core::Tensor::new(&[f32::NAN; 10], &candle_core::Device::Cpu)?;
    stored.save(&at.join("none.safetensors"))?;
    let said = fail(&mut evaluate("none.safetensors"), 1);
    assert!(said.contains("none.safetensors") && said.contains("has diverged"), "{said}");

    let steep = ["--epochs", "1", "--limit-train", "32", "--lr", "1e39", "--task", "steep"];
    let said = fail(&mut easy_train(at, &steep), 1);
    assert!(said.contains("test images") && said.contains("--lr"), "{said}");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_printed_is_a_failure() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut command = program("grad", folder.path());
    let full = fs::File::options().write(true).open("/dev/full")?;
    let output = command.arg("--help").stdout(full).output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdout"), "{output:?}");
    Ok(())
}
