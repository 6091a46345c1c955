//! PyTorch files written as `torch.save` writes them, in the zip format.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Seek, SeekFrom, Write},
};

use candle_core::{DType, Tensor};
use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

use models::Normaliser;

use crate::error::Error;

/// Numbers that are turned into bytes at once.
const PIECE: usize = 1 << 14;

/// Numbers start at multiples of this many bytes, as PyTorch has them.
const ALIGNMENT: u16 = 64;

/// Where PyTorch keeps what a state dict says of its modules, and the entry that is ours.
pub(crate) const METADATA: &str = "_metadata";
pub(crate) const ATTRIBUTE: &str = "freqbias";

/// The keys that a file of weights has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TorchStyle {
    /// The state dict alone, under the architecture's names. The normaliser is an attribute of it, where PyTorch keeps versions of
    /// modules: `load_state_dict` does not mind.
    Plain,
    /// As the `robustness` library has it: under `model` with the prefix `module.model.`, the normaliser and the second copy that its
    /// attacker holds (which takes no room); `epoch` (of epochs done; 0 where unknown) and `nat_prec1`.
    Robustness,
}

/// What a PyTorch file of a classifier's weights holds.
#[derive(Debug)]
pub struct TorchCheckpoint {
    /// Parameters and batch-norm statistics, f32, by name.
    pub weights: BTreeMap<String, Tensor>,
    /// The normaliser; needed for [`TorchStyle::Robustness`].
    pub normaliser: Option<Normaliser>,
    /// The epoch after which it was taken, 0-based.
    pub epoch: Option<usize>,
    /// Accuracy on the test images, in percent.
    pub nat_prec1: Option<f64>,
}

impl TorchCheckpoint {
    /// The checkpoint as bytes that `torch.load(…, weights_only=True)` reads; the same content gives the same bytes.
    ///
    /// # Errors
    /// If a tensor cannot be read, or [`TorchStyle::Robustness`] has no normaliser to write.
    pub fn encode(&self, style: TorchStyle) -> Result<Vec<u8>, Error> {
        let mut bytes = Cursor::new(Vec::new());
        self.write(style, &mut bytes)?;
        Ok(bytes.into_inner())
    }

    /// Writes the bytes of [`encode`](Self::encode), one tensor after the other: beside the checkpoint there is never more than one of
    /// its tensors in memory.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), or if `to` cannot be written.
    pub fn write(&self, style: TorchStyle, to: impl Write + Seek) -> Result<(), Error> {
        let mut file = Encoder { pickle: vec![0x80, 2], storages: Vec::new() };
        match style {
            TorchStyle::Plain => {
                file.dictionary(&self.plain());
                self.normaliser.iter().for_each(|normaliser| file.attributes(normaliser));
            }
            TorchStyle::Robustness => file.nested(self)?,
        }
        file.pickle.push(b'.');
        file.archive(to)
    }

    fn plain(&self) -> Vec<Entry> {
        self.weights.iter().map(|(name, tensor)| Entry::new(name.clone(), tensor)).collect()
    }

    /// The state dict of a `robustness` model in data-parallel form.
    fn wrapped(&self) -> Result<Vec<Entry>, Error> {
        let normaliser = self.normaliser.ok_or(Error::NoNormaliser)?;
        let channels = |values: [f32; 3]| Tensor::new(&values, &candle_core::Device::Cpu)?.reshape((3, 1, 1));
        let parts = [("new_mean", channels(normaliser.mean())?), ("new_std", channels(normaliser.std())?)];
        let mut entries = Vec::new();
        for (name, tensor) in &parts {
            entries.push(Entry::new(format!("module.normalizer.{name}"), tensor));
        }
        for (name, tensor) in &self.weights {
            entries.push(Entry::new(format!("module.model.{name}"), tensor));
        }
        for (name, tensor) in &parts {
            entries.push(Entry::new(format!("module.attacker.normalize.{name}"), tensor));
        }
        for index in 0..self.weights.len() {
            let original = parts.len() + index;
            let name = entries[original].key.replacen("module.model.", "module.attacker.model.", 1);
            let shape = entries[original].shape.clone();
            entries.push(Entry { key: name, shape, values: Values::SameAs(original) });
        }
        Ok(entries)
    }
}

