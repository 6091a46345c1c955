//! Files, and the numbers that they have in others beside them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
};

use prost::{Message, bytes::Bytes};

use crate::{error::Error, numbers::width, problem::short, proto};

/// More parts than any graph has: what a part takes in memory is far more than the two bytes that it may have in a file.
const MOST_PARTS: usize = 1_000_000;

/// Messages within messages.
const DEEPEST: usize = 64;

/// The messages of a file, and its checksum.
pub(crate) fn read(bytes: Vec<u8>, path: &Path) -> Result<(proto::Model, u32), Error> {
    let bytes = Bytes::from(bytes);
    let checksum = crc32c::crc32c(&bytes);
    let refused = |problem: String| Error::Unreadable { path: path.to_owned(), problem };
    if !looks_like_a_model(&bytes) {
        return Err(refused("its first bytes are none of an ONNX model".to_owned()));
    }
    if parts(&bytes, Kind::Model, DEEPEST, &mut 0).is_none() {
        return Err(refused(format!(
            "it is damaged, has more than {MOST_PARTS} parts, or they lie more than {DEEPEST} deep"
        )));
    }
    let model = proto::Model::decode(bytes).map_err(|error| refused(error.to_string()))?;
    match model.graph {
        Some(_) => Ok((model, checksum)),
        None => Err(refused("it has no graph".to_owned())),
    }
}

/// The first field of a model is one of those that a model has.
fn looks_like_a_model(bytes: &[u8]) -> bool {
    let Some(&first) = bytes.first() else { return false };
    let (field, wire) = (first >> 3, first & 7);
    first < 128 && matches!((field, wire), (1 | 5, 0) | (2 | 3 | 4 | 6 | 7 | 8 | 14, 2))
}

/// Messages that have many parts.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Function,
    Tensor,
    Values,
}

/// Counts the parts of a message before memory is taken for them; none if there are too many or the message is damaged.
fn parts(mut bytes: &[u8], kind: Kind, depth: usize, count: &mut usize) -> Option<()> {
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let field = tag >> 3;
        *count += 1;
        if *count > MOST_PARTS {
            return None;
        }
        match tag & 7 {
            0 => drop(varint(&mut bytes)?),
            1 => bytes = bytes.get(8..)?,
            5 => bytes = bytes.get(4..)?,
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).ok()?;
                let part = bytes.get(..len)?;
                bytes = &bytes[len..];
                let inner = match (kind, field) {
                    (Kind::Model, 7) | (Kind::Attribute, 6) => Kind::Graph,
                    (Kind::Model, 25) => Kind::Function,
                    (Kind::Graph, 1) | (Kind::Function, 7) => Kind::Node,
                    (Kind::Graph, 5) | (Kind::Attribute, 5) => Kind::Tensor,
                    (Kind::Graph, 11 | 12) => Kind::Values,
                    (Kind::Node, 5) | (Kind::Function, 11) => Kind::Attribute,
                    _ => continue,
                };
                parts(part, inner, depth.checked_sub(1)?, count)?;
            }
            _ => return None,
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

/// The folder beside a file, and the files in it that hold numbers.
#[derive(Debug)]
pub(crate) struct Beside {
    path: PathBuf,
    opened: BTreeMap<String, File>,
}

impl Beside {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), opened: BTreeMap::new() }
    }

    /// The bytes of a tensor that are in another file; none if they are in this one.
    pub(crate) fn bytes(&mut self, tensor: &proto::Tensor) -> Result<Option<Bytes>, Error> {
        if tensor.data_location != 1 {
            return Ok(None);
        }
        let refused = |problem: String| Error::External {
            path: self.path.clone(),
            tensor: short(&tensor.name),
            problem,
        };
        let entry =
            |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let number = |key: &str| match entry(key) {
            Some(text) => text
                .parse::<u64>()
                .map(Some)
                .map_err(|_| refused(format!("{key} `{}`, expected a number", short(text)))),
            None => Ok(None),
        };
        let location =
            entry("location").ok_or_else(|| refused("which file they are in is not said".to_owned()))?;
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let count =
            tensor.dims.iter().try_fold(1u64, |count, &size| count.checked_mul(u64::try_from(size).ok()?));
        let width = width(tensor.data_type).map_err(|_| refused("a type without numbers".to_owned()))? as u64;
        let expected = count.and_then(|count| count.checked_mul(width));
        let expected = expected.ok_or_else(|| refused(format!("the shape {:?}", tensor.dims)))?;
        if length.is_some_and(|length| length != expected) {
            return Err(refused(format!("{} bytes, expected {expected} by the shape", length.unwrap_or(0))));
        }
        let found = inside(&self.path, location).map_err(refused)?;
        if !self.opened.contains_key(location) {
            files::refuse_special(&found)?;
            let file = File::open(&found).map_err(|error| {
                refused(format!("{}: {error}; copy it beside the graph, under this name", found.display()))
            })?;
            self.opened.insert(location.clone(), file);
        }
        let file = self.opened.get_mut(location).expect("it was opened");
        let failed = |error: std::io::Error| Error::External {
            path: self.path.clone(),
            tensor: short(&tensor.name),
            problem: format!("{}: {error}", found.display()),
        };
        let has = file.metadata().map_err(failed)?.len();
        if offset.checked_add(expected).is_none_or(|end| end > has) {
            return Err(Error::External {
                path: self.path.clone(),
                tensor: short(&tensor.name),
                problem: format!("{expected} bytes at {offset} of {}, which has {has}", found.display()),
            });
        }
        let mut bytes = vec![0; expected as usize];
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(Some(bytes.into()))
    }
}

/// A file in the folder of another, or in the folder that its link leads to.
fn inside(path: &Path, location: &str) -> Result<PathBuf, String> {
    let relative = Path::new(location);
    let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_plain || location.is_empty() {
        return Err(format!("in the file `{}`, expected one in the folder of the graph", short(location)));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = folder.join(relative);
    let Ok(target) = found.canonicalize() else { return Ok(found) };
    // A cache has links to files that lie beside each other.
    let homes = [
        folder.canonicalize().ok(),
        path.canonicalize().ok().and_then(|real| real.parent().map(Path::to_owned)),
    ];
    match homes.iter().flatten().any(|home| target.starts_with(home)) {
        true => Ok(found),
        false => Err(format!(
            "in `{}`, which leads to {} outside the folder of the graph",
            short(location),
            target.display()
        )),
    }
}
