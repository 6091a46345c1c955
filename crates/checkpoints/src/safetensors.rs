//! Safetensors files: the header is read when a file is opened, and numbers when they are asked for.

use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
};

use ::safetensors::{Dtype, tensor::Metadata};
use files::Seal;

use crate::{
    dictionary::{Dictionary, StoredTensor, printable},
    numbers::{NumberType, Row, in_pieces},
    torch::Source,
};

/// No header takes as much: it has a hundred bytes a tensor.
const LARGEST_HEADER: u64 = 1 << 26;

/// The entry of the metadata that files of ours have, and in it a checksum of all values.
const OURS: &str = "freqbias";
const CHECKSUM: &str = "crc32c";

/// An open file.
pub(crate) struct SafetensorsFile {
    source: Box<dyn Source>,
    dictionary: [Dictionary; 1],
    /// Where each tensor's numbers start, and how many bytes they take.
    places: Vec<(u64, u64)>,
    metadata: BTreeMap<String, String>,
    /// Whether the values were compared with the checksum: when they are first asked for, not whenever a file is opened.
    is_verified: bool,
}

impl SafetensorsFile {
    /// Reads the header.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn open(mut source: Box<dyn Source>) -> Result<Self, String> {
        let size = source.seek(SeekFrom::End(0)).map_err(message)?;
        source.rewind().map_err(message)?;
        let mut length = [0; 8];
        source
            .read_exact(&mut length)
            .map_err(|_| "it is cut short within its first eight bytes".to_owned())?;
        let length = u64::from_le_bytes(length);
        if length > LARGEST_HEADER || length > size - 8 {
            return Err(format!(
                "a header of {length} bytes in a file of {size}; it is cut short or damaged"
            ));
        }
        let mut header = Vec::new();
        source.by_ref().take(length).read_to_end(&mut header).map_err(message)?;
        let header: Metadata = serde_json::from_slice(&header)
            .map_err(|error| format!("its header cannot be read ({error})"))?;
        let (start, expected) = (8 + length, 8 + length + header.data_len() as u64);
        if expected != size {
            return Err(format!("{size} bytes, expected {expected}: it is cut short, or has grown"));
        }
        let metadata: BTreeMap<String, String> =
            header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
        check_seals(&header, &metadata)?;
        let (mut tensors, mut places) = (Vec::new(), Vec::new());
        for key in header.offset_keys() {
            let Some(info) = header.info(&key) else { continue };
            let (from, to) = info.data_offsets;
            places.push((start + from as u64, (to - from) as u64));
            let (key, shape) = (printable(&key), info.shape.clone());
            tensors.push(StoredTensor { key, shape, kind: kind(info.dtype) });
        }
        tie(&mut tensors, &mut places, &metadata);
        let dictionary = [Dictionary { tensors, ..Dictionary::default() }];
        Ok(Self { source, dictionary, places, metadata, is_verified: false })
    }

    pub(crate) fn dictionaries(&self) -> &[Dictionary] {
        &self.dictionary
    }

    /// What the file says of itself under a key.
    pub(crate) fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The numbers of tensors, by their places in the dictionary.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub(crate) fn read(&mut self, tensors: &[usize]) -> Result<Vec<Vec<f32>>, String> {
        if !self.is_verified {
            self.verify()?;
            self.is_verified = true;
        }
        let mut all = Vec::with_capacity(tensors.len());
        for &tensor in tensors {
            let (start, length) = self.places[tensor];
            let StoredTensor { kind, .. } = self.dictionary[0].tensors[tensor];
            if !kind.is_floating() {
                all.push(Vec::new());
                continue;
            }
            let mut row = Row::new(kind, 0, (length / kind.bytes()) as usize);
            self.source.seek(SeekFrom::Start(start)).map_err(message)?;
            let mut source = self.source.by_ref().take(length);
            let found = in_pieces(&mut source, &mut |piece| row.take(piece)).map_err(message)?;
            if found != length {
                return Err(format!("{found} bytes of a tensor, expected {length}"));
            }
            all.push(row.finish());
        }
        Ok(all)
    }

    fn bytes(&mut self, tensor: usize) -> Result<Vec<u8>, String> {
        let (start, length) = self.places[tensor];
        self.source.seek(SeekFrom::Start(start)).map_err(message)?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(message)?);
        self.source.by_ref().take(length).read_to_end(&mut bytes).map_err(message)?;
        Ok(bytes)
    }

    /// Compares the values of a file of ours with its checksum.
    fn verify(&mut self) -> Result<(), String> {
        let ours =
            self.metadata.get(OURS).and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        let Some(expected) = ours.as_ref().and_then(|ours| ours[CHECKSUM].as_u64()) else { return Ok(()) };
        let tensors = &self.dictionary[0].tensors;
        let by_name: BTreeMap<String, usize> =
            tensors.iter().enumerate().map(|(index, tensor)| (tensor.key.clone(), index)).collect();
        let mut found = 0;
        for index in by_name.into_values() {
            found = crc32c::crc32c_append(found, &self.bytes(index)?);
        }
        if u64::from(found) == expected {
            return Ok(());
        }
        Err(format!("its values have checksum {found:08x}, expected {expected:08x}"))
    }
}

