//! A whole reproduction without a network: a fake runner writes results whose verdicts are known.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    error::Error as StdError,
    fs,
    path::Path,
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
};

use progress::{Event, Progress};
use reproduction::{
    Environment, Error, FinishedReproduction, Paper, Plan, Program, RADII, Report, ReproductionConfig,
    Restart, Scale, StepRun, TrainingSet, Verdict,
};
use serde_json::{Value, json};
use spectral::{SpectrumRow, SpectrumTable};
use training::RunFolder;

type Outcome<T = ()> = Result<T, Box<dyn StdError>>;

/// What the fake networks are: mean gradients of the first and the last epoch by radius, and accuracy in percent.
struct Network {
    first: fn(usize) -> f64,
    last: fn(usize) -> f64,
    accuracy: f64,
}

fn falling(radius: usize) -> f64 {
    1.0 - radius as f64 / 20.0
}

fn rising(radius: usize) -> f64 {
    radius as f64 / 20.0
}

/// Falls to a valley at ρ = 10 and has a second peak at ρ = 17.
fn two_peaks(radius: usize) -> f64 {
    if radius <= 10 { falling(radius) } else { 0.8 - (radius as f64 - 17.0).abs() / 20.0 }
}

fn network(set: TrainingSet) -> Network {
    match set {
        TrainingSet::Original => Network { first: falling, last: rising, accuracy: 60.0 },
        TrainingSet::Scr => Network { first: falling, last: rising, accuracy: 90.0 },
        TrainingSet::Wcr => Network { first: falling, last: falling, accuracy: 50.0 },
        TrainingSet::Hars => Network { first: falling, last: falling, accuracy: 90.0 },
    }
}

fn by_radius(of: fn(usize) -> f64) -> Vec<f64> {
    (1..=20).map(of).collect()
}

fn spectrum(set: TrainingSet) -> Outcome<SpectrumTable> {
    let Network { first, last, accuracy } = network(set);
    let mut table = SpectrumTable::new("synthetic", "resnet20", 1000, (1..=20).collect());
    for (epoch, mean) in [first, last].into_iter().enumerate() {
        let mean = by_radius(mean);
        table.push(SpectrumRow {
            epoch,
            mean,
            std: vec![0.1; 20],
            nat_prec1: accuracy,
            ..SpectrumRow::default()
        })?;
    }
    Ok(table)
}

fn evaluation(set: TrainingSet) -> Value {
    let accuracy = network(set).accuracy;
    let component = |name: &str, r: Option<usize>, share: f64| {
        let prec1 = 10.0 + accuracy * share;
        json!({ "component": name, "r": r, "prec1": prec1, "prec1_interval": [prec1 - 3.0, prec1 + 3.0],
            "features": { "ratio": prec1 / 10.0, "inter_class_variance": prec1 } })
    };
    let mut components = vec![component("original", None, 0.9), component("band", None, 0.4)];
    for r in RADII {
        components.push(component("low", Some(r), rising(r)));
        components.push(component("high", Some(r), falling(r)));
    }
    json!({ "classes": vec!["class"; 10],
        "checkpoints": [{ "components": components, "inter_class_variance_accuracy_correlation": 0.9 }] })
}

fn densities() -> Value {
    let bands = |mean| json!({ "mean": by_radius(mean), "std": vec![0.1; 20] });
    json!({ "radii": (1..=20).collect::<Vec<_>>(), "images": 1000, "before": bands(falling), "after": bands(two_peaks) })
}

fn sensitivity() -> Value {
    let row = json!({ "epoch": 1, "mean": by_radius(falling), "centre": 5.0, "accuracy": 0.5 });
    json!({ "measure": "sensitivity", "n_images": 1000, "radii": (1..=20).collect::<Vec<_>>(), "rows": [row] })
}

