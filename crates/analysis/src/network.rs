//! What was measured, as it stands in results.

use pipeline::NetworkDescription;
use serde_json::{Value, json};

/// What the networks are: an object, or a list of one for each where they differ.
pub(crate) fn json(networks: &[NetworkDescription]) -> Value {
    let one = |network: &NetworkDescription| {
        json!({
            "arch": network.arch,
            "onnx": network.onnx.as_ref().map(|of| {
                json!({ "file": of.file, "producer": of.producer, "opset": of.opset })
            }),
            "classes": network.classes,
            "restricted": network.restriction.as_ref().map(|of| {
                json!({ "of": of.outputs, "outputs": of.classes.indices(), "from": of.classes.origin().to_string() })
            }),
            "normaliser": {"mean": network.mean, "std": network.std, "from": network.normaliser_from},
            "notes": network.notes,
        })
    };
    match networks {
        [first, others @ ..] if others.iter().all(|other| other == first) => one(first),
        _ => networks.iter().map(one).collect(),
    }
}

/// The same in sentences, each once.
pub fn network_words(networks: &[NetworkDescription]) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for network in networks {
        for sentence in [network.network_words()]
            .into_iter()
            .chain(network.notes.iter().cloned())
            .chain([network.normaliser_words()])
        {
            if !said.contains(&sentence) {
                said.push(sentence);
            }
        }
    }
    said
}
