//! RandAugment's operations against torchvision's on bytes; `tests/python/recipes.py` wrote the pixels.

use datasets::{ImageShape, Operation};
use serde_json::Value;

const GOLDEN: &str = include_str!("../data/rand_augment.json");

fn bytes(text: &Value) -> Vec<u8> {
    let digits = text.as_str().expect("digits").as_bytes();
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("a byte");
    digits.chunks(2).map(byte).collect()
}

fn named(name: &str) -> Operation {
    let found = Operation::ALL.into_iter().find(|operation| format!("{operation:?}") == name);
    found.unwrap_or_else(|| panic!("no operation {name}"))
}

#[test]
fn operations_are_torchvisions_byte_for_byte() {
    let images: Vec<Value> = serde_json::from_str(GOLDEN).expect("the pixels of torchvision");
    let (mut compared, mut differing) = (0, Vec::new());
    for image in &images {
        let [channels, height, width] =
            [0, 1, 2].map(|axis| image["shape"][axis].as_u64().expect("a side") as usize);
        let (shape, pixels) = (ImageShape { channels, height, width }, bytes(&image["pixels"]));
        for result in image["results"].as_array().expect("results") {
            let (name, step) = (result[0].as_str().expect("a name"), result[1].as_u64().expect("a step"));
            let (operation, strength) = (named(name), result[2].as_f64().expect("a strength"));
            let own = operation.strength(step as usize, shape);
            assert!((own - strength.abs()).abs() <= 1e-6 * own.max(1.0), "{name} {step}: {own}, {strength}");
            let mut found = pixels.clone();
            operation.apply(if strength < 0.0 { -own } else { own }, &mut found, shape);
            let expected = bytes(&result[3]);
            let apart = found.iter().zip(&expected).filter(|(found, expected)| found != expected).count();
            compared += 1;
            if apart > 0 {
                differing.push(format!("{name} {step} ({strength}) at {shape}: {apart} of {}", found.len()));
            }
        }
    }
    assert!(compared > 290, "{compared}");
    assert!(differing.is_empty(), "{} of {compared} differ:\n{}", differing.len(), differing.join("\n"));
}
