//! Values of flags: what they may be, and what is said of others.

use std::{fmt, path::PathBuf};

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use datasets::{Corruption, Interpolation};
use models::{Architecture, Family};
use serde::{Serialize, Serializer};

pub(crate) fn architecture(name: &str) -> Result<Architecture, models::Error> {
    name.parse()
}

/// What `--help` says of `--arch`: all names, by kind of network.
pub(crate) fn architectures_help(first: &str) -> String {
    let kinds =
        Architecture::by_kind().into_iter().map(|(kind, names)| format!("{kind}: {}", names.join(", ")));
    let kinds: Vec<String> = kinds.collect();
    format!(
        "{first}. Names of timm may have its prefix and a tag, as timm/resnet50.a1_in1k.\n\n{}",
        kinds.join("\n\n")
    )
}

pub(super) fn family(name: &str) -> Result<Family, models::Error> {
    name.parse()
}

pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a whole number from 0 to 2^64 − 1".to_owned())
}

/// GPUs by number, of which each rank of a machine takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gpus(pub(crate) Vec<usize>);

impl Serialize for Gpus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0[..] {
            [one] => one.serialize(serializer),
            _ => self.to_string().serialize(serializer),
        }
    }
}

impl fmt::Display for Gpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(usize::to_string).collect();
        f.write_str(&numbers.join(","))
    }
}

pub(super) fn gpus(text: &str) -> Result<Gpus, String> {
    let expected = "expected the number of a GPU, 0 or more, or several, as 0,1";
    let numbers: Result<Vec<usize>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    let numbers = numbers.map_err(|_| expected.to_owned())?;
    match (1..numbers.len()).find(|&at| numbers[..at].contains(&numbers[at])) {
        Some(twice) => Err(format!("GPU {} is named twice; {expected}", numbers[twice])),
        None => Ok(Gpus(numbers)),
    }
}

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number, 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

pub(super) fn mirror(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_address =
        address.is_some_and(|address| !address.is_empty() && !address.contains(char::is_whitespace));
    let expected = || "expected the address of a folder, as https://mirror.example.org/cifar".to_owned();
    is_address.then(|| text.trim_end_matches('/').to_owned()).ok_or_else(expected)
}

/// The largest image that a network is fed.
const LARGEST_IMAGE: usize = 1024;

pub(crate) fn image_size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| (8..=LARGEST_IMAGE).contains(size));
    size.ok_or_else(|| format!("expected a whole number from 8 to {LARGEST_IMAGE}"))
}

/// A name of a filter.
pub(super) fn interpolation() -> impl TypedValueParser<Value = Interpolation> {
    PossibleValuesParser::new(Interpolation::ALL.map(Interpolation::as_str))
        .try_map(|name| name.parse::<Interpolation>())
}

/// More of either only costs memory; no machine has as many cores.
const MOST_THREADS: usize = 512;
const MOST_WORKERS: usize = 64;

pub(super) fn threads(text: &str) -> Result<usize, String> {
    up_to(MOST_THREADS, text)
}

pub(super) fn workers(text: &str) -> Result<usize, String> {
    up_to(MOST_WORKERS, text)
}

fn up_to(most: usize, text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("expected a whole number from 1 to {most}"))
}

/// A task is one folder below the data set's, never a path out of it.
pub(super) fn folder_name(text: &str) -> Result<String, String> {
    let unfit = |c: char| c == '/' || c == '\\' || c.is_control();
    let plain = !text.is_empty() && text != "." && text != ".." && !text.contains(unfit);
    if plain { Ok(text.to_owned()) } else { Err("expected a plain folder name, without slashes".to_owned()) }
}

/// A folder that is there or can be made.
pub(crate) fn folder_to_write() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|folder: PathBuf| {
        // The nearest that is there, the folder itself or one above it.
        let there = folder.ancestors().find(|path| path.exists());
        let in_the_way = there.filter(|path| !path.is_dir()).map(|path| path.display().to_string());
        in_the_way
            .map_or(Ok(folder), |path| Err(format!("{path} is a file, expected a folder; choose another")))
    })
}

pub(super) fn device_name(text: &str) -> Result<String, String> {
    let index = text.strip_prefix("cuda:").is_some_and(|index| index.parse::<usize>().is_ok());
    let known = index || ["cpu", "cpu-plain", "cuda", "auto"].contains(&text);
    if known { Ok(text.to_owned()) } else { Err("expected cpu, cpu-plain, cuda:0 or auto".to_owned()) }
}

pub(crate) fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "expected a number, 0 or more".to_owned())
}

pub(crate) fn below_one(text: &str) -> Result<f64, String> {
    not_negative(text)
        .ok()
        .filter(|number| *number < 1.0)
        .ok_or_else(|| "expected a number from 0 to below 1".to_owned())
}

/// A number above 0, at most 1.
pub(crate) fn above_zero_to_one(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && *number <= 1.0);
    number.ok_or_else(|| "expected a number above 0, at most 1".to_owned())
}

/// The half width of an interval of a share that is worth to be reached.
pub(crate) fn half_width(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.002..0.5).contains(number));
    number.ok_or_else(|| "expected a number from 0.002 to below 0.5".to_owned())
}

/// A pair with a comma between.
pub(super) fn two_below_one(text: &str) -> Result<[f64; 2], String> {
    let pair = text
        .split_once(',')
        .and_then(|(first, second)| Some([below_one(first.trim()).ok()?, below_one(second.trim()).ok()?]));
    pair.ok_or_else(|| "expected two numbers from 0 to below 1, as 0.9,0.999".to_owned())
}

pub(super) fn above_zero(text: &str) -> Result<f64, String> {
    not_negative(text)
        .ok()
        .filter(|number| *number > 0.0)
        .ok_or_else(|| "expected a number above 0, as 1e-8".to_owned())
}

pub(super) fn zero_to_one(text: &str) -> Result<f64, String> {
    not_negative(text)
        .ok()
        .filter(|number| *number <= 1.0)
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

pub(super) fn corruption(text: &str) -> Result<Corruption, String> {
    text.parse().map_err(|_| "expected NAME or NAME:SEVERITY, the severity from 1 to 5".to_owned())
}

pub(crate) fn between_zero_and_one(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && *number < 1.0);
    number.ok_or_else(|| "expected a number between 0 and 1, such as 0.1".to_owned())
}

/// As the `robustness` library has its switches.
pub(crate) fn zero_or_one(text: &str) -> Result<bool, String> {
    match text {
        "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        _ => Err("expected 0 or 1".to_owned()),
    }
}

/// A positive number, or a fraction of two.
pub(crate) fn positive(text: &str) -> Result<f32, String> {
    let number = |text: &str| text.trim().parse::<f32>().ok();
    let value = match text.split_once('/') {
        Some((above, below)) => number(above).zip(number(below)).map(|(above, below)| above / below),
        None => number(text),
    };
    let value = value.filter(|value| value.is_finite() && *value > 0.0);
    value.ok_or_else(|| "expected a number above 0, or a fraction such as 8/255".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_numbers() {
        assert_eq!(positive("8/255"), Ok(8.0 / 255.0));
        assert_eq!(positive("0.5"), Ok(0.5));
        for text in ["0", "-1", "1/0", "x", "1/2/3", "nan", ""] {
            assert!(positive(text).is_err_and(|said| said.contains("8/255")), "{text}");
        }
    }

    #[test]
    fn amounts_are_said_as_they_are_given() {
        for text in ["8/255", "128/255", "0.5", "0.2", "0.031", "3", "0.0313725"] {
            assert_eq!(positive(text).map(pipeline::attack_amount).as_deref(), Ok(text));
        }
    }
}
