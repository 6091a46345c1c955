//! Architectures by name: one file each, and the table of all of them.

mod alexnet;
mod convnext;
mod densenet;
mod efficientnet;
mod googlenet;
mod inception;
mod inception_imagenet;
mod maxvit;
mod mixer;
mod mnasnet;
mod mobile;
mod mobilenet_v2;
mod mobilenet_v3;
mod preact_resnet;
mod regnet;
mod resnet;
mod resnet_imagenet;
mod resnet_v2;
mod shufflenet;
mod squeezenet;
mod swin;
mod transformer;
mod vgg;
mod vgg_imagenet;
mod vit;
mod wide_resnet;

use crate::{
    error::Error,
    family::Family,
    graph::{Graph, Node, Op, TokenOp},
    normaliser::Normaliser,
    spelling::{self, Program, Spelling},
};

/// A named architecture: a recipe that builds the graph for a number of classes.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    name: &'static str,
    family: Family,
    build: fn(usize) -> Graph,
    /// The program whose names its weights have.
    origin: Option<Program>,
    /// How timm spells these names, where it has the network too.
    in_timm: Option<Spelling>,
}

/// A network for small images, from a publication.
const fn cifar(name: &'static str, build: fn(usize) -> Graph) -> Architecture {
    Architecture { name, family: Family::Cifar, build, origin: None, in_timm: None }
}

/// One for large images that is neither torchvision's nor timm's.
const fn other(name: &'static str, build: fn(usize) -> Graph) -> Architecture {
    Architecture { family: Family::Imagenet, ..cifar(name, build) }
}

const fn torchvision(name: &'static str, build: fn(usize) -> Graph) -> Architecture {
    Architecture { origin: Some(Program::Torchvision), ..other(name, build) }
}

