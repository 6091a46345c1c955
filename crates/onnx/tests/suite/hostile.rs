//! Files that are damaged, or made to do harm: one line, no panic, and no more memory than a file of their size is worth.

use std::path::Path;

use candle_core::{Device, Tensor};
use models::{Backend, Frozen, Normaliser};
use onnx::{Error, Model};

use crate::{
    graphs::data,
    made::{attribute, floats, ints, model, node, number, part, tensor},
};

/// What is said of a file for images of 8 × 8 pixels; nothing if it can be used. A network that can be made is run, too.
fn said(bytes: &[u8]) -> Option<String> {
    let run = || -> Result<(), Error> {
        let network =
            Model::from_bytes(bytes.to_vec(), Path::new("no/such/folder/file.onnx"))?.network([8, 8])?;
        let plain = Normaliser::new([0.0; 3], [1.0; 3])?;
        let frozen =
            Frozen::of_graph(&Backend::default(), &network.graph, network.classes, plain, &network.weights)?;
        let images = Tensor::full(0.5f32, (1, 3, 8, 8), &Device::Cpu)?;
        frozen.input_gradient(&images, &[0])?;
        Ok(())
    };
    let said = run().err()?.to_string();
    assert!(!said.contains('\n') && said.len() < 2000, "one line: {said}");
    Some(said)
}

/// A linear layer on the means of the pixels.
fn head(input: &str) -> [Vec<u8>; 3] {
    [
        node("GlobalAveragePool", &[input], "mean", &[]),
        node("Flatten", &["mean"], "flat", &[]),
        node("MatMul", &["flat", "head"], "y", &[]),
    ]
}

fn weights() -> Vec<u8> {
    floats("head", &[3, 3], &[0.5; 9])
}

#[test]
fn a_file_that_is_made_here_can_be_used() {
    assert_eq!(said(&model(&head("x"), &[weights()], "y")), None);
}

#[test]
fn files_cut_short_anywhere_are_refused_or_lack_something_that_is_not_read() {
    for name in ["attention", "convolutions", "places", "torch_transformer_script"] {
        let whole = std::fs::read(data(&format!("{name}.onnx"))).expect("a file of the tests");
        let refused = (0..whole.len()).filter(|&length| said(&whole[..length]).is_some()).count();
        assert!(refused + 40 > whole.len(), "{name}: {refused} of {}", whole.len());
    }
}

#[test]
fn changed_bytes_do_no_harm() {
    let mut seed = 1u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let rounds: usize =
        std::env::var("FREQBIAS_FUZZ").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(300);
    for name in [
        "attention",
        "new_attention",
        "convolutions",
        "pools",
        "old_forms",
        "shapes",
        "reductions",
        "branches",
        "functions",
    ] {
        let whole = std::fs::read(data(&format!("{name}.onnx"))).expect("a file of the tests");
        let mut refused = 0;
        for _ in 0..rounds {
            let mut bytes = whole.clone();
            for _ in 0..1 + next() % 3 {
                let at = next() % bytes.len();
                bytes[at] = match next() % 3 {
                    0 => next() as u8,
                    1 => bytes[at] ^ 1 << (next() % 8),
                    _ => [0, 1, 127, 128, 255][next() % 5],
                };
            }
            refused += usize::from(said(&bytes).is_some());
        }
        assert!(refused > rounds / 20, "{name}: {refused} of {rounds}");
    }
}

fn refused(bytes: &[u8], words: &str) {
    let said = said(bytes).expect("a refusal");
    assert!(said.contains(words), "{words}: {said}");
}

#[test]
fn graphs_that_contradict_themselves_are_refused() {
    let cycle = [node("Add", &["x", "b"], "a", &[]), node("Relu", &["a"], "b", &[])];
    refused(&model(&[&cycle[..], &head("b")].concat(), &[weights()], "y"), "a cycle through the value");
    let missing = node("Add", &["x", "nowhere"], "a", &[]);
    refused(
        &model(&[&[missing][..], &head("a")].concat(), &[weights()], "y"),
        "node `/a` (Add): its input `nowhere` is nowhere",
    );
    let twice = [node("Relu", &["x"], "a", &[]), node("Neg", &["x"], "a", &[])];
    refused(&model(&[&twice[..], &head("a")].concat(), &[weights()], "y"), "the value `a` is made twice");
    refused(&model(&head("x"), &[weights(), weights()], "y"), "initialiser `head`: its name is there twice");
    refused(&model(&head("x"), &[weights()], "z"), "its output `z` is nowhere");
    refused(&model(&head("x"), &[weights()], "head"), "does not depend on the pixels");
    refused(&model(&[node("Relu", &["x"], "y", &[])], &[], "y"), "expected one number a class");
}

#[test]
fn unknown_operations_are_named_with_the_nearest_way_out() {
    let odd = node("LSTM", &["x"], "a", &[]);
    refused(
        &model(&[&[odd][..], &head("a")].concat(), &[weights()], "y"),
        "node `/a` (LSTM): this operation is not known here; recurrent",
    );
    let own = [node("Relu", &["x"], "a", &[]), part(7, "com.example")].concat();
    refused(&model(&[&[own][..], &head("a")].concat(), &[weights()], "y"), "(com.example.Relu)");
    let branch = node("If", &["x"], "a", &[]);
    refused(&model(&[&[branch][..], &head("a")].concat(), &[weights()], "y"), "without branches");
}

