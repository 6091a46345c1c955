//! `measure`: subcommands, files of a run, and what is refused.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{SMALL, easy_train, fail, program, succeed};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[test]
fn a_run_is_measured_epoch_by_epoch() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(easy_train(folder.path(), &["--epochs", "2"]).arg("--quiet"));
    let measure = |what: &str, flags: &[&str]| {
        let mut command = program("measure", folder.path());
        command.arg(what).args(SMALL).args(flags).arg("--quiet");
        command
    };
    let said = succeed(&mut measure("sensitivity", &["--format", "json"]));
    let summary: Value = serde_json::from_str(&said)?;
    assert_eq!((&summary["measure"], &summary["n_images"]), (&"sensitivity".into(), &32.into()));
    let results = folder.path().join("runs/synthetic/resnet20_baseline/measure/sensitivity");
    let report: Value = serde_json::from_slice(&fs::read(results.join("sensitivity.json"))?)?;
    let rows = report["rows"].as_array().ok_or("rows")?;
    assert!(rows.len() == 2 && rows[1]["epoch"] == 1 && rows[1]["centre"] == summary["rows"][1]["centre"]);
    assert_eq!(report["network"]["arch"], "resnet20");
    for extension in ["npz", "png", "svg"] {
        assert!(results.join(format!("sensitivity.{extension}")).is_file(), "{extension}");
    }
    assert!(!results.join("sensitivity.partial.json").exists());
    succeed(&mut measure("attack-spectrum", &["--epoch", "1", "--constraint", "inf", "--eps", "8/255"]));
    for (what, flags, part) in [
        ("corruptions", &[][..], "spectra"),
        ("critical-bands", &["--contrast", "1", "--criterion", "0.01"], "channel"),
        ("layer-spectra", &[], "spectra"),
    ] {
        succeed(measure(what, flags).args(["--epoch", "1"]));
        let results = results.with_file_name(what);
        assert!(results.join(format!("{what}.{part}.svg")).is_file(), "{what}");
    }
    for (what, flags, named) in [
        ("shortcuts", ["--classes", "10"], "--classes"),
        ("critical-bands", ["--contrast", "2"], "--contrast"),
        ("corruptions", ["--corruptions", "nowhere"], "no published corruptions"),
        ("corruptions", ["--reference", "nowhere.json"], "nowhere.json"),
    ] {
        let said =
            fail(measure(what, &flags).args(["--epoch", "1"]), if named.starts_with("--") { 2 } else { 1 });
        assert!(said.contains(named), "{said}");
    }
    compares(folder.path())?;
    let said = fail(&mut measure("sensitivity", &["--epoch", "0,7"]), 2);
    assert!(said.contains("--epoch 7") && said.contains("it has those of 0, 1"), "{said}");
    assert!(fail(&mut measure("fourier-heat-map", &["--norm", "0"]), 2).contains("--norm"));
    assert!(fail(&mut measure("attack-spectrum", &[]), 2).contains("--eps"));
    // A run that is trained anew has no results of the one before.
    succeed(easy_train(folder.path(), &["--epochs", "1", "--overwrite"]).arg("--quiet"));
    assert!(!results.join("sensitivity.json").exists());
    Ok(())
}

/// Two epochs of the run; what is significant is what differs far.
fn compares(folder: &Path) -> Outcome {
    let run = "runs/synthetic/resnet20_baseline";
    let compare = |flags: &[&str]| {
        let mut command = program("compare", folder);
        command.args(flags).arg("--quiet");
        command
    };
    let said =
        succeed(&mut compare(&[run, "--epoch", "0,1", "--measure", "sensitivity", "--format", "json"]));
    let summary: Value = serde_json::from_str(&said)?;
    let found = &summary["comparisons"][0]["quantities"];
    let names: Vec<&str> =
        found.as_array().ok_or("quantities")?.iter().filter_map(|of| of["quantity"].as_str()).collect();
    assert_eq!(names, ["centre", "mean"]);
    let rows: Value =
        serde_json::from_slice(&fs::read(folder.join(run).join("measure/sensitivity/sensitivity.json"))?)?;
    let centre = |epoch: usize| rows["rows"][epoch]["centre"].as_f64();
    let difference = centre(1).zip(centre(0)).map(|(after, before)| after - before);
    assert_eq!(found[0]["difference"][0].as_f64(), difference);
    for file in ["compare.json", "compare.html", "sensitivity.mean.png", "sensitivity.mean.svg"] {
        assert!(folder.join("compare").join(file).is_file(), "{file}");
    }
    assert_eq!(found[1]["numbers"], 23);
    let cell = found[1]["largest"]["cell"].as_str().ok_or("a cell")?;
    assert!(cell.starts_with("r = "), "{cell}");
    let page = fs::read_to_string(folder.join("compare/compare.html"))?;
    assert!(
        page.contains(&format!("at {cell}.")) && page.contains("data-figure=\"compared-1-mean\""),
        "{page}"
    );
    // Figures of an earlier comparison go.
    succeed(&mut compare(&[run, "--epoch", "0,1", "--measure", "sensitivity"]));
    let kept = folder.join("compare/notes.png");
    fs::write(&kept, "mine")?;
    succeed(&mut compare(&[run, run, "--measure", "layer-spectra"]));
    assert!(!folder.join("compare/sensitivity.mean.png").exists() && kept.exists());
    assert!(folder.join("compare/layer-spectra.delta.png").exists());
    // A damaged result of one measure is in the way of no other; folders may have any name.
    let renamed = folder.join("elsewhere");
    fs::create_dir(&renamed)?;
    fs::copy(folder.join(run).join("measure/sensitivity/sensitivity.json"), renamed.join("mine.json"))?;
    fs::create_dir(renamed.join("measure"))?;
    fs::create_dir(renamed.join("measure/shortcuts"))?;
    fs::write(renamed.join("measure/shortcuts/shortcuts.json"), "{\"measure\": 3")?;
    let said = succeed(&mut compare(&[run, "elsewhere", "--measure", "sensitivity", "--out-dir", "renamed"]));
    assert!(said.contains("mean: 0 of 23 significant"), "{said}");
    let said = fail(&mut compare(&[run, "elsewhere"]), 1);
    assert!(said.contains("shortcuts.json") && said.contains("the file is damaged"), "{said}");
    // A file beside a run, of the last epoch each: nothing differs.
    let file = format!("{run}/measure/sensitivity/sensitivity.json");
    let said = succeed(&mut compare(&[run, &file, "--measure", "sensitivity", "--out-dir", "same"]));
    assert!(said.contains("mean: 0 of 23 significant") && said.contains("rank correlation 1.000"), "{said}");
    for (flags, code, named) in [
        (&[run][..], 2, "--epoch"),
        (&[run, "--epoch", "0,9"], 2, "no row of epoch 9"),
        (&[run, "nowhere"], 2, "nowhere: there is no such file or folder"),
        (
            &[run, run, "--measure", "nonsense"],
            2,
            "no results of nonsense; there are those of attack-spectrum, ",
        ),
        (&[run, run, "--device", "cpu"], 2, "--device"),
        (&[run, &format!("{run}/config.json")], 2, "JSON with classes, command, "),
    ] {
        let said = fail(&mut compare(flags), code);
        assert!(said.contains(named), "{said}");
    }
    Ok(())
}

#[test]
fn what_is_no_measure_is_refused_in_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let said = fail(&mut program("measure", folder.path()), 2);
    assert!(said.contains("fourier-heat-map") && said.contains("sensitivity"), "{said}");
    assert!(fail(program("measure", folder.path()).arg("sensitivty"), 2).contains("sensitivity"));
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}
