//! The data sets that have a name, and what is usual for each.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::{Error, Repository};

/// Images per training batch: of the small synthetic set fewer, so that an epoch has steps enough.
const TRAINING_BATCH: usize = 128;
const SYNTHETIC_BATCH: usize = 64;
const GRADIENT_BATCH: usize = 64;

/// The name of a data set. Texts become names by [`str::parse`], and names texts by [`as_str`](Self::as_str).
///
/// ```
/// use datasets::catalog::Name;
/// assert_eq!("resIN".parse::<Name>()?, Name::ResIn);
/// assert_eq!("hf:uoft-cs/cifar10".parse::<Name>()?.as_str(), "hf:uoft-cs/cifar10");
/// let error = "cifar".parse::<Name>().unwrap_err().to_string();
/// assert!(error.contains("`cifar`") && error.contains("cifar10, cifar100"));
/// # Ok::<(), datasets::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Name {
    /// [`synthetic`](crate::synthetic): textured shapes in ten classes, generated.
    #[default]
    Synthetic,
    /// [`cifar`](crate::cifar): CIFAR-10.
    Cifar10,
    /// CIFAR-100.
    Cifar100,
    /// [`generated`](crate::generated): computed images in NumPy's format.
    Generated,
    /// [`folder`](crate::folder): images in a folder a class.
    Folder,
    /// Such a folder with the 1000 classes of ImageNet.
    ImageNet,
    /// Restricted ImageNet: nine kinds of animals in that folder.
    ResIn,
    /// ImageNet-C: the validation images of ImageNet with corruptions.
    ImageNetC,
    /// [`mnist`](crate::mnist): handwritten digits.
    Mnist,
    /// Fashion-MNIST: clothes.
    FashionMnist,
    /// [`stl10`](crate::stl10).
    Stl10,
    /// [`svhn`](crate::svhn): house numbers, cropped digits.
    Svhn,
    /// [`cifar_tests`](crate::cifar_tests): the test images of CIFAR-10 with corruptions.
    Cifar10C,
    /// Those of CIFAR-100.
    Cifar100C,
    /// CIFAR-10.1: new test images for CIFAR-10.
    Cifar10V1,
    /// [`arrays`](crate::arrays): anybody's images in NumPy's format.
    Arrays,
    /// A data set of the Hugging Face Hub; reading it takes the feature `hub`.
    Hub(Repository),
}

/// Mean and standard deviation of a channel of pixels in [0, 1], red, green and blue: networks take (x − mean) / std.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalisation {
    /// The mean of each channel.
    pub mean: [f32; 3],
    /// The standard deviation of each channel.
    pub std: [f32; 3],
}

impl Normalisation {
    /// The CIFAR-10 constants of the published checkpoints. The standard deviations are not the true ones, which are 0.247, 0.243
    /// and 0.262: existing checkpoints were trained with these.
    pub const CIFAR10: Self = Self { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] };

    /// The CIFAR-100 constants in common use.
    pub const CIFAR100: Self = Self { mean: [0.5071, 0.4867, 0.4408], std: [0.2675, 0.2565, 0.2761] };

    /// The constants of MNIST, which are those of its training images.
    pub const MNIST: Self = Self { mean: [0.1307; 3], std: [0.3081; 3] };

    /// The constants of Fashion-MNIST, likewise.
    pub const FASHION_MNIST: Self = Self { mean: [0.2860; 3], std: [0.3530; 3] };

    /// The constants of SVHN, likewise.
    pub const SVHN: Self = Self { mean: [0.4377, 0.4438, 0.4728], std: [0.1980, 0.2010, 0.1970] };

    /// The constants of STL-10, likewise.
    pub const STL10: Self = Self { mean: [0.4467, 0.4398, 0.4066], std: [0.2603, 0.2566, 0.2713] };

    /// The ImageNet constants of torchvision.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
}

impl Name {
    /// All names but those of the Hub.
    pub const ALL: [Self; 16] = [
        Self::Synthetic,
        Self::Cifar10,
        Self::Cifar100,
        Self::Generated,
        Self::Folder,
        Self::ImageNet,
        Self::ResIn,
        Self::ImageNetC,
        Self::Mnist,
        Self::FashionMnist,
        Self::Stl10,
        Self::Svhn,
        Self::Cifar10C,
        Self::Cifar100C,
        Self::Cifar10V1,
        Self::Arrays,
    ];