#[test]
fn huge_shapes_are_refused_before_memory_is_taken() {
    let large = [tensor("huge", &[1 << 40, 3], 1), part(9, [0; 4])].concat();
    let add = node("Add", &["x", "huge"], "a", &[]);
    refused(&model(&[&[add][..], &head("a")].concat(), &[weights(), large], "y"), "expected at most");
    let short = [tensor("short", &[100, 100], 1), part(9, [0; 4])].concat();
    let add = node("Add", &["x", "short"], "a", &[]);
    refused(
        &model(&[&[add][..], &head("a")].concat(), &[weights(), short], "y"),
        "initialiser `short`: 4 bytes, expected 10000 numbers",
    );
    for (op, shape, words) in [
        ("Expand", vec![1 << 30, 3, 8, 8], "expected at most"),
        ("Expand", vec![1 << 20, 3, 8, 8], "an image"),
        ("Tile", vec![1 << 20, 1, 1, 1], ""),
        ("Reshape", vec![i64::MAX, i64::MAX], "expected at most"),
        ("Reshape", vec![-1, -1], ""),
        ("ConstantOfShape", vec![1 << 31, 1 << 31], "expected at most"),
    ] {
        let inputs: &[&str] = if op == "ConstantOfShape" { &["shape"] } else { &["x", "shape"] };
        let nodes = [node(op, inputs, "a", &[]), node("Mul", &["a", "a"], "b", &[])];
        refused(&model(&[&nodes[..], &head("b")].concat(), &[weights(), ints("shape", &shape)], "y"), words);
    }
    let pads = ints("pads", &[0, 0, 1 << 40, 0, 0, 0, 0, 0]);
    refused(
        &model(&[&[node("Pad", &["x", "pads"], "a", &[])][..], &head("a")].concat(), &[weights(), pads], "y"),
        "expected at most",
    );
    let pool = node("MaxPool", &["x"], "a", &[attribute("kernel_shape", &[3, 1 << 40])]);
    refused(&model(&[&[pool][..], &head("a")].concat(), &[weights()], "y"), "kernel_shape");
}

#[test]
fn numbers_in_other_files_come_from_the_folder_of_the_graph_alone() -> Result<(), Box<dyn std::error::Error>>
{
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("home");
    std::fs::create_dir(&home)?;
    std::fs::write(folder.path().join("secret"), [0u8; 36])?;
    std::fs::write(home.join("weights.data"), 0.5f32.to_le_bytes().repeat(9))?;
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", home.join("link"))?;
    let of = |location: &str, more: &[(&str, &str)]| {
        let entry = |key: &str, value: &str| part(13, [part(1, key), part(2, value)].concat());
        let more: Vec<u8> = more.iter().flat_map(|(key, value)| entry(key, value)).collect();
        let outside = [tensor("head", &[3, 3], 1), entry("location", location), more, number(14, 1)].concat();
        let path = home.join("model.onnx");
        std::fs::write(&path, model(&head("x"), &[outside], "y")).expect("a file");
        Model::open(&path).and_then(|model| model.network([8, 8])).map(|network| network.classes)
    };
    assert_eq!(of("weights.data", &[])?, 3);
    assert_eq!(of("./weights.data", &[("offset", "0"), ("length", "36")])?, 3);
    let absolute = folder.path().join("secret").display().to_string();
    for (location, more, words) in [
        ("../secret", vec![], "expected one in the folder of the graph"),
        (absolute.as_str(), vec![], "expected one in the folder of the graph"),
        ("", vec![], "expected one in the folder of the graph"),
        #[cfg(unix)]
        ("link", vec![], "outside the folder of the graph"),
        ("missing", vec![], "copy it beside the graph"),
        ("weights.data", vec![("offset", "4")], "36 bytes at 4 of"),
        ("weights.data", vec![("offset", "18446744073709551615")], "which has 36"),
        ("weights.data", vec![("length", "5")], "5 bytes, expected 36"),
        ("weights.data", vec![("offset", "-1")], "expected a number"),
    ] {
        let said = of(location, &more).expect_err(words).to_string();
        assert!(said.contains(words) && said.contains("`head`") && !said.contains('\n'), "{words}: {said}");
    }
    Ok(())
}

#[test]
fn messages_within_messages_end_somewhere() {
    // Attributes with graphs with nodes with attributes …: each a few bytes.
    let mut graph = Vec::new();
    for _ in 0..2000 {
        graph = part(1, part(5, part(6, graph)));
    }
    refused(&[number(1, 9), part(7, graph)].concat(), "not an ONNX file that can be read");
    // Empty nodes: two bytes each, and a hundred times that in memory.
    let graph = [0x0a, 0].repeat(2_000_000);
    refused(&[number(1, 9), part(7, graph)].concat(), "parts");
    for bytes in [&b""[..], b"\x80\x02", b"PK\x03\x04", b"{}", b"\x08\x09"] {
        refused(bytes, "not an ONNX file that can be read");
    }
    let longest = "a".repeat(100_000) + "\n\u{7}";
    refused(
        &model(&[&[node(&longest, &["x"], &longest, &[])][..], &head(&longest)].concat(), &[weights()], "y"),
        "not known here",
    );
}
