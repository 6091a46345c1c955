//! How the network was trained: all settings.

use maud::html;
use pages::{Cell, Table};
use serde_json::{Map, Value};

use crate::{
    run::Run,
    section::{Section, source},
};

/// None where the folder has no configuration.
pub(crate) fn section(run: &Run) -> Option<Section> {
    let config = run.config.as_ref()?;
    let settings: Map<String, Value> = config.settings.clone().into();
    let shown = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(Cell::Text(text.clone())),
        Value::Number(number) => Some(Cell::Shown(number.as_f64().unwrap_or(f64::NAN), number.to_string())),
        other => Some(Cell::Text(other.to_string())),
    };
    let row =
        |(name, value): (&String, &Value)| Some(vec![Cell::Text(name.replace('_', " ")), shown(value)?]);
    let table = Table {
        name: "settings".to_owned(),
        title: "Settings".to_owned(),
        columns: ["setting", "value"].map(str::to_owned).to_vec(),
        rows: settings.iter().filter_map(row).collect(),
    };
    let commit = config.git_commit.as_deref().map_or_else(String::new, |commit| format!(" ({commit})"));
    let words = [&config.device, &config.kernels].map(|text| text.as_deref().unwrap_or("unknown").to_owned());
    let body = html! {
        p {
            "Trained by " code { (config.command) } " of freqbias " (config.version) (commit) ", on " (words[0]) " with the kernels " (words[1]) "."
        }
        details { summary { "All settings" } (table.show()) }
        (source("config.json"))
    };
    Some(Section { id: "how".to_owned(), title: "How it was trained".to_owned(), remarks: Vec::new(), body })
}
