//! Architectures by name: one file each, and the table of all of them.

mod alexnet;
mod convnext;
mod densenet;
mod efficientnet;
mod googlenet;
mod inception;
mod inception_imagenet;
mod maxvit;
mod mnasnet;
mod mobile;
mod mobilenet_v2;
mod mobilenet_v3;
mod preact_resnet;
mod regnet;
mod resnet;
mod resnet_imagenet;
mod shufflenet;
mod squeezenet;
mod swin;
mod transformer;
mod vgg;
mod vgg_imagenet;
mod vit;
mod wide_resnet;

use std::str::FromStr;

use crate::{error::Error, family::Family, graph::Graph, normaliser::Normaliser};

impl FromStr for Family {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "cifar" => Ok(Self::Cifar),
            "imagenet" => Ok(Self::Imagenet),
            _ => Err(Error::UnknownFamily { found: name.to_owned() }),
        }
    }
}

/// A named architecture: a recipe that builds the graph for a number of classes.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    name: &'static str,
    family: Family,
    build: fn(usize) -> Graph,
}

const fn cifar(name: &'static str, build: fn(usize) -> Graph) -> Architecture {
    Architecture { name, family: Family::Cifar, build }
}

const fn imagenet(name: &'static str, build: fn(usize) -> Graph) -> Architecture {
    Architecture { name, family: Family::Imagenet, build }
}