const fn timm(name: &'static str, build: fn(usize) -> Graph) -> Architecture {
    Architecture { origin: Some(Program::Timm), ..other(name, build) }
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
    cifar("preact_resnet18", preact_resnet::preact_resnet::<18>),
    cifar("preact_resnet34", preact_resnet::preact_resnet::<34>),
    cifar("preact_resnet50", preact_resnet::preact_resnet::<50>),
    cifar("preact_resnet101", preact_resnet::preact_resnet::<101>),
    cifar("vgg11", vgg::vgg11),
    cifar("vgg13", vgg::vgg13),
    cifar("vgg16", vgg::vgg16),
    cifar("vgg19", vgg::vgg19),
    cifar("densenet121", densenet::cifar::<121>),
    cifar("densenet161", densenet::cifar::<161>),
    cifar("densenet169", densenet::cifar::<169>),
    cifar("densenet201", densenet::cifar::<201>),
    cifar("densenet_cifar", densenet::densenet_cifar),
    cifar("wide_resnet28_10", wide_resnet::relu::<28, 10>),
    cifar("wide_resnet34_10", wide_resnet::relu::<34, 10>),
    cifar("wide_resnet34_20", wide_resnet::relu::<34, 20>),
    cifar("wide_resnet70_16", wide_resnet::relu::<70, 16>),
    cifar("wide_resnet28_10_swish", wide_resnet::swish::<28, 10>),
    cifar("wide_resnet34_10_swish", wide_resnet::swish::<34, 10>),
    cifar("wide_resnet34_20_swish", wide_resnet::swish::<34, 20>),
    cifar("wide_resnet70_16_swish", wide_resnet::swish::<70, 16>),
    cifar("inceptionv3", inception::inceptionv3),
    cifar("convnext_atto", convnext::cifar),
    cifar("vit_tiny_patch4_32", vit::cifar),
    torchvision("resnet18", resnet_imagenet::plain::<18>).in_timm(spelling::same),
    torchvision("resnet34", resnet_imagenet::plain::<34>).in_timm(spelling::same),
    torchvision("resnet50", resnet_imagenet::plain::<50>).in_timm(spelling::same),
    torchvision("resnet101", resnet_imagenet::plain::<101>).in_timm(spelling::same),
    torchvision("resnet152", resnet_imagenet::plain::<152>).in_timm(spelling::same),
    torchvision("resnext50_32x4d", resnet_imagenet::resnext::<50, 4>).in_timm(spelling::same),
    torchvision("resnext101_32x8d", resnet_imagenet::resnext::<101, 8>).in_timm(spelling::same),
    torchvision("resnext101_64x4d", resnet_imagenet::resnext101_64x4d).in_timm(spelling::same),
    torchvision("wide_resnet50_2", resnet_imagenet::wide::<50, 2>).in_timm(spelling::same),
    other("wide_resnet50_3", resnet_imagenet::wide::<50, 3>),
    other("wide_resnet50_4", resnet_imagenet::wide::<50, 4>),
    other("wide_resnet50_5", resnet_imagenet::wide::<50, 5>),
    other("wide_resnet50_6", resnet_imagenet::wide::<50, 6>),
    torchvision("wide_resnet101_2", resnet_imagenet::wide::<101, 2>).in_timm(spelling::same),
    other("leaky_resnet18", resnet_imagenet::leaky::<18>),
    other("leaky_resnet34", resnet_imagenet::leaky::<34>),
    other("leaky_resnet50", resnet_imagenet::leaky::<50>),
    other("leaky_resnet101", resnet_imagenet::leaky::<101>),
    other("leaky_resnet152", resnet_imagenet::leaky::<152>),
    timm("resnet18d", resnet_imagenet::deep::<18>),
    timm("resnet34d", resnet_imagenet::deep::<34>),
    timm("resnet50d", resnet_imagenet::deep::<50>),
    timm("resnet101d", resnet_imagenet::deep::<101>),
    timm("resnetv2_50", resnet_v2::resnetv2_50),
    timm("resnetv2_101", resnet_v2::resnetv2_101),
    torchvision("densenet121", densenet::imagenet::<121>).in_timm(spelling::same),
    torchvision("densenet161", densenet::imagenet::<161>).in_timm(spelling::same),
    torchvision("densenet169", densenet::imagenet::<169>).in_timm(spelling::same),
    torchvision("densenet201", densenet::imagenet::<201>).in_timm(spelling::same),
    torchvision("vgg11", vgg_imagenet::plain::<11>).in_timm(spelling::vgg),
    torchvision("vgg13", vgg_imagenet::plain::<13>).in_timm(spelling::vgg),
    torchvision("vgg16", vgg_imagenet::plain::<16>).in_timm(spelling::vgg),
    torchvision("vgg19", vgg_imagenet::plain::<19>).in_timm(spelling::vgg),
    torchvision("vgg11_bn", vgg_imagenet::normalised::<11>).in_timm(spelling::vgg),
    torchvision("vgg13_bn", vgg_imagenet::normalised::<13>).in_timm(spelling::vgg),
    torchvision("vgg16_bn", vgg_imagenet::normalised::<16>).in_timm(spelling::vgg),
    torchvision("vgg19_bn", vgg_imagenet::normalised::<19>).in_timm(spelling::vgg),
    torchvision("alexnet", alexnet::alexnet),
    torchvision("squeezenet1_0", squeezenet::squeezenet1_0),
    torchvision("squeezenet1_1", squeezenet::squeezenet1_1),
    torchvision("mobilenet_v2", mobilenet_v2::mobilenet_v2).in_timm(spelling::mobilenet_v2),
    torchvision("mobilenet_v3_small", mobilenet_v3::mobilenet_v3_small),
    torchvision("mobilenet_v3_large", mobilenet_v3::mobilenet_v3_large),
    timm("mobilenetv3_small_100", mobilenet_v3::mobilenetv3_small_100),
    timm("mobilenetv3_large_100", mobilenet_v3::mobilenetv3_large_100),
    torchvision("mnasnet0_5", mnasnet::mnasnet::<50>),
    torchvision("mnasnet0_75", mnasnet::mnasnet::<75>),
    torchvision("mnasnet1_0", mnasnet::mnasnet::<100>),
    torchvision("mnasnet1_3", mnasnet::mnasnet::<130>),
    torchvision("efficientnet_b0", efficientnet::scaled::<0>).in_timm(spelling::efficientnet),
    torchvision("efficientnet_b1", efficientnet::scaled::<1>).in_timm(spelling::efficientnet),
    torchvision("efficientnet_b2", efficientnet::scaled::<2>).in_timm(spelling::efficientnet),
    torchvision("efficientnet_b3", efficientnet::scaled::<3>).in_timm(spelling::efficientnet),
    torchvision("efficientnet_b4", efficientnet::scaled::<4>).in_timm(spelling::efficientnet),
    torchvision("efficientnet_b5", efficientnet::scaled::<5>),
    torchvision("efficientnet_b6", efficientnet::scaled::<6>),
    torchvision("efficientnet_b7", efficientnet::scaled::<7>),
    timm("timm_efficientnet_b5", efficientnet::timm::<5>),
    timm("timm_efficientnet_b6", efficientnet::timm::<6>),
    timm("timm_efficientnet_b7", efficientnet::timm::<7>),
    torchvision("efficientnet_v2_s", efficientnet::v2_small),
    torchvision("efficientnet_v2_m", efficientnet::v2_medium),
    torchvision("efficientnet_v2_l", efficientnet::v2_large),
    torchvision("shufflenet_v2_x0_5", shufflenet::shufflenet::<5>),
    torchvision("shufflenet_v2_x1_0", shufflenet::shufflenet::<10>),
    torchvision("shufflenet_v2_x1_5", shufflenet::shufflenet::<15>),
    torchvision("shufflenet_v2_x2_0", shufflenet::shufflenet::<20>),
    torchvision("regnet_x_400mf", regnet::regnet_x::<400>).in_timm(spelling::regnet),
    torchvision("regnet_x_800mf", regnet::regnet_x::<800>).in_timm(spelling::regnet),
    torchvision("regnet_x_1_6gf", regnet::regnet_x::<1600>).in_timm(spelling::regnet),
    torchvision("regnet_x_3_2gf", regnet::regnet_x::<3200>).in_timm(spelling::regnet),
    torchvision("regnet_x_8gf", regnet::regnet_x::<8000>).in_timm(spelling::regnet),
    torchvision("regnet_x_16gf", regnet::regnet_x::<16000>).in_timm(spelling::regnet),
    torchvision("regnet_x_32gf", regnet::regnet_x::<32000>).in_timm(spelling::regnet),
    torchvision("regnet_y_400mf", regnet::regnet_y::<400>).in_timm(spelling::regnet),
    torchvision("regnet_y_800mf", regnet::regnet_y::<800>).in_timm(spelling::regnet),
    torchvision("regnet_y_1_6gf", regnet::regnet_y::<1600>).in_timm(spelling::regnet),
    torchvision("regnet_y_3_2gf", regnet::regnet_y::<3200>).in_timm(spelling::regnet),
    torchvision("regnet_y_8gf", regnet::regnet_y::<8000>).in_timm(spelling::regnet),
    torchvision("regnet_y_16gf", regnet::regnet_y::<16000>).in_timm(spelling::regnet),
    torchvision("regnet_y_32gf", regnet::regnet_y::<32000>).in_timm(spelling::regnet),
    torchvision("regnet_y_128gf", regnet::regnet_y::<128000>).in_timm(spelling::regnet),
    timm("regnety_002", regnet::timm_y::<200>),
    timm("regnety_006", regnet::timm_y::<600>),
    timm("regnety_008", regnet::timm_y::<800>),
    timm("regnety_040", regnet::timm_y::<4000>),
    timm("regnety_064", regnet::timm_y::<6400>),
    timm("regnety_080", regnet::timm_y::<8000>),
    torchvision("googlenet", googlenet::googlenet),
    torchvision("inception_v3", inception_imagenet::inception_v3).in_timm(spelling::same),
    torchvision("convnext_tiny", convnext::tiny).in_timm(spelling::convnext),
    torchvision("convnext_small", convnext::small).in_timm(spelling::convnext),
    torchvision("convnext_base", convnext::base).in_timm(spelling::convnext),
    torchvision("convnext_large", convnext::large).in_timm(spelling::convnext),
    timm("convnext_atto", convnext::timm::<40>),
    timm("convnext_femto", convnext::timm::<48>),
    timm("convnext_pico", convnext::timm::<64>),
    timm("convnext_nano", convnext::nano),
    timm("convnextv2_atto", convnext::second::<40>),
    timm("convnextv2_femto", convnext::second::<48>),
    timm("convnextv2_pico", convnext::second::<64>),
    timm("convnextv2_nano", convnext::second::<80>),
    timm("convnextv2_tiny", convnext::second_tiny),
    timm("convnextv2_base", convnext::second_base),
    torchvision("vit_b_16", vit::base::<16>).in_timm(spelling::vit),
    torchvision("vit_b_32", vit::base::<32>).in_timm(spelling::vit),
    torchvision("vit_l_16", vit::large::<16>).in_timm(spelling::vit),
    torchvision("vit_l_32", vit::large::<32>).in_timm(spelling::vit),
    torchvision("vit_h_14", vit::huge).in_timm(spelling::vit),
    timm("vit_tiny_patch16_224", vit::timm::<3, 16>),
    timm("vit_small_patch16_224", vit::timm::<6, 16>),
    timm("vit_small_patch32_224", vit::timm::<6, 32>),
    timm("deit_tiny_distilled_patch16_224", vit::distilled::<3>),
    timm("deit_small_distilled_patch16_224", vit::distilled::<6>),
    timm("deit_base_distilled_patch16_224", vit::distilled::<12>),
    timm("deit3_small_patch16_224", vit::third::<6>),
    timm("deit3_base_patch16_224", vit::third::<12>),
    torchvision("swin_t", swin::tiny).in_timm(spelling::swin),
    torchvision("swin_s", swin::small).in_timm(spelling::swin),
    torchvision("swin_b", swin::base).in_timm(spelling::swin),
    torchvision("swin_v2_t", swin::tiny_v2).in_timm(spelling::swin_v2),
    torchvision("swin_v2_s", swin::small_v2).in_timm(spelling::swin_v2),
    torchvision("swin_v2_b", swin::base_v2).in_timm(spelling::swin_v2),
    timm("swinv2_tiny_window16_256", swin::tiny_window16),
    timm("swinv2_small_window16_256", swin::small_window16),
    timm("swinv2_base_window16_256", swin::base_window16),
    torchvision("maxvit_t", maxvit::tiny),
    timm("mixer_s32_224", mixer::small::<32>),
    timm("mixer_s16_224", mixer::small::<16>),
    timm("mixer_b32_224", mixer::base::<32>),
    timm("mixer_b16_224", mixer::base::<16>),
];

