//! What programs leave, but for what depends on the clock.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Files by their paths; contents without times.
pub(crate) type Results = BTreeMap<PathBuf, Vec<u8>>;

/// All files below a folder but locks.
pub(crate) fn read(root: &Path) -> io::Result<Results> {
    let (mut found, mut folders) = (Results::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name != ".lock" {
                let content = timeless(&name, fs::read(&path)?);
                found.insert(path.strip_prefix(root).unwrap_or(&path).to_owned(), content);
            }
        }
    }
    Ok(found)
}

/// The first file in which two differ.
pub(crate) fn difference(found: &Results, expected: &Results) -> Option<String> {
    let extra = found.keys().find(|path| !expected.contains_key(*path));
    let other = expected.iter().find_map(|(path, content)| match found.get(path) {
        None => Some(format!("{} is missing", path.display())),
        Some(own) if own != content => {
            Some(format!("{} differs: {}", path.display(), where_they_part(own, content)))
        }
        Some(_) => None,
    });
    other.or_else(|| extra.map(|path| format!("{} is left over", path.display())))
}

/// What stands where two contents part, in both.
fn where_they_part(own: &[u8], expected: &[u8]) -> String {
    let at = own.iter().zip(expected).take_while(|(own, expected)| own == expected).count();
    let excerpt = |of: &[u8]| {
        let near = &of[at.saturating_sub(60).min(of.len())..(at + 60).min(of.len())];
        String::from_utf8_lossy(near).into_owned()
    };
    format!("byte {at}, {:?} in place of {:?}", excerpt(own), excerpt(expected))
}

fn timeless(name: &str, content: Vec<u8>) -> Vec<u8> {
    if name.ends_with(".state.safetensors") {
        return of_state(&content).unwrap_or(content);
    }
    if name.ends_with(".jsonl") || name.ends_with(".json") {
        let lines = if name.ends_with(".jsonl") {
            content.split(|&byte| byte == b'\n').collect()
        } else {
            vec![&*content]
        };
        let each = lines.into_iter().map(|line| serde_json::from_slice::<Value>(line).map(without_times));
        return each
            .map(|value| value.map_or_else(|_| "?".to_owned(), |value| value.to_string()))
            .collect::<String>()
            .into();
    }
    // Pages and tables show how long steps took.
    if name == "report.html" { Vec::new() } else { content }
}

/// A state holds times, and a checksum of them, in its header; its numbers lie behind that.
fn of_state(content: &[u8]) -> Option<Vec<u8>> {
    let length = u64::from_le_bytes(content.get(..8)?.try_into().ok()?) as usize;
    let (header, numbers) = content.get(8..)?.split_at_checked(length)?;
    let mut header: Value = serde_json::from_slice(header).ok()?;
    for (_, text) in header.get_mut("__metadata__")?.as_object_mut()? {
        *text = without_times(serde_json::from_str(text.as_str()?).ok()?);
    }
    Some([header.to_string().as_bytes(), numbers].concat())
}

/// Without what depends on the clock, and checksums of it.
fn without_times(mut value: Value) -> Value {
    match &mut value {
        Value::Object(entries) => {
            for (name, entry) in entries.iter_mut() {
                let is_of_clock =
                    ["seconds", "images_per_second", "checksum", "crc32c"].contains(&name.as_str());
                *entry = if is_of_clock { Value::Null } else { without_times(entry.take()) };
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| *entry = without_times(entry.take())),
        _ => {}
    }
    value
}

/// Copies all files of a folder.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() { copy(&path, &to)? } else { fs::copy(&path, &to).map(drop)? }
    }
    Ok(())
}
