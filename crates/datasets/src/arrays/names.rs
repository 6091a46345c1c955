//! What the name of an array says: which part it is of, and whether it has images or labels.

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Val,
    Test,
}

/// What an array has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Images,
    Labels,
}

const IMAGES: [&str; 7] = ["images", "image", "imgs", "x", "data", "arr_0", "inputs"];
const LABELS: [&str; 6] = ["labels", "label", "y", "targets", "target", "arr_1"];

impl Part {
    /// The part that a word names.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "train" | "training" => Self::Train,
            "val" | "valid" | "validation" => Self::Val,
            "test" | "testing" => Self::Test,
            _ => return None,
        })
    }
}

/// What a name says, if it is that of images or labels. A part before it or behind: `x_train`, `val_images`, `test/labels`.
pub(super) fn said(name: &str) -> Option<(Option<Part>, Role)> {
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split(['_', '-', '.', '/', ' ']).filter(|word| !word.is_empty()).collect();
    let (part, rest) = match words[..] {
        [first, ref rest @ ..] if Part::of(first).is_some() => (Part::of(first), rest),
        [ref rest @ .., last] if Part::of(last).is_some() => (Part::of(last), rest),
        _ => (None, &words[..]),
    };
    let rest = rest.join("_");
    let role = match rest.as_str() {
        rest if IMAGES.contains(&rest) => Role::Images,
        rest if LABELS.contains(&rest) => Role::Labels,
        _ => return None,
    };
    Some((part, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_people_have_them_are_understood() {
        let (train, val, test) = (Some(Part::Train), Some(Part::Val), Some(Part::Test));
        let cases = [
            ("x_train", Some((train, Role::Images))),
            ("y_test", Some((test, Role::Labels))),
            ("X", Some((None, Role::Images))),
            ("arr_0", Some((None, Role::Images))),
            ("arr_1", Some((None, Role::Labels))),
            ("val_images", Some((val, Role::Images))),
            ("validation-labels", Some((val, Role::Labels))),
            ("train/images", Some((train, Role::Images))),
            ("test/arr_1", Some((test, Role::Labels))),
            ("Test.targets", Some((test, Role::Labels))),
            ("train", None),
            ("extra_x_train", None),
            ("train_test_x", None),
            ("arr_2", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(said(name), expected, "{name}");
        }
    }
}