fn phase_or_amplitude() -> Value {
    let row = |epoch: usize, amplitude: f64, phase: f64| {
        json!({ "epoch": epoch, "n_images": 1000, "accuracy": 0.6,
            "by_amplitude": amplitude, "by_amplitude_interval": [amplitude - 0.02, amplitude + 0.02],
            "by_phase": phase, "by_phase_interval": [phase - 0.02, phase + 0.02] })
    };
    json!({ "measure": "phase-amplitude", "network": { "classes": 10 }, "n_images": 1000, "rows": [row(0, 0.4, 0.2), row(1, 0.3, 0.3)] })
}

/// Writes what the program of a step would.
fn fake(plan: &Plan, run: &StepRun<'_>) -> Outcome {
    let step = run.step;
    let folder = step.result.parent().ok_or("a folder")?;
    fs::create_dir_all(folder)?;
    let is_of = |set: &TrainingSet| plan.paths().run(*set) == step.folder;
    let set = TrainingSet::ALL.into_iter().find(is_of);
    let figures: &[&str] = match step.program {
        Program::TrainToyModels => {
            fs::write(&step.result, "{}")?;
            &[]
        }
        Program::GenerateToyDataset => {
            fs::write(&step.result, densities().to_string())?;
            &["density"]
        }
        Program::EasyTrain => {
            spectrum(set.ok_or("a network")?)?.save_json(&step.result)?;
            &["gradient_spectrum", "density"]
        }
        Program::Evaluate => {
            fs::write(&step.result, evaluation(set.ok_or("a network")?).to_string())?;
            &["accuracy", "features"]
        }
        Program::Measure => {
            let what = step.arguments[0].as_str();
            let result = if what == "phase-amplitude" { phase_or_amplitude() } else { sensitivity() };
            fs::write(&step.result, result.to_string())?;
            if what == "phase-amplitude" { &["phase-amplitude"] } else { &[] }
        }
    };
    for name in figures {
        fs::write(folder.join(format!("{name}.svg")), "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")?;
        fs::write(folder.join(format!("{name}.png")), "a picture")?;
    }
    Ok(())
}

fn plan(root: &Path, seed: u64) -> Result<Plan, Error> {
    let config = ReproductionConfig { seed, ..ReproductionConfig::for_scale(Scale::Smoke) };
    Plan::new(config, root)
}

fn environment() -> Environment {
    Environment { version: "1.2.3".to_owned(), kernels: "abacus".to_owned() }
}

fn run(
    plan: &Plan,
    restart: Restart,
    progress: &Progress,
    run_step: impl FnMut(&StepRun<'_>) -> Outcome,
) -> Outcome<FinishedReproduction> {
    reproduction::run(plan, restart, &environment(), progress, run_step)
}

/// A callback that keeps lines, and the lines.
fn listening() -> (Progress, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let report = move |event: Event<'_>| {
        if let Event::Line(line) = event {
            log.lock().expect("no panic elsewhere").push(line.to_owned());
        }
    };
    (Progress::new(report, Arc::new(AtomicBool::new(false))), lines)
}

#[test]
fn a_whole_reproduction_is_reported() -> Outcome {
    let root = tempfile::tempdir()?;
    let plan = plan(root.path(), 0)?;
    let finished = run(&plan, Restart::Resume, &Progress::default(), |step| fake(&plan, step))?;
    the_report_has_the_verdicts_that_the_results_call_for(&finished.report);
    the_files_hold_what_the_report_holds(root.path(), &finished)?;
    the_page_shows_every_number_and_every_link_leads_somewhere(root.path(), &finished)
}

fn the_report_has_the_verdicts_that_the_results_call_for(report: &Report) {
    let not_reproduced: Vec<_> =
        report.claims.iter().filter(|claim| claim.verdict != Verdict::Reproduced).collect();
    assert_eq!(
        not_reproduced.iter().map(|claim| (claim.id, claim.verdict)).collect::<Vec<_>>(),
        ["finest-dark", "density", "hars-low"].map(|id| (id, Verdict::NotReproduced))
    );
    assert_eq!([report.claims.len(), report.count(Verdict::Reproduced)], [13, 10]);
    let low_first = &report.claims[0].measures;
    // The mean of 1 − ρ/20 over ρ = 1 to 6 and 8 to 18, with 1.96 · 0.1/√1000.
    assert!((low_first[0].value - 0.825).abs() < 1e-12 && (low_first[1].value - 0.35).abs() < 1e-12);
    assert!(low_first[0].interval.is_some_and(|[low, _]| (low - 0.825 + 0.006_198_064).abs() < 1e-8));

    assert_eq!(report.tables.iter().map(|table| table.rows.len()).collect::<Vec<_>>(), [4, 4, 4]);
    assert_eq!(
        (report.tables[1].columns[3].as_str(), report.tables[1].rows[1].cells[3].value),
        ("d ≥ 12", 46.0)
    );
    assert_eq!(report.figures.len(), 10);
    assert!(report.steps.iter().all(|step| step.seconds.is_some()));
}

