//! Networks on disk: safetensors files with PyTorch's names.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
    path::Path,
};

use candle_core::{DType, Device, Tensor};
use files::{Seal, seal, unseal, write_atomically};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The metadata key under which a file of ours says what it is.
const INFO: &str = "freqbias";

/// The entry beside it with a checksum of all values, by which a damaged file is told.
const CHECKSUM: &str = "crc32c";

/// What a checkpoint says of itself, as JSON in the file's metadata. Those of a run say everything; of a converted file some
/// things may not be known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckpointInfo {
    /// The epoch after which it was taken (0-based).
    pub epoch: Option<usize>,
    /// The architecture's name.
    pub arch: Option<String>,
    /// The data set's name.
    pub dataset: Option<String>,
    /// How many classes the head has.
    pub classes: Option<usize>,
    /// The normaliser's mean per channel.
    pub mean: Option<[f32; 3]>,
    /// The normaliser's standard deviation per channel.
    pub std: Option<[f32; 3]>,
    /// Accuracy on the test images, in percent.
    pub nat_prec1: Option<f64>,
    /// The run's seed.
    pub seed: Option<u64>,
    /// The version that wrote it.
    pub version: String,
}

/// Parameters and batch-norm statistics by name, f32, with what the file says of itself.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// By PyTorch's names.
    pub tensors: BTreeMap<String, Tensor>,
    /// Absent in files that another program wrote.
    pub info: Option<CheckpointInfo>,
}

impl Checkpoint {
    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        Ok(write_atomically(path, &self.file(path)?)?)
    }

    /// What [`Checkpoint::save`] would write, for whoever writes elsewhere.
    ///
    /// # Errors
    /// If a tensor is not f32; the error names the file.
    pub fn file(&self, path: &Path) -> Result<Vec<u8>, Error> {
        file(path, &self.tensors, INFO, &serde_json::json!(self.info))
    }

    /// Reads a safetensors file; half and double precision become f32, integers are left out.
    ///
    /// # Errors
    /// If the file is missing or damaged; the error names it.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let (tensors, info) = load(path, INFO)?;
        let damaged = |error: serde_json::Error| damaged(path, format!("metadata `{INFO}`: {error}"));
        let info: Option<Option<CheckpointInfo>> =
            info.map(|text| serde_json::from_str(&text)).transpose().map_err(damaged)?;
        Ok(Self { tensors, info: info.flatten().filter(|info| *info != CheckpointInfo::default()) })
    }
}

impl CheckpointInfo {
    /// What a file says of itself, from its header alone; nothing if it says nothing, or is no such file.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&header_entry(path, INFO)?).ok()
    }
}

/// What a file says of itself under a key, from its header alone.
pub(crate) fn header_entry(path: &Path, key: &str) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    let mut header = Vec::new();
    file.take(length.min(LARGEST_HEADER)).read_to_end(&mut header).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    Some(header["__metadata__"][key].as_str()?.to_owned())
}

/// No header takes as much: it has a hundred bytes a tensor.
const LARGEST_HEADER: u64 = 1 << 24;

/// Writes f32 tensors, sorted by name, and `info` as the one metadata entry `key` (more would come in a random order), whole or
/// not at all: what checkpoints and states are made of.
///
/// # Errors
/// If the file cannot be written, or a tensor is not f32.
pub fn save(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    key: &str,
    info: &serde_json::Value,
) -> Result<(), Error> {
    Ok(write_atomically(path, &file(path, tensors, key, info)?)?)
}

/// What [`save`] would write, for whoever writes elsewhere.
///
/// # Errors
/// If a tensor is not f32; the error names the file.
pub fn file(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    key: &str,
    info: &serde_json::Value,
) -> Result<Vec<u8>, Error> {
    let mut data = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        data.push((
            name,
            tensor.dims().to_vec(),
            values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(),
        ));
    }
    let internal = |error: SafeTensorError| damaged(path, problem(&error));
    let mut views = Vec::with_capacity(data.len());
    for (name, shape, bytes) in &data {
        views.push((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(internal)?));
    }
    // What says nothing of itself has checksums all the same.
    let mut info = if info.is_null() { serde_json::json!({}) } else { info.clone() };
    if let Some(entries) = info.as_object_mut() {
        let all = data.iter().fold(0, |sum, (_, _, bytes)| crc32c::crc32c_append(sum, bytes));
        entries.insert(CHECKSUM.to_owned(), all.into());
    }
    // Names, shapes and what is said of them have a checksum of their own; that of the values is among what is said.
    let sealed = seal(&info.to_string(), &description(views.iter().map(|(name, view)| (*name, view))));
    let metadata = Some([(key.to_owned(), sealed)].into());
    safetensors::serialize(views, metadata).map_err(internal)
}

/// Names, types and shapes of tensors that come by name.
fn description<'v>(tensors: impl Iterator<Item = (&'v str, &'v TensorView<'v>)>) -> Vec<u8> {
    files::described(tensors.map(|(name, view)| (name, format!("{:?}", view.dtype()), view.shape())))
}

