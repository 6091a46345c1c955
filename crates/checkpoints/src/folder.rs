//! Folders of weights as Hugging Face's and timm's programs lay them out.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::error::Error;

/// The files of weights in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Weights {
    /// One file has them all.
    File(PathBuf),
    /// Each has a part.
    Shards(Vec<PathBuf>),
}

/// Lists of shards, and files that have everything, the first that is there counting.
const INDICES: [&str; 3] = [
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
    "diffusion_pytorch_model.safetensors.index.json",
];
const FILES: [&str; 5] =
    ["model.safetensors", "pytorch_model.safetensors", "pytorch_model.bin", "model.pth", "model.bin"];

/// No list of shards is longer.
const LARGEST_INDEX: u64 = 1 << 26;
const MOST_SHARDS: usize = 1000;

/// The weights in a folder, or in the newest snapshot of a cache folder of the Hugging Face Hub; nothing if it is laid out in no
/// known way.
///
/// # Errors
/// If a list of shards cannot be used, or the folder is of a kind that is not read here.
pub(crate) fn weights(folder: &Path) -> Result<Option<Weights>, Error> {
    if folder.join(".metadata").is_file() && has_ending(folder, "distcp") {
        return Err(Error::Unreadable {
            path: folder.to_owned(),
            cause: "a distributed checkpoint; `python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE` makes one file \
                    of it"
                .to_owned(),
        });
    }
    let folder = snapshot(folder).unwrap_or_else(|| folder.to_owned());
    let first = |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    // As transformers has it: safetensors before PyTorch's, and of each one file before shards.
    if let Some(file) = first(&FILES[..2]) {
        return Ok(Some(Weights::File(file)));
    }
    match first(&INDICES) {
        Some(index) => shards(&folder, &index).map(|all| Some(Weights::Shards(all))),
        None => Ok(first(&FILES).map(Weights::File)),
    }
}

/// The snapshot of `models--owner--name` that `main` stands for, or the only one.
fn snapshot(folder: &Path) -> Option<PathBuf> {
    let snapshots = folder.join("snapshots");
    let main = std::fs::read_to_string(folder.join("refs/main")).ok();
    let named = main.filter(|name| is_plain(name.trim())).map(|name| snapshots.join(name.trim()));
    let all = || {
        let mut all = std::fs::read_dir(&snapshots)
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir());
        let only = all.next()?;
        all.next().is_none().then_some(only)
    };
    named.filter(|path| path.is_dir()).or_else(all)
}

fn has_ending(folder: &Path, ending: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|found| found == ending))
}

/// Whether a name leads nowhere but into its folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files that a list of shards names, each once.
fn shards(folder: &Path, index: &Path) -> Result<Vec<PathBuf>, Error> {
    let refused = |cause: String| Error::Unreadable { path: index.to_owned(), cause };
    if index.metadata().is_ok_and(|found| found.len() > LARGEST_INDEX) {
        return Err(refused(format!("a list of shards of more than {LARGEST_INDEX} bytes")));
    }
    let text = files::read(index)?;
    let found: Index =
        serde_json::from_slice(&text).map_err(|error| refused(format!("no list of shards ({error})")))?;
    let names: BTreeSet<String> = found.weight_map.into_values().collect();
    if names.is_empty() || names.len() > MOST_SHARDS {
        return Err(refused(format!("{} shards, expected 1 to {MOST_SHARDS}", names.len())));
    }
    if let Some(name) = names.iter().find(|name| !is_plain(name)) {
        return Err(refused(format!("the shard {name:?}, expected the name of a file beside it")));
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_stay_in_their_folder() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let index = folder.path().join(INDICES[0]);
        let write = |name: &str| std::fs::write(&index, format!(r#"{{"weight_map": {{"a": "{name}"}}}}"#));
        write("model-00001-of-00001.safetensors")?;
        let expected = vec![folder.path().join("model-00001-of-00001.safetensors")];
        assert_eq!(weights(folder.path())?, Some(Weights::Shards(expected)));
        for name in ["../x", "/etc/passwd", ".."] {
            write(name)?;
            let said = weights(folder.path()).expect_err("a shard elsewhere").to_string();
            assert!(said.contains("beside it"), "{said}");
        }
        Ok(())
    }

    #[test]
    fn a_cache_folder_has_a_snapshot() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let snapshot = folder.path().join("snapshots/abc");
        std::fs::create_dir_all(&snapshot)?;
        std::fs::write(snapshot.join("model.safetensors"), b"")?;
        let expected = Some(Weights::File(snapshot.join("model.safetensors")));
        assert_eq!(weights(folder.path())?, expected);
        std::fs::create_dir_all(folder.path().join("snapshots/other"))?;
        assert_eq!(weights(folder.path())?, None, "two snapshots, and nothing says which");
        std::fs::create_dir_all(folder.path().join("refs"))?;
        std::fs::write(folder.path().join("refs/main"), "abc\n")?;
        assert_eq!(weights(folder.path())?, expected);
        Ok(())
    }
}
