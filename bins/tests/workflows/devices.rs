//! The same commands on what GPUs run: on a machine without one with those operations on the CPU.

use std::path::{Path, PathBuf};

use crate::support::{easy_train, grad, program, succeed};
use serde_json::Value;

/// Few images: these operations are slow on the CPU.
const FEW: [&str; 6] = ["--limit-train", "96", "--limit-test", "48", "--batch-size", "32"];

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Devices besides the CPU's own engine.
fn devices() -> &'static [&'static str] {
    if cfg!(feature = "cuda") { &["cpu-plain", "cuda:0"] } else { &["cpu-plain"] }
}

fn run_folder(folder: &Path) -> PathBuf {
    folder.join("runs/synthetic/resnet20_baseline")
}

fn json(path: &Path) -> Outcome<Value> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

fn rows(table: &Value, key: &str) -> Vec<Vec<f64>> {
    let row = |row: &Value| row.as_array().expect("a row").iter().filter_map(Value::as_f64).collect();
    table[key].as_array().expect("rows").iter().map(row).collect()
}

#[test]
fn a_spectrum_is_the_same_on_every_device() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(easy_train(folder.path(), &["--epochs", "2"]).args(FEW));
    let path = run_folder(folder.path()).join("grad/gradient_spectrum.json");
    let measure = |device: &str| -> Outcome<Value> {
        succeed(grad(folder.path(), &["--device", device]).args(FEW));
        json(&path)
    };
    let expected = measure("cpu")?;
    for device in devices() {
        let found = measure(device)?;
        assert_eq!(found["skipped"], expected["skipped"]);
        for key in ["mean", "std"] {
            let pairs = rows(&found, key).into_iter().zip(rows(&expected, key));
            for (found, expected) in pairs.flat_map(|(found, expected)| found.into_iter().zip(expected)) {
                assert!((found - expected).abs() < 3e-4, "{device}, {key}: {found}, {expected}");
            }
        }
        assert_ne!(found, expected, "{device}: rows of another device are not taken for this one's");
    }
    Ok(())
}

#[test]
fn a_run_is_trained_and_resumed_on_every_device() -> Outcome {
    for device in devices() {
        let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
        succeed(easy_train(whole.path(), &["--epochs", "2", "--device", device]).args(FEW));
        succeed(easy_train(parts.path(), &["--epochs", "1", "--device", device]).args(FEW));
        succeed(easy_train(parts.path(), &["--epochs", "2", "--device", device, "--resume"]).args(FEW));
        let checkpoint = |folder: &Path| std::fs::read(run_folder(folder).join("1_checkpoint.safetensors"));
        assert!(checkpoint(whole.path())? == checkpoint(parts.path())?, "{device}: 1 + 1 epochs are 2");
        assert_eq!(json(&run_folder(whole.path()).join("config.json"))?["device"], *device);
        // Where it goes on does not matter to a run, but for rounding, and that is said.
        let moved =
            easy_train(parts.path(), &["--epochs", "3", "--device", "cpu", "--resume"]).args(FEW).output()?;
        let said = String::from_utf8_lossy(&moved.stderr).into_owned();
        assert!(
            moved.status.success() && said.contains(&format!("started with the kernels `{device}`")),
            "{said}"
        );
    }
    Ok(())
}

/// Rounding shows and does little; the bits do not depend on the threads.
#[test]
fn a_run_in_bf16_is_near_one_in_f32() -> Outcome {
    let folder = tempfile::tempdir()?;
    let checkpoint = |task: &str, flags: &[&str]| -> Outcome<Vec<u8>> {
        succeed(easy_train(folder.path(), &["--epochs", "1", "--task", task]).args(FEW).args(flags));
        let run = folder.path().join("runs/synthetic").join(task);
        Ok(std::fs::read(run.join("0_checkpoint.safetensors"))?)
    };
    let exact = checkpoint("f32", &["--precision", "f32"])?;
    let rounded = checkpoint("bf16", &["--precision", "bf16", "--threads", "2"])?;
    assert!(exact != rounded, "bf16 is not f32");
    assert!(
        checkpoint("short", &["--bf16", "--threads", "1"])? == rounded,
        "one thread gives the bits of two"
    );
    let config = folder.path().join("runs/synthetic/bf16/config.json");
    assert_eq!(json(&config)?["settings"]["precision"], "bf16");
    let config = config.to_str().ok_or("UTF-8")?;
    assert!(checkpoint("again", &["--config", config])? == rounded, "a run's settings hold it");

    let spectrum = |flags: &[&str]| -> Outcome<Vec<Vec<f64>>> {
        succeed(grad(folder.path(), &["--task", "f32"]).args(FEW).args(flags));
        Ok(rows(&json(&folder.path().join("runs/synthetic/f32/grad/gradient_spectrum.json"))?, "mean"))
    };
    let (expected, found) = (spectrum(&[])?, spectrum(&["--bf16"])?);
    assert!(expected != found, "rows in f32 are not taken for those in bf16");
    // Over all bands: a single one of a network that has hardly learned may be off by as much. Of seven seeds it is 0.002 to 0.008.
    let differences =
        found.iter().flatten().zip(expected.iter().flatten()).map(|(found, expected)| found - expected);
    let squares: Vec<f64> = differences.map(|difference| difference * difference).collect();
    let error = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    assert!(error < 0.015, "a root mean square of {error}");
    let both = easy_train(folder.path(), &["--precision", "f32", "--bf16"]).args(FEW).output()?;
    assert_eq!(both.status.code(), Some(2), "{both:?}");
    Ok(())
}

