//! Runs that are measured on other images than those that they were trained on.

use std::{fs, path::Path, process::Command};

use crate::support::{fail, program};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Folders of classes with eight small images each.
fn images(root: &Path, classes: [&str; 2]) -> Outcome {
    for (place, class) in classes.iter().enumerate() {
        let folder = root.join(class);
        fs::create_dir_all(&folder)?;
        for index in 0..8 {
            let pixels = (0..32 * 32 * 3).map(|at| (at * (place * 40 + index + 3) / 5) as u8);
            let ppm: Vec<u8> = b"P6 32 32 255\n".iter().copied().chain(pixels).collect();
            fs::write(folder.join(format!("{index}.ppm")), ppm)?;
        }
    }
    Ok(())
}

/// Training and test images of a set with parts.
fn parts(root: &Path, classes: [&str; 2]) -> Outcome {
    ["train", "val"].iter().try_for_each(|part| images(&root.join(part), classes))
}

fn call(name: &str, at: &Path, data: &str, flags: &[&str]) -> Command {
    let mut command = program(name, at);
    command.args(["--dataset", "folder", "--arch", "resnet20", "--data", data]).args(flags);
    command
}

/// All that a command that succeeds says.
fn said(command: &mut Command) -> String {
    let output = command.output().expect("a program that starts");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

#[test]
fn a_run_of_other_classes_is_not_measured_nor_its_spectrum_replaced() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    parts(&at.join("a/data"), ["ant", "bee"])?;
    parts(&at.join("b/data"), ["ant", "bee"])?;
    parts(&at.join("c/data"), ["ant", "cow"])?;
    said(&mut call("grad", at, "a/data", &["--epochs", "1"]));
    let run = "runs/folder/resnet20_data";
    let spectrum = || fs::read(at.join(run).join("grad/gradient_spectrum.json"));
    let own = spectrum()?;
    for (name, flags) in
        [("grad", &[][..]), ("evaluate", &[]), ("grad", &["--run", run]), ("evaluate", &["--run", run])]
    {
        let told = fail(call(name, at, "c/data", flags).arg("--quiet"), 2);
        assert!(
            told.contains("1 differ, the first is class 1: `bee` in the run, `cow` in the images")
                && told.contains("--checkpoints")
                && told.contains("--task"),
            "{told}"
        );
    }
    assert_eq!(spectrum()?, own, "what is refused changes nothing");
    // A file that is named by itself is measured on any images; the same classes elsewhere are noted.
    let file = format!("{run}/0_checkpoint.safetensors");
    said(&mut call("evaluate", at, "c/data", &["--checkpoints", &file]));
    let note = format!("{run} was trained on the images in a/data and is measured on those in b/data");
    assert!(said(&mut call("evaluate", at, "b/data", &[])).contains(&note));
    assert!(!said(&mut call("evaluate", at, "./a/data", &[])).contains("was trained on the images in"));
    Ok(())
}

#[test]
fn the_split_of_a_run_is_its_own_however_it_is_found() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    images(&at.join("nosplit"), ["ant", "bee"])?;
    images(&at.join("other"), ["ant", "bee"])?;
    said(&mut call(
        "easy_train",
        at,
        "nosplit",
        &["--epochs", "1", "--val-fraction", "0.25", "--val-seed", "3"],
    ));
    let (run, file) =
        ("runs/folder/resnet20_nosplit", "runs/folder/resnet20_nosplit/0_checkpoint.safetensors");
    let same = "4 of 16 images are split off as test images";
    for flags in [&[][..], &["--run", run], &["--checkpoints", file], &["--val-fraction", "0.25"]] {
        for name in ["evaluate", "grad"] {
            let text = said(&mut call(name, at, "nosplit", flags));
            assert!(text.contains(same) && text.contains("seed 3"), "{name} {flags:?}: {text}");
        }
    }
    for flags in [&["--val-fraction", "0.5"][..], &["--val-fraction", "0.25", "--val-seed", "0"]] {
        let told = fail(call("evaluate", at, "nosplit", flags).arg("--quiet"), 2);
        assert!(
            told.contains("are a fraction of 0.25, seed 3, but") && told.contains("leave --val-fraction"),
            "{told}"
        );
    }
    // On other images a file takes any split.
    let text = said(&mut call("evaluate", at, "other", &["--checkpoints", file, "--val-fraction", "0.5"]));
    assert!(text.contains("8 of 16 images"), "{text}");
    Ok(())
}

#[test]
fn a_class_map_counts_from_0_and_a_run_that_was_trained_with_one_keeps_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    parts(&at.join("data"), ["ant", "bee"])?;
    said(&mut call("easy_train", at, "data", &["--epochs", "1"]));
    fs::write(at.join("from1.txt"), "ant 1\nbee 2\n")?;
    fs::write(at.join("same.txt"), "ant 0\nbee 1\n")?;
    let map = |name: &str| call("evaluate", at, "data", &["--class-map", name, "--quiet"]);
    let told = fail(&mut map("from1.txt"), 2);
    assert!(told.contains("`bee` is output 2, by from1.txt, but the head has 2; expected 0 to 1"), "{told}");
    assert!(said(&mut map("same.txt")).contains("same.txt changes nothing"));

    let flags = ["--epochs", "1", "--task", "mapped", "--class-map", "from1.txt", "--spectrum-every", "1"];
    said(&mut call("easy_train", at, "data", &flags));
    let text = said(&mut call("evaluate", at, "data", &["--run", "runs/folder/mapped"]));
    assert!(text.contains("network: resnet20, 2 classes\n"), "{text}");
    Ok(())
}