/// Compares what a file of ours says of itself, and the names and shapes of its tensors, with their checksum. A key that is not ours
/// beside a text that is shows damage, too.
fn check_seals(header: &Metadata, metadata: &BTreeMap<String, String>) -> Result<(), String> {
    let by_name = header.tensors().into_iter().collect::<BTreeMap<_, _>>();
    let each = by_name.iter().map(|(name, info)| (name.as_str(), format!("{:?}", info.dtype), &*info.shape));
    let described = files::described(each);
    let is_broken = |(key, text): (&String, &String)| match files::unseal(text, &described) {
        Seal::Broken => key.starts_with(OURS),
        Seal::Intact => !key.starts_with(OURS),
        Seal::Absent => false,
    };
    match metadata.iter().any(is_broken) {
        true => Err("its header is not what was written: it has another checksum".to_owned()),
        false => Ok(()),
    }
}

fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Tensors that share numbers stand in a file once; the other names are in its metadata, each with the name that is there.
fn tie(tensors: &mut Vec<StoredTensor>, places: &mut Vec<(u64, u64)>, metadata: &BTreeMap<String, String>) {
    for (name, same_as) in metadata {
        let is_there = |key: &str| tensors.iter().position(|tensor| tensor.key == key);
        if let (None, Some(index)) = (is_there(name), is_there(same_as)) {
            let tied = StoredTensor { key: name.clone(), ..tensors[index].clone() };
            tensors.push(tied);
            places.push(places[index]);
        }
    }
}

fn kind(dtype: Dtype) -> NumberType {
    match dtype {
        Dtype::F64 => NumberType::F64,
        Dtype::F32 => NumberType::F32,
        Dtype::F16 => NumberType::F16,
        Dtype::BF16 => NumberType::Bf16,
        Dtype::F8_E4M3 => NumberType::Float8E4M3,
        Dtype::F8_E5M2 => NumberType::Float8E5M2,
        Dtype::F8_E4M3FNUZ => NumberType::Float8E4M3Fnuz,
        Dtype::F8_E5M2FNUZ => NumberType::Float8E5M2Fnuz,
        Dtype::F8_E8M0 => NumberType::Float8E8M0,
        Dtype::I64 => NumberType::Integer("int64", 8),
        Dtype::I32 => NumberType::Integer("int32", 4),
        Dtype::I16 => NumberType::Integer("int16", 2),
        Dtype::I8 => NumberType::Integer("int8", 1),
        Dtype::U64 => NumberType::Integer("uint64", 8),
        Dtype::U32 => NumberType::Integer("uint32", 4),
        Dtype::U16 => NumberType::Integer("uint16", 2),
        Dtype::U8 => NumberType::Integer("uint8", 1),
        Dtype::BOOL => NumberType::Integer("bool", 1),
        Dtype::C64 => NumberType::Complex("complex64", 8),
        _ => NumberType::Other("a type of less than eight bits", 1),
    }
}
