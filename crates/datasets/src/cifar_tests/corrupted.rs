//! Where the images with corruptions are, and which corruptions these are.

use std::path::{Path, PathBuf};

use crate::{Error, npy::Stream, packed::Packed, tar::Tar};

/// The labels of all corruptions, without its ending.
pub(super) const LABELS: &str = "labels";

/// What was found.
pub(super) enum Place {
    Folder(PathBuf),
    Archive(PathBuf),
}

impl Place {
    /// `root` itself, as a folder or archive; a folder or archive in it.
    pub(super) fn find(root: &Path, title: &'static str) -> Result<Self, Error> {
        let is_array = root.extension().is_some_and(|extension| extension == "npy");
        if root.is_file() && !is_array {
            return Ok(Self::Archive(root.to_path_buf()));
        }
        let root = if is_array { root.parent().unwrap_or(root) } else { root };
        let folders = [root.to_path_buf(), root.join(title)].map(|folder| (file(&folder, LABELS), folder));
        let archive = root.join(format!("{title}.tar"));
        let found = folders.iter().find(|(labels, _)| labels.is_file());
        match found {
            Some((_, folder)) => Ok(Self::Folder(folder.clone())),
            None if archive.is_file() => Ok(Self::Archive(archive)),
            None => {
                let looked = folders.map(|(labels, _)| labels).into_iter().chain([archive]).collect();
                Err(Error::NoFiles { name: title, looked })
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive(path) => path,
        }
    }

    /// The names of the corruptions, sorted.
    pub(super) fn corruptions(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        match self {
            Self::Folder(folder) => {
                let failed = |source| Error::Read { path: folder.clone(), source };
                for entry in std::fs::read_dir(folder).map_err(failed)? {
                    names.extend(stem(&entry.map_err(failed)?.file_name().to_string_lossy()));
                }
            }
            Self::Archive(path) => {
                let mut tar = Tar::open(path)?;
                while let Some(member) = tar.next_file()? {
                    names.extend(stem(&member.name));
                }
            }
        }
        names.retain(|name| name != LABELS);
        names.sort_unstable();
        Ok(names)
    }

    /// Hands on the arrays of these names that are there.
    pub(super) fn read(
        &self,
        names: &[&str],
        mut take: impl FnMut(&str, Stream<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => names.iter().try_for_each(|name| {
                let path = file(folder, name);
                let (content, size) = Packed::open(&path)?;
                let size = content.is_plain().then_some(size);
                take(name, Stream::open(&path, content, size)?)
            }),
            Self::Archive(path) => {
                let mut tar = Tar::open(path)?;
                while let Some(member) = tar.next_file()? {
                    let of_member = stem(&member.name);
                    let name = names.iter().find(|&&name| of_member.as_deref() == Some(name));
                    if let Some(name) = name {
                        take(name, Stream::open(&path.join(&member.name), &mut tar, Some(member.size))?)?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.npy"))
}

/// The name of an array by that of its file, without folders; nothing of other and of hidden files.
fn stem(name: &str) -> Option<String> {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.strip_suffix(".npy").filter(|stem| !stem.starts_with('.')).map(str::to_owned)
}
