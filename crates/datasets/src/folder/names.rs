//! What the names of files and folders say.

/// The parts of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Train,
    Val,
    Test,
}

impl Part {
    /// The words that people use for each, the usual one first.
    const WORDS: [(Self, &[&str]); 3] = [
        (Self::Train, &["train", "training"]),
        (Self::Val, &["val", "valid", "validation"]),
        (Self::Test, &["test", "testing"]),
    ];

    /// The part whose folder has this name, and how usual that is: 0 is the most usual.
    pub(super) fn of_folder(name: &str) -> Option<(Self, usize)> {
        let lower = name.to_ascii_lowercase();
        let place = |words: &[&str]| words.iter().position(|word| *word == lower);
        let found = Self::WORDS.iter().find_map(|&(part, words)| Some((part, place(words)?)));
        found.map(|(part, place)| (part, 2 * place + usize::from(lower != name)))
    }

    /// The part that a file or an archive with this name holds: one of its words is that of a part, `imagenet-train-000017.tar`.
    pub(super) fn of_archive(name: &str) -> Option<Self> {
        name.split(|c: char| !c.is_ascii_alphabetic()).find_map(|word| Some(Self::of_folder(word)?.0))
    }

    /// The part that a step of a path names: a folder, or an archive in the place of one.
    pub(super) fn of_step(step: &str) -> Option<(Self, usize)> {
        match archive_stem(step) {
            Some(stem) => Self::of_archive(stem).map(|part| (part, 0)),
            None => Self::of_folder(step),
        }
    }
}

/// The endings of archives.
const ARCHIVES: [&str; 8] = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tar.bz2", ".zip"];

/// The name of an archive without its ending.
pub(super) fn archive_stem(name: &str) -> Option<&str> {
    ARCHIVES.iter().find_map(|ending| name.strip_suffix(ending))
}

/// The files that images are in, by their extensions.
const EXTENSIONS: [&str; 13] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "bmp", "ppm", "pgm", "pnm", "webp", "tif", "tiff", "gif"];

/// Images that are not read here; the user is notified.
const UNREAD: [&str; 5] = ["heic", "avif", "jp2", "jxl", "svg"];

/// The lists of labels that data sets have themselves.
pub(super) const LABEL_LISTS: [&str; 3] =
    ["val_annotations.txt", "LOC_val_solution.csv", "ILSVRC2012_validation_ground_truth.txt"];

/// What explains the classes of ImageNet's development kit.
pub(super) const META: &str = "meta.mat";

/// Whether a file is named like an image, if only one of a kind that is not read.
pub(super) fn is_image(name: &str) -> bool {
    let file = file_name(name);
    // macOS leaves such companions in archives.
    !file.starts_with("._") && (is_read(file) || has_extension(file, &UNREAD))
}

/// Whether a file is named like an image that is read.
pub(super) fn is_read(name: &str) -> bool {
    has_extension(name, &EXTENSIONS)
}

/// Whether a file is called like a list of labels, or what explains one.
pub(super) fn is_text(name: &str) -> bool {
    let file = file_name(name);
    file == META || LABEL_LISTS.contains(&file)
}

fn has_extension(name: &str, of: &[&str]) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| of.contains(&extension.as_str()))
}

/// Whether a name is of what other programs leave among images: editors, desktops, archivers.
pub(super) fn is_foreign(name: &str) -> bool {
    const KNOWN: [&str; 6] =
        ["__MACOSX", "@eaDir", "#recycle", "lost+found", "$RECYCLE.BIN", "System Volume Information"];
    name.starts_with('.') || KNOWN.contains(&name)
}

/// The last step of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_many_names() {
        for (name, part) in [
            ("train", Part::Train),
            ("Training", Part::Train),
            ("valid", Part::Val),
            ("validation", Part::Val),
            ("Test", Part::Test),
            ("testing", Part::Test),
        ] {
            assert_eq!(Part::of_folder(name).map(|found| found.0), Some(part), "{name}");
        }
        for name in ["trainer", "n01440764", "val2", ""] {
            assert_eq!(Part::of_folder(name), None, "{name}");
        }
        assert!(Part::of_folder("val") < Part::of_folder("Val"));
        assert!(Part::of_folder("Val") < Part::of_folder("validation"));
    }

    #[test]
    fn archives_name_their_part_by_a_word() {
        for (name, part) in [
            ("ILSVRC2012_img_val.tar", Some(Part::Val)),
            ("train.tar.gz", Some(Part::Train)),
            ("imagenet1k-validation-00.tar", Some(Part::Val)),
            ("ILSVRC2012_devkit_t12.tar.gz", None),
            ("constrained.zip", None),
        ] {
            assert_eq!(Part::of_step(name).map(|found| found.0), part, "{name}");
        }
        assert_eq!(archive_stem("n01440764.tar"), Some("n01440764"));
        assert_eq!(archive_stem("n01440764"), None);
    }
}
