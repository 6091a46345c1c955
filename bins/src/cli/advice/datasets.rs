//! What a user of the programs does about a data set that cannot be opened.

use std::path::Path;

use ::datasets::{ArchiveError, DownloadError, Error, HubError, Note, RecordsError};

/// What is said after the facts of an error.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::NotFound { archives, .. } => {
            format!("name the folder that holds it, or its archive ({}), with --data", archives.join(" or "))
        }
        Error::OtherEdition { dataset, .. } => {
            format!("take --dataset {dataset}, or name another folder with --data")
        }
        Error::NeedsRoot { name, can_be_fetched } => needs_root(name, *can_be_fetched),
        Error::NoSuchRoot { .. } => "name the folder or file that holds the data set with --data".to_owned(),
        Error::NoFolder { instead, .. } => named_instead(instead.as_deref()),
        Error::NoGenerated { instead, .. } => {
            format!("generate_toy_dataset writes such a set; {}", named_instead(instead.as_deref()))
        }
        Error::NeedsFeature { feature, .. } => format!("build with --features {feature}"),
        Error::Download(DownloadError::BrokenOff { .. }) => {
            "give the same command to go on, or fetch the file by hand and name it with --data".to_owned()
        }
        Error::Download(DownloadError::NothingReceived { .. }) => {
            "check the network and --mirror, or fetch the file by hand and name it with --data".to_owned()
        }
        error => fixed(error)?.to_owned(),
    })
}

/// Advice that is the same whatever the facts.
fn fixed(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Archive(ArchiveError::Damaged { .. }) => {
            "or unpack it elsewhere and name the folder with --data"
        }
        Error::Archive(ArchiveError::OtherFile { .. }) => {
            "if it holds the data set, unpack it and name the folder with --data"
        }
        Error::LinkOut { .. } => {
            "or name the folder that they are in with --data, or trust them with --follow-links"
        }
        Error::NoLabels { path } if path.to_string_lossy().contains("ILSVRC2012") => {
            "put ILSVRC2012_devkit_t12.tar.gz beside the archives, LOC_val_solution.csv beside Kaggle's folder, or name a list with --val-labels"
        }
        Error::NoLabels { .. } => {
            "name one with --val-labels if these are test images; training images need a folder for each class"
        }
        Error::LabelList { .. } => "name another list with --val-labels",
        Error::NoTrainingImages { .. } => {
            "name the folder that has train/ with --data; one without parts is split by --val-fraction"
        }
        Error::NoTestImages { is_folder: true, .. } => "or take some of the others with --val-fraction",
        Error::NotImageNet { .. } => "take --dataset folder for other classes",
        Error::ClassMap(_) => "change that file, or name another with --class-map",
        Error::NoFiles { .. } => "name the folder that holds its files with --data",
        Error::Corruption { .. } => "name one with --corruption NAME or --corruption NAME:SEVERITY",
        Error::Corrupt { .. } => "or leave such files out with --on-corrupt skip",
        Error::AllCorrupt => "--on-corrupt error names the first",
        Error::Records(RecordsError::TooMany { .. }) => {
            "read a part of it with --limit-train or --limit-test"
        }
        Error::NoDonors { .. } => "--limit-train and --limit-test say how many images are used",
        Error::Download(DownloadError::NoCacheFolder) => "name a folder with --data",
        Error::ResizeBelowSide { .. } => "choose a larger --resize, or a smaller --image-size",
        Error::Hub(HubError::NotInCache { .. }) => {
            "name the cache folder that holds it with --data, or fetch it with --download"
        }
        _ => return None,
    })
}

/// What is said after a note on how a data set was read.
pub(super) fn of_note(note: &Note) -> Option<&'static str> {
    match note {
        Note::Resized { .. } | Note::Enlarged { .. } => Some("--image-size asks for another side"),
        Note::AllForTest { .. } => Some("--val-fraction takes some of them, and the rest for training"),
        _ => None,
    }
}

/// Whether a command cannot do what its flags say: they name no data set that can be used.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(
        error,
        Error::UnknownName { .. }
            | Error::NeedsRoot { .. }
            | Error::NoSuchRoot { .. }
            | Error::NoTestImages { .. }
            | Error::NoTrainingImages { .. }
            | Error::CannotBeFetched { .. }
            | Error::NotFound { .. }
            | Error::NoFiles { .. }
            | Error::Corruption { .. }
            | Error::CorruptionText { .. }
            | Error::Hub(HubError::NotInCache { .. })
            | Error::OtherEdition { .. }
            | Error::NoGenerated { .. }
            | Error::NoFolder { .. }
            | Error::NoLabels { .. }
            | Error::LabelList { .. }
            | Error::NotImageNet { .. }
            | Error::ClassMap(_)
            | Error::NeedsFeature { .. }
            | Error::ResizeBelowSide { .. }
    )
}

fn needs_root(name: &str, can_be_fetched: bool) -> String {
    let or_fetch = if can_be_fetched { "; or --download, which fetches them" } else { "" };
    format!("--dataset {name} needs --data DIR (or FREQBIAS_DATA): the folder that holds its files{or_fetch}")
}

/// What to name in place of a folder that is no data set.
fn named_instead(found: Option<&Path>) -> String {
    match found {
        Some(folder) => format!("there is one in {}: name that with --data", folder.display()),
        None => "name its folder with --data".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn said(error: &Error) -> String {
        format!("{error}; {}", of(error).expect("advice"))
    }

    #[test]
    fn facts_and_advice_read_as_one_message() {
        let no_folder = |instead: Option<PathBuf>| {
            said(&Error::NoFolder { root: "photos/train".into(), instead, unread: None })
        };
        assert!(
            no_folder(Some("photos".into())).ends_with("; there is one in photos: name that with --data")
        );
        assert!(no_folder(None).ends_with("; name its folder with --data"));
        let corrupt = Error::Corrupt { path: "a.png".into(), problem: "it is cut short".to_owned() };
        assert_eq!(
            said(&corrupt),
            "a.png cannot be decoded: it is cut short; remove it; or leave such files out with --on-corrupt skip"
        );
        let donors = Error::NoDonors { class: 5, found: 3, images: 4 };
        assert!(said(&donors).ends_with("; --limit-train and --limit-test say how many images are used"));
    }

    #[test]
    fn only_what_cifar_publishes_is_offered_for_download() {
        let needs = |can_be_fetched| said(&Error::NeedsRoot { name: "cifar10".to_owned(), can_be_fetched });
        assert!(
            needs(true).contains("--dataset cifar10 needs --data DIR") && needs(true).contains("--download")
        );
        assert!(!needs(false).contains("--download"));
    }

    #[test]
    fn a_size_that_nobody_asked_for_can_be_asked_for() {
        let (path, size) = ("a.png".to_owned(), [16, 15]);
        let note = Note::Resized { side: 224, path, size };
        assert_eq!(of_note(&note), Some("--image-size asks for another side"));
        let note = Note::UnreadKinds { count: 1, first: "a.gif".to_owned() };
        assert_eq!(of_note(&note), None);
    }
}