fn the_files_hold_what_the_report_holds(root: &Path, finished: &FinishedReproduction) -> Outcome {
    let read = |name: &str| fs::read_to_string(root.join(name));

    let json = read("report.json")?;
    assert_eq!(json, serde_json::to_string_pretty(&finished.report)? + "\n");
    let value: Value = serde_json::from_str(&json)?;
    assert_eq!([&value["version"], &value["kernels"]], ["1.2.3", "abacus"]);
    assert_eq!(value["study"]["fit"], json!([80, 20]));
    assert_eq!(value["study"], serde_json::from_str::<Value>(&read("steps.json")?)?["study"]);

    let csv = read("claims.csv")?;
    let measures: usize = finished.report.claims.iter().map(|claim| claim.measures.len()).sum();
    assert_eq!(csv.lines().count(), 1 + measures);
    assert!(csv.contains("\nhars-low,not reproduced,\"trained on original images, low-pass images of r = 12\",percent,46.0,43.0,49.0,\n"));
    assert!(csv.contains("\nfinest-dark,not reproduced,\"the strongest band, epoch 1\",scaled,1.0,"));
    let csv = read("accuracy.csv")?;
    assert_eq!(csv.lines().count(), 1 + 4 * (1 + 7 + 7));
    assert!(csv.contains("\nHigh-pass test images,SCR images,d ≥ 12,46.0,43.0,49.0\n"), "{csv}");

    for figure in &finished.report.figures {
        for file in &figure.files {
            assert!(root.join(file).is_file(), "{file:?}");
        }
    }
    assert_eq!(finished.files.last(), Some(&root.join("report.html")));
    Ok(())
}

/// The values of an attribute in the order of the page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The places of all numbers below a value.
fn places(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Number(_) => {
            found.insert(at.to_owned());
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(name, item)| places(item, &format!("{at}/{name}"), found));
        }
        _ => {}
    }
}

