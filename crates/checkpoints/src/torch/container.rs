//! Where the numbers of a checkpoint stand: in members of a zip archive, or behind the pickles of the format before 1.6.

use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
};

use pickle::{Object, Value};
use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config, ZipFile},
    result::ZipError,
};

use super::{
    calls::{self, Made, Pickle},
    view::Storage,
};
use crate::numbers::in_pieces;

/// A file, or bytes in its place.
pub(crate) trait Source: Read + Seek + Send {}

impl<S: Read + Seek + Send> Source for S {}

/// The pickle of this integer begins a file of the legacy format.
const MAGIC: &[u8] = &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The version of the legacy format that all releases wrote.
const PROTOCOL: i64 = 1001;

/// Where the numbers of a storage start, and how many bytes they take, by its key.
type Places = BTreeMap<Vec<u8>, (u64, u64)>;

/// An open checkpoint of either format.
pub(super) enum Container {
    Zip {
        archive: Box<ZipArchive<Box<dyn Source>>>,
        /// What stands before `data.pkl` in the names of members.
        prefix: String,
        checksums: Checksums,
    },
    Legacy {
        source: Box<dyn Source>,
        places: Places,
    },
}

impl Container {
    /// Opens a checkpoint and reads its pickle.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn open(mut source: Box<dyn Source>) -> Result<(Self, Pickle), String> {
        let mut start = Vec::new();
        source.by_ref().take(4).read_to_end(&mut start).map_err(message)?;
        source.rewind().map_err(message)?;
        match start.as_slice() {
            [b'P', b'K', ..] => open_zip(source),
            [0x80, _, 0x8a, 0x0a] => open_legacy(source),
            [] => Err("the file is empty".to_owned()),
            _ => Err(format!("it begins with the bytes {start:02x?}, which are those of neither format")),
        }
    }

    /// What people call the format.
    pub(super) fn format(&self) -> &'static str {
        match self {
            Self::Zip { .. } => "zip",
            Self::Legacy { .. } => "legacy",
        }
    }

    /// The bytes of a storage, as many as it says it has.
    pub(super) fn read(&mut self, pickle: &Pickle, storage: &Storage) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        self.pieces(pickle, storage, &mut |piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }

    /// Whether the file has as many bytes for a storage as it says it has, before memory is taken for them.
    pub(super) fn check(&mut self, pickle: &Pickle, storage: &Storage) -> Result<(), String> {
        let key = pickle.values().bytes(storage.key);
        let expected = storage.count * storage.kind.bytes();
        let found = match self {
            Self::Zip { archive, prefix, checksums } => {
                let name = format!("{prefix}data/{}", String::from_utf8_lossy(key));
                open_member(archive, &name, *checksums)?.size()
            }
            Self::Legacy { places, .. } => places.get(key).map_or(0, |&(_, length)| length),
        };
        if found < expected {
            Err(format!("a storage of {found} bytes, expected {expected}"))
        } else {
            Ok(())
        }
    }

    /// Hands the bytes of a storage on in pieces of whole numbers, the last of which may be shorter.
    pub(super) fn pieces(
        &mut self,
        pickle: &Pickle,
        storage: &Storage,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), String> {
        let key = pickle.values().bytes(storage.key);
        let expected = storage.count * storage.kind.bytes();
        match self {
            Self::Zip { archive, prefix, checksums } => {
                let name = format!("{prefix}data/{}", String::from_utf8_lossy(key));
                read_member(archive, &name, expected, *checksums, take)
            }
            Self::Legacy { source, places } => {
                let &(start, length) = places.get(key).ok_or("a storage that the file does not list")?;
                if length < expected {
                    return Err(format!("a storage of {length} bytes, expected {expected}"));
                }
                source.seek(SeekFrom::Start(start)).map_err(message)?;
                match in_pieces(&mut source.take(expected), take).map_err(message)? {
                    found if found == expected => Ok(()),
                    found => Err(format!("{found} bytes, expected {expected}")),
                }
            }
        }
    }
}

fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Whether an archive has checksums: PyTorch writes zeros in their place where it is told to compute none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksums {
    Compared,
    Absent,
}

