//! Flags that name images.

use std::path::PathBuf;

use clap::{
    Arg, Args, Command, ValueEnum,
    builder::{PossibleValue, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};
use datasets::{
    Corruption, Interpolation, Limits, OnCorrupt, Resize,
    catalog::{Download, Name, Request},
    cifar,
};
use models::Normaliser;
use pipeline::DatasetProfile;
use serde::{Serialize, Serializer};

use super::layout::LayoutFlags;
use super::names::stands_for;
use super::values::{at_least_one, corruption, image_size, interpolation, mirror, workers};

/// Which images: a data set by name and, where it is on disk, its place.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct DataFlags {
    /// The data set; `synthetic` is generated and needs nothing on disk
    #[arg(long, value_name = "NAME", default_value = "synthetic", value_parser = DatasetParser)]
    #[serde(serialize_with = "name")]
    pub(crate) dataset: Name,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) images: ImageFlags,
    /// Images per batch [default: 128; 64 on synthetic and for gradients]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) batch_size: Option<usize>,
    /// Threads that prepare batches ahead of the network
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = workers)]
    pub(crate) workers: usize,
}

/// Where a data set is, and which of its images are taken.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct ImageFlags {
    /// The data set's root, the folder that holds its files, or its archive
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Fetch cifar10, cifar100 or a set of the Hub first if it is not there, into --data [default: the user's cache folder]
    #[arg(long)]
    pub(crate) download: bool,
    /// The folder of a server that --download fetches archives from, instead of their authors'
    #[arg(long, value_name = "URL", value_parser = mirror)]
    pub(crate) mirror: Option<String>,
    /// Which labels of cifar100 and of tables: its 100 classes, or its 20 superclasses
    #[arg(long, value_enum, value_name = "KIND", default_value_t = LabelKind::Fine)]
    pub(crate) labels: LabelKind,
    /// Which corruption of cifar10-c, cifar100-c and imagenet-c, and its severity from 1 to 5 [default: all severities]
    #[arg(long, value_name = "NAME[:SEVERITY]", value_parser = corruption)]
    #[serde(serialize_with = "text_if_any")]
    pub(crate) corruption: Option<Corruption>,
    /// Rows and columns of an image, for imagenet, resIN and folder [default: 224; folder: the size of its images if all have one]
    #[arg(long, value_name = "N", value_parser = image_size)]
    pub(crate) image_size: Option<usize>,
    /// What the shorter side of a photograph is resized to before the middle is cut out [default: 8/7 of --image-size]; NxN: both sides
    #[arg(long, value_name = "N")]
    #[serde(serialize_with = "text_if_any")]
    pub(crate) resize: Option<Resize>,
    /// By which of Pillow's filters photographs are resized [default: bilinear]
    #[arg(long, value_name = "FILTER", value_parser = interpolation())]
    #[serde(serialize_with = "text_if_any")]
    pub(crate) interpolation: Option<Interpolation>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) layout: LayoutFlags,
    /// What to do about images in a folder that cannot be decoded
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = CorruptImages::Error)]
    pub(crate) on_corrupt: CorruptImages,
    /// Which outputs of a network's head the classes are, where it has more of them: a file with a line `name output` for each class,
    /// or JSON [default: on imagenet by the names of folders, else class i is output i]
    #[arg(long, value_name = "FILE")]
    pub(crate) class_map: Option<PathBuf>,
    /// Use only the first N training images
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) limit_train: Option<usize>,
    /// Use only the first N test images
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) limit_test: Option<usize>,
}

impl ImageFlags {
    /// The flags of a program that makes no batches.
    pub(crate) fn with_dataset(&self, dataset: Name) -> DataFlags {
        DataFlags { dataset, images: self.clone(), batch_size: None, workers: 1 }
    }
}

impl DataFlags {
    /// What is asked of the catalogue.
    pub(crate) fn request(&self) -> Request {
        let ImageFlags {
            data,
            download,
            mirror,
            labels,
            corruption,
            image_size,
            resize,
            interpolation,
            layout,
            on_corrupt,
            class_map,
            ..
        } = self.images.clone();
        Request {
            name: self.dataset.clone(),
            root: data,
            limits: Limits { train: self.images.limit_train, test: self.images.limit_test },
            labels: labels.into(),
            corruption,
            image_size,
            resize,
            interpolation: interpolation.unwrap_or_default(),
            layout: layout.layout(),
            on_corrupt: on_corrupt.into(),
            download: download.then_some(Download { mirror }),
            class_map,
        }
    }

    /// The data set as people call it: one of many of its kind by its folder, or by its archive without endings.
    pub(crate) fn label(&self) -> String {
        self.request().label()
    }