/// Every architecture, in the order in which help texts list them. Adding one is a line here and a function that
/// builds its graph.
const ARCHITECTURES: &[Architecture] = &[
    cifar("resnet18", resnet::resnet18),
    cifar("resnet34", resnet::resnet34),
    cifar("resnet50", resnet::resnet50),
    cifar("resnet101", resnet::resnet101),
    cifar("resnet152", resnet::resnet152),
    cifar("resnet18thin", resnet::resnet18thin),
    cifar("resnet18wide", resnet::resnet18wide),
    cifar("resnet20", resnet::resnet20),
    cifar("resnet32", resnet::resnet32),
    cifar("resnet44", resnet::resnet44),
    cifar("resnet56", resnet::resnet56),
    cifar("resnet110", resnet::resnet110),
    cifar("resnet20_b", resnet::projected::<3>),
    cifar("resnet32_b", resnet::projected::<5>),
    cifar("resnet44_b", resnet::projected::<7>),
    cifar("resnet56_b", resnet::projected::<9>),
    cifar("resnet110_b", resnet::projected::<18>),
    cifar("preact_resnet18", preact_resnet::preact_resnet18),
    cifar("vgg11", vgg::vgg11),
    cifar("vgg13", vgg::vgg13),
    cifar("vgg16", vgg::vgg16),
    cifar("vgg19", vgg::vgg19),
    cifar("densenet121", densenet::cifar::<121>),
    cifar("densenet161", densenet::cifar::<161>),
    cifar("densenet169", densenet::cifar::<169>),
    cifar("densenet201", densenet::cifar::<201>),
    cifar("densenet_cifar", densenet::densenet_cifar),
    cifar("wide_resnet28_10", wide_resnet::wide_resnet28_10),
    cifar("wide_resnet34_10", wide_resnet::wide_resnet34_10),
    cifar("inceptionv3", inception::inceptionv3),
    cifar("convnext_atto", convnext::cifar),
    cifar("vit_tiny_patch4_32", vit::cifar),
    imagenet("resnet18", resnet_imagenet::plain::<18>),
    imagenet("resnet34", resnet_imagenet::plain::<34>),
    imagenet("resnet50", resnet_imagenet::plain::<50>),
    imagenet("resnet101", resnet_imagenet::plain::<101>),
    imagenet("resnet152", resnet_imagenet::plain::<152>),
    imagenet("resnext50_32x4d", resnet_imagenet::resnext::<50, 4>),
    imagenet("resnext101_32x8d", resnet_imagenet::resnext::<101, 8>),
    imagenet("resnext101_64x4d", resnet_imagenet::resnext101_64x4d),
    imagenet("wide_resnet50_2", resnet_imagenet::wide::<50, 2>),
    imagenet("wide_resnet50_3", resnet_imagenet::wide::<50, 3>),
    imagenet("wide_resnet50_4", resnet_imagenet::wide::<50, 4>),
    imagenet("wide_resnet50_5", resnet_imagenet::wide::<50, 5>),
    imagenet("wide_resnet50_6", resnet_imagenet::wide::<50, 6>),
    imagenet("wide_resnet101_2", resnet_imagenet::wide::<101, 2>),
    imagenet("leaky_resnet18", resnet_imagenet::leaky::<18>),
    imagenet("leaky_resnet34", resnet_imagenet::leaky::<34>),
    imagenet("leaky_resnet50", resnet_imagenet::leaky::<50>),
    imagenet("leaky_resnet101", resnet_imagenet::leaky::<101>),
    imagenet("leaky_resnet152", resnet_imagenet::leaky::<152>),
    imagenet("densenet121", densenet::imagenet::<121>),
    imagenet("densenet161", densenet::imagenet::<161>),
    imagenet("densenet169", densenet::imagenet::<169>),
    imagenet("densenet201", densenet::imagenet::<201>),
    imagenet("vgg11", vgg_imagenet::plain::<11>),
    imagenet("vgg13", vgg_imagenet::plain::<13>),
    imagenet("vgg16", vgg_imagenet::plain::<16>),
    imagenet("vgg19", vgg_imagenet::plain::<19>),
    imagenet("vgg11_bn", vgg_imagenet::normalised::<11>),
    imagenet("vgg13_bn", vgg_imagenet::normalised::<13>),
    imagenet("vgg16_bn", vgg_imagenet::normalised::<16>),
    imagenet("vgg19_bn", vgg_imagenet::normalised::<19>),
    imagenet("alexnet", alexnet::alexnet),
    imagenet("squeezenet1_0", squeezenet::squeezenet1_0),
    imagenet("squeezenet1_1", squeezenet::squeezenet1_1),
    imagenet("mobilenet_v2", mobilenet_v2::mobilenet_v2),
    imagenet("mobilenet_v3_small", mobilenet_v3::mobilenet_v3_small),
    imagenet("mobilenet_v3_large", mobilenet_v3::mobilenet_v3_large),
    imagenet("mnasnet0_5", mnasnet::mnasnet::<50>),
    imagenet("mnasnet0_75", mnasnet::mnasnet::<75>),
    imagenet("mnasnet1_0", mnasnet::mnasnet::<100>),
    imagenet("mnasnet1_3", mnasnet::mnasnet::<130>),
    imagenet("efficientnet_b0", efficientnet::scaled::<0>),
    imagenet("efficientnet_b1", efficientnet::scaled::<1>),
    imagenet("efficientnet_b2", efficientnet::scaled::<2>),
    imagenet("efficientnet_b3", efficientnet::scaled::<3>),
    imagenet("efficientnet_b4", efficientnet::scaled::<4>),
    imagenet("efficientnet_b5", efficientnet::scaled::<5>),
    imagenet("efficientnet_b6", efficientnet::scaled::<6>),
    imagenet("efficientnet_b7", efficientnet::scaled::<7>),
    imagenet("efficientnet_v2_s", efficientnet::v2_small),
    imagenet("efficientnet_v2_m", efficientnet::v2_medium),
    imagenet("efficientnet_v2_l", efficientnet::v2_large),
    imagenet("shufflenet_v2_x0_5", shufflenet::shufflenet::<5>),
    imagenet("shufflenet_v2_x1_0", shufflenet::shufflenet::<10>),
    imagenet("shufflenet_v2_x1_5", shufflenet::shufflenet::<15>),
    imagenet("shufflenet_v2_x2_0", shufflenet::shufflenet::<20>),
    imagenet("regnet_x_400mf", regnet::regnet_x::<400>),
    imagenet("regnet_x_800mf", regnet::regnet_x::<800>),
    imagenet("regnet_x_1_6gf", regnet::regnet_x::<1600>),
    imagenet("regnet_x_3_2gf", regnet::regnet_x::<3200>),
    imagenet("regnet_x_8gf", regnet::regnet_x::<8000>),
    imagenet("regnet_x_16gf", regnet::regnet_x::<16000>),
    imagenet("regnet_x_32gf", regnet::regnet_x::<32000>),
    imagenet("regnet_y_400mf", regnet::regnet_y::<400>),
    imagenet("regnet_y_800mf", regnet::regnet_y::<800>),
    imagenet("regnet_y_1_6gf", regnet::regnet_y::<1600>),
    imagenet("regnet_y_3_2gf", regnet::regnet_y::<3200>),
    imagenet("regnet_y_8gf", regnet::regnet_y::<8000>),
    imagenet("regnet_y_16gf", regnet::regnet_y::<16000>),
    imagenet("regnet_y_32gf", regnet::regnet_y::<32000>),
    imagenet("regnet_y_128gf", regnet::regnet_y::<128000>),
    imagenet("googlenet", googlenet::googlenet),
    imagenet("inception_v3", inception_imagenet::inception_v3),
    imagenet("convnext_tiny", convnext::tiny),
    imagenet("convnext_small", convnext::small),
    imagenet("convnext_base", convnext::base),
    imagenet("convnext_large", convnext::large),
    imagenet("convnext_atto", convnext::timm::<40>),
    imagenet("convnext_femto", convnext::timm::<48>),
    imagenet("convnext_pico", convnext::timm::<64>),
    imagenet("convnext_nano", convnext::nano),
    imagenet("vit_b_16", vit::base::<16>),
    imagenet("vit_b_32", vit::base::<32>),
    imagenet("vit_l_16", vit::large::<16>),
    imagenet("vit_l_32", vit::large::<32>),
    imagenet("vit_h_14", vit::huge),
    imagenet("vit_tiny_patch16_224", vit::timm::<3, 16>),
    imagenet("vit_small_patch16_224", vit::timm::<6, 16>),
    imagenet("vit_small_patch32_224", vit::timm::<6, 32>),
    imagenet("swin_t", swin::tiny),
    imagenet("swin_s", swin::small),
    imagenet("swin_b", swin::base),
    imagenet("maxvit_t", maxvit::tiny),
];