/// The archive as it says it is. (Where PyTorch's writer leaves true values in the plain end record beside a ZIP64 one, zip 9.8
/// guesses that the archive begins 76 bytes late, and believes it if a member's header lies there. What was put before an archive
/// makes its own places wrong; then the guess is right.)
fn archive(mut source: Box<dyn Source>) -> Result<ZipArchive<Box<dyn Source>>, ZipError> {
    let at_start = Config { archive_offset: ArchiveOffset::Known(0) };
    let is_at_start = ZipArchive::with_config(at_start, &mut source).is_ok_and(|archive| !archive.is_empty());
    let config = if is_at_start { at_start } else { Config::default() };
    ZipArchive::with_config(config, source)
}

fn open_zip(mut source: Box<dyn Source>) -> Result<(Container, Pickle), String> {
    let size = source.seek(SeekFrom::End(0)).map_err(message)?;
    let damaged = |error| match error {
        // What its reader looked for and did not find is reported in its own terms.
        ZipError::InvalidArchive(_) => "the zip archive is cut short or damaged".to_owned(),
        error => format!("the zip archive cannot be read ({error})"),
    };
    let mut archive = Box::new(archive(source).map_err(damaged)?);
    let names: Vec<String> =
        archive.file_names().map(|name| name.map(Into::into)).collect::<Result<_, _>>().map_err(damaged)?;
    if names.iter().any(|name| name.ends_with("models/model.json")) {
        let what =
            "a .pt2 archive of torch.export, which is a program; save the network's state_dict() instead";
        return Err(what.to_owned());
    }
    let is_pickle = |name: &&String| *name == "data.pkl" || name.ends_with("/data.pkl");
    let pickle =
        names.iter().find(is_pickle).ok_or("no member `data.pkl`: a zip archive, but none of PyTorch's")?;
    let prefix = pickle.trim_end_matches("data.pkl").to_owned();
    if names.contains(&format!("{prefix}constants.pkl")) {
        return Err(
            "a TorchScript archive, which is a program; save the network's state_dict() instead".to_owned()
        );
    }
    let checksums = check_members(&mut archive, size)?;
    check_order(&mut archive, &names, &prefix, checksums)?;
    let mut member = open_member(&mut archive, pickle, checksums)?;
    let found = calls::read(&mut member)?;
    // Its checksum is compared at its end.
    std::io::copy(&mut member, &mut std::io::sink()).map_err(|error| bad_member(pickle, &error))?;
    drop(member);
    Ok((Container::Zip { archive, prefix, checksums }, found))
}

fn open_member<'a>(
    archive: &'a mut ZipArchive<Box<dyn Source>>,
    name: &str,
    checksums: Checksums,
) -> Result<ZipFile<'a, Box<dyn Source>>, String> {
    let shown = || name.chars().take(100).collect::<String>();
    let index = archive.index_for_name(name).ok_or_else(|| format!("there is no member {}", shown()))?;
    // Members are stored as they are: raw bytes are their bytes, only that nothing is compared at their end.
    let found = match checksums {
        Checksums::Compared => archive.by_index(index),
        Checksums::Absent => archive.by_index_raw(index),
    };
    found.map_err(|error| bad_member(&shown(), &error))
}

/// PyTorch never compresses: what would grow is no checkpoint.
fn check_members(archive: &mut ZipArchive<Box<dyn Source>>, size: u64) -> Result<Checksums, String> {
    let (mut total, mut checksums) = (0u64, Checksums::Absent);
    for index in 0..archive.len() {
        let member =
            archive.by_index_raw(index).map_err(|error| bad_member(&format!("number {index}"), &error))?;
        let grows = member.size() != member.compressed_size();
        if member.compression() != CompressionMethod::Stored || grows {
            let name: String = member.name().map_err(message)?.chars().take(100).collect();
            return Err(format!("member {name} is compressed, which PyTorch's never are"));
        }
        total = total.saturating_add(member.size());
        if member.crc32() != 0 {
            checksums = Checksums::Compared;
        }
    }
    if total <= size { Ok(checksums) } else { Err(format!("members of {total} bytes in a file of {size}")) }
}