fn the_page_shows_every_number_and_every_link_leads_somewhere(
    root: &Path,
    finished: &FinishedReproduction,
) -> Outcome {
    let page = fs::read_to_string(root.join("report.html"))?;
    let report = serde_json::to_value(&finished.report)?;

    let shown = attributes(&page, "data-at");
    let values = page.split("<data ").skip(1).filter_map(|element| {
        attributes(&format!(" {element}"), "value").first().copied().map(str::to_owned)
    });
    let values = values.map(|value| value.parse()).collect::<Result<Vec<f64>, _>>()?;
    assert_eq!(shown.len(), values.len());
    for (at, value) in shown.iter().zip(values) {
        assert_eq!(report.pointer(at).and_then(Value::as_f64), Some(value), "{at}");
    }
    let mut expected = BTreeSet::new();
    for part in ["claims", "tables", "steps"] {
        places(&report[part], &format!("/{part}"), &mut expected);
    }
    assert_eq!(shown.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected);

    let ids = attributes(&page, "id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    let links: Vec<_> =
        attributes(&page, "href").into_iter().filter_map(|link| link.strip_prefix('#')).collect();
    assert!(links.len() > 30 && links.iter().all(|link| ids.contains(link)), "{links:?}");
    for claim in &finished.report.claims {
        let is_shown = |id: &&&str| finished.report.figures.iter().any(|figure| figure.id == ***id);
        for figure in claim.figures.iter().filter(is_shown) {
            assert!(links.contains(figure), "{figure}");
        }
    }
    // Each claim has a figure beside it, and each network a slider.
    let beside = |id: &str| page.contains(&format!("<figure id=\"{id}-figure\">"));
    assert!(finished.report.claims.iter().all(|claim| beside(claim.id)));
    assert_eq!(page.matches("type=\"range\"").count(), 4);
    assert_eq!(finished.report.findings.spectra.len(), 4);
    // What other papers measure has a section each.
    for section in
        ["Trained on original images: Fourier sensitivity", "Trained on original images: Phase or amplitude"]
    {
        assert!(page.contains(section), "{section}");
    }
    assert!(page.contains("data-figure=\"original-sensitivity-shares\""));
    assert!(page.contains("Lin, Gao &amp; Sang") && page.contains("freqbias 1.2.3, kernels abacus, seed 0"));
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    Ok(())
}

#[test]
fn finished_steps_are_not_run_again() -> Outcome {
    let root = tempfile::tempdir()?;
    let plan = plan(root.path(), 0)?;
    let stopped = RefCell::new(Vec::new());
    let failing = |step: &StepRun<'_>| -> Outcome {
        if step.number == 5 {
            fs::create_dir_all(&step.step.folder)?;
            fs::write(RunFolder::at(&step.step.folder).state_path(), "")?;
            return Err("out of paper".into());
        }
        fake(&plan, step)
    };
    let error = run(&plan, Restart::Resume, &Progress::default(), failing).expect_err("step 5 fails");
    assert_eq!(error.to_string(), "out of paper", "the caller's error, as it was");

    let (progress, lines) = listening();
    let log = |step: &StepRun<'_>| -> Outcome {
        stopped.borrow_mut().push((step.number, step.start.join(" ")));
        fake(&plan, step)
    };
    run(&plan, Restart::Resume, &progress, log)?;
    let begun = stopped.borrow();
    assert_eq!(begun.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (5..=14).collect::<Vec<_>>());
    assert_eq!(begun[0].1, "--resume", "the fifth was begun before");
    let lines = lines.lock().expect("no panic elsewhere");
    assert_eq!(lines[3], "step 4 of 14: make SCR images: done before");
    assert_eq!(lines[4], "step 5 of 14: train a network on SCR images");

    // A result that changed since is not taken for that of its step.
    fs::write(plan.paths().evaluation(TrainingSet::Scr), "{}")?;
    let again = RefCell::new(Vec::new());
    run(&plan, Restart::Resume, &Progress::default(), |step| {
        again.borrow_mut().push(step.number);
        fake(&plan, step)
    })?;
    assert_eq!(*again.borrow(), [6]);
    let page = fs::read(root.path().join("report.html"))?;
    run(&plan, Restart::Resume, &Progress::default(), |_| Err("all steps are done".into()))?;
    assert!(page == fs::read(root.path().join("report.html"))?, "the same page again");
    Ok(())
}

#[test]
fn two_reproductions_are_not_mixed() -> Outcome {
    let root = tempfile::tempdir()?;
    let first = plan(root.path(), 0)?;
    run(&first, Restart::Resume, &Progress::default(), |step| fake(&first, step))?;
    let second = plan(root.path(), 1)?;
    let error = run(&second, Restart::Resume, &Progress::default(), |_| Err("it must not be run".into()));
    let error = error.expect_err("another seed");
    let Some(Error::OtherReproduction { setting, before, now, .. }) = error.downcast_ref() else {
        return Err(error);
    };
    assert_eq!([setting, before, now], ["seed", "0", "1"]);
    assert!(error.to_string().ends_with("was started with seed 0, but now it is 1"), "{error}");

    let mut steps = 0;
    fs::write(RunFolder::at(second.paths().run(TrainingSet::Original)).state_path(), "")?;
    run(&second, Restart::Overwrite, &Progress::default(), |step| {
        steps += 1;
        assert_eq!(
            step.start == ["--overwrite"],
            step.number == 1 || step.step.program == Program::GenerateToyDataset
        );
        fake(&second, step)
    })?;
    assert_eq!(steps, 14);
    Ok(())
}