/// Photographs are not kept on a device: each batch is copied there while the one before is computed.
#[test]
fn photographs_go_to_every_device() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    photographs(&at.join("pictures"))?;
    // 44 of them, so that the last batch is smaller.
    let flags = ["--dataset", "folder", "--data", "pictures", "--batch-size", "16", "--limit-train", "44"];
    let on = |device: &str| -> Outcome<[Vec<f64>; 2]> {
        let task = device.replace(':', "_");
        let (epoch, device) = (["--epochs", "1"], ["--device", device, "--task", &task]);
        succeed(easy_train(at, &flags).args(epoch).args(device));
        let run = at.join("runs/folder").join(&task);
        let metrics: Value = serde_json::from_slice(&std::fs::read(run.join("metrics.jsonl"))?)?;
        // The checkpoint of the CPU on every device: what one step after another adds up to is not compared.
        let checkpoint = "runs/folder/cpu/0_checkpoint.safetensors";
        let measured = ["--arch", "resnet20", "--checkpoints", checkpoint, "--freq", "low", "--r", "8"];
        succeed(program("evaluate", at).args(measured).args(flags).args(device));
        let evaluation = json(&at.join("runs/folder").join(&task).join("evaluate/evaluation.json"))?;
        let parts = evaluation["checkpoints"][0]["components"].as_array().cloned().unwrap_or_default();
        let losses = parts.iter().filter_map(|part| part["loss"].as_f64()).collect();
        Ok([metrics["train_loss"].as_f64().into_iter().collect(), losses])
    };
    let expected = on("cpu")?;
    assert_eq!(expected.each_ref().map(Vec::len), [1, 3]);
    for device in devices() {
        for (found, (expected, near)) in on(device)?.iter().zip(expected.iter().zip([1e-2, 1e-4])) {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found / expected - 1.0).abs() < near, "{device}: {found}, {expected}");
            }
        }
    }
    Ok(())
}

/// Two classes of stripes of 32×32 pixels, broad and narrow.
fn photographs(root: &Path) -> Outcome {
    for (part, count) in [("train", 24), ("val", 10)] {
        for (class, period) in [("broad", 16), ("narrow", 6)] {
            let folder = root.join(part).join(class);
            std::fs::create_dir_all(&folder)?;
            for index in 0..count {
                let pixel = |at: usize| {
                    let (x, y) = (at % 32, at / 32);
                    let bright = (x + index * y / 8 + index) % period < period / 2;
                    [if bright { 210 } else { 40 }, (x * 3 + y) as u8, (y * 5 + index) as u8]
                };
                let bytes: Vec<u8> =
                    b"P6 32 32 255\n".iter().copied().chain((0..1024).flat_map(pixel)).collect();
                std::fs::write(folder.join(format!("{index}.ppm")), bytes)?;
            }
        }
    }
    Ok(())
}

#[test]
fn devices_that_are_not_there_are_told() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (gpus, words) in
        [("0,0", "GPU 0 is named twice"), ("0;1", "expected the number of a GPU"), ("0,", "expected")]
    {
        let several = easy_train(folder.path(), &["--gpu", gpus]).args(FEW).output()?;
        let said = String::from_utf8_lossy(&several.stderr).into_owned();
        assert!(several.status.code() == Some(2) && said.contains(words), "{said}");
    }
    let unknown = easy_train(folder.path(), &["--device", "tpu"]).args(FEW).output()?;
    assert_eq!(unknown.status.code(), Some(2));
    let missing = easy_train(folder.path(), &["--epochs", "1", "--gpu", "99"]).args(FEW).output()?;
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    if cfg!(feature = "cuda") {
        assert!(missing.status.code() == Some(2) && said.contains("--gpu 99: no such GPU"), "{said}");
    } else {
        assert!(missing.status.success() && said.contains("no CUDA; running on the CPU"), "{said}");
    }
    Ok(())
}

/// Kernels fitted on another device reach the same losses but for rounding.
#[test]
fn kernels_are_fitted_on_every_device() -> Outcome {
    let folder = tempfile::tempdir()?;
    let fit = |device: &str| -> Outcome<Value> {
        let mut command = program("train_toy_models", folder.path());
        let few = [
            "--dataset",
            "synthetic",
            "--epochs",
            "2",
            "--limit-train",
            "60",
            "--limit-test",
            "10",
            "--overwrite",
        ];
        succeed(command.args(few).args(["--device", device, "--exp-name", "SCR", "--out-dir", device]));
        let log = log_below(&folder.path().join(device))?;
        let last = std::fs::read_to_string(log)?;
        Ok(serde_json::from_str(last.lines().last().unwrap_or_default())?)
    };
    let expected = fit("cpu")?;
    for device in devices() {
        let found = fit(device)?;
        for key in ["spectral_loss", "image_loss"] {
            let number = |losses: &Value| losses[key].as_f64().unwrap_or(f64::NAN);
            let apart = (number(&found) / number(&expected) - 1.0).abs();
            assert!(apart < 1e-3, "{device}: {key} {found} {expected}");
        }
    }
    Ok(())
}

/// The one log below a folder.
fn log_below(folder: &Path) -> Outcome<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("log.jsonl") {
                return Ok(path);
            }
        }
    }
    Err(format!("no log.jsonl below {}", folder.display()).into())
}
