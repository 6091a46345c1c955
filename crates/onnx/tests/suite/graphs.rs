//! Small files with many forms of many operations against ONNX's reference evaluator in double precision with central differences, and
//! files of PyTorch's exporters against PyTorch in double precision (`tests/python/onnx_files.py` writes both).

use std::path::PathBuf;

use candle_core::{DType, Device, Tensor, safetensors};
use models::{Backend, Frozen, Normaliser};
use onnx::Model;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

pub(crate) fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

/// ‖a − b‖ / ‖b‖, and whether logits may differ by a number that is the same for all classes.
fn apart(found: &Tensor, expected: &Tensor) -> Outcome<f64> {
    let values = |x: &Tensor| -> Outcome<Vec<f64>> { Ok(x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?) };
    let (found, expected) = (values(found)?, values(expected)?);
    assert_eq!(found.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    Ok(norm(&mut found.iter().zip(&expected).map(|(a, b)| a - b)) / norm(&mut expected.iter().copied()))
}

/// The network of a file on a backend, for pixels in [0, 1].
fn network(name: &str, backend: &Backend) -> Outcome<(Frozen, onnx::Network)> {
    let network = Model::open(&data(&format!("{name}.onnx")))?.network([8, 8])?;
    let normaliser = Normaliser::new([0.0; 3], [1.0 / network.brightest; 3])?;
    let frozen = Frozen::of_graph(backend, &network.graph, network.classes, normaliser, &network.weights)?;
    Ok((frozen, network))
}

fn compare(name: &str, backend: &Backend) -> Outcome {
    let (frozen, network) = network(name, backend)?;
    let given = safetensors::load(data(&format!("{name}.safetensors")), &Device::Cpu)?;
    let labels = given["labels"].to_vec1::<u32>()?;
    let found = frozen.input_gradient(&given["images"], &labels)?;
    let mut logits = (found.logits.to_dtype(DType::F64)?, given["logits"].clone());
    if network.notes.iter().any(|note| note.contains("softmax")) {
        // Of probabilities the logarithm is known, which is the logits but for a number.
        let centred = |x: &Tensor| x.broadcast_sub(&x.mean_keepdim(1)?);
        logits = (centred(&logits.0)?, centred(&logits.1)?);
    }
    let (of_logits, of_gradient) =
        (apart(&logits.0, &logits.1)?, apart(&found.gradient, &given["gradient"])?);
    assert!(of_logits < 5e-6, "{name} on {backend}: logits are {of_logits:.1e} apart");
    assert!(of_gradient < 1e-5, "{name} on {backend}: gradients are {of_gradient:.1e} apart");
    Ok(())
}

macro_rules! graphs {
    ($($name:ident),+ $(,)?) => {$(
        #[test]
        fn $name() -> Outcome {
            compare(stringify!($name), &Backend::default())?;
            compare(stringify!($name), &Backend::candle_cpu())
        }
    )+};
}

graphs!(
    convolutions,
    pools,
    old_forms,
    resizes,
    activations,
    norms,
    attention,
    new_attention,
    places,
    shapes,
    comparisons,
    reductions,
    channels_last,
    fixed_batch,
    functions,
    branches,
    other_order,
    responses,
    torch_convolutional,
    torch_convolutional_script,
    torch_transformer,
    torch_transformer_script,
);

#[test]
fn a_graph_that_normalises_says_so() -> Outcome {
    let (_, network) = network("channels_last", &Backend::default())?;
    let own = network.own_normaliser.expect("a normaliser");
    assert_eq!((own.mean, own.std, own.brightest), ([127.5; 3], [127.5; 3], 255.0));
    assert!(network.notes.iter().any(|note| note.contains("channels last")), "{:?}", network.notes);
    // By the images' channels, whatever the order of the graph's.
    let own = Model::open(&data("other_order.onnx"))?.network([8, 8])?.own_normaliser.expect("a normaliser");
    assert_eq!((own.mean, own.std, own.brightest), ([0.75, 0.5, 0.25], [0.5, 0.25, 0.125], 1.0));
    let network = Model::open(&data("torch_convolutional.onnx"))?.network([8, 8])?;
    assert_eq!((network.own_normaliser, network.brightest, network.classes), (None, 1.0, 3));
    assert!(network.notes.is_empty(), "{:?}", network.notes);
    Ok(())
}

#[test]
fn a_graph_for_batches_of_four_is_run_for_one_at_a_time() -> Outcome {
    let (frozen, network) = network("fixed_batch", &Backend::default())?;
    assert!(network.notes.iter().any(|note| note.contains("batches of 4 images")), "{:?}", network.notes);
    let given = safetensors::load(data("fixed_batch.safetensors"), &Device::Cpu)?;
    let one = frozen.logits(&given["images"].narrow(0, 1, 1)?)?;
    assert!(apart(&one, &given["logits"].narrow(0, 1, 1)?)? < 2e-6);
    Ok(())
}

/// What engines are fast at is what they are given: of a convolutional network everything, but for the reshape before its head.
#[test]
fn networks_become_the_operations_that_engines_are_fast_at() -> Outcome {
    let slow = |name: &str| -> Outcome<usize> {
        let network = Model::open(&data(&format!("{name}.onnx")))?.network([8, 8])?;
        Ok(network.graph.nodes().iter().filter(|node| matches!(node.op, models::Op::Array { .. })).count())
    };
    assert_eq!([slow("torch_convolutional")?, slow("torch_convolutional_script")?], [0, 0]);
    Ok(())
}

#[test]
fn images_of_another_size_are_refused() -> Outcome {
    let said = Model::open(&data("pools.onnx"))?.network([16, 8]).expect_err("another size").to_string();
    assert!(said.ends_with("the graph takes images of 8×8 pixels, found 16×8"), "{said}");
    Ok(())
}

/// A sum whose ReLU is not its only reader, by its own name and by another, must not lose it.
#[test]
fn a_sum_that_others_read_keeps_its_relu_apart() -> Outcome {
    use crate::made::{attribute, floats, model, node};

    for other in ["sum", "same"] {
        let pads = attribute("pads", &[0, 0, 0, 0]);
        let nodes = [
            node("Conv", &["x", "kernel"], "conv", &[pads]),
            node("Add", &["conv", "x"], "sum", &[]),
            node("Identity", &["sum"], "same", &[]),
            node("GlobalAveragePool", &[other], "before", &[]),
            node("Relu", &["sum"], "relu", &[]),
            node("GlobalAveragePool", &["relu"], "after", &[]),
            node("Sub", &["after", "before"], "y", &[]),
        ];
        let kernel = floats("kernel", &[3, 3, 1, 1], &[-2.0, 0.0, 0.0, 0.0, -3.0, 0.0, 0.0, 0.0, 1.0]);
        let bytes = model(&nodes, &[kernel], "y");
        let network = Model::from_bytes(bytes, &data("made.onnx"))?.network([8, 8])?;
        let plain = Normaliser::new([0.0; 3], [1.0; 3])?;
        let frozen =
            Frozen::of_graph(&Backend::default(), &network.graph, network.classes, plain, &network.weights)?;
        let logits = frozen.logits(&Tensor::full(0.5f32, (1, 3, 8, 8), &Device::Cpu)?)?;
        // The sums are −0.5, −1 and 1: what ReLU adds is 0.5, 1 and nothing.
        assert_eq!(logits.to_vec2::<f32>()?, [[0.5, 1.0, 0.0]], "{other}");
    }
    Ok(())
}