/// Other names of the same networks.
const ALIASES: &[(&str, &str)] = &[
    ("vit_base_patch16_224", "vit_b_16"),
    ("vit_base_patch32_224", "vit_b_32"),
    ("vit_large_patch16_224", "vit_l_16"),
    ("vit_large_patch32_224", "vit_l_32"),
    ("vit_huge_patch14_224", "vit_h_14"),
    ("deit_tiny_patch16_224", "vit_tiny_patch16_224"),
    ("deit_small_patch16_224", "vit_small_patch16_224"),
    ("deit_base_patch16_224", "vit_b_16"),
    ("swin_tiny_patch4_window7_224", "swin_t"),
    ("swin_small_patch4_window7_224", "swin_s"),
    ("swin_base_patch4_window7_224", "swin_b"),
];

impl Architecture {
    /// All of them.
    pub fn all() -> &'static [Self] {
        ARCHITECTURES
    }

    /// The name, which [`str::parse`] takes.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What images it is made for.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The architecture of the same name for other images.
    ///
    /// # Errors
    /// If that family has none of this name.
    ///
    /// ```
    /// use models::{Architecture, Family};
    ///
    /// let resnet: Architecture = "resnet18".parse()?;
    /// assert_eq!(resnet.in_family(Family::Imagenet)?.graph(1000).parameters()["fc.weight"], [1000, 512]);
    /// let error = "alexnet".parse::<Architecture>()?.in_family(Family::Cifar).unwrap_err();
    /// assert!(error.to_string().contains("imagenet"));
    /// # Ok::<(), models::Error>(())
    /// ```
    pub fn in_family(&self, family: Family) -> Result<Self, Error> {
        let same = ARCHITECTURES.iter().find(|known| known.name == self.name && known.family == family);
        same.copied().ok_or(Error::OtherFamily { name: self.name, has: self.family, asked: family })
    }

    /// Networks of the same name in other publications, whose weights go by this name too: of the small ResNets of He et al. those
    /// whose shortcuts have weights (option B).
    ///
    /// ```
    /// let resnet: models::Architecture = "resnet20".parse()?;
    /// assert_eq!(resnet.variants().map(|other| other.name()).collect::<Vec<_>>(), ["resnet20_b"]);
    /// # Ok::<(), models::Error>(())
    /// ```
    pub fn variants(&self) -> impl Iterator<Item = Self> {
        let (name, own, family) = (format!("{}_b", self.name), self.name, self.family);
        let is_variant = move |other: &Self| match other.family == family {
            true => other.name == name,
            false => other.name == own,
        };
        ARCHITECTURES.iter().copied().filter(is_variant)
    }

    /// The normaliser that published weights expect, where it is another than that of their data set: torchvision's GoogLeNet and
    /// Inception-v3, which are TensorFlow's. (Their `transform_input` makes of pixels with ImageNet's mean and deviation these.)
    ///
    /// ```
    /// use models::{Architecture, Normaliser};
    ///
    /// let googlenet: Architecture = "googlenet".parse()?;
    /// assert_eq!(googlenet.published_normaliser(), Some(Normaliser::HALF));
    /// assert_eq!("resnet50".parse::<Architecture>()?.published_normaliser(), None);
    /// # Ok::<(), models::Error>(())
    /// ```
    pub fn published_normaliser(&self) -> Option<Normaliser> {
        let is_from_tensorflow = ["googlenet", "inception_v3"].contains(&self.name);
        is_from_tensorflow.then_some(Normaliser::HALF)
    }

    /// Whether both families have an architecture of its name.
    pub fn in_both_families(&self) -> bool {
        ARCHITECTURES.iter().any(|other| other.name == self.name && other.family != self.family)
    }

    /// The network for `classes` classes.
    pub fn graph(&self, classes: usize) -> Graph {
        (self.build)(classes)
    }
}

