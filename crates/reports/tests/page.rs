//! Pages of folders that are whole, damaged, of another network, or somebody's attempt to write markup.

use std::{error::Error, fs, path::Path};

use reports::{RunPage, save_run_page};
use serde_json::{Value, json};
use spectral::{SpectrumDetails, SpectrumRow, SpectrumTable};
use training::{EpochMetrics, RunFolder};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn write(path: &Path, content: &str) -> Outcome {
    fs::create_dir_all(path.parent().ok_or("a folder")?)?;
    Ok(fs::write(path, content)?)
}

fn spectrum(run: &Path, arch: &str, epochs: usize, accuracy: f64) -> Outcome {
    let mut table = SpectrumTable::new("synthetic", arch, 50, vec![1, 2, 3]);
    for epoch in 0..epochs {
        let mean = vec![1.0, 1.0 / 3.0, epoch as f64 / 10.0];
        table.push(SpectrumRow {
            epoch,
            mean,
            std: vec![0.1; 3],
            nat_prec1: accuracy,
            skipped: 0,
            details: SpectrumDetails::default(),
        })?;
    }
    fs::create_dir_all(run.join("grad"))?;
    Ok(table.save_json(&run.join("grad/gradient_spectrum.json"))?)
}

fn metrics(run: &Path, epochs: usize, accuracy: f64) -> Outcome {
    let line = |epoch| EpochMetrics {
        epoch,
        lr: 0.1,
        train_loss: 1.5,
        train_prec1: 30.0,
        nat_loss: 2.0,
        nat_prec1: accuracy,
        nat_prec5: 80.0,
        adv_loss: None,
        adv_prec1: None,
        ema_loss: None,
        ema_prec1: None,
        seconds: 5.0,
        images_per_second: 6.0,
        kernels: None,
    };
    Ok(RunFolder::at(run).save_metrics(&(0..epochs).map(line).collect::<Vec<_>>())?)
}

/// The numbers of a page, as its script reads them.
fn numbers(page: &str) -> Outcome<Value> {
    let (_, rest) = page.split_once("<script id=\"numbers\" type=\"application/json\">").ok_or("numbers")?;
    Ok(serde_json::from_str(rest.split_once("</script>").ok_or("their end")?.0)?)
}

/// A result of each measure, as the programs write it.
fn measures(run: &Path) -> Outcome {
    let rates = |value: f64| json!([[value, value], [value, value]]);
    let own = |name: &str, shared: Value, rows: Vec<Value>| -> Outcome {
        let mut result =
            json!({ "measure": name, "arch": "resnet20", "dataset": "synthetic", "n_images": 50 });
        let shared = shared.as_object().cloned().unwrap_or_default();
        shared.into_iter().for_each(|(key, value)| result[key] = value);
        let rows: Vec<Value> = rows
            .into_iter()
            .enumerate()
            .map(|(epoch, mut row)| {
                row["epoch"] = json!(epoch);
                row
            })
            .collect();
        result["rows"] = json!(rows);
        write(&run.join(format!("measure/{name}/{name}.json")), &result.to_string())
    };
    own(
        "fourier-heat-map",
        json!({ "vertical_frequencies": [-1, 0], "horizontal_frequencies": [-1, 0], "radii": [1] }),
        vec![
            json!({ "error_rate": rates(0.5), "error_rate_low": rates(0.25), "error_rate_high": rates(0.75), "first_order": rates(2.0),
            "ring_error_rate": [0.5], "ring_error_rate_interval": [[0.25, 0.75]], "clean_error": 0.125, "clean_error_interval": [0.1, 0.2] });
            2
        ],
    )?;
    own(
        "sensitivity",
        json!({ "radii": [1, 2] }),
        vec![json!({ "mean": [0.75, 0.25], "interval": [[0.5, 1.0], null], "centre": 1.25 }); 9],
    )?;
    own(
        "phase-amplitude",
        json!({}),
        vec![
            json!({ "accuracy": 0.5, "by_phase": 0.25, "by_phase_interval": [0.2, 0.3], "by_amplitude": 0.125 });
            2
        ],
    )?;
    own(
        "corruptions",
        json!({ "corruptions": ["gaussian_noise", "</script>"], "radii": [1, 2] }),
        vec![
            json!({ "error": rates(0.5), "sensitivity": [0.5, 0.5], "clean_error": 0.1, "mean_corruption_error": 0.5 });
            2
        ],
    )?;
    own(
        "critical-bands",
        json!({ "octave_centres": [1.75, 3.5], "noise": [0, 0.02] }),
        vec![json!({ "accuracy": rates(0.5), "sensitivity": [0.0, null], "channel": null }); 2],
    )?;
    own(
        "shortcuts",
        json!({ "dominant_percent": [1, 5] }),
        vec![json!({ "classes": [
        { "name": "<img src=x>", "tpr": [0, 0.5], "tpr_interval": [[0, 1], [0.25, 0.75]], "fpr": [0, 0.125], "fpr_interval": [[0, 1], [0, 0.25]] }] })],
    )?;
    own(
        "attack-spectrum",
        json!({ "radii": [1, 2], "octaves": [[1, 1], [2, 3]] }),
        vec![
            json!({ "change": [1, 2], "gradient": [2, 1], "octave_error": [0.5, 0.25], "clean_error": 0.1, "attacked_error": 0.5 });
            2
        ],
    )?;
    own(
        "layer-spectra",
        json!({ "blocks": [{ "name": "conv1", "size": [32, 32] }] }),
        vec![json!({ "delta": [-3.5], "delta_interval": [[-4, -3]] })],
    )?;
    own("yours", json!({}), vec![json!({ "anything": 7.5 })])
}