struct Entry {
    key: String,
    shape: Vec<usize>,
    values: Values,
}

enum Values {
    Own(Tensor),
    /// The numbers of an earlier entry.
    SameAs(usize),
}

impl Entry {
    fn new(key: String, tensor: &Tensor) -> Self {
        Self { key, shape: tensor.dims().to_vec(), values: Values::Own(tensor.clone()) }
    }
}

/// The pickle as it is written, and the numbers beside it.
struct Encoder {
    pickle: Vec<u8>,
    storages: Vec<Tensor>,
}

impl Encoder {
    fn nested(&mut self, checkpoint: &TorchCheckpoint) -> Result<(), Error> {
        self.pickle.extend_from_slice(b"}(");
        self.text("model");
        self.dictionary(&checkpoint.wrapped()?);
        self.text("epoch");
        self.integer(checkpoint.epoch.map_or(0, |epoch| epoch + 1));
        if let Some(accuracy) = checkpoint.nat_prec1 {
            self.text("nat_prec1");
            self.float(accuracy);
        }
        self.pickle.push(b'u');
        Ok(())
    }

    /// `_metadata` of the dictionary before: {"": {"version": 1, "freqbias": {"mean": …, "std": …}}}.
    fn attributes(&mut self, normaliser: &Normaliser) {
        self.pickle.push(b'}');
        self.text(METADATA);
        self.empty_dictionary();
        self.text("");
        self.pickle.extend_from_slice(b"}");
        self.text("version");
        self.integer(1);
        self.pickle.push(b's');
        self.text(ATTRIBUTE);
        self.pickle.extend_from_slice(b"}");
        for (name, values) in [("mean", normaliser.mean()), ("std", normaliser.std())] {
            self.text(name);
            for value in values {
                self.float(value.into());
            }
            self.pickle.extend_from_slice(b"\x87s");
        }
        self.pickle.extend_from_slice(b"sssb");
    }

    fn float(&mut self, value: f64) {
        self.pickle.push(b'G');
        self.pickle.extend_from_slice(&value.to_be_bytes());
    }

    fn dictionary(&mut self, entries: &[Entry]) {
        self.empty_dictionary();
        self.pickle.push(b'(');
        let mut storages: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let storage = match &entry.values {
                Values::Own(tensor) => self.storage(tensor.clone()),
                Values::SameAs(other) => storages[other],
            };
            storages.insert(index, storage);
            self.text(&entry.key);
            self.tensor(storage, &entry.shape);
        }
        self.pickle.push(b'u');
    }

    /// `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`.
    fn tensor(&mut self, storage: usize, shape: &[usize]) {
        self.pickle.extend_from_slice(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.pickle.extend_from_slice(b"ctorch\nFloatStorage\n");
        self.text(&storage.to_string());
        self.text("cpu");
        self.integer(shape.iter().product());
        self.pickle.extend_from_slice(b"tQ");
        self.integer(0);
        self.integers(shape);
        let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        self.integers(&strides);
        self.pickle.push(0x89);
        self.empty_dictionary();
        self.pickle.extend_from_slice(b"tR");
    }

    fn storage(&mut self, tensor: Tensor) -> usize {
        self.storages.push(tensor);
        self.storages.len() - 1
    }

    fn empty_dictionary(&mut self) {
        self.pickle.extend_from_slice(b"ccollections\nOrderedDict\n)R");
    }

    fn text(&mut self, text: &str) {
        self.pickle.push(b'X');
        self.pickle.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.pickle.extend_from_slice(text.as_bytes());
    }

    fn integers(&mut self, values: &[usize]) {
        self.pickle.push(b'(');
        values.iter().for_each(|&value| self.integer(value));
        self.pickle.push(b't');
    }

    /// An integer of eight bytes and a sign, or of as few as PyTorch's reader knows too.
    fn integer(&mut self, value: usize) {
        match i32::try_from(value) {
            Ok(value) => {
                self.pickle.push(b'J');
                self.pickle.extend_from_slice(&value.to_le_bytes());
            }
            Err(_) => {
                self.pickle.extend_from_slice(&[0x8a, 9]);
                self.pickle.extend_from_slice(&(value as u64).to_le_bytes());
                self.pickle.push(0);
            }
        }
    }

    fn archive(self, to: impl Write + Seek) -> Result<(), Error> {
        let failed = |error: ZipError| match error {
            ZipError::Io(error) => Error::Write(error),
            error => Error::Tensor(candle_core::Error::Msg(error.to_string())),
        };
        let mut archive = ZipWriter::new(UntilFailure { to, has_failed: false, place: 0 });
        let member = |archive: &mut ZipWriter<_>, name: &str| {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .last_modified_time(DateTime::default())
                .with_alignment(ALIGNMENT);
            archive.start_file(format!("archive/{name}"), options).map_err(failed)
        };
        for (name, bytes) in [("data.pkl", self.pickle.as_slice()), ("byteorder", b"little")] {
            member(&mut archive, name)?;
            archive.write_all(bytes).map_err(|error| failed(error.into()))?;
        }
        for (key, tensor) in self.storages.iter().enumerate() {
            member(&mut archive, &format!("data/{key}"))?;
            let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            for piece in values.chunks(PIECE) {
                let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
                archive.write_all(&bytes).map_err(|error| failed(error.into()))?;
            }
        }
        member(&mut archive, "version")?;
        archive.write_all(b"3\n").map_err(|error| failed(error.into()))?;
        archive.finish().map(drop).map_err(failed)
    }
}

