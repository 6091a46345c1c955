//! `measure`: subcommands, files of a run, and what is refused.

use std::fs;

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
        ("critical-bands", &["--contrast", "1"], "channel"),
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
    let said = fail(&mut measure("sensitivity", &["--epoch", "0,7"]), 2);
    assert!(said.contains("--epoch 7") && said.contains("it has those of 0, 1"), "{said}");
    assert!(fail(&mut measure("fourier-heat-map", &["--norm", "0"]), 2).contains("--norm"));
    assert!(fail(&mut measure("attack-spectrum", &[]), 2).contains("--eps"));
    // A run that is trained anew has no results of the one before.
    succeed(easy_train(folder.path(), &["--epochs", "1", "--overwrite"]).arg("--quiet"));
    assert!(!results.join("sensitivity.json").exists());
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