    /// How its images are used.
    pub(crate) fn profile(&self) -> DatasetProfile {
        let usual = DatasetProfile::from(&self.request());
        DatasetProfile {
            batch_size: self.batch_size.unwrap_or(usual.batch_size),
            gradient_batch_size: self.batch_size.unwrap_or(usual.gradient_batch_size),
            workers: self.workers,
            ..usual
        }
    }
}

/// The normaliser that networks trained on this data set carry.
pub(crate) fn normaliser(name: &Name) -> Normaliser {
    DatasetProfile::from(&Request { name: name.clone(), ..Request::default() }).normaliser
}

/// A data set's name as configurations have it.
pub(super) fn name<S: Serializer>(name: &Name, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(name.as_str())
}

fn text_if_any<T: ToString, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(T::to_string).serialize(to)
}

/// The same of one that may be absent.
pub(super) fn name_if_any<S: Serializer>(name: &Option<Name>, to: S) -> Result<S::Ok, S::Error> {
    name.as_ref().map(Name::as_str).serialize(to)
}

/// Takes the names of the catalogue, lists them in the help, and `hf:OWNER/NAME`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DatasetParser;

impl TypedValueParser for DatasetParser {
    type Value = Name;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Name, clap::Error> {
        let text = value.to_string_lossy();
        text.parse().map_err(|_| {
            let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
            if let Some(argument) = argument {
                error.insert(ContextKind::InvalidArg, ContextValue::String(argument.to_string()));
            }
            error.insert(ContextKind::InvalidValue, ContextValue::String(text.into_owned()));
            let names = Name::ALL.iter().map(|name| name.as_str().to_owned());
            let names = names.chain(["hf:OWNER/NAME".to_owned()]).collect();
            error.insert(ContextKind::ValidValue, ContextValue::Strings(names));
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let described = Name::ALL.iter().map(|name| {
            let (name, description) = described(name);
            PossibleValue::new(name).help(description)
        });
        let hub =
            PossibleValue::new("hf:OWNER/NAME").help("A data set of the Hugging Face Hub (feature `hub`)");
        Some(Box::new(described.chain([hub])))
    }
}

/// A name and what it stands for.
fn described(name: &Name) -> (&'static str, &'static str) {
    match name {
        Name::Synthetic => ("synthetic", "Ten kinds of textured shapes, generated: nothing to download"),
        Name::Cifar10 => ("cifar10", "CIFAR-10: the binary or Python version, or the archive of either"),
        Name::Cifar100 => ("cifar100", "CIFAR-100, likewise"),
        Name::Generated => ("generated", "Images that `generate_toy_dataset` wrote"),
        Name::Folder => (
            "folder",
            "Any images: `train/<class>/` and `val/<class>/`, or `<class>/` alone, in a folder or an archive; shards of WebDataset, Parquet or Arrow",
        ),
        Name::ImageNet => ("imagenet", "ImageNet: such a folder with its 1000 classes, or some of them"),
        Name::ResIn => ("resIN", "Restricted ImageNet: nine kinds of animals in that folder"),
        Name::ImageNetC => ("imagenet-c", "ImageNet-C, test images alone: --corruption says which"),
        Name::Mnist => ("mnist", "MNIST: the four files, packed or not"),
        Name::FashionMnist => ("fashion-mnist", "Fashion-MNIST, likewise"),
        Name::Stl10 => ("stl10", "STL-10: the binary version, or its archive"),
        Name::Svhn => ("svhn", "SVHN, cropped digits: train_32x32.mat and test_32x32.mat"),
        Name::Cifar10C => ("cifar10-c", "CIFAR-10-C, test images alone: --corruption says which"),
        Name::Cifar100C => ("cifar100-c", "CIFAR-100-C, likewise"),
        Name::Cifar10V1 => ("cifar10.1", "CIFAR-10.1: new test images for CIFAR-10"),
        Name::Arrays => ("arrays", "Anybody's images and labels: an .npz file, or a folder of .npy files"),
        _ => ("hf:OWNER/NAME", "A data set of the Hugging Face Hub (feature `hub`)"),
    }
}

/// What to do about damaged images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CorruptImages {
    /// The program ends and names it
    Error,
    /// It is left out, and reported at the end
    Skip,
}

stands_for!(CorruptImages => OnCorrupt { Error, Skip });

/// The kinds of labels that CIFAR-100 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LabelKind {
    /// 100 classes
    Fine,
    /// 20 superclasses
    Coarse,
}

stands_for!(LabelKind => cifar::Labels { Fine, Coarse });

impl LabelKind {
    /// The kind as `--labels` takes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Coarse => "coarse",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn described_names_are_those_of_the_catalogue() {
        for name in Name::ALL {
            assert_eq!(described(&name).0, name.as_str());
        }
    }
}