/// What is written until a write fails; what comes after goes nowhere, though places are counted on. An archive that is dropped
/// unfinished writes its end once more, and would print a second failure.
struct UntilFailure<W> {
    to: W,
    has_failed: bool,
    place: u64,
}

impl<W: Write> Write for UntilFailure<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.has_failed {
            true => bytes.len(),
            false => self.to.write(bytes).inspect_err(|_| self.has_failed = true)?,
        };
        self.place += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.has_failed { Ok(()) } else { self.to.flush().inspect_err(|_| self.has_failed = true) }
    }
}

impl<W: Seek> Seek for UntilFailure<W> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.place = match position {
            // A writer with a buffer writes it before it goes elsewhere.
            position if !self.has_failed => self.to.seek(position).inspect_err(|_| self.has_failed = true)?,
            SeekFrom::Start(place) => place,
            SeekFrom::Current(by) | SeekFrom::End(by) => self.place.saturating_add_signed(by),
        };
        Ok(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then fails, and counts how often.
    struct Full<'a> {
        room: usize,
        failures: &'a mut usize,
        place: u64,
    }

    impl Write for Full<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() > self.room {
                *self.failures += 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            (self.room, self.place) = (self.room - bytes.len(), self.place + bytes.len() as u64);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Full<'_> {
        fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
            match position {
                SeekFrom::Start(place) => self.place = place,
                SeekFrom::Current(by) => self.place = self.place.saturating_add_signed(by),
                SeekFrom::End(_) => return Err(io::ErrorKind::Unsupported.into()),
            }
            Ok(self.place)
        }
    }

    #[test]
    fn a_full_disk_fails_once() -> Result<(), Error> {
        let ones = Tensor::ones(100, DType::F32, &candle_core::Device::Cpu)?;
        let weights = [("weight".to_owned(), ones)].into();
        let checkpoint = TorchCheckpoint { weights, normaliser: None, epoch: None, nat_prec1: None };
        let whole = checkpoint.encode(TorchStyle::Plain)?.len();
        for room in [0, 10, 200, 500, whole - 1] {
            let mut failures = 0;
            let full = Full { room, failures: &mut failures, place: 0 };
            let Err(Error::Write(error)) = checkpoint.write(TorchStyle::Plain, full) else {
                panic!("written into {room} of {whole} bytes");
            };
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room} of {whole} bytes");
            assert_eq!(failures, 1, "{room} of {whole} bytes");
        }
        Ok(())
    }
}
