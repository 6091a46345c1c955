//! What is in an ONNX file.

use std::path::Path;

use onnx::{Model, Network};
use serde_json::{Value, json};

use crate::cli::{self, counted, flags::Format, must_exist};

/// The side of images where neither the graph nor a flag says one.
const USUAL: usize = 224;

/// Reads a file, makes its network for images of a side, and prints what was found.
///
/// # Errors
/// If the file cannot be read or used.
pub(super) fn run(path: &Path, side: Option<usize>, format: Format) -> anyhow::Result<()> {
    must_exist("--onnx", path)?;
    let model = Model::open(path)?;
    let size = model.image_size().map(|own| own.or(side).unwrap_or(USUAL));
    let network = model.network(size)?;
    match format {
        Format::Json => cli::result(&found(&model, &network, size).to_string()),
        Format::Text => print(&model, &network, size),
    }
}

fn parameters(network: &Network) -> usize {
    network.graph.parameters().values().map(|shape| shape.iter().product::<usize>()).sum()
}

fn found(model: &Model, network: &Network, [height, width]: [usize; 2]) -> Value {
    let operations: serde_json::Map<String, Value> =
        model.operations().into_iter().map(|(name, count)| (name, count.into())).collect();
    json!({
        "file": model.path(),
        "producer": model.producer(),
        "opset": model.opset(),
        "operations": operations,
        "image_size": [height, width],
        "any_size": model.image_size() == [None; 2],
        "classes": network.classes,
        "parameters": parameters(network),
        "normaliser": network.own_normaliser.map(|own| json!({"mean": own.mean, "std": own.std, "brightest": own.brightest})),
        "notes": network.notes,
    })
}

fn print(model: &Model, network: &Network, [height, width]: [usize; 2]) -> anyhow::Result<()> {
    cli::result(&format!("{}: ONNX, opset {}", model.path().display(), model.opset()))?;
    let operations: Vec<String> =
        model.operations().into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    let any = match model.image_size() {
        [None, None] => "; any size that its windows fit on",
        _ => "",
    };
    let mut facts = vec![
        ("written by", model.producer()),
        ("operations", operations.join(", ")),
        ("images", format!("{height}×{width}{any}")),
        ("output", counted(network.classes, "class")),
        ("parameters", parameters(network).to_string()),
    ];
    facts.push(match network.own_normaliser {
        Some(own) => {
            let three = |values: [f32; 3]| values.map(|value| value.to_string()).join(", ");
            let of = format!("in the graph, of pixels from 0 to {}", own.brightest);
            ("normaliser", format!("mean {}; std {} ({of})", three(own.mean), three(own.std)))
        }
        None => ("normaliser", "none in the graph; --mean and --std give one".to_owned()),
    });
    facts.extend(network.notes.iter().map(|note| ("note", note.clone())));
    facts.into_iter().try_for_each(|(label, text)| cli::result(&format!("  {label:14} {text}")))
}
