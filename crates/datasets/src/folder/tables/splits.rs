//! Which tables are of which split of a data set, by their names.

use std::collections::BTreeMap;

/// The words that files or folders of a split are called by; the first split of each kind that is there is taken.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 6] = ["validation", "valid", "val", "dev", "test", "testing"];

/// The paths of the tables of both parts, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Splits {
    pub(crate) train: Vec<String>,
    pub(crate) test: Vec<String>,
}

/// A table's place in its data set.
struct Shard {
    /// The folder of the configuration, and the words before the split in the name of the file.
    config: String,
    /// The word that the split is called by.
    split: &'static str,
    /// Its number, and how many there are if its name says so.
    number: Option<(usize, Option<usize>)>,
    path: String,
}

/// The tables of the one configuration, or of that which is called `default`; nothing if no path names a split.
///
/// # Errors
/// If tables are missing, or there are several configurations; the text says what was found.
pub(crate) fn choose(paths: &[String]) -> Result<Option<Splits>, String> {
    let mut configs: BTreeMap<String, BTreeMap<&'static str, Vec<Shard>>> = BTreeMap::new();
    for shard in paths.iter().filter_map(|path| shard(path)) {
        configs.entry(shard.config.clone()).or_default().entry(shard.split).or_default().push(shard);
    }
    let is_default = |config: &String| config == "default" || config.ends_with("/default");
    let name = match configs.len() {
        0 => return Ok(None),
        1 => configs.keys().next().cloned(),
        _ => configs.keys().find(|config| is_default(config)).cloned(),
    };
    let Some(mut splits) = name.and_then(|name| configs.remove(&name)) else {
        let name =
            |name: &String| if name.is_empty() { "the folder itself".to_owned() } else { name.clone() };
        let names: Vec<String> = configs.keys().map(name).collect();
        return Err(format!("several configurations ({})", names.join(", ")));
    };
    let mut take = |words: &[&'static str]| {
        complete(words.iter().find_map(|word| splits.remove(word)).unwrap_or_default())
    };
    Ok(Some(Splits { train: take(&TRAIN)?, test: take(&TEST)? }))
}

/// Tables that no split is named for, in the order of their numbers.
///
/// # Errors
/// If some are missing; the text says what was found.
pub(super) fn whole(paths: Vec<String>) -> Result<Vec<String>, String> {
    let shard = |path: String| Shard { config: String::new(), split: "", number: number(stem(&path)), path };
    complete(paths.into_iter().map(shard).collect())
}

/// What a path says: `config/train-00000-of-00002.parquet`, `config/train/0000.parquet`, `train/data-00000-of-00001.arrow`.
fn shard(path: &str) -> Option<Shard> {
    let (folders, _) = path.rsplit_once('/').unwrap_or_default();
    let mut steps: Vec<&str> = folders.split('/').filter(|step| !step.is_empty()).collect();
    let name = stem(path);
    let split = match in_name(name) {
        Some((before, split)) => {
            steps.extend((!before.is_empty()).then_some(before));
            split
        }
        None => {
            let is_end = |c: char| !c.is_ascii_alphabetic();
            split(steps.pop()?.split(is_end).next()?)?
        }
    };
    Some(Shard { config: steps.join("/"), split, number: number(name), path: path.to_owned() })
}

/// The split that a file is called by, and what stands before it: `cifar10` and `train` of `cifar10-train-00000-of-00002`.
fn in_name(name: &str) -> Option<(&str, &'static str)> {
    let is_end = |c: char| matches!(c, '-' | '_' | '.');
    let mut start = 0;
    for word in name.split(is_end) {
        if let Some(split) = split(word) {
            return Some((name[..start].trim_end_matches(is_end), split));
        }
        start += word.len() + 1;
    }
    None
}

fn split(word: &str) -> Option<&'static str> {
    TRAIN.into_iter().chain(TEST).find(|split| *split == word)
}

/// The name of a file without its ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// `…-00000-of-00002…`: the number and how many there are; or `0000`.
fn number(name: &str) -> Option<(usize, Option<usize>)> {
    let parts: Vec<&str> = name.split('-').collect();
    let Some(of) = parts.iter().position(|part| *part == "of") else {
        return name.parse().ok().map(|number| (number, None));
    };
    let number = |at: usize| parts.get(at)?.parse().ok();
    Some((number(of.checked_sub(1)?)?, Some(number(of + 1)?)))
}

