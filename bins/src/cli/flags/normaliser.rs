//! The flags that name a network's normaliser.

use clap::Args;
use models::Normaliser;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::cli::UsageError;

/// The normaliser in front of a network: (pixel − mean) / std per channel, pixels in [0, 1].
#[derive(Debug, Clone, Args)]
pub(crate) struct NormaliserFlags {
    /// The network's normaliser: mean per channel, or the name of both: `imagenet`, `cifar10`, `cifar100`, `half`, `none` [default: what
    /// the checkpoint says, else the data set's usual one]
    #[arg(long, value_name = "R,G,B|NAME", value_parser = mean, allow_hyphen_values = true)]
    mean: Option<Mean>,
    /// The network's normaliser: standard deviation per channel
    #[arg(long, value_name = "R,G,B", value_parser = three_numbers, requires = "mean", allow_hyphen_values = true)]
    std: Option<[f32; 3]>,
}

/// What `--mean` takes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mean {
    /// Mean and standard deviation by name.
    Named(Normaliser),
    /// The mean alone.
    Numbers([f32; 3]),
}

impl NormaliserFlags {
    /// The normaliser that is given.
    ///
    /// # Errors
    /// If a mean has no standard deviation, or two, or they are none.
    pub(crate) fn given(&self) -> anyhow::Result<Option<Normaliser>> {
        let refused = |problem: String| Err(UsageError(problem).into());
        match (self.mean, self.std) {
            (None, _) => Ok(None),
            (Some(Mean::Named(named)), None) => Ok(Some(named)),
            (Some(Mean::Named(_)), Some(_)) => {
                refused("--std: the name that --mean gives is of both; leave --std out".to_owned())
            }
            (Some(Mean::Numbers(_)), None) => refused("--mean: expected --std beside its numbers".to_owned()),
            (Some(Mean::Numbers(mean)), Some(_)) if mean.iter().any(|value| *value > 1.5) => {
                refused("--mean: found numbers of pixels from 0 to 255, expected those of pixels in [0, 1]; divide both by 255".to_owned())
            }
            (Some(Mean::Numbers(mean)), Some(std)) => match Normaliser::new(mean, std) {
                Ok(normaliser) => Ok(Some(normaliser)),
                Err(error) => refused(format!("--mean, --std: {error}")),
            },
        }
    }
}

impl Serialize for NormaliserFlags {
    /// As numbers, whatever they were given as.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (mean, std) = match self.mean {
            Some(Mean::Named(named)) => (Some(named.mean()), Some(named.std())),
            Some(Mean::Numbers(mean)) => (Some(mean), self.std),
            None => (None, None),
        };
        let mut fields = to.serialize_struct("NormaliserFlags", 2)?;
        fields.serialize_field("mean", &mean)?;
        fields.serialize_field("std", &std)?;
        fields.end()
    }
}

/// Normalisers that people call by a name.
fn named(name: &str) -> Option<Normaliser> {
    let plain = |mean: f32, std: f32| Normaliser::new([mean; 3], [std; 3]).ok();
    match name {
        "imagenet" => Some(Normaliser::IMAGENET),
        "cifar10" => Some(Normaliser::CIFAR10),
        "cifar100" => Some(Normaliser::CIFAR100),
        "half" => plain(0.5, 0.5),
        "none" => plain(0.0, 1.0),
        _ => None,
    }
}

fn mean(text: &str) -> Result<Mean, String> {
    let numbers = || three_numbers(text).map(Mean::Numbers);
    named(text).map(Mean::Named).map_or_else(numbers, Ok).map_err(|problem| {
        format!("{problem}, or one of the names imagenet, cifar10, cifar100, half and none")
    })
}

fn three_numbers(text: &str) -> Result<[f32; 3], String> {
    let numbers: Result<Vec<f32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let three = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    three.ok_or_else(|| "expected three numbers with commas between, as 0.49,0.48,0.45".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(mean: Option<&str>, std: Option<[f32; 3]>) -> anyhow::Result<Option<Normaliser>> {
        let mean = mean.map(super::mean).transpose().map_err(anyhow::Error::msg)?;
        NormaliserFlags { mean, std }.given()
    }

    #[test]
    fn a_name_or_numbers_give_a_normaliser() -> anyhow::Result<()> {
        assert_eq!(given(None, None)?, None);
        assert_eq!(given(Some("imagenet"), None)?, Some(Normaliser::IMAGENET));
        let half = given(Some("half"), None)?.expect("a normaliser");
        assert_eq!((half.mean(), half.std()), ([0.5; 3], [0.5; 3]));
        let numbers = given(Some("0.1,0.2,0.3"), Some([0.5; 3]))?.expect("a normaliser");
        assert_eq!((numbers.mean(), numbers.std()), ([0.1, 0.2, 0.3], [0.5; 3]));
        for (mean, std, words) in [
            (Some("0.1,0.2,0.3"), None, "expected --std"),
            (Some("none"), Some([1.0; 3]), "leave --std out"),
            (Some("123.7,116.3,103.5"), Some([58.0; 3]), "divide both by 255"),
            (Some("0,0,0"), Some([0.0; 3]), "std > 0"),
            (Some("foo"), None, "imagenet"),
        ] {
            let said = given(mean, std).expect_err("no normaliser").to_string();
            assert!(said.contains(words), "{words}: {said}");
        }
        Ok(())
    }
}