#[test]
fn a_damaged_record_is_an_error_that_names_it() -> Outcome {
    let root = tempfile::tempdir()?;
    let plan = plan(root.path(), 0)?;
    fs::write(root.path().join("steps.json"), "{\"study\": 3}")?;
    let error = run(&plan, Restart::Resume, &Progress::default(), |_| Ok(())).expect_err("a damaged record");
    assert!(matches!(error.downcast_ref(), Some(Error::DamagedSteps { .. })), "{error}");
    assert!(error.to_string().contains("steps.json: not the steps of a reproduction"), "{error}");
    assert_eq!(fs::read_dir(root.path())?.count(), 1, "the folder is as it was");
    Ok(())
}

#[test]
fn a_damaged_result_is_an_error_that_names_it() -> Outcome {
    let root = tempfile::tempdir()?;
    let plan = plan(root.path(), 0)?;
    let damaging = |step: &StepRun<'_>| -> Outcome {
        fake(&plan, step)?;
        let is_density = step.step.program == Program::GenerateToyDataset;
        if is_density {
            fs::write(&step.step.result, r#"{"radii": [1], "images": 1}"#)?;
        }
        Ok(())
    };
    let error = run(&plan, Restart::Resume, &Progress::default(), damaging).expect_err("a damaged result");
    assert!(matches!(error.downcast_ref(), Some(Error::DamagedResult { .. })), "{error}");
    assert!(error.to_string().contains("SCR-Toy-Dataset/test/density.json"), "{error}");
    Ok(())
}

#[test]
fn no_step_is_begun_once_the_interrupt_flag_is_set() -> Outcome {
    let root = tempfile::tempdir()?;
    let plan = plan(root.path(), 0)?;
    let flag = Arc::new(AtomicBool::new(false));
    let progress = Progress::new(|_| (), Arc::clone(&flag));
    let interrupting = |step: &StepRun<'_>| {
        flag.store(true, Ordering::SeqCst);
        fake(&plan, step)
    };
    let error = run(&plan, Restart::Resume, &progress, interrupting).expect_err("it is stopped");
    let Some(Error::Interrupted { step, folder }) = error.downcast_ref() else { return Err(error) };
    assert_eq!(step, "step 2 of 14: evaluate the network trained on original images");
    assert_eq!(folder, root.path());
    let json: Value = serde_json::from_slice(&fs::read(root.path().join("report.json"))?)?;
    assert_eq!(json["figures"].as_array().map(Vec::len), Some(2), "the report of the first step is there");
    Ok(())
}

#[test]
fn another_paper_has_networks_and_claims_of_its_own() -> Outcome {
    let root = tempfile::tempdir()?;
    let smoke = ReproductionConfig::for_scale(Scale::Smoke);
    let plan = Plan::new(ReproductionConfig { paper: Paper::AmplitudePhase, ..smoke }, root.path())?;
    let finished = run(&plan, Restart::Resume, &Progress::default(), |step| fake(&plan, step))?;
    let report = &finished.report;
    let verdicts: Vec<_> = report.claims.iter().map(|claim| (claim.id, claim.verdict)).collect();
    assert_eq!(verdicts, [("amplitude-first", Verdict::Reproduced), ("phase-later", Verdict::NotReproduced)]);
    assert!((report.claims[0].measures[0].value - 40.0).abs() < 1e-9, "percent");
    let figures: Vec<_> = report.figures.iter().map(|figure| figure.id.as_str()).collect();
    assert_eq!(figures, ["heat_map_standard", "standard_phase-amplitude"]);
    let page = fs::read_to_string(root.path().join("report.html"))?;
    assert!(page.contains("Ricci, Merger &amp; Goldt") && page.contains("https://arxiv.org/abs/2605.16913"));
    let json: Value = serde_json::from_str(&fs::read_to_string(root.path().join("report.json"))?)?;
    assert_eq!(json["study"]["paper"], "amplitude-phase");
    Ok(())
}