/// Tensors by name, and a metadata entry if it is there.
type Loaded = (BTreeMap<String, Tensor>, Option<String>);

/// Reads the tensors of a safetensors file by name, as f32, and the metadata entry under `key` if it is there.
///
/// # Errors
/// If the file is missing or damaged; the error names it.
pub fn load(path: &Path, key: &str) -> Result<Loaded, Error> {
    let bytes = files::read(path)?;
    let refused = |error: SafeTensorError| damaged(path, problem(&error));
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(refused)?;
    let info = metadata.metadata().as_ref().and_then(|metadata| metadata.get(key).cloned());
    let file = SafeTensors::deserialize(&bytes).map_err(refused)?;
    verify(path, &file, info.as_deref())?;
    if info.is_none() {
        refuse_lost_key(path, &file, metadata.metadata().as_ref())?;
    }
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let Some(dtype) = floating(view.dtype()) else { continue };
        let tensor = Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu)?;
        tensors.insert(name.to_owned(), tensor.to_dtype(DType::F32)?);
    }
    Ok((tensors, info))
}

/// Key, shape and type of numbers.
type Stored = (String, Vec<usize>, String);

/// Key, shape and type of numbers of each tensor in a safetensors file, in its order.
///
/// # Errors
/// If the file is missing or damaged; the error names it.
pub fn stored_tensors(path: &Path) -> Result<Vec<Stored>, Error> {
    let bytes = files::read(path)?;
    let refused = |error: SafeTensorError| damaged(path, problem(&error));
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(refused)?;
    let stored = metadata.offset_keys().into_iter().filter_map(|name| {
        let info = metadata.info(&name)?;
        Some((name, info.shape.clone(), name_of(info.dtype)))
    });
    Ok(stored.collect())
}