impl Architecture {
    /// How timm spells the names of torchvision's weights, where both have the network.
    const fn in_timm(self, spelling: Spelling) -> Self {
        Self { in_timm: Some(spelling), ..self }
    }

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

    /// Whether a program has this network.
    pub fn is_in(&self, program: Program) -> bool {
        self.origin == Some(program) || (program == Program::Timm && self.in_timm.is_some())
    }

    /// What a program calls a weight of this network; nothing if it has no such network.
    ///
    /// ```
    /// use models::{Architecture, Program};
    ///
    /// let swin: Architecture = "swin_t".parse()?;
    /// let name = "features.1.0.mlp.0.bias";
    /// assert_eq!(swin.name_of_weight(Program::Torchvision, name).as_deref(), Some(name));
    /// let of_timm = swin.name_of_weight(Program::Timm, name);
    /// assert_eq!(of_timm.as_deref(), Some("layers.0.blocks.0.mlp.fc1.bias"));
    /// let alexnet: Architecture = "alexnet".parse()?;
    /// assert_eq!(alexnet.name_of_weight(Program::Timm, "features.0.bias"), None);
    /// # Ok::<(), models::Error>(())
    /// ```
    pub fn name_of_weight(&self, program: Program, name: &str) -> Option<String> {
        match (self.origin, self.in_timm) {
            (Some(Program::Torchvision), Some(spelling)) if program == Program::Timm => spelling(name),
            (origin, _) => (origin == Some(program)).then(|| name.to_owned()),
        }
    }

    /// Whether its attention is by cosines, without biases of keys.
    pub(crate) fn has_unit_vectors(&self) -> bool {
        let is_it = |node: &Node| matches!(node.op, Op::Tokens(TokenOp::UnitVectors { .. }));
        self.graph(1).nodes().iter().any(is_it)
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
