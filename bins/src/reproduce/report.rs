//! All that a reproduction found, as one structure, and the files made of it: numbers, a table, a page.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::{
    claims::{self, Claim, Measure, Verdict},
    figures::{self, Figure},
    findings::{Component, Evaluation, Findings},
    page,
    plan::{Diet, Places, RADII, Step},
    progress::Progress,
    study::Study,
};
use crate::terminal;

/// A reproduction as far as it has come.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The program's version.
    pub version: &'static str,
    /// The instruction set of the kernels.
    pub kernels: &'static str,
    /// What was trained on what.
    pub study: Study,
    /// The paper's claims.
    pub claims: Vec<Claim>,
    /// What each network gets right.
    pub tables: Vec<Table>,
    /// What was drawn.
    pub figures: Vec<Figure>,
    /// What was run.
    pub steps: Vec<Ran>,
}

/// Accuracy, %, by network and radius.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    /// What it is of.
    pub title: &'static str,
    /// Heads of the columns but the first.
    pub columns: Vec<String>,
    /// A row each network.
    pub rows: Vec<Row>,
}

/// A network's row.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// What it was trained on.
    pub label: &'static str,
    /// A cell each column.
    pub cells: Vec<Cell>,
}

/// An accuracy, %.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    /// The number.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
}

/// A step as it was run.
#[derive(Debug, Serialize)]
pub(crate) struct Ran {
    /// What it is.
    pub name: String,
    /// What could be typed.
    pub command: String,
    /// How long it took; absent until it is done.
    pub seconds: Option<f64>,
}

const PAGE: &str = "report.html";
const NUMBERS: &str = "report.json";
const CLAIMS: &str = "claims.csv";
const TABLES: &str = "accuracy.csv";

impl Report {
    /// Collects what the finished steps found.
    ///
    /// # Errors
    /// If a result cannot be read or a figure not be drawn.
    pub(crate) fn collect(
        study: &Study,
        root: &Path,
        steps: &[Step],
        progress: &Progress,
    ) -> anyhow::Result<Self> {
        let places = Places::new(study, root);
        let is_done = |path: &Path| steps.iter().any(|step| step.result == path && progress.is_done(step));
        let findings = Findings::read(&places, is_done)?;
        let ran = |step: &Step| Ran {
            name: step.name.clone(),
            command: step.command_line(),
            seconds: progress.seconds(step),
        };
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            kernels: kernels::blocked::Path::current().name(),
            study: study.clone(),
            claims: claims::test(&findings),
            tables: tables(&findings),
            figures: figures::collect(&places, &findings, root)?,
            steps: steps.iter().map(ran).collect(),
        })
    }

    /// Writes the page, the numbers and the tables; the files.
    ///
    /// # Errors
    /// If one cannot be written.
    pub(crate) fn save(&self, root: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let contents = [
            (NUMBERS, serde_json::to_string_pretty(self)? + "\n"),
            (CLAIMS, self.claims_csv()),
            (TABLES, self.tables_csv()),
            (PAGE, page::render(self, root)?),
        ];
        let write = |(name, content): (&str, String)| {
            let path = root.join(name);
            training::write_atomically(&path, content.as_bytes())?;
            Ok(path)
        };
        contents.into_iter().map(write).collect()
    }

    /// Prints the verdicts and where the report is.
    ///
    /// # Errors
    /// If they cannot be printed.
    pub(crate) fn print(&self, files: &[PathBuf]) -> anyhow::Result<()> {
        for claim in &self.claims {
            terminal::result(&format!("{:24}  {}", claim.verdict.as_str(), claim.title))?;
        }
        let count = |verdict| self.claims.iter().filter(|claim| claim.verdict == verdict).count();
        terminal::result(&format!(
            "{} of {} claims reproduced, {} not, {} not tested at this scale",
            count(Verdict::Reproduced),
            self.claims.len(),
            count(Verdict::NotReproduced),
            count(Verdict::NotTested)
        ))?;
        files.iter().try_for_each(|file| terminal::result(&format!("wrote {}", file.display())))
    }

    fn claims_csv(&self) -> String {
        let mut text = "claim,verdict,measure,unit,value,low,high,paper\n".to_owned();
        for claim in &self.claims {
            for Measure { label, unit, value, interval, paper } in &claim.measures {
                let [low, high] = interval.map_or([None; 2], |ends| ends.map(Some));
                let unit = serde_json::to_value(unit).unwrap_or_default();
                let numbers = [Some(*value), low, high, *paper].map(number).join(",");
                let (verdict, unit) = (claim.verdict.as_str(), unit.as_str().unwrap_or_default());
                text += &format!("{},{verdict},{},{unit},{numbers}\n", claim.id, quoted(label));
            }
        }
        text
    }

    fn tables_csv(&self) -> String {
        let mut text = "table,network,column,accuracy,low,high\n".to_owned();
        for table in &self.tables {
            for row in &table.rows {
                for (column, Cell { value, interval: [low, high] }) in table.columns.iter().zip(&row.cells) {
                    let numbers = [*value, *low, *high].map(|value| number(Some(value))).join(",");
                    text += &format!(
                        "{},{},{},{numbers}\n",
                        quoted(table.title),
                        quoted(row.label),
                        quoted(column)
                    );
                }
            }
        }
        text
    }
}

/// As JSON has it; nothing where there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| serde_json::json!(value).to_string())
}

/// As a field of CSV (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn tables(findings: &Findings) -> Vec<Table> {
    let own = |found: &Evaluation| found.original().map(cell).into_iter().collect();
    let high = |found: &Evaluation| RADII.iter().filter_map(|&r| found.high(r).map(cell)).collect();
    let low = |found: &Evaluation| RADII.iter().filter_map(|&r| found.low(r).map(cell)).collect();
    let radii = |sign: &str| RADII.iter().map(|r| format!("d {sign} {r}")).collect::<Vec<_>>();
    let on = |title, columns: Vec<String>, cells: &dyn Fn(&Evaluation) -> Vec<Cell>| {
        let row = |diet: &Diet| {
            let cells = cells(findings.evaluations.get(diet)?);
            (cells.len() == columns.len()).then(|| Row { label: diet.label(), cells })
        };
        Table { title, rows: Diet::ALL.iter().filter_map(row).collect(), columns }
    };
    let all = [
        on("Test images", vec!["accuracy".to_owned()], &own),
        on("High-pass test images", radii("≥"), &high),
        on("Low-pass test images", radii("<"), &low),
    ];
    all.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn cell(of: &Component) -> Cell {
    Cell { value: of.prec1, interval: of.prec1_interval }
}

/// What a file holds, for pages that carry it in themselves.
pub(super) fn content(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| path.display().to_string())
}