impl PartialEq for Architecture {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.family == other.family
    }
}

impl FromStr for Architecture {
    type Err = Error;

    /// The architecture of a name; where both families have it, the one for small images (see [`Architecture::in_family`]). Names of timm
    /// may have its prefix `timm/`, and the tag of their weights.
    ///
    /// ```
    /// let resnet: models::Architecture = "resnet18".parse()?;
    /// assert_eq!(resnet.graph(10).parameters()["linear.weight"], [10, 512]);
    /// let deit: models::Architecture = "timm/deit_base_patch16_224.fb_in1k".parse()?;
    /// assert_eq!(deit.name(), "vit_b_16");
    /// let error = "resnet81".parse::<models::Architecture>().unwrap_err();
    /// assert!(error.to_string().contains("resnet18"));
    /// # Ok::<(), models::Error>(())
    /// ```
    fn from_str(name: &str) -> Result<Self, Error> {
        let plain = name.strip_prefix("timm/").unwrap_or(name);
        let plain = plain.split_once('.').map_or(plain, |(plain, _tag)| plain);
        let own = ALIASES.iter().find(|(alias, _)| *alias == plain).map_or(plain, |(_, own)| own);
        ARCHITECTURES.iter().find(|known| known.name == own).copied().ok_or_else(|| {
            Error::UnknownArchitecture {
                found: name.to_owned(),
                nearest: nearest(name),
                known: names().join(", "),
            }
        })
    }
}

/// Every name once.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for known in ARCHITECTURES {
        if !names.contains(&known.name) {
            names.push(known.name);
        }
    }
    names
}

/// Every name, those of timm too.
fn known_names() -> impl Iterator<Item = &'static str> {
    ARCHITECTURES.iter().map(|known| known.name).chain(ALIASES.iter().map(|(alias, _)| *alias))
}

/// The name that needs the fewest edits, if most of its letters stay.
fn nearest(name: &str) -> Option<&'static str> {
    let distances = known_names().map(|known| (strsim::damerau_levenshtein(known, name), known));
    let (edits, nearest) = distances.min_by_key(|&(edits, _)| edits)?;
    (2 * edits < nearest.len()).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_a_name_like_another_is_taken_for_it() {
        assert_eq!(nearest("resnet81"), Some("resnet18"));
        assert_eq!(nearest("vgg-16"), Some("vgg16"));
        assert_eq!(nearest("foo"), None);
    }
}