    /// The name as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Generated => "generated",
            Self::Folder => "folder",
            Self::ImageNet => "imagenet",
            Self::ResIn => "resIN",
            Self::ImageNetC => "imagenet-c",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Stl10 => "stl10",
            Self::Svhn => "svhn",
            Self::Cifar10C => "cifar10-c",
            Self::Cifar100C => "cifar100-c",
            Self::Cifar10V1 => "cifar10.1",
            Self::Arrays => "arrays",
            Self::Hub(repository) => repository.as_str(),
        }
    }

    /// The name as one step of a path: of a set of the Hub `hf--OWNER--NAME`, else the name itself.
    pub fn folder_name(&self) -> Cow<'_, str> {
        match self {
            Self::Hub(repository) => repository.folder_name().into(),
            name => name.as_str().into(),
        }
    }

    /// Whether it is a kind of set of which people have many, told apart by their folders.
    pub fn is_one_of_many(&self) -> bool {
        matches!(self, Self::Generated | Self::Folder | Self::Arrays)
    }

    /// Whether its images are photographs of any size, which are resized: [`folder::Options`](crate::folder::Options) says how.
    pub fn is_resized(&self) -> bool {
        matches!(self, Self::Folder | Self::ImageNet | Self::ResIn | Self::ImageNetC | Self::Hub(_))
    }

    /// Whether its images come with corruptions, one of which is read: see [`Corruption`](crate::Corruption).
    pub fn has_corruptions(&self) -> bool {
        matches!(self, Self::Cifar10C | Self::Cifar100C | Self::ImageNetC)
    }

    /// Whether the set can be fetched from where its authors publish it.
    pub fn can_be_fetched(&self) -> bool {
        matches!(self, Self::Cifar10 | Self::Cifar100 | Self::Hub(_))
    }

    /// What networks for these images usually normalise pixels with.
    pub fn normalisation(&self) -> Normalisation {
        match self {
            Self::Synthetic | Self::Cifar10 | Self::Generated | Self::Arrays => Normalisation::CIFAR10,
            Self::Cifar10C | Self::Cifar10V1 => Normalisation::CIFAR10,
            Self::Cifar100 | Self::Cifar100C => Normalisation::CIFAR100,
            Self::Mnist => Normalisation::MNIST,
            Self::FashionMnist => Normalisation::FASHION_MNIST,
            Self::Stl10 => Normalisation::STL10,
            Self::Svhn => Normalisation::SVHN,
            Self::Folder | Self::ImageNet | Self::ResIn | Self::ImageNetC => Normalisation::IMAGENET,
            Self::Hub(repository) => match repository.id().rsplit('/').next() {
                Some("cifar10") => Normalisation::CIFAR10,
                Some("cifar100") => Normalisation::CIFAR100,
                _ => Normalisation::IMAGENET,
            },
        }
    }

    /// Images in a usual training batch: 128, or 64 of the small synthetic set.
    pub fn training_batch_size(&self) -> usize {
        if *self == Self::Synthetic { SYNTHETIC_BATCH } else { TRAINING_BATCH }
    }

    /// Images in a usual batch of gradients with respect to pixels: 64.
    pub fn gradient_batch_size(&self) -> usize {
        GRADIENT_BATCH
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Name {
    type Err = Error;

    /// # Errors
    /// [`Error::UnknownName`], which lists the names.
    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(repository) = Repository::from_text(text) {
            return Ok(Self::Hub(repository));
        }
        // Shells and people write it in small letters too.
        let sought = if text == "resin" { "resIN" } else { text };
        let known = Self::ALL.into_iter().find(|name| name.as_str() == sought);
        known.ok_or_else(|| Error::UnknownName {
            found: text.to_owned(),
            known: Self::ALL.iter().map(|name| name.as_str().to_owned()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_its_text() -> Result<(), Error> {
        for name in Name::ALL {
            assert_eq!(name.as_str().parse::<Name>()?, name);
            assert_eq!(name.folder_name(), name.as_str());
        }
        assert_eq!("resin".parse::<Name>()?, Name::ResIn);
        assert_eq!("hf:a/b".parse::<Name>()?.folder_name(), "hf--a--b");
        for text in ["", "Cifar10", "hf:", "hf:../b", "hf:a/b/c"] {
            assert!(matches!(text.parse::<Name>(), Err(Error::UnknownName { .. })), "{text}");
        }
        Ok(())
    }

    #[test]
    fn a_set_of_the_hub_has_the_constants_of_its_images() -> Result<(), Error> {
        let of = |text: &str| text.parse::<Name>().map(|name| name.normalisation());
        assert_eq!(of("hf:uoft-cs/cifar10")?, Normalisation::CIFAR10);
        assert_eq!(of("hf:uoft-cs/cifar100")?, Normalisation::CIFAR100);
        assert_eq!(of("hf:zh-plus/tiny-imagenet")?, Normalisation::IMAGENET);
        Ok(())
    }
}
