//! Which files of the cache folder a data set has.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{Error, Repository, packed::open_regular};

/// The revisions that are looked for, in order: what its authors published, then the Hub's conversion of it.
const REVISIONS: [&str; 2] = ["main", "refs/convert/parquet"];

/// More than any data set's folders have.
const DEEPEST: usize = 4;
const MOST_FILES: usize = 100_000;

/// The words that files or folders of a split begin with; the first split of each kind that is there is taken.
const TRAIN: [&str; 1] = ["train"];
const TEST: [&str; 5] = ["validation", "valid", "val", "dev", "test"];

/// The files of a data set at one revision.
pub(super) struct Snapshot {
    pub(super) folder: PathBuf,
    /// Paths below the folder, in order.
    pub(super) train: Vec<String>,
    pub(super) test: Vec<String>,
}

/// A Parquet file's place in its data set.
struct Shard {
    /// The folder of the configuration.
    config: String,
    /// The word that the split begins with.
    split: &'static str,
    /// Its number, and how many there are if its name says so.
    number: Option<(usize, Option<usize>)>,
    path: String,
}

/// The splits of a configuration.
type Splits = BTreeMap<&'static str, Vec<Shard>>;

/// The files of a data set in a cache folder.
pub(super) fn find(cache: &Path, repository: &Repository) -> Result<Snapshot, Error> {
    let root = folder(cache, repository);
    let missing = |looked| Error::NotInHubCache { repository: repository.to_string(), looked };
    if !root.is_dir() {
        return Err(missing(root));
    }
    if unfinished(&root).exists() {
        return Err(Error::HubFiles { folder: root, found: "a download that was not finished".to_owned() });
    }
    let mut without = None;
    for folder in snapshots(&root)? {
        let files = files(&root, &folder)?;
        match choose(&folder, files)? {
            Some(snapshot) => return Ok(snapshot),
            None => without = without.or(Some(folder)),
        }
    }
    Err(match without {
        Some(folder) => Error::HubFiles { folder, found: "none".to_owned() },
        None => missing(root.join("refs").join(REVISIONS[0])),
    })
}

/// The folder of a repository in a cache folder.
pub(super) fn folder(cache: &Path, repository: &Repository) -> PathBuf {
    cache.join(format!("datasets--{}", repository.id().replace('/', "--")))
}

/// The file in a repository's folder that is there while the repository is being fetched: an interrupted download leaves some
/// of the files of a split, and nothing else says that others are missing.
pub(super) fn unfinished(folder: &Path) -> PathBuf {
    folder.join(".unfinished")
}

/// The folders of the revisions that are there, in the order in which they are looked for.
fn snapshots(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for revision in REVISIONS {
        let path = root.join("refs").join(revision);
        if !path.is_file() {
            continue;
        }
        let mut commit = String::new();
        let read = open_regular(&path)?.0.take(256).read_to_string(&mut commit);
        read.map_err(|source| Error::Read { path: path.clone(), source })?;
        let commit = commit.trim();
        if commit.is_empty() || !commit.chars().all(|c| c.is_ascii_alphanumeric()) {
            let (found, expected) = (format!("`{commit}`"), "the number of a commit".to_owned());
            return Err(Error::Batch { path, found, expected });
        }
        let folder = root.join("snapshots").join(commit);
        if folder.is_dir() {
            found.push(folder);
        }
    }
    Ok(found)
}

