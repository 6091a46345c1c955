//! Epochs out of the names of files, as people and frameworks write them.

use std::{cmp::Ordering, collections::BTreeSet};

/// A name in parts: what is not a number, a number, and so on.
type Parts<'a> = Vec<(&'a str, Option<usize>)>;

/// The epoch of each file: the number after `epoch` or `ep`, or else the one number in which names that are alike otherwise
/// differ, or in a single name the number that it begins with, or that follows a word such as `checkpoint`. Absent if that gives no epoch, or one twice.
pub(crate) fn of_names(names: &[String]) -> Option<Vec<usize>> {
    let parts: Vec<Parts<'_>> = names.iter().map(|name| split(name)).collect();
    let distinct = |epochs: &Vec<usize>| epochs.iter().collect::<BTreeSet<_>>().len() == names.len();
    let named: Option<Vec<usize>> = parts.iter().map(after_epoch).collect();
    named.filter(distinct).or_else(|| match &parts[..] {
        [one] => alone(one).map(|epoch| vec![epoch]),
        _ => where_they_differ(&parts).filter(distinct),
    })
}

/// 0, 1, … in the order of names, numbers in them compared as such.
pub(crate) fn by_name(names: &[String]) -> Vec<usize> {
    let parts: Vec<Parts<'_>> = names.iter().map(|name| split(name)).collect();
    let earlier =
        |a: usize, b: usize| parts[a].cmp(&parts[b]).then(names[a].cmp(&names[b])) == Ordering::Less;
    (0..names.len()).map(|own| (0..names.len()).filter(|&other| earlier(other, own)).count()).collect()
}

/// Text and the number after it, in turn.
fn split(name: &str) -> Parts<'_> {
    let (mut parts, mut rest) = (Vec::new(), name);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (number, tail) = tail.split_at(end);
        parts.push((text, number.parse().ok()));
        rest = tail;
    }
    parts
}

fn after_epoch(parts: &Parts<'_>) -> Option<usize> {
    let says_so = |text: &str| {
        let word = text.trim_end_matches(|c: char| !c.is_ascii_alphabetic()).to_lowercase();
        let is_word = |end: &str| {
            word.strip_suffix(end).is_some_and(|before| !before.ends_with(|c: char| c.is_ascii_alphabetic()))
        };
        word.ends_with("epoch") || is_word("ep")
    };
    parts.iter().find(|(text, number)| number.is_some() && says_so(text)).and_then(|(_, number)| *number)
}

/// What a file of weights is called, before or after its number.
const SAVED: [&str; 7] = ["checkpoint", "checkpoints", "ckpt", "model", "net", "state", "weights"];

/// 12 of `12_checkpoint` and of `ckpt-12`, none of `resnet18` or `mobilenetv2_100`: others are of the network's own name.
fn alone(parts: &Parts<'_>) -> Option<usize> {
    let letter = |c: char| c.is_ascii_alphabetic();
    let stands_alone = |index: usize| {
        let after = parts.get(index + 1).map_or("", |(text, _)| text);
        let is_first = index == 0 && parts[0].0.is_empty();
        let word = parts[index].0.trim_end_matches(|c| !letter(c)).rsplit(|c| !letter(c)).next();
        let is_saved = word.is_some_and(|word| SAVED.contains(&word.to_lowercase().as_str()));
        !parts[index].0.ends_with(letter) && !after.starts_with(letter) && (is_first || is_saved)
    };
    let mut numbers =
        (0..parts.len()).filter(|&index| stands_alone(index)).filter_map(|index| parts[index].1);
    numbers.next().filter(|_| numbers.next().is_none())
}

fn where_they_differ(parts: &[Parts<'_>]) -> Option<Vec<usize>> {
    let first = parts.first()?;
    let is_alike = |other: &Parts<'_>| {
        let mut both = other.iter().zip(first);
        other.len() == first.len() && both.all(|(a, b)| (a.0, a.1.is_some()) == (b.0, b.1.is_some()))
    };
    if !parts.iter().all(is_alike) {
        return None;
    }
    let differs = |&place: &usize| parts.iter().any(|other| other[place].1 != first[place].1);
    let mut places = (0..first.len()).filter(differs);
    let place = places.next().filter(|_| places.next().is_none())?;
    parts.iter().map(|parts| parts[place].1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(names: &[&str]) -> Option<Vec<usize>> {
        of_names(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_of_many_frameworks_say_their_epoch() {
        let cases: [(&[&str], &[usize]); 11] = [
            (&["10_checkpoint", "2_checkpoint"], &[10, 2]),
            (&["ckpt10", "ckpt9"], &[10, 9]),
            (&["net_ep8", "net_ep100"], &[8, 100]),
            (&["net_lr0.1_epoch9", "net_lr0.1_epoch10"], &[9, 10]),
            (&["checkpoint-epoch=9-val=0.93", "checkpoint-epoch=10-val=0.95"], &[9, 10]),
            (&["2024-01-02_9", "2024-01-02_10"], &[9, 10]),
            (&["resnet18-Epoch3", "resnet50-Epoch4"], &[3, 4]),
            (&["12_checkpoint"], &[12]),
            (&["resnet18_epoch7"], &[7]),
            (&["checkpoint-12"], &[12]),
            (&["resnet18_0.1_model_12"], &[12]),
        ];
        for (names, expected) in cases {
            assert_eq!(epochs(names).as_deref(), Some(expected), "{names:?}");
        }
    }

    #[test]
    fn names_without_one_epoch_each_have_none() {
        for names in [
            &["resnet18"][..],
            &["mobilenetv2_100"],
            &["vit_tiny_patch16_224"],
            &["shufflenet_v2_x0_5"],
            &["a1b2", "a2b3"],
            &["step1", "grep2"],
            &["x_epoch1_a", "x_epoch1_b"],
        ] {
            assert_eq!(epochs(names), None, "{names:?}");
        }
    }

    #[test]
    fn order_of_names_takes_numbers_as_such() {
        let names = ["a1b10", "a1b9", "a2b1"].map(str::to_owned);
        assert_eq!(by_name(&names), [1, 0, 2]);
    }
}