#[test]
fn everything_that_a_folder_has_is_shown() -> Outcome {
    let run = tempfile::tempdir()?;
    spectrum(run.path(), "resnet20", 2, 12.5)?;
    metrics(run.path(), 2, 12.5)?;
    measures(run.path())?;
    let path = save_run_page(run.path())?;
    let page = fs::read_to_string(&path)?;
    assert_eq!(path, run.path().join("report.html"));
    assert!(page.contains("<h1>resnet20 on synthetic</h1>") && !page.contains("Not shown"), "{page}");
    let numbers = numbers(&page)?;
    assert_eq!(numbers["spectrum"]["mean"], json!([[1.0, 1.0 / 3.0, 0.0], [1.0, 1.0 / 3.0, 0.1]]));
    assert_eq!(numbers["accuracy"]["curves"][0]["values"], json!([12.5, 12.5]));
    for (name, at, expected) in [
        ("fourier-heat-map-errors", "/maps/1/values/3", json!(50.0)),
        ("fourier-heat-map-errors", "/maps/1/ends/3", json!([25.0, 75.0])),
        ("fourier-heat-map-rings", "/curves/0/ends/0", json!([25.0, 75.0])),
        // Of nine epochs six are shown, the first and the last among them.
        ("sensitivity-shares", "/curves/5/label", json!("epoch 8")),
        ("sensitivity-shares", "/curves/5/ends/1", json!([null, null])),
        ("phase-amplitude-epochs", "/curves/1/values/0", json!(25.0)),
        ("corruptions-errors", "/rows/names/1", json!("</script>")),
        ("critical-bands-channel", "/names/1", json!("3.5")),
        ("shortcuts-rates", "/curves/0/values/0", json!(50.0)),
        ("attack-spectrum-octaves", "/names/1", json!("2–3")),
        ("layer-spectra-delta", "/curves/0/values/0", json!(-3.5)),
    ] {
        assert_eq!(numbers[name].pointer(at), Some(&expected), "{name} {at}: {}", numbers[name]);
    }
    assert!(page.contains(">yours</h2>") && page.contains(">7.5</td>"), "a measure that nobody knows");
    assert!(!page.contains("<img src=x>") && page.matches("</script>").count() == 2);
    save_run_page(run.path())?;
    assert!(page == fs::read_to_string(&path)?, "the same files, the same bytes");
    Ok(())
}

