//! Tables of accuracy, by network and frequency component.

use serde::Serialize;

use crate::{
    findings::{Component, Evaluation, Findings},
    radii::RADII,
    training_set::TrainingSet,
};

/// Accuracy, %, by network and column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// The images that it is of.
    pub title: &'static str,
    /// The heads of all columns but the first.
    pub columns: Vec<String>,
    /// One row a network.
    pub rows: Vec<Row>,
}

/// The row of a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What the network was trained on.
    pub label: &'static str,
    /// One cell a column.
    pub cells: Vec<Cell>,
}

/// An accuracy, %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cell {
    /// The number.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
}

/// All tables that have a row.
pub(crate) fn accuracy_tables(findings: &Findings) -> Vec<Table> {
    let own = |found: &Evaluation| found.original().map(cell).into_iter().collect();
    let high = |found: &Evaluation| RADII.iter().filter_map(|&r| found.high(r).map(cell)).collect();
    let low = |found: &Evaluation| RADII.iter().filter_map(|&r| found.low(r).map(cell)).collect();
    let radii = |sign: &str| RADII.iter().map(|r| format!("d {sign} {r}")).collect::<Vec<_>>();
    let on = |title, columns: Vec<String>, cells: &dyn Fn(&Evaluation) -> Vec<Cell>| {
        let row = |set: &TrainingSet| {
            let cells = cells(findings.evaluations.get(set)?);
            (cells.len() == columns.len()).then(|| Row { label: set.label(), cells })
        };
        Table { title, rows: TrainingSet::ALL.iter().filter_map(row).collect(), columns }
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
