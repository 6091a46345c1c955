//! Advice on errors of `models`: the flags that decide which network is meant.

use models::{Difference, Error};

/// What to do about an error, if a flag can.
pub(super) fn of(error: &Error) -> Option<String> {
    match error {
        Error::UnknownArchitecture { .. } => Some("--help lists all names".to_owned()),
        Error::NotOfProgram { .. } => {
            Some("leave --style out, which writes the network's own names, or choose another".to_owned())
        }
        Error::OtherFamily { has, .. } => Some(format!("give --arch-family {has} or another --arch")),
        Error::WeightsDoNotFit { other: Some(other), .. } => {
            Some(format!("give --arch-family {}, or check --arch, --dataset and --labels", other.family))
        }
        Error::WeightsDoNotFit { other: None, differences, .. } if differences.iter().all(has_more_rows) => Some(
            "name a file that says which of these outputs the data set's classes are with --class-map (--dataset imagenet knows those of \
             folders with WordNet numbers), or check --arch, --dataset and --labels"
                .to_owned(),
        ),
        Error::WeightsDoNotFit { other: None, .. } => {
            Some("check --arch, and --dataset and --labels, which say how many classes there are".to_owned())
        }
        Error::NoStochasticDepth { .. } => Some("leave --drop-path out, or choose another --arch".to_owned()),
        Error::ImageSize { .. } => Some("choose another --arch, or another --image-size for photographs".to_owned()),
        _ => None,
    }
}

/// Whether a tensor is that of a network with more outputs.
fn has_more_rows(difference: &Difference) -> bool {
    let (Some(found), Some(expected)) = (&difference.found, &difference.expected) else { return false };
    let rows = found.first().zip(expected.first());
    rows.is_some_and(|(found, expected)| found > expected) && found.get(1..) == expected.get(1..)
}

/// Whether the flags name no network that there is.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(error, Error::OtherFamily { .. } | Error::NoStochasticDepth { .. } | Error::NotOfProgram { .. })
}

#[cfg(test)]
mod tests {
    use models::{Architecture, Family};

    use super::*;

    #[test]
    fn weights_of_a_namesake_name_the_flag() -> Result<(), Error> {
        let small: Architecture = "resnet18".parse()?;
        let large = small.in_family(Family::Imagenet)?;
        let error = small.check_fit(10, &large.graph(7).shapes()).expect_err("another network");
        assert!(of(&error).is_some_and(|advice| advice.contains("--arch-family imagenet")));
        let error = small.check_fit(5, &small.graph(7).shapes()).expect_err("a larger head");
        assert!(of(&error).is_some_and(|advice| advice.contains("with --class-map")));
        let error = small.check_fit(10, &small.graph(7).shapes()).expect_err("another head");
        assert!(of(&error).is_some_and(|advice| advice.starts_with("check --arch, and --dataset")));
        let error = "alexnet".parse::<Architecture>()?.in_family(Family::Cifar).expect_err("none of CIFAR's");
        assert_eq!(of(&error).as_deref(), Some("give --arch-family imagenet or another --arch"));
        Ok(())
    }
}
