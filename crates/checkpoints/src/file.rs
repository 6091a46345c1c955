//! A file of weights, of whatever kind.

use std::{
    fs::File,
    io::{BufReader, Cursor, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use files::{Action, failed};

use crate::{
    body::{Body, Shards},
    config::FolderConfig,
    dictionary::Dictionary,
    error::Error,
    facts::Facts,
    folder::{self, Weights},
    kind::{self, Kind},
    safetensors::SafetensorsFile,
    torch::{Source, TorchFile},
};

/// An open file of weights. What it says of itself is read when it is opened, and numbers when they are asked for: momentum
/// buffers and second copies stay on the disk. No code in a file is ever run.
pub struct CheckpointFile {
    path: PathBuf,
    files: Vec<PathBuf>,
    bytes: u64,
    body: Body,
    config: Option<FolderConfig>,
}

impl CheckpointFile {
    /// Opens a file by what it is, whatever its name; or the weights in a folder as Hugging Face's programs and timm write them, in
    /// one file or in shards, or in a cache folder of the Hub.
    ///
    /// # Errors
    /// If it cannot be read, or is no file of weights; the error names it and says what it is.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let found = if path.is_dir() { folder::weights(path)? } else { None };
        let mut opened = match found {
            Some(Weights::File(file)) => Self::open_file(&file)?,
            Some(Weights::Shards(files)) => Self::open_shards(path, &files)?,
            None => Self::open_file(path)?,
        };
        opened.config = opened.files.first().and_then(|file| file.parent()).and_then(FolderConfig::read);
        Ok(opened)
    }

    fn open_file(path: &Path) -> Result<Self, Error> {
        let kind = kind::detect(path)?;
        let file = File::open(path).map_err(failed(Action::Read, path))?;
        Self::from_source(path, kind, Box::new(BufReader::new(file)))
    }

    fn open_shards(folder: &Path, files: &[PathBuf]) -> Result<Self, Error> {
        let parts = files.iter().map(|file| Self::open_file(file)).collect::<Result<Vec<_>, Error>>()?;
        let bytes = parts.iter().map(|part| part.bytes).sum();
        let shards = Shards::new(parts.into_iter().map(|part| part.body).collect());
        let shards = shards.map_err(|cause| Error::Unreadable { path: folder.to_owned(), cause })?;
        Ok(Self {
            path: folder.to_owned(),
            files: files.to_vec(),
            bytes,
            body: Body::Shards(shards),
            config: None,
        })
    }

    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// As [`CheckpointFile::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        let path = Path::new("(bytes)");
        let something = || Error::SomethingElse {
            path: path.to_owned(),
            found: kind::what_else(&bytes[..bytes.len().min(64)]),
        };
        let kind = kind::of_bytes(&bytes).ok_or_else(something)?;
        Self::from_source(path, kind, Box::new(Cursor::new(bytes)))
    }

    fn from_source(path: &Path, kind: Kind, mut source: Box<dyn Source>) -> Result<Self, Error> {
        let bytes = source.seek(SeekFrom::End(0)).map_err(failed(Action::Read, path))?;
        source.rewind().map_err(failed(Action::Read, path))?;
        let body = match kind {
            Kind::Torch => TorchFile::open(source).map(|file| Body::Torch(Box::new(file))),
            Kind::Safetensors => SafetensorsFile::open(source).map(|file| Body::Safetensors(Box::new(file))),
        };
        let body = body.map_err(|cause| Error::Unreadable { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), files: vec![path.to_owned()], bytes, body, config: None })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that it consists of: one, or the shards.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// How large it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What people call its format: `PyTorch, zip format`, `PyTorch, legacy format` or `safetensors`; and how many shards there are.
    pub fn format(&self) -> String {
        self.body.format()
    }

    /// The dictionaries of tensors in it.
    pub fn dictionaries(&self) -> &[Dictionary] {
        self.body.dictionaries()
    }

    /// What a file of PyTorch's says of itself.
    pub fn facts(&self) -> Facts {
        self.body.facts()
    }

    /// What a safetensors file says of itself under a key.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.body.metadata(key)
    }

    /// What timm's or Hugging Face's configurations beside it say.
    pub fn config(&self) -> Option<&FolderConfig> {
        self.config.as_ref()
    }

    /// The numbers of tensors of a dictionary, as f32, by their places in it.
    pub(crate) fn read(&mut self, dictionary: usize, tensors: &[usize]) -> Result<Vec<Vec<f32>>, Error> {
        let found = self.body.read(dictionary, tensors);
        found.map_err(|cause| Error::Unreadable { path: self.path.clone(), cause })
    }
}

impl std::fmt::Debug for CheckpointFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = self.format();
        formatter
            .debug_struct("CheckpointFile")
            .field("path", &self.path)
            .field("format", &format)
            .finish_non_exhaustive()
    }
}
