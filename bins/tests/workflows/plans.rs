//! The plan of a reproduction for those who start its steps themselves.

use std::{fs, path::Path, process::Command};

use crate::support::{fail, program, reproduce, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn plan(folder: &Path, format: &str) -> String {
    succeed(&mut reproduce(folder, &["--plan", format]))
}

#[test]
fn a_plan_says_what_each_step_needs_and_runs_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let json: Value = serde_json::from_str(&plan(folder.path(), "json"))?;
    let steps = json["steps"].as_array().ok_or("steps")?;
    assert_eq!(steps.len(), 14);
    assert_eq!(steps[4]["needs"], serde_json::json!([4]));
    assert_eq!(steps[4]["program"], "easy_train");
    let first: Vec<&Value> = steps.iter().filter(|step| step["needs"] == serde_json::json!([])).collect();
    assert_eq!(first.len(), 4);
    let script = plan(folder.path(), "slurm");
    assert!(script.contains("#SBATCH --array=1-4\n") && script.matches(" --step ").count() == 14, "{script}");
    assert!(Command::new("bash").args(["-n", "-c", &script]).status()?.success(), "{script}");
    // Of another paper, which each of its steps names.
    for (format, count) in [("make", 1), ("slurm", 9)] {
        let text = succeed(&mut reproduce(folder.path(), &["--paper", "robustness", "--plan", format]));
        assert_eq!(text.matches("reproduce --paper robustness --scale").count(), count, "{text}");
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn steps_run_by_themselves_give_the_same_report() -> Outcome {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("runs/reproduction_synthetic_smoke");
    let missing = fail(&mut reproduce(folder.path(), &["--report-only"]), 1);
    assert!(
        missing.contains("it is the result of step 1 of 14") && missing.contains("without --report-only"),
        "{missing}"
    );
    assert!(fail(&mut reproduce(folder.path(), &["--step", "15"]), 2).contains("the plan has steps 1 to 14"));
    // As a SLURM array runs it, one task after another.
    let script = plan(folder.path(), "slurm").replace("reproduce --scale", "\"$REPRODUCE\" --quiet --scale");
    for task in ["1", "2", "3", "4"] {
        let mut bash = program("reproduce", folder.path());
        let reproduce = bash.get_program().to_owned();
        bash = Command::new("bash");
        bash.current_dir(folder.path()).args(["-c", &script]);
        succeed(bash.env("REPRODUCE", reproduce).env("SLURM_ARRAY_TASK_ID", task));
    }
    succeed(&mut reproduce(folder.path(), &["--report-only"]));
    let steps: Value = serde_json::from_slice(&fs::read(root.join("report.json"))?)?;
    let steps = steps["steps"].as_array().ok_or("steps")?;
    assert!(steps.iter().all(|step| step["done"] == true && step["seconds"].is_null()));
    // All are done, and as `reproduce` itself would have left them.
    let again = reproduce(folder.path(), &[]).output()?;
    assert_eq!(String::from_utf8_lossy(&again.stderr).matches(": done before").count(), 14);
    if Command::new("make").arg("--version").output().is_ok() {
        let makefile = folder.path().join("Makefile");
        fs::write(&makefile, plan(folder.path(), "make"))?;
        fs::remove_file(root.join("report.html"))?;
        let made = Command::new("make").arg("-n").current_dir(folder.path()).output()?;
        let made = String::from_utf8(made.stdout)?;
        assert!(made.contains("--report-only") && !made.contains("--step"), "{made}");
        fs::remove_file(root.join("SCR-Toy-Dataset/test/density.json"))?;
        let made =
            String::from_utf8(Command::new("make").arg("-n").current_dir(folder.path()).output()?.stdout)?;
        assert_eq!(made.matches("--step").count(), 3, "images, network, evaluation: {made}");
    }
    Ok(())
}