#[test]
fn what_is_damaged_is_said_and_the_rest_is_shown() -> Outcome {
    let run = tempfile::tempdir()?;
    spectrum(run.path(), "resnet20", 2, 12.5)?;
    write(&run.path().join("evaluate/evaluation.json"), "{\"checkpoints\": 3}")?;
    write(&run.path().join("measure/sensitivity/sensitivity.json"), "<!DOCTYPE html>")?;
    write(&run.path().join("spectrum/gradient_spectrum.json"), "{}")?;
    write(&run.path().join("metrics.jsonl"), "{}\n")?;
    write(&run.path().join("config.json"), "[]")?;
    let page = RunPage::read(run.path());
    let problems = page.problems();
    assert_eq!(problems.len(), 5, "{problems:?}");
    for file in [
        "evaluate/evaluation.json",
        "measure/sensitivity/sensitivity.json",
        "spectrum/gradient_spectrum.json",
        "metrics.jsonl",
        "config.json",
    ] {
        assert!(problems.iter().any(|problem| problem.starts_with(file)), "{file}: {problems:?}");
        assert!(page.html().contains(&format!("<b>Not shown: </b>{file}")), "{file}");
    }
    assert!(page.html().contains("type=\"range\""), "the spectrum is shown");
    // An empty folder has a page, too.
    let empty = tempfile::tempdir()?;
    assert!(RunPage::read(empty.path()).problems().is_empty());
    Ok(())
}

#[test]
fn what_is_of_another_network_is_said() -> Outcome {
    let said = |epochs: usize, trained: usize, accuracy: f64, arch: &str| -> Outcome<String> {
        let run = tempfile::tempdir()?;
        spectrum(run.path(), arch, epochs, 12.5)?;
        metrics(run.path(), trained, accuracy)?;
        write(&run.path().join("config.json"), r#"{"test_images": 50, "settings": {"arch": "resnet20"}}"#)?;
        Ok(RunPage::read(run.path()).html().to_owned())
    };
    assert!(!said(2, 2, 12.5, "resnet20")?.contains("class=\"note\""));
    assert!(said(3, 2, 12.5, "resnet20")?.contains("has epoch 2, but the run has gone to epoch 1"));
    assert!(
        said(2, 5, 12.5, "resnet20")?
            .contains("The last epoch that was measured is 1; the run has gone to epoch 4")
    );
    assert!(said(2, 2, 12.5, "vgg16")?.contains("This is of vgg16, but the run is of resnet20"));
    assert!(said(2, 2, 90.0, "resnet20")?.contains("is 12.5 % here and was 90 % in training"));
    Ok(())
}

/// Whatever a result holds, there is a page.
#[test]
fn no_result_breaks_the_page() -> Outcome {
    let run = tempfile::tempdir()?;
    measures(run.path())?;
    let values = [
        json!(null),
        json!([]),
        json!({}),
        json!("x"),
        json!(-1e308),
        json!([[[1]]]),
        json!([null, 1e308, -1e308]),
        json!([{ "name": [] }]),
    ];
    for folder in fs::read_dir(run.path().join("measure"))? {
        let folder = folder?.path();
        let path = folder.join(folder.file_name().ok_or("a name")?).with_extension("json");
        let whole: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let keys: Vec<String> = whole.as_object().ok_or("an object")?.keys().cloned().collect();
        let row_keys: Vec<String> = whole["rows"][0].as_object().ok_or("a row")?.keys().cloned().collect();
        for value in &values {
            for key in &keys {
                let mut result = whole.clone();
                result[key] = value.clone();
                write(&path, &result.to_string())?;
                let page = RunPage::read(run.path());
                assert!(page.html().ends_with("</html>\n") && numbers(page.html()).is_ok(), "{key} {value}");
            }
            for key in &row_keys {
                let mut result = whole.clone();
                for row in result["rows"].as_array_mut().ok_or("rows")? {
                    row[key] = value.clone();
                }
                write(&path, &result.to_string())?;
                let page = RunPage::read(run.path()).html().to_owned();
                assert!(!page.contains("NaN") && !page.contains(">inf"), "{key} {value}");
            }
        }
        write(&path, &whole.to_string())?;
    }
    Ok(())
}
