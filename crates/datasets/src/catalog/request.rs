//! What is asked for, and how it is opened.

use std::path::{Path, PathBuf};

use progress::Progress;

use super::{
    fetching::{self, Download},
    name::Name,
};
use crate::{
    Corruption, Dataset, Error, Interpolation, Limits, Note, OnCorrupt, Repository, Resize, arrays,
    cifar::{self, Labels},
    cifar_tests,
    class_map::ClassMap,
    folder::{self, Layout},
    generated, mnist, stl10, svhn,
    synthetic::Synthetic,
};

/// Size of the synthetic set: enough for a ResNet to learn from, small enough for minutes on two cores.
const SYNTHETIC_TRAIN: usize = 4000;
const SYNTHETIC_TEST: usize = 1000;

/// The seed of the synthetic images: part of the data set, not of the run, so that runs share their images.
const SYNTHETIC_SEED: u64 = 0;

/// Which data set, where it is, and which of its images are taken. The default is all of the synthetic set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The data set.
    pub name: Name,
    /// The folder or archive that holds it; of a set of the Hub the cache folder, if that is not the usual one. With
    /// [`download`](Self::download) the folder that it is fetched into.
    pub root: Option<PathBuf>,
    /// How many images of each part.
    pub limits: Limits,
    /// Which labels of CIFAR-100, and of a table that has both kinds.
    pub labels: Labels,
    /// Which corruption, of sets that have images with many.
    pub corruption: Option<Corruption>,
    /// Rows and columns of photographs: see [`folder::Options::side`].
    pub image_size: Option<usize>,
    /// What photographs are resized to first: see [`folder::Options::resize`].
    pub resize: Option<Resize>,
    /// By which filter photographs are resized.
    pub interpolation: Interpolation,
    /// How photographs lie in a folder or an archive.
    pub layout: Layout,
    /// What becomes of damaged photographs.
    pub on_corrupt: OnCorrupt,
    /// Whether a set that is not there is fetched.
    pub download: Option<Download>,
    /// A file that says which output of a network's head each class is, with a line for each class: its name, which is that of its
    /// folder, and the number of the output from 0; blanks, a tab or a comma between. Lines that start with `#` are comments, and the
    /// first line may be a header. JSON does as well, as `{"tench": 0}` or, as torchvision's and timm's lists have it,
    /// `{"0": ["n01440764", "tench"]}`.
    pub class_map: Option<PathBuf>,
}

impl Request {
    /// Opens the data set; there are test images.
    ///
    /// # Errors
    /// * [`Error::NeedsRoot`] or [`Error::NoSuchRoot`] if the set has to be on disk and is not;
    /// * [`Error::CannotBeFetched`] if it is to be fetched and cannot be, [`Error::NeedsFeature`] if this build cannot;
    /// * [`Error::NoTestImages`] if there are none;
    /// * [`Error::ClassMap`] if the class map is none of its classes;
    /// * those of the loader: [`cifar::load_cifar10`], [`generated::load`], [`folder::load`], [`mnist::load`], [`stl10::load`],
    ///   [`svhn::load`], [`cifar_tests::load_cifar10_c`], [`arrays::load`].
    pub fn open(&self, progress: &Progress) -> Result<Dataset, Error> {
        let dataset = self.open_partial(progress)?;
        if dataset.test.is_empty() { Err(self.no_test_images()) } else { Ok(dataset) }
    }

    /// The same, and there are training images.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::NoTrainingImages`].
    pub fn open_to_train(&self, progress: &Progress) -> Result<Dataset, Error> {
        let dataset = self.open(progress)?;
        if dataset.train.is_empty() {
            Err(Error::NoTrainingImages { place: self.place() })
        } else {
            Ok(dataset)
        }
    }

