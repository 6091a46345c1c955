//! Training and measuring on folders of images, of other sizes than 32×32.

use std::{fs, path::Path};

use crate::support::{easy_train, fail, grad, program, succeed};
use serde_json::Value;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Two classes of stripes, broad and narrow, as PPM files of `side` pixels and more.
fn stripes(root: &Path, side: usize, odd: usize) -> Outcome {
    for (part, count) in [("train", 24), ("val", 8)] {
        for (class, period) in [("broad", 16), ("narrow", 6)] {
            let folder = root.join(part).join(class);
            fs::create_dir_all(&folder)?;
            for index in 0..count {
                let (width, height) = (side + index % 3 * odd, side + index % 2 * odd);
                let pixel = |at: usize| {
                    let (x, y) = (at % width, at / width);
                    let bright = (x + index * y / 8 + index) % period < period / 2;
                    [if bright { 210 } else { 40 }, (x * 3 + y) as u8, (y * 5 + index) as u8]
                };
                let head = format!("P6 {width} {height} 255\n").into_bytes();
                let pixels = (0..width * height).flat_map(pixel);
                fs::write(
                    folder.join(format!("{index}.ppm")),
                    head.into_iter().chain(pixels).collect::<Vec<_>>(),
                )?;
            }
        }
    }
    Ok(())
}

#[test]
fn images_of_64_pixels_go_through_all_programs() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    stripes(&at.join("stripes"), 64, 0)?;
    let flags = ["--dataset", "folder", "--data", "stripes"];
    succeed(easy_train(at, &flags).args(["--epochs", "1"]));
    let run = at.join("runs/folder/resnet20_stripes");
    assert!(run.join("0_checkpoint.safetensors").exists());
    let config: Value = serde_json::from_slice(&fs::read(run.join("config.json"))?)?;
    assert_eq!((&config["train_images"], &config["classes"][1]), (&Value::from(48), &Value::from("narrow")));
    assert!((config["mean"][0].as_f64().unwrap_or(0.0) - 0.485).abs() < 1e-6);

    succeed(&mut grad(at, &flags));
    let spectrum: Value = serde_json::from_slice(&fs::read(run.join("grad/gradient_spectrum.json"))?)?;
    assert_eq!(spectrum["radii"].as_array().map(Vec::len), Some(43));
    assert_eq!((&spectrum["n_images"], &spectrum["dataset"]), (&Value::from(16), &Value::from("stripes")));
    assert!(fs::metadata(run.join("grad/gradient_spectrum.png"))?.len() > 1000);

    let mut evaluate = program("evaluate", at);
    evaluate
        .args(["--arch", "resnet20", "--freq", "low,high", "--r", "8,16", "--format", "json"])
        .args(flags);
    let scores: Value = serde_json::from_str(&succeed(&mut evaluate))?;
    assert!(!scores.is_null());
    Ok(())
}

#[test]
fn photographs_are_resized_and_damaged_ones_left_out() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    stripes(&at.join("stripes"), 40, 7)?;
    fs::write(at.join("stripes/train/broad/3.ppm"), b"P6 40 40 255\nshort")?;
    let flags = ["--dataset", "folder", "--data", "stripes", "--image-size", "32", "--epochs", "2"];
    let said = fail(&mut easy_train(at, &flags), 1);
    assert!(said.contains("broad/3.ppm") && said.contains("--on-corrupt skip"), "{said}");

    let read = |task: &str| fs::read(at.join("runs/folder").join(task).join("1_checkpoint.safetensors"));
    for (task, threads) in [("one", "1"), ("two", "2")] {
        let skip = ["--on-corrupt", "skip", "--task", task, "--threads", threads, "--workers", threads];
        let output = easy_train(at, &flags).args(skip).output()?;
        let notes = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{notes}");
        assert!(notes.contains("1 damaged image was left out") && notes.contains("broad/3.ppm"), "{notes}");
    }
    assert!(read("one")? == read("two")?, "the same bits for any number of threads");
    Ok(())
}