/// PyTorch's name of a type.
fn name_of(dtype: Dtype) -> String {
    match dtype {
        Dtype::F64 => "float64".to_owned(),
        Dtype::F32 => "float32".to_owned(),
        Dtype::F16 => "float16".to_owned(),
        Dtype::BF16 => "bfloat16".to_owned(),
        Dtype::I64 => "int64".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Compares the values with the checksum, if the file has one.
fn verify(path: &Path, file: &SafeTensors<'_>, info: Option<&str>) -> Result<(), Error> {
    let by_name: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    if info.is_some_and(|text| seal_of(text, &by_name) == Seal::Broken) {
        return Err(damaged(path, HEADER_DIFFERS.to_owned()));
    }
    let info: Option<serde_json::Value> = info.and_then(|text| serde_json::from_str(text).ok());
    let Some(expected) = info.as_ref().and_then(|info| info[CHECKSUM].as_u64()) else { return Ok(()) };
    let found = by_name.values().fold(0, |sum, view| crc32c::crc32c_append(sum, view.data()));
    if u64::from(found) == expected {
        return Ok(());
    }
    Err(damaged(path, format!("its values have checksum {found:08x}, expected {expected:08x}")))
}

/// What is said of a header whose checksum is another.
const HEADER_DIFFERS: &str = "its header is not what was written: it has another checksum";

fn seal_of(text: &str, by_name: &BTreeMap<String, TensorView<'_>>) -> Seal {
    unseal(text, &description(by_name.iter().map(|(name, view)| (name.as_str(), view))))
}

/// A file that says of itself what we write, but under another key, was ours before it was damaged.
fn refuse_lost_key(
    path: &Path,
    file: &SafeTensors<'_>,
    metadata: Option<&HashMap<String, String>>,
) -> Result<(), Error> {
    let by_name: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let is_ours =
        |(key, text): (&String, &String)| !key.starts_with(INFO) && seal_of(text, &by_name) == Seal::Intact;
    match metadata.into_iter().flatten().any(is_ours) {
        true => Err(damaged(path, HEADER_DIFFERS.to_owned())),
        false => Ok(()),
    }
}

fn floating(dtype: Dtype) -> Option<DType> {
    match dtype {
        Dtype::F32 => Some(DType::F32),
        Dtype::F16 => Some(DType::F16),
        Dtype::BF16 => Some(DType::BF16),
        Dtype::F64 => Some(DType::F64),
        _ => None,
    }
}

/// What is wrong with a file; what its reader says of it follows.
fn problem(error: &SafeTensorError) -> String {
    use SafeTensorError::{
        HeaderTooLarge, HeaderTooSmall, InvalidHeader, InvalidHeaderDeserialization, InvalidHeaderLength,
        MetadataIncompleteBuffer,
    };
    let found = match error {
        HeaderTooSmall => "it is cut short: there are less than 8 bytes",
        HeaderTooLarge | InvalidHeader(_) | InvalidHeaderDeserialization(_) => "its header is damaged",
        InvalidHeaderLength => "it is cut short within its header, or begins with something else",
        MetadataIncompleteBuffer => "it is cut short, or longer than its tensors",
        _ => "its list of tensors is damaged",
    };
    format!("{found} ({error})")
}

pub(crate) fn damaged(path: &Path, found: String) -> Error {
    Error::Damaged { path: path.to_owned(), expected: "safetensors checkpoint", found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> candle_core::Result<Checkpoint> {
        let info = CheckpointInfo {
            epoch: Some(3),
            arch: Some("resnet18".into()),
            dataset: Some("synthetic".into()),
            classes: Some(10),
            mean: Some([0.4914, 0.4822, 0.4465]),
            std: Some([0.2023, 0.1994, 0.2010]),
            nat_prec1: Some(91.25),
            seed: Some(1),
            version: "0".into(),
        };
        let tensors = BTreeMap::from([
            ("b.weight".to_owned(), Tensor::new(&[[1f32, 2.0], [3.0, f32::MIN_POSITIVE]], &Device::Cpu)?),
            ("a.bias".to_owned(), Tensor::new(&[0.1f32], &Device::Cpu)?),
        ]);
        Ok(Checkpoint { tensors, info: Some(info) })
    }

    #[test]
    fn a_header_says_what_the_file_is() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (path, checkpoint) = (folder.path().join("any.safetensors"), example()?);
        checkpoint.save(&path)?;
        assert!(checkpoint.info.is_some() && CheckpointInfo::read(&path) == checkpoint.info);
        std::fs::write(&path, [0xff; 64])?;
        assert_eq!(CheckpointInfo::read(&path), None, "nonsense, with a huge length");
        assert_eq!(CheckpointInfo::read(folder.path()), None);
        Ok(())
    }

    #[test]
    fn what_is_saved_is_loaded_bit_for_bit() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("3_checkpoint.safetensors");
        let saved = example()?;
        saved.save(&path)?;
        let loaded = Checkpoint::load(&path)?;
        assert_eq!(loaded.info, saved.info);
        assert_eq!(loaded.tensors.keys().collect::<Vec<_>>(), ["a.bias", "b.weight"]);
        assert_eq!(loaded.tensors["b.weight"].to_vec2::<f32>()?, [[1.0, 2.0], [3.0, f32::MIN_POSITIVE]]);
        let first = std::fs::read(&path)?;
        saved.save(&path)?;
        assert_eq!(std::fs::read(&path)?, first, "the same content gives the same bytes");
        Ok(())
    }

    #[test]
    fn a_flipped_bit_is_an_error_that_names_the_file() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("flipped.safetensors");
        example()?.save(&path)?;
        let mut bytes = std::fs::read(&path)?;
        *bytes.last_mut().ok_or("a byte")? ^= 1;
        std::fs::write(&path, bytes)?;
        let error = Checkpoint::load(&path).expect_err("a damaged file").to_string();
        assert!(error.contains("flipped.safetensors") && error.contains("checksum"), "{error}");
        Ok(())
    }

    #[test]
    fn a_bit_flipped_anywhere_is_an_error_or_changes_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("flipped.safetensors");
        let saved = example()?;
        saved.save(&path)?;
        let whole = std::fs::read(&path)?;
        let bits = |checkpoint: &Checkpoint| -> candle_core::Result<Vec<(String, Vec<u32>)>> {
            let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
            let each = checkpoint.tensors.iter();
            each.map(|(name, tensor)| {
                Ok((name.clone(), values(tensor)?.into_iter().map(f32::to_bits).collect()))
            })
            .collect()
        };
        let (expected, mut refused) = (bits(&saved)?, 0);
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, bytes)?;
            match Checkpoint::load(&path) {
                Ok(loaded) => {
                    assert_eq!(
                        (loaded.info, bits(&Checkpoint { info: None, ..loaded })?),
                        (saved.info.clone(), expected.clone()),
                        "bit {bit}"
                    );
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains("flipped.safetensors"), "{bit}: {error}");
                }
            }
        }
        assert!(refused > 7 * whole.len(), "{refused} of {}", 8 * whole.len());
        Ok(())
    }

    #[test]
    fn files_of_before_are_read() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (path, saved) = (folder.path().join("old.safetensors"), example()?);
        saved.save(&path)?;
        let whole = std::fs::read(&path)?;
        let (header, values) = whole[8..].split_at(u64::from_le_bytes(whole[..8].try_into()?) as usize);
        let header = String::from_utf8(header.to_vec())?;
        let (before, after) = header.split_once(r#",\"checksum\":\""#).ok_or("a checksum")?;
        let header = format!("{before}{}", after.get(10..).ok_or("its digits")?);
        std::fs::write(&path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), values].concat())?;
        assert_eq!(Checkpoint::load(&path)?.info, saved.info);
        Ok(())
    }

    #[test]
    fn a_file_cut_short_anywhere_is_an_error_that_names_it() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("cut.safetensors");
        example()?.save(&path)?;
        let whole = std::fs::read(&path)?;
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length])?;
            let error = Checkpoint::load(&path).expect_err("a file cut short");
            assert!(error.to_string().contains("cut.safetensors"), "{length}: {error}");
        }
        Ok(())
    }
}
