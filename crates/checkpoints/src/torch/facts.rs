//! What a PyTorch file says of itself beside its tensors.

use pickle::Value;

use super::calls::{Made, Pickle};
use crate::{
    facts::Facts,
    write::{ATTRIBUTE, METADATA},
};

/// Keys under which the accuracy on test images stands, and those of the best so far.
const ACCURACY: [&str; 6] = ["nat_prec1", "acc", "test_acc", "accuracy", "top1", "acc1"];
const BEST: [&str; 5] = ["best_prec1", "best_acc1", "best_acc", "best_accuracy", "best_top1"];

/// What the file's content says, `number` reading the tensor of a single number.
pub(super) fn facts(pickle: &Pickle, mut number: impl FnMut(Value) -> Option<f64>) -> Facts {
    let values = pickle.values();
    let mut noted = |key: &str| match values.entry(pickle.top(), key)? {
        Value::Int(whole) => Some(whole as f64),
        Value::Float(number) => Some(number),
        value => match values.made(value)? {
            Made::Number(number) => Some(*number),
            Made::Tensor(_) => number(value),
            _ => None,
        },
    };
    let epoch = noted("epoch")
        .filter(|epoch| epoch.fract() == 0.0 && (0.0..1e9).contains(epoch))
        .map(|epoch| epoch as usize);
    let best = BEST.iter().find_map(|key| Some((*key, noted(key)?)));
    let accuracy = ACCURACY.iter().find_map(|key| noted(key));
    let has = |key: &str| values.entry(pickle.top(), key).is_some();
    // The `robustness` library and PyTorch's ImageNet example, with all who copy it, note how many epochs are done.
    let counts_done = has("nat_prec1") || has("adv_prec1") || (best.is_some() && has("state_dict"));
    Facts {
        noted_epoch: epoch,
        epoch: if counts_done { epoch.and_then(|epoch| epoch.checked_sub(1)) } else { epoch },
        accuracy: accuracy.map(percent),
        best_accuracy: best.map(|(_, best)| percent(best)),
        normaliser: normaliser(pickle),
    }
}

/// What people call dictionaries that say how images are normalised, among other things.
const SETTINGS: [&str; 10] = [
    "normalize",
    "normalization",
    "normalizer",
    "pretrained_cfg",
    "default_cfg",
    "config",
    "cfg",
    "args",
    "hparams",
    "hyper_parameters",
];

/// The normaliser among the attributes of a state dict of ours, or beside the weights as lists of numbers: mean and standard deviation.
fn normaliser(pickle: &Pickle) -> Option<[[f32; 3]; 2]> {
    let (values, top) = (pickle.values(), pickle.top());
    let own = || {
        let attributes = values.entries(top)?.iter().find(|(key, _)| *key == Value::None)?.1;
        values.entry(values.entry(values.entry(attributes, METADATA)?, "")?, ATTRIBUTE)
    };
    let beside = SETTINGS.iter().filter_map(|key| values.entry(top, key));
    let mut places = own().into_iter().chain([top]).chain(beside);
    places.find_map(|place| Some([three(pickle, place, "mean")?, three(pickle, place, "std")?]))
}

/// Three numbers in a list.
fn three(pickle: &Pickle, place: Value, key: &str) -> Option<[f32; 3]> {
    let values = pickle.values();
    let number = |value: &Value| match value {
        Value::Float(number) => Some(*number as f32),
        Value::Int(number) => Some(*number as f32),
        _ => None,
    };
    let numbers =
        values.items(values.entry(place, key)?)?.iter().map(number).collect::<Option<Vec<f32>>>()?;
    <[f32; 3]>::try_from(numbers).ok()
}

/// A fraction, or percents.
fn percent(accuracy: f64) -> f64 {
    if accuracy <= 1.0 { 100.0 * accuracy } else { accuracy }
}
