//! The paper in one command: every step is run, the report holds what the files hold, and it goes on where it stopped.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{fail, interrupt, program, reproduce, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn root(folder: &Path) -> PathBuf {
    folder.join("runs/reproduction_synthetic_smoke")
}

fn report(folder: &Path) -> Outcome<Value> {
    Ok(serde_json::from_slice(&fs::read(root(folder).join("report.json"))?)?)
}

/// Every number of a page, by its place in the report.
fn numbers(page: &str) -> Outcome<Vec<(String, f64)>> {
    let attribute = |element: &str, name: &str| -> Outcome<String> {
        let start = element.find(&format!("{name}=\"")).ok_or("an attribute")? + name.len() + 2;
        let end = element[start..].find('"').ok_or("its end")?;
        Ok(element[start..start + end].to_owned())
    };
    let elements = page.split("<data ").skip(1);
    elements
        .map(|element| Ok((attribute(element, "data-at")?, attribute(element, "value")?.parse()?)))
        .collect()
}

/// Places of all numbers below a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(name, item)| places(item, &format!("{at}/{name}"), found));
        }
        _ => {}
    }
}

#[test]
fn the_report_holds_every_figure_and_every_number() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stdout = succeed(&mut reproduce(folder.path(), &[]));
    let (root, report) = (root(folder.path()), report(folder.path())?);
    assert!(stdout.contains("of 13 claims reproduced") && stdout.contains("report.html"), "{stdout}");
    let page = fs::read_to_string(root.join("report.html"))?;

    let shown = numbers(&page)?;
    for (at, value) in &shown {
        assert_eq!(report.pointer(at).and_then(Value::as_f64), Some(*value), "{at}");
    }
    let mut expected = Vec::new();
    for part in ["claims", "tables", "steps"] {
        places(&report[part], &format!("/{part}"), &mut expected);
    }
    let missing: Vec<_> = expected.iter().filter(|at| !shown.iter().any(|(shown, _)| shown == *at)).collect();
    assert!(missing.is_empty() && shown.len() > 100, "{} shown, not {missing:?}", shown.len());

    let figures = report["figures"].as_array().ok_or("figures")?;
    for id in [
        "heat_map_original",
        "heat_map_scr",
        "heat_map_wcr",
        "heat_map_hars",
        "density_original",
        "images_scr",
    ] {
        assert!(figures.iter().any(|figure| figure["id"] == id), "{id}");
    }
    for id in ["images_wcr", "accuracy_original", "features_original", "high_pass_all"] {
        assert!(figures.iter().any(|figure| figure["id"] == id), "{id}");
    }
    for claim in report["claims"].as_array().ok_or("claims")? {
        let id = claim["id"].as_str().ok_or("an id")?;
        assert!(page.contains(&format!("<figure id=\"{id}-figure\">")), "{id} has no figure beside it");
    }
    for figure in figures {
        let id = figure["id"].as_str().ok_or("an id")?;
        assert!(page.contains(&format!("<li id=\"{id}\">")), "{id}");
        for file in figure["files"].as_array().ok_or("files")? {
            assert!(fs::metadata(root.join(file.as_str().ok_or("a path")?))?.len() > 1000, "{file}");
        }
    }
    for outside in ["<script src", "<link rel=\"stylesheet", "src=\"http", "url("] {
        assert!(!page.contains(outside), "the page needs nothing else: {outside}");
    }
    let claims = report["claims"].as_array().ok_or("claims")?;
    let csv = fs::read_to_string(root.join("claims.csv"))?;
    let measures: usize = claims.iter().filter_map(|claim| Some(claim["measures"].as_array()?.len())).sum();
    assert_eq!(csv.lines().count(), 1 + measures);
    Ok(())
}

/// Ctrl-C in a step, and the same command again; then again with nothing left to do; then with another seed.
#[cfg(unix)]
#[test]
fn it_goes_on_where_it_stopped() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    succeed(&mut reproduce(whole.path(), &[]));
    let mut child = reproduce(parts.path(), &[]).stderr(std::process::Stdio::piped()).spawn()?;
    interrupt(&child, || root(parts.path()).join("SCR/class0").exists())?;
    let code = child.wait()?.code();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().ok_or("stderr")?, &mut stderr)?;
    assert_eq!(code, Some(1), "work is left: {stderr}");
    assert!(stderr.contains("of 14") && stderr.contains("the same command"), "{stderr}");

    succeed(&mut reproduce(parts.path(), &[]));
    let (expected, found) = (report(whole.path())?, report(parts.path())?);
    for part in ["claims", "tables", "figures"] {
        assert_eq!(expected[part], found[part], "{part}");
    }
    let page = fs::read(root(parts.path()).join("report.html"))?;
    let again = reproduce(parts.path(), &[]).output()?;
    let stderr = String::from_utf8(again.stderr)?;
    assert_eq!(stderr.matches("done before").count(), 14, "{stderr}");
    assert!(page == fs::read(root(parts.path()).join("report.html"))?, "the same page again");

    // The same folder by another name, and a result that somebody else wrote over: that step alone is done again.
    let evaluate =
        ["--run", "runs/reproduction_synthetic_smoke/synthetic/resnet20_baseline", "--limit-test", "50"];
    succeed(program("evaluate", parts.path()).args(evaluate));
    let again = reproduce(parts.path(), &["--out-dir", "./runs"]).output()?;
    let stderr = String::from_utf8(again.stderr)?;
    assert_eq!(stderr.matches("done before").count(), 13, "{stderr}");
    assert_eq!(report(parts.path())?["claims"], expected["claims"]);

    let refused = fail(&mut reproduce(parts.path(), &["--seed", "1"]), 2);
    assert!(refused.contains("--seed 0") && refused.contains("--overwrite"), "{refused}");
    Ok(())
}

#[test]
fn what_needs_data_says_so() -> Outcome {
    let folder = tempfile::tempdir()?;
    let refused = fail(program("reproduce", folder.path()).args(["--scale", "small"]), 2);
    assert!(refused.contains("--data") && refused.contains("smoke"), "{refused}");
    let refused = fail(program("reproduce", folder.path()).args(["--data", "/nowhere"]), 2);
    assert!(refused.contains("synthetic") && refused.contains("--scale small"), "{refused}");
    let refused = fail(program("reproduce", folder.path()).args(["--arch", "alexnet"]), 2);
    assert!(refused.contains("--arch alexnet") && !refused.contains("--arch-family"), "{refused}");
    let refused = fail(program("reproduce", folder.path()).args(["--dataset", "folder", "--data", "."]), 2);
    assert!(refused.contains("--dataset folder") && refused.contains("cifar10"), "{refused}");
    assert!(!folder.path().join("runs").exists());
    Ok(())
}
