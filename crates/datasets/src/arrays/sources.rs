//! Which arrays there are below a folder or in an archive.

use std::path::{Path, PathBuf};

use super::names::{Part, Role, said};
use crate::{Error, npy::Stream, npz::Npz, packed::Packed};

/// More files than anybody has beside images: a folder of something else.
const MOST_FILES: usize = 1 << 16;

/// Names that a message lists.
const LISTED: usize = 12;

const SAVE: &str =
    "save them under such names, for example numpy.savez('set.npz', x_test=images, y_test=labels)";

/// An array with images or labels.
#[derive(Debug)]
pub(super) struct Array {
    /// `x_train`, `test/images`, `set.npz/x`
    pub(super) name: String,
    part: Option<Part>,
    role: Role,
    file: PathBuf,
    /// The member, if the file is an archive.
    member: Option<String>,
}

/// All of them.
pub(super) struct Sources {
    root: PathBuf,
    folder: PathBuf,
    arrays: Vec<Array>,
    /// Arrays whose names say nothing.
    others: Vec<String>,
}

impl Sources {
    pub(super) fn find(root: &Path) -> Result<Self, Error> {
        let is_array = root.is_file() && has_suffix(root, "npy");
        let folder = match root.is_file() {
            true => root.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")),
            false => root,
        };
        let (root, folder) = (root.to_path_buf(), folder.to_path_buf());
        let mut sources = Self { root: root.clone(), folder: folder.clone(), arrays: vec![], others: vec![] };
        if root.is_file() && !is_array {
            sources.add_archive(&root, "")?;
        } else {
            sources.add_folder(&folder)?;
        }
        sources.check()?;
        Ok(sources)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn get(&self, part: Option<Part>, role: Role) -> Option<&Array> {
        self.arrays.iter().find(|array| (array.part, array.role) == (part, role))
    }

    /// Reads an array.
    pub(super) fn open<T>(
        &self,
        array: &Array,
        take: impl FnOnce(Stream<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &array.member {
            Some(member) => take(Npz::open(&array.file)?.array(member)?),
            None => {
                let (content, size) = Packed::open(&array.file)?;
                let size = content.is_plain().then_some(size);
                take(Stream::open(&array.file, content, size)?)
            }
        }
    }

    /// The arrays of a folder, of its archives, and of the folders of parts in it.
    fn add_folder(&mut self, folder: &Path) -> Result<(), Error> {
        for name in entries(folder)? {
            let path = folder.join(&name);
            if Part::of(&name).is_some() && path.is_dir() {
                for inner in entries(&path)? {
                    self.add_file(&path.join(&inner), &format!("{name}/{inner}"))?;
                }
            } else {
                self.add_file(&path, &name)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path, name: &str) -> Result<(), Error> {
        let Some((stem, suffix)) = name.rsplit_once('.') else { return Ok(()) };
        match suffix {
            "npy" if path.is_file() => self.add(stem.to_owned(), stem, path, None),
            "npz" if path.is_file() => self.add_archive(path, stem)?,
            _ => {}
        }
        Ok(())
    }

    /// The arrays of an archive; the archive's name may say their part.
    fn add_archive(&mut self, path: &Path, stem: &str) -> Result<(), Error> {
        let part = stem.split(['/', '_', '-', '.']).find(|word| Part::of(word).is_some());
        for member in Npz::open(path)?.names() {
            let shown = if stem.is_empty() { member.clone() } else { format!("{stem}.npz/{member}") };
            let of_part = part.filter(|_| said(&member).is_some_and(|(part, _)| part.is_none()));
            let name = of_part.map_or_else(|| member.clone(), |part| format!("{part}/{member}"));
            self.add(shown, &name, path, Some(member));
        }
        Ok(())
    }

    fn add(&mut self, shown: String, name: &str, file: &Path, member: Option<String>) {
        match said(name) {
            Some((part, role)) => {
                self.arrays.push(Array { name: shown, part, role, file: file.to_path_buf(), member });
            }
            None => self.others.push(shown),
        }
    }

    /// That no two arrays have the same.
    fn check(&self) -> Result<(), Error> {
        let mut arrays = self.arrays.iter().enumerate();
        let twice = arrays.find_map(|(at, array)| {
            let same = |other: &&Array| (other.part, other.role) == (array.part, array.role);
            self.arrays[..at].iter().find(same).map(|first| (first, array))
        });
        twice.map_or(Ok(()), |(first, second)| {
            let (found, expected) = (format!("both {} and {}", first.name, second.name), "one of them");
            Err(self.wrong(found, expected, "remove or rename the other, or name the archive of one"))
        })
    }

    pub(super) fn lacks(&self, what: &str, beside: &Array) -> Error {
        let beside = &beside.name;
        self.wrong(format!("{beside} without {what}"), "images and labels of each part", SAVE)
    }

    pub(super) fn mixed(&self, whole: &Array, part: &Array) -> Error {
        let found = format!("{}, which says no part, beside {}", whole.name, part.name);
        self.wrong(found, "a part of all or of none: train, val or test", SAVE)
    }

    pub(super) fn nothing(&self) -> Error {
        let mut found = self.others.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        if self.others.len() > LISTED {
            found += " …";
        }
        let found = if found.is_empty() { "no array".to_owned() } else { format!("the arrays {found}") };
        let expected = "images (called images, x, data or arr_0) and labels (labels, y, targets or arr_1)";
        self.wrong(found, &format!("{expected}, alone or of train, val and test"), SAVE)
    }

    fn wrong(&self, found: String, expected: &str, remedy: &'static str) -> Error {
        Error::Content { path: self.root.clone(), found, expected: expected.to_owned(), remedy }
    }
}

/// The names in a folder, sorted, but for hidden ones.
fn entries(folder: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::Read { path: folder.to_path_buf(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)?.take(MOST_FILES) {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    Ok(names)
}

fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.extension().is_some_and(|extension| extension == suffix)
}