/// The Parquet files below a folder, by their paths, sorted. Links must not lead out of the repository's folder.
fn files(root: &Path, folder: &Path) -> Result<Vec<String>, Error> {
    let inside = fs::canonicalize(root).map_err(|source| Error::Read { path: root.to_path_buf(), source })?;
    let (mut files, mut folders) = (Vec::new(), vec![(String::new(), 0)]);
    while let Some((below, deep)) = folders.pop() {
        let path = folder.join(&below);
        let failed = |source| Error::Read { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = if below.is_empty() { name } else { format!("{below}/{name}") };
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && deep < DEEPEST {
                folders.push((name, deep + 1));
            } else if name.ends_with(".parquet") {
                let path = entry.path();
                let target = fs::canonicalize(&path);
                let target = target.map_err(|source| Error::Read { path: path.clone(), source })?;
                if !target.starts_with(&inside) {
                    return Err(Error::LinkOut { path, target });
                }
                files.push(name);
            }
        }
        if files.len() > MOST_FILES {
            let found = format!("more than {MOST_FILES} files");
            return Err(Error::HubFiles { folder: folder.to_path_buf(), found });
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The files of the splits of the one configuration, or of that which is called `default`.
fn choose(folder: &Path, files: Vec<String>) -> Result<Option<Snapshot>, Error> {
    let mut configs: BTreeMap<String, Splits> = BTreeMap::new();
    for shard in files.into_iter().filter_map(shard) {
        configs.entry(shard.config.clone()).or_default().entry(shard.split).or_default().push(shard);
    }
    let refused = |found: String| Error::HubFiles { folder: folder.to_path_buf(), found };
    let is_default = |config: &String| config == "default" || config.ends_with("/default");
    let name = match configs.len() {
        0 | 1 => configs.keys().next().cloned(),
        _ => configs.keys().find(|config| is_default(config)).cloned(),
    };
    let Some(mut splits) = name.and_then(|name| configs.remove(&name)) else {
        return match configs.is_empty() {
            true => Ok(None),
            false => {
                let names: Vec<String> = configs.into_keys().collect();
                Err(refused(format!("several configurations ({})", names.join(", "))))
            }
        };
    };
    let mut take = |words: &[&'static str]| {
        let shards = words.iter().find_map(|word| splits.remove(word)).unwrap_or_default();
        complete(shards).map_err(refused)
    };
    let (train, test) = (take(&TRAIN)?, take(&TEST)?);
    Ok(Some(Snapshot { folder: folder.to_path_buf(), train, test }))
}

/// What a path below the folder says: `config/train-00000-of-00002.parquet` or `config/train/0000.parquet`.
fn shard(path: String) -> Option<Shard> {
    let mut steps: Vec<&str> = path.strip_suffix(".parquet")?.split('/').collect();
    let name = steps.pop()?;
    let is_end = |c: char| !c.is_ascii_alphabetic();
    let word = |text: &str| {
        let word = text.split(is_end).next().unwrap_or_default();
        TRAIN.into_iter().chain(TEST).find(|split| *split == word)
    };
    let (split, number) = match word(name) {
        Some(split) => (split, numbered(name)),
        None => {
            let split = steps.pop().and_then(word)?;
            (split, name.parse().ok().map(|number| (number, None)))
        }
    };
    Some(Shard { config: steps.join("/"), split, number, path })
}

/// `train-00000-of-00002…`: the number and how many there are.
fn numbered(name: &str) -> Option<(usize, Option<usize>)> {
    let parts: Vec<&str> = name.split('-').collect();
    let of = parts.iter().position(|part| *part == "of")?;
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
            return Err(format!(
                "{count} of the files of the split {}, among them {}{of}",
                shard.split, shard.path
            ));
        }
    }
    Ok(shards.into_iter().map(|shard| shard.path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of both parts.
    type Parts = (Vec<String>, Vec<String>);

    fn snapshot(files: &[&str]) -> Result<Option<Parts>, String> {
        let files = files.iter().map(|&file| file.to_owned()).collect();
        let chosen = choose(Path::new("snapshot"), files).map_err(|error| error.to_string())?;
        Ok(chosen.map(|Snapshot { train, test, .. }| (train, test)))
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn both_layouts_name_their_splits() -> Result<(), String> {
        let published =
            ["data/test-00000-of-00001.parquet", "data/train-00000-of-00001-a2f.parquet", "README.parquet"];
        assert_eq!(snapshot(&published)?, Some((names(&[published[1]]), names(&[published[0]]))));
        let converted = [
            "plain_text/test/0000.parquet",
            "plain_text/train/0000.parquet",
            "plain_text/train/0001.parquet",
        ];
        assert_eq!(snapshot(&converted)?, Some((names(&converted[1..]), names(&converted[..1]))));
        let validation = ["train.parquet", "test.parquet", "validation.parquet"];
        assert_eq!(snapshot(&validation)?, Some((names(&["train.parquet"]), names(&["validation.parquet"]))));
        assert_eq!(snapshot(&["partial-train/0000.parquet", "trainer.parquet"])?, None);
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
            let said = snapshot(files).expect_err("a file is missing");
            assert!(said.contains("files of the split train"), "{said}");
        }
    }

    #[test]
    fn of_several_configurations_the_default_is_taken() -> Result<(), String> {
        let both = ["b/train.parquet", "default/train.parquet"];
        assert_eq!(snapshot(&both)?, Some((names(&both[1..]), Vec::new())));
        let said = snapshot(&["a/train.parquet", "b/train.parquet"]).expect_err("which one?");
        assert!(said.contains("several configurations (a, b)"), "{said}");
        Ok(())
    }
}
