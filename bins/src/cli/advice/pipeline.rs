//! What to do about errors of networks, their images and their training.

use pipeline::Error;

/// The advice to add to the facts.
pub(super) fn of(error: &Error, command: &str) -> Option<String> {
    Some(match error {
        Error::DeviceMemoryFull { images, .. } => format!("give --batch-size {}", (images / 2).max(1)),
        Error::MemoryTooSmall { fits: Some(fits), .. } => format!("give --batch-size {fits}, or end other programs"),
        Error::MemoryTooSmall { fits: None, .. } => "end other programs, or choose a smaller --arch".to_owned(),
        Error::AttackTooFar { .. } => {
            "give --constraint 2 a smaller --eps, such as --eps 0.5 or --eps 128/255".to_owned()
        }
        Error::MixedAdversary { .. } => "give --mixup 0 --cutmix 0, or leave --adv-train out".to_owned(),
        Error::OtherOutputs { .. } => "name a file that says which of the outputs the classes are with --class-map, or check --dataset \
             and --labels"
            .to_owned(),
        Error::NoSuchOutput { .. } => "check --class-map and --arch".to_owned(),
        Error::OtherClasses { .. } => "name its checkpoint file itself with --checkpoints to measure it on other images, or give another \
             --task for a run of these"
            .to_owned(),
        Error::UnsuitableNetwork { .. } => "choose another --arch".to_owned(),
        Error::PrecisionChanged { before, .. } => {
            format!("resume with --precision {before}, or start anew with --overwrite or another --task")
        }
        Error::TrainingInterrupted { .. } if command == "easy_train" => {
            "to go on, give the same command with --resume added".to_owned()
        }
        Error::TrainingInterrupted { .. } => "to go on, give the same command".to_owned(),
        _ => return None,
    })
}

/// Whether the flags cannot be used as they are.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(
        error,
        Error::AttackTooFar { .. }
            | Error::MixedAdversary { .. }
            | Error::UnsuitableNetwork { .. }
            | Error::PrecisionChanged { .. }
            | Error::MemoryTooSmall { .. }
            | Error::NoSuchOutput { .. }
            | Error::OtherOutputs { .. }
            | Error::OtherClasses { .. }
    )
}