/// Two test images of sixteen and one training image of 48 are damaged.
#[test]
fn every_program_says_what_it_left_out() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    stripes(&at.join("stripes"), 40, 7)?;
    for name in ["train/broad/3", "val/broad/1", "val/narrow/0"] {
        fs::write(at.join(format!("stripes/{name}.ppm")), b"P6 40 40 255\nshort")?;
    }
    let data =
        ["--dataset", "folder", "--data", "stripes", "--image-size", "32", "--on-corrupt", "skip", "--quiet"];
    succeed(easy_train(at, &data).args(["--epochs", "1"]));
    let evaluate =
        |format| succeed(program("evaluate", at).args(["--arch", "resnet20", "--format", format]).args(data));
    let scores: Value = serde_json::from_str(&evaluate("json"))?;
    assert_eq!((&scores["n_images"], &scores["n_left_out"]), (&Value::from(14), &Value::from(2)));
    let said = evaluate("text");
    assert!(said.contains("2 damaged images were left out; the first: ") && said.contains("/val/"), "{said}");
    assert!(!said.contains("--on-corrupt"), "the advice is taken: {said}");

    let inspect = |format| succeed(program("inspect", at).args(["--format", format]).args(data));
    let found: Value = serde_json::from_str(&inspect("json"))?;
    let files: Vec<&str> =
        found["damaged_files"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!((&found["damaged"], files.len()), (&Value::from(3), 3));
    assert!(files[0].contains("train/broad/3.ppm") && files[2].contains("val/"), "{files:?}");
    let said = inspect("text");
    assert!(said.contains("problem: 3 damaged files were left out") && said.contains(files[2]), "{said}");
    for index in 0..22 {
        fs::write(at.join(format!("stripes/train/narrow/{index}.ppm")), b"P6 40 40 255\nshort")?;
    }
    let said = inspect("text");
    assert!(said.contains("25 damaged files") && said.contains("  and 5 more"), "{said}");
    assert_eq!(said.matches("cannot be decoded").count(), 20, "{said}");

    // Kernels are fitted on, and copies made of, what is sound.
    for name in ["train_toy_models", "generate_toy_dataset"] {
        let flags = ["--exp_name", "WCR", "--format", "json"];
        let fit = if name == "train_toy_models" { &["--epochs", "1"][..] } else { &[] };
        succeed(program(name, at).args(flags).args(fit).args(data));
    }
    let config: Value = serde_json::from_slice(&fs::read(at.join("runs/WCR-Toy-Dataset/config.json"))?)?;
    assert_eq!(
        (&config["train_images"], &config["settings"]["image_size"]),
        (&Value::from(25), &Value::from(32))
    );
    Ok(())
}

/// Of a single colour each, of different ones.
#[test]
fn images_without_structure_are_told() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    stripes(&at.join("plain"), 32, 0)?;
    let files = ["train", "val"]
        .map(|part| [("broad", 90), ("narrow", 160)].map(|(class, colour)| (part, class, colour)));
    for (part, class, colour) in files.into_iter().flatten() {
        for file in fs::read_dir(at.join("plain").join(part).join(class))? {
            fs::write(file?.path(), [b"P6 32 32 255\n".as_slice(), &[colour; 3072]].concat())?;
        }
    }
    let data = ["--dataset", "folder", "--data", "plain"];
    let said = succeed(program("inspect", at).args(data));
    assert!(
        said.contains("problem: no image has a spectral density") && said.contains("single colour"),
        "{said}"
    );
    succeed(easy_train(at, &data).args(["--epochs", "1"]));
    let said = fail(grad(at, &data).arg("--quiet"), 1);
    assert!(said.contains("none of the 16 test images") && said.contains("single colour"), "{said}");
    assert!(!at.join("runs/folder/resnet20_plain/grad").exists(), "nothing is left behind");
    Ok(())
}

#[test]
fn images_too_small_for_a_network_leave_no_run() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    stripes(&at.join("stripes"), 16, 0)?;
    let flags =
        ["--dataset", "folder", "--data", "stripes", "--arch", "alexnet", "--arch-family", "imagenet"];
    let said = fail(&mut easy_train(at, &flags), 2);
    assert!(said.contains("alexnet: images of 16×16 pixels") && said.contains("--arch"), "{said}");
    assert!(!at.join("runs").exists(), "what is refused leaves nothing behind");
    Ok(())
}

#[test]
fn what_is_no_image_folder_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    stripes(&at.join("stripes"), 16, 0)?;
    let cases: [(&[&str], &str); 5] = [
        (&["--dataset", "folder"], "needs --data"),
        (&["--dataset", "folder", "--data", "stripes/val"], "no training images"),
        (&["--dataset", "imagenet", "--data", "stripes"], "expected two or more of the 1000"),
        (&["--dataset", "resIN", "--data", "stripes"], "expected all 1000"),
        (&["--dataset", "folder", "--data", "stripes", "--download"], "only cifar10 and cifar100"),
    ];
    for (flags, words) in cases {
        let said = fail(&mut easy_train(at, flags), 2);
        assert!(said.contains(words), "{flags:?}: {said}");
    }
    Ok(())
}