    /// The same, with or without test images.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for [`Error::NoTestImages`].
    pub fn open_partial(&self, progress: &Progress) -> Result<Dataset, Error> {
        if self.download.is_some() && !self.name.can_be_fetched() {
            return Err(Error::CannotBeFetched { name: self.name.to_string() });
        }
        let Some(path) = &self.class_map else { return self.load(progress) };
        // Before images are decoded.
        let map = ClassMap::read(path)?;
        let dataset = self.load(progress)?;
        let outputs = map.outputs(dataset.train.classes())?;
        dataset.with_outputs(&outputs)
    }

    fn load(&self, progress: &Progress) -> Result<Dataset, Error> {
        match &self.name {
            Name::Synthetic => Ok(self.synthetic()),
            Name::Cifar10 => self.cifar(progress, |root| cifar::load_cifar10(root, self.limits)),
            Name::Cifar100 => {
                self.cifar(progress, |root| cifar::load_cifar100(root, self.labels, self.limits))
            }
            Name::Generated => generated::load(self.root()?, self.limits),
            Name::Folder => self.layout().load(self.root()?, self.folder_options()),
            Name::ImageNet => self.layout().load_imagenet(self.root()?, self.folder_options()),
            Name::ResIn => self.layout().load_restricted_imagenet(self.root()?, self.folder_options()),
            Name::ImageNetC => {
                self.layout().load_imagenet_c(self.root()?, self.corruption.as_ref(), self.folder_options())
            }
            Name::Mnist => mnist::load(self.root()?, self.limits),
            Name::FashionMnist => mnist::load_fashion(self.root()?, self.limits),
            Name::Stl10 => stl10::load(self.root()?, self.limits),
            Name::Svhn => svhn::load(self.root()?, self.limits),
            Name::Cifar10C => {
                cifar_tests::load_cifar10_c(self.root()?, self.corruption.as_ref(), self.limits)
            }
            Name::Cifar100C => {
                cifar_tests::load_cifar100_c(self.root()?, self.corruption.as_ref(), self.limits)
            }
            Name::Cifar10V1 => cifar_tests::load_cifar10_1(self.root()?, self.limits),
            Name::Arrays => arrays::load(self.root()?, self.limits),
            Name::Hub(repository) => self.hub(repository, progress),
        }
    }

    /// Opens the data set and decodes all of its images into memory.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if an image cannot be decoded.
    pub fn open_in_memory(&self, progress: &Progress) -> Result<Dataset, Error> {
        let dataset = self.open(progress)?;
        Ok(Dataset { train: dataset.train.decoded()?, test: dataset.test.decoded()?, ..dataset })
    }

    /// Opens the data set so that every image of it can be read at any time: where damaged ones are to be left out, all are
    /// decoded into memory to know which these are.
    ///
    /// # Errors
    /// As [`open_in_memory`](Self::open_in_memory).
    pub fn open_checked(&self, progress: &Progress) -> Result<Dataset, Error> {
        match self.on_corrupt {
            OnCorrupt::Error => self.open(progress),
            OnCorrupt::Skip => self.open_in_memory(progress),
        }
    }

    /// The data set as people call it: one of many of its kind by its folder, or by its archive without endings; with its corruption.
    ///
    /// ```
    /// use datasets::catalog::{Name, Request};
    /// let request = |name, root: &str| Request { name, root: Some(root.into()), ..Request::default() };
    /// assert_eq!(request(Name::Folder, "pictures/stripes.tar.gz").label(), "stripes");
    /// assert_eq!(request(Name::Cifar10, "data").label(), "cifar10");
    /// let corrupted = Request { corruption: Some("fog:3".parse()?), ..request(Name::Cifar10C, "data") };
    /// assert_eq!(corrupted.label(), "cifar10-c-fog-3");
    /// # Ok::<(), datasets::Error>(())
    /// ```
    pub fn label(&self) -> String {
        let name = self.root.as_deref().and_then(Path::file_name);
        let folder = name.map(|name| {
            let name = name.to_string_lossy();
            let stem = name.split(".tar").next().unwrap_or(&name);
            [".zip", ".npz"].iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(stem).to_owned()
        });
        let of_set = folder.filter(|_| self.name.is_one_of_many());
        let corruption = self.corruption.as_ref().filter(|_| self.name.has_corruptions());
        match (of_set, corruption) {
            (Some(of_set), _) => of_set,
            // Without a colon, which names of files cannot have everywhere.
            (None, Some(corruption)) => format!("{}-{}", self.name, corruption.to_string().replace(':', "-")),
            (None, None) => self.name.to_string(),
        }
    }

