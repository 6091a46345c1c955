//! What to do about errors of a reproduction.

use reproduction::Error;

/// The advice that is appended to an error's message.
pub(super) fn of(error: &Error) -> Option<String> {
    match error {
        Error::UnknownDataset { dataset } => {
            Some(format!("choose one of these instead of --dataset {dataset}"))
        }
        Error::NeedsData { .. } => Some(
            "name it with --data DIR; without files there is --scale smoke, or --dataset synthetic"
                .to_owned(),
        ),
        Error::NeedsNoData { .. } => {
            Some("leave --data out, add --dataset cifar10, or choose --scale small".to_owned())
        }
        Error::OtherReproduction { setting, before, .. } => Some(other_reproduction(setting, before)),
        Error::DamagedSteps { .. } => Some("start anew with --overwrite".to_owned()),
        Error::NoResult { .. } => {
            Some("run it first; without --report-only all missing steps are run".to_owned())
        }
        Error::DamagedResult { .. } => Some("remove it and give the command again".to_owned()),
        Error::Interrupted { .. } => Some("to go on, give the same command".to_owned()),
        _ => None,
    }
}

/// Whether a command cannot do what its flags say.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(
        error,
        Error::UnknownDataset { .. }
            | Error::NeedsData { .. }
            | Error::NeedsNoData { .. }
            | Error::OtherReproduction { .. }
            | Error::DamagedSteps { .. }
    )
}

/// Settings that are flags can be given again; others follow from the scale and the program's version.
const FLAGS: [&str; 8] =
    ["arch", "data", "dataset", "epochs", "fit_epochs", "limit_test", "limit_train", "seed"];

fn other_reproduction(setting: &str, before: &str) -> String {
    let again = "choose another --out-dir, or replace it with --overwrite";
    let flag = setting.replace('_', "-");
    match before {
        _ if !FLAGS.contains(&setting) => again.to_owned(),
        "none" => format!("leave --{flag} out, {again}"),
        _ => format!("give --{flag} {before} again, {again}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_differs_is_named_as_its_flag() {
        let advice = |setting: &str, before: &str| other_reproduction(setting, before);
        assert!(advice("limit_train", "64").starts_with("give --limit-train 64 again, choose another"));
        assert!(advice("data", "none").starts_with("leave --data out, "));
        assert!(advice("recipe", "[\"--lr\"]").starts_with("choose another --out-dir"));
    }
}