fn check_order(
    archive: &mut ZipArchive<Box<dyn Source>>,
    names: &[String],
    prefix: &str,
    checksums: Checksums,
) -> Result<(), String> {
    let name = format!("{prefix}byteorder");
    if !names.contains(&name) {
        return Ok(());
    }
    let mut order = Vec::new();
    read_member(archive, &name, 0, checksums, &mut |piece| order.extend_from_slice(piece))?;
    match order.as_slice() {
        b"little" => Ok(()),
        found => Err(format!(
            "byte order `{}`, expected little-endian",
            String::from_utf8_lossy(found).escape_debug()
        )),
    }
}

/// A member of at least the expected bytes, whole, so that its checksum is compared.
/// Hands the bytes of a member on.
fn read_member(
    archive: &mut ZipArchive<Box<dyn Source>>,
    name: &str,
    expected: u64,
    checksums: Checksums,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), String> {
    let shown = || name.chars().take(100).collect::<String>();
    let mut member = open_member(archive, name, checksums)?;
    let short = |found: u64| format!("member {} has {found} bytes, expected {expected}", shown());
    if member.size() < expected {
        return Err(short(member.size()));
    }
    let found = in_pieces(&mut member, take).map_err(|error| bad_member(&shown(), &error))?;
    // Where nothing is compared at its end, the archive may say more than there is.
    if found < expected { Err(short(found)) } else { Ok(()) }
}

/// A member that is there and cannot be read; what the archive's reader says of it follows.
fn bad_member(name: &str, error: &impl std::fmt::Display) -> String {
    format!("member {name} is damaged ({error})")
}

/// Magic number, protocol, system, object, list of storages: five pickles. Then the storages, each after its length.
fn open_legacy(mut source: Box<dyn Source>) -> Result<(Container, Pickle), String> {
    let mut position = 0;
    let mut next = |source: &mut Box<dyn Source>| {
        source.seek(SeekFrom::Start(position)).map_err(message)?;
        let pickle = calls::read(&mut *source)?;
        position += pickle.length();
        Ok::<_, String>((pickle, position))
    };
    let (magic, _) = next(&mut source)?;
    if !matches!(magic.top(), Value::Long(span) if magic.values().bytes(span) == MAGIC) {
        return Err("its first pickle is not PyTorch's magic number".to_owned());
    }
    let (protocol, _) = next(&mut source)?;
    if protocol.top() != Value::Int(PROTOCOL) {
        return Err(format!("a protocol other than {PROTOCOL}"));
    }
    let (system, _) = next(&mut source)?;
    if system.values().entry(system.top(), "little_endian") != Some(Value::Bool(true)) {
        return Err("byte order big-endian or unknown, expected little-endian".to_owned());
    }
    let (object, _) = next(&mut source)?;
    let (keys, end) = next(&mut source)?;
    let places = places(&mut source, &object, &keys, end)?;
    Ok((Container::Legacy { source, places }, object))
}

/// Where each storage is: lengths are compared with the file's.
fn places(
    source: &mut Box<dyn Source>,
    object: &Pickle,
    keys: &Pickle,
    mut position: u64,
) -> Result<Places, String> {
    let objects = object.values();
    let storages = objects.objects().iter().filter_map(|object| match object {
        Object::Made(Made::Storage(storage)) => Some((storage.key, storage.kind.bytes())),
        _ => None,
    });
    let sizes: BTreeMap<&[u8], u64> = storages.map(|(key, size)| (objects.bytes(key), size)).collect();
    let keys_of = keys.values();
    let Some(Object::List(listed)) = keys_of.object(keys.top()) else {
        return Err("no list of storages".to_owned());
    };
    let file = source.seek(SeekFrom::End(0)).map_err(message)?;
    let mut places = BTreeMap::new();
    for &key in listed {
        let key = keys_of.text(key).ok_or("a storage whose key is no text")?.as_bytes();
        let size =
            sizes.get(key).ok_or("a storage of an unknown kind of numbers, or that nothing refers to")?;
        source.seek(SeekFrom::Start(position)).map_err(message)?;
        let mut count = [0; 8];
        source
            .read_exact(&mut count)
            .map_err(|_| format!("the file ends at {file} before a storage's length"))?;
        let length = u64::from_le_bytes(count)
            .checked_mul(*size)
            .filter(|&length| length <= file.saturating_sub(position + 8));
        let length = length.ok_or_else(|| format!("the file ends at {file} within a storage"))?;
        places.insert(key.to_vec(), (position + 8, length));
        position += 8 + length;
    }
    Ok(places)
}
