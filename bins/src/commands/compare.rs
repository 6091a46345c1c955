//! `compare`: what differs between networks, by what was measured of them.

use std::path::PathBuf;

use analysis::{Comparison, ComparisonReport, Difference, MeasuredResults};
use clap::Parser;
use files::FolderLock;

use crate::cli::{
    self, UsageError, counted,
    flags::{Format, OutputFlags, folder_to_write},
};

/// Compares what was measured of two or more networks, or of one at two epochs: differences with intervals, those marked that are not chance,
/// and rank correlations; tables, figures and a page
#[derive(Debug, Parser)]
#[command(name = "compare", version, args_override_self = true)]
pub struct Flags {
    /// Runs, folders of results, or JSON files that `measure` or `grad` wrote; each after the first is compared with the first
    #[arg(required = true, num_args = 1.., value_name = "RESULTS")]
    results: Vec<PathBuf>,
    /// The epoch of each, with commas between; of one run alone, the two that are compared [default: the last of each]
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    epoch: Vec<usize>,
    /// Compare this measure alone, such as sensitivity or gradient-spectrum; damaged results of others do not matter then
    #[arg(long, value_name = "WHAT")]
    measure: Option<String>,
    /// The folder that results are written to
    #[arg(long, value_name = "DIR", default_value = "compare", value_parser = folder_to_write())]
    out_dir: PathBuf,
    #[command(flatten)]
    output: OutputFlags,
}

/// Runs the command.
///
/// # Errors
/// If there is nothing to compare, or a file cannot be read or written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let progress = cli::start_to_read(&flags.output)?;
    let report = ComparisonReport::new(flags.networks()?)?;
    let _lock = FolderLock::take(&flags.out_dir)?;
    let files = report.save(&flags.out_dir)?;
    for note in report.comparisons().iter().flat_map(|of| &of.notes) {
        progress.note(note);
    }
    if flags.output.format == Format::Json {
        let mut summary = report.json();
        summary["files"] = serde_json::json!(files);
        return cli::result(&serde_json::to_string(&summary)?);
    }
    report.comparisons().iter().flat_map(text).try_for_each(|line| cli::result(&line))?;
    files.iter().try_for_each(|file| cli::result(&format!("wrote {}", file.display())))
}

impl Flags {
    /// The results of each network, at its epoch.
    fn networks(&self) -> anyhow::Result<Vec<Vec<MeasuredResults>>> {
        let count = if self.results.len() == 1 { 2 } else { self.results.len() };
        let is_right = (self.results.len() > 1 && self.epoch.is_empty()) || self.epoch.len() == count;
        if !is_right {
            let (epochs, results) =
                (counted(self.epoch.len(), "epoch"), counted(self.results.len(), "result"));
            let or = if self.results.len() == 1 { "a second result" } else { "none" };
            let words =
                format!("--epoch: {epochs} for {results}; expected {count} with commas between, or {or}");
            return Err(UsageError(words).into());
        }
        let network = |at: usize| {
            let path = &self.results[at.min(self.results.len() - 1)];
            Ok(MeasuredResults::read_all(path, self.epoch.get(at).copied(), self.measure.as_deref())?)
        };
        (0..count).map(network).collect()
    }
}

fn text(of: &Comparison) -> Vec<String> {
    let head = format!("{}: {} less {}", of.first.measure, of.second.label(), of.first.label());
    [head].into_iter().chain(of.differences.iter().map(line)).collect()
}

fn line(of: &Difference) -> String {
    let correlation =
        of.rank_correlation.map_or_else(String::new, |found| format!(", rank correlation {found:.3}"));
    let largest = of.largest().filter(|_| of.values.len() > 1);
    let largest =
        largest.map_or_else(String::new, |at| format!(", largest {:.4} at {}", of.values[at], of.cell(at)));
    format!(
        "  {}: {} of {} significant, mean difference {:.4}{largest}{correlation}",
        of.name,
        of.discoveries(),
        of.numbers(),
        of.mean()
    )
}