/// The paths of a split in the order of their numbers; the error says which one is missing.
fn complete(mut shards: Vec<Shard>) -> Result<Vec<String>, String> {
    shards.sort_by(|one, other| (one.number, &one.path).cmp(&(other.number, &other.path)));
    let count = shards.len();
    for (at, shard) in shards.iter().enumerate() {
        let Some((number, of)) = shard.number else { continue };
        if number != at || of.is_some_and(|of| of != count) {
            let of = of.map_or_else(String::new, |of| format!(" of {of}"));
            let whole = match shard.split {
                "" => "the table".to_owned(),
                split => format!("the split {split}"),
            };
            return Err(format!("{count} of the files of {whole}, among them {}{of}", shard.path));
        }
    }
    Ok(shards.into_iter().map(|shard| shard.path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of both parts.
    type Parts = (Vec<String>, Vec<String>);

    fn chosen(paths: &[&str]) -> Result<Option<Parts>, String> {
        let splits = choose(&names(paths))?;
        Ok(splits.map(|Splits { train, test }| (train, test)))
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn every_layout_names_its_splits() -> Result<(), String> {
        let published =
            ["data/test-00000-of-00001.parquet", "data/train-00000-of-00001-a2f.parquet", "README.parquet"];
        assert_eq!(chosen(&published)?, Some((names(&[published[1]]), names(&[published[0]]))));
        let converted = [
            "plain_text/test/0000.parquet",
            "plain_text/train/0000.parquet",
            "plain_text/train/0001.parquet",
        ];
        assert_eq!(chosen(&converted)?, Some((names(&converted[1..]), names(&converted[..1]))));
        let saved = [
            "test/data-00000-of-00001.arrow",
            "train/data-00000-of-00002.arrow",
            "train/data-00001-of-00002.arrow",
        ];
        assert_eq!(chosen(&saved)?, Some((names(&saved[1..]), names(&saved[..1]))));
        let prepared = ["cifar10-test.arrow", "cifar10-train.arrow"];
        assert_eq!(chosen(&prepared)?, Some((names(&prepared[1..]), names(&prepared[..1]))));
        let validation = ["train.parquet", "test.parquet", "validation.parquet"];
        assert_eq!(chosen(&validation)?, Some((names(&["train.parquet"]), names(&["validation.parquet"]))));
        assert_eq!(chosen(&["partial-train/0000.parquet", "trainer.parquet"])?, None);
        Ok(())
    }

    #[test]
    fn a_missing_file_is_told() {
        for files in [
            &["a/train-00000-of-00002.parquet"][..],
            &["a/train-00001-of-00002.parquet"],
            &["a/train/0001.parquet"],
            &["a/train/0000.parquet", "a/train/0002.parquet"],
            &["a/train-00000-of-00002.parquet", "a/train-00000-of-00002-b.parquet"],
        ] {
            let said = chosen(files).expect_err("a file is missing");
            assert!(said.contains("files of the split train"), "{said}");
        }
        let said = whole(names(&["data-00001-of-00002.arrow"])).expect_err("a file is missing");
        assert_eq!(said, "1 of the files of the table, among them data-00001-of-00002.arrow of 2");
    }

    #[test]
    fn of_several_configurations_the_default_is_taken() -> Result<(), String> {
        let both = ["b/train.parquet", "default/train.parquet"];
        assert_eq!(chosen(&both)?, Some((names(&both[1..]), Vec::new())));
        let said = chosen(&["a/train.parquet", "b/train.parquet"]).expect_err("which one?");
        assert!(said.contains("several configurations (a, b)"), "{said}");
        let said = chosen(&["de-train.parquet", "train.parquet"]).expect_err("which one?");
        assert!(said.contains("several configurations (the folder itself, de)"), "{said}");
        Ok(())
    }

    #[test]
    fn files_of_no_split_have_the_order_of_their_numbers() {
        let files = ["data-00001-of-00002.arrow", "data-00000-of-00002.arrow"];
        assert_eq!(whole(names(&files)), Ok(names(&[files[1], files[0]])));
        assert_eq!(whole(names(&["b.parquet", "a.parquet"])), Ok(names(&["a.parquet", "b.parquet"])));
    }
}