    /// The folder or archive of a set that has to be on disk.
    fn root(&self) -> Result<&Path, Error> {
        let missing =
            || Error::NeedsRoot { name: self.name.to_string(), can_be_fetched: self.name.can_be_fetched() };
        let root = self.root.as_deref().ok_or_else(missing)?;
        if root.exists() { Ok(root) } else { Err(Error::NoSuchRoot { path: root.to_path_buf() }) }
    }

    fn layout(&self) -> Layout {
        Layout { labels: self.labels, ..self.layout.clone() }
    }

    fn folder_options(&self) -> folder::Options {
        folder::Options {
            side: self.image_size,
            resize: self.resize,
            interpolation: self.interpolation,
            limits: self.limits,
            on_corrupt: self.on_corrupt,
        }
    }

    fn cifar(
        &self,
        progress: &Progress,
        load: impl Fn(&Path) -> Result<Dataset, Error>,
    ) -> Result<Dataset, Error> {
        match &self.download {
            None => load(self.root()?),
            Some(download) => fetching::cifar(&self.name, self.root.as_deref(), download, progress, load),
        }
    }

    #[cfg(feature = "hub")]
    fn hub(&self, repository: &Repository, progress: &Progress) -> Result<Dataset, Error> {
        let cache = self.root.clone().unwrap_or_else(crate::hub::cache_folder);
        let load = || crate::hub::load(repository, &cache, self.labels, self.folder_options());
        match (load(), &self.download) {
            (
                Err(
                    Error::Hub(crate::HubError::NotInCache { .. })
                    | Error::Hub(crate::HubError::Files { .. }),
                ),
                Some(_),
            ) => {
                progress.note(&format!("fetching {repository} into {}", cache.display()));
                crate::hub::fetch(repository, &cache, None, progress)?;
                load()
            }
            (loaded, _) => loaded,
        }
    }

    #[cfg(not(feature = "hub"))]
    fn hub(&self, repository: &Repository, _: &Progress) -> Result<Dataset, Error> {
        Err(Error::NeedsFeature { what: repository.to_string(), action: "read", feature: "hub" })
    }

    fn synthetic(&self) -> Dataset {
        let count = |limit: Option<usize>, all: usize| limit.map_or(all, |limit| limit.min(all));
        let train = count(self.limits.train, SYNTHETIC_TRAIN);
        let test = count(self.limits.test, SYNTHETIC_TEST);
        let mut dataset = Synthetic { seed: SYNTHETIC_SEED, train, test }.generate();
        let not_used =
            self.root.iter().map(|root| Note::RootNotUsed { root: root.clone(), name: dataset.name.clone() });
        dataset.notes.extend(not_used);
        dataset
    }

    fn place(&self) -> String {
        self.root.as_ref().map_or_else(|| self.name.to_string(), |root| root.display().to_string())
    }

    fn no_test_images(&self) -> Error {
        let place = self.place();
        let expected = match self.name {
            Name::Hub(_) => "files of a split test or validation beside those of train",
            Name::Arrays => "arrays of images and labels whose names say `test` or `val`",
            _ => "a folder val/ or test/ beside train/",
        };
        let is_folder = matches!(self.name, Name::Folder | Name::ImageNet | Name::ResIn);
        Error::NoTestImages { place, expected, is_folder }
    }
}
