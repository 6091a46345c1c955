//! A plan for those who start its steps themselves.

use serde_json::json;

use crate::{
    plan::Plan,
    step::{Step, quoted, text},
};

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFormat {
    /// A JSON object: each step with its command line, its result and the steps that it needs.
    Json,
    /// A makefile, whose targets are results: `make -j 4` runs four steps at a time.
    Make,
    /// A SLURM batch script: an array with a task for each chain of steps that need each other.
    Slurm,
}

/// The text of a plan. `reproduce` is the command line that starts this plan, to which makefile and batch script add `--step N` for the
/// N-th step, from 1 on, and `--report-only` for what comes last; it says what becomes of work that was begun before.
///
/// ```
/// use reproduction::{Plan, PlanFormat, ReproductionConfig, Scale, export};
///
/// let plan = Plan::new(ReproductionConfig::for_scale(Scale::Smoke), "runs/mine")?;
/// let makefile = export(&plan, PlanFormat::Make, &["reproduce".to_owned()]);
/// assert!(makefile.contains("runs/mine/SCR-Toy-Dataset/test/density.json: runs/mine/SCR/config.json\n\t$(REPRODUCE) --step 4\n"));
/// # Ok::<(), reproduction::Error>(())
/// ```
pub fn export(plan: &Plan, format: PlanFormat, reproduce: &[String]) -> String {
    match format {
        PlanFormat::Json => json(plan),
        PlanFormat::Make => makefile(plan, reproduce),
        PlanFormat::Slurm => batch_script(plan, reproduce),
    }
}

fn json(plan: &Plan) -> String {
    let steps = plan.steps().iter().zip(plan.needs()).enumerate().map(|(at, (step, needs))| {
        json!({
            "number": at + 1,
            "name": step.name,
            "program": step.program.name(),
            "arguments": step.arguments,
            "command": step.command_line(),
            "folder": step.folder,
            "result": step.result,
            "needs": needs.iter().map(|at| at + 1).collect::<Vec<_>>(),
        })
    });
    let plan =
        json!({ "folder": plan.root(), "settings": plan.config(), "steps": steps.collect::<Vec<_>>() });
    format!("{plan:#}\n")
}

fn makefile(plan: &Plan, reproduce: &[String]) -> String {
    let target = |step: &Step| escaped(&text(&step.result));
    let all: Vec<String> = plan.steps().iter().map(target).collect();
    let report = escaped(&text(&plan.root().join("report.html")));
    let mut lines = vec![
        format!("REPRODUCE ?= {}", words(reproduce).replace('$', "$$")),
        String::new(),
        format!("{report}: {}", all.join(" ")),
        "\t$(REPRODUCE) --report-only".to_owned(),
    ];
    for (at, (step, needs)) in plan.steps().iter().zip(plan.needs()).enumerate() {
        let needs: Vec<&str> = needs.iter().map(|&at| all[at].as_str()).collect();
        let rule = format!("{}: {}", target(step), needs.join(" "));
        lines.extend([String::new(), format!("# {}", step.name), rule.trim_end().to_owned()]);
        lines.push(format!("\t$(REPRODUCE) --step {}", at + 1));
    }
    lines.extend(["".to_owned(), ".DELETE_ON_ERROR:".to_owned(), String::new()]);
    lines.join("\n")
}

/// Steps in chains: each begins with a step that needs none.
fn chains(plan: &Plan) -> Vec<Vec<usize>> {
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for (at, needs) in plan.needs().iter().enumerate() {
        match chains.iter_mut().find(|chain| needs.iter().any(|need| chain.contains(need))) {
            Some(chain) => chain.push(at),
            None => chains.push(vec![at]),
        }
    }
    chains
}

fn batch_script(plan: &Plan, reproduce: &[String]) -> String {
    let chains = chains(plan);
    let reproduce = words(reproduce);
    let mut lines = vec![
        "#!/bin/bash".to_owned(),
        "#SBATCH --job-name=reproduce".to_owned(),
        format!("#SBATCH --array=1-{}", chains.len()),
        "#SBATCH --ntasks=1".to_owned(),
        "# Once all tasks are done:".to_owned(),
        format!("#   {reproduce} --report-only"),
        "set -eu".to_owned(),
        "case \"$SLURM_ARRAY_TASK_ID\" in".to_owned(),
    ];
    for (task, chain) in chains.iter().enumerate() {
        lines.push(format!("{})", task + 1));
        for &at in chain {
            lines.push(format!("  {reproduce} --step {} # {}", at + 1, plan.steps()[at].name));
        }
        lines.push("  ;;".to_owned());
    }
    lines.extend(["esac".to_owned(), String::new()]);
    lines.join("\n")
}

fn words(command: &[String]) -> String {
    command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A file's name in a makefile, where spaces separate names and `$` begins a variable.
fn escaped(name: &str) -> String {
    name.replace('$', "$$").replace(' ', "\\ ").replace('#', "\\#").replace('%', "\\%")
}
