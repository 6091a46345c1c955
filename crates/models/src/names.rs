//! Names of architectures: as they are typed, and by kind.

use std::str::FromStr;

use crate::{architectures::Architecture, error::Error, family::Family, spelling::Program};

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
    ("swinv2_tiny_window8_256", "swin_v2_t"),
    ("swinv2_small_window8_256", "swin_v2_s"),
    ("swinv2_base_window8_256", "swin_v2_b"),
    ("mobilenetv2_100", "mobilenet_v2"),
    ("regnetx_004_tv", "regnet_x_400mf"),
    ("regnetx_008", "regnet_x_800mf"),
    ("regnetx_016", "regnet_x_1_6gf"),
    ("regnetx_032", "regnet_x_3_2gf"),
    ("regnetx_080", "regnet_x_8gf"),
    ("regnetx_160", "regnet_x_16gf"),
    ("regnetx_320", "regnet_x_32gf"),
    ("regnety_004", "regnet_y_400mf"),
    ("regnety_008_tv", "regnet_y_800mf"),
    ("regnety_016", "regnet_y_1_6gf"),
    ("regnety_032", "regnet_y_3_2gf"),
    ("regnety_080_tv", "regnet_y_8gf"),
    ("regnety_160", "regnet_y_16gf"),
    ("regnety_320", "regnet_y_32gf"),
    ("regnety_1280", "regnet_y_128gf"),
];

/// Kinds of networks, each before those that its name begins with.
const KINDS: [&str; 24] = [
    "resnetv2",
    "resnext",
    "resnet",
    "preact_resnet",
    "wide_resnet",
    "leaky_resnet",
    "vgg",
    "densenet",
    "inception",
    "googlenet",
    "alexnet",
    "squeezenet",
    "mobilenet",
    "mnasnet",
    "efficientnet",
    "shufflenet",
    "regnet",
    "convnextv2",
    "convnext",
    "vit",
    "deit",
    "swin",
    "maxvit",
    "mixer",
];

/// How many names an error proposes.
const PROPOSED: usize = 3;

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

impl FromStr for Architecture {
    type Err = Error;

    /// The architecture of a name; where both families have it, the one for small images (see [`Architecture::in_family`]). Names of timm
    /// may have its prefix `timm/`, and the tag of their weights. With the prefix it is timm's network, where torchvision's of that name is
    /// another.
    ///
    /// ```
    /// use models::{Architecture, Family};
    ///
    /// let resnet: Architecture = "resnet18".parse()?;
    /// assert_eq!(resnet.graph(10).parameters()["linear.weight"], [10, 512]);
    /// let deit: Architecture = "timm/deit_base_patch16_224.fb_in1k".parse()?;
    /// assert_eq!(deit.name(), "vit_b_16");
    /// assert_eq!("timm/resnet18".parse::<Architecture>()?.family(), Family::Imagenet);
    /// assert_eq!("timm/efficientnet_b5".parse::<Architecture>()?.name(), "timm_efficientnet_b5");
    /// assert_eq!("efficientnet_b5".parse::<Architecture>()?.name(), "efficientnet_b5");
    /// let error = "resnet81".parse::<Architecture>().unwrap_err();
    /// assert!(error.to_string().contains("resnet18"));
    /// # Ok::<(), models::Error>(())
    /// ```
    fn from_str(name: &str) -> Result<Self, Error> {
        let of_timm = name.strip_prefix("timm/");
        let plain = of_timm.unwrap_or(name);
        let plain = plain.split_once('.').map_or(plain, |(plain, _tag)| plain);
        let own = ALIASES.iter().find(|(alias, _)| *alias == plain).map_or(plain, |(_, own)| own);
        let mut all = Self::all().iter();
        let found = match of_timm {
            None => all.find(|known| known.name() == own),
            Some(_) => {
                let special = format!("timm_{plain}");
                let is_it = |known: &&Self| known.name() == special;
                all.clone()
                    .find(is_it)
                    .or_else(|| all.find(|known| known.name() == own && known.is_in(Program::Timm)))
            }
        };
        found.copied().ok_or_else(|| Error::UnknownArchitecture {
            found: name.to_owned(),
            nearest: nearest(plain),
            kinds: KINDS.join(", "),
        })
    }
}

impl Architecture {
    /// All names that are known, those of timm too, by kind of network.
    ///
    /// ```
    /// let kinds = models::Architecture::by_kind();
    /// let (_, mobile) = kinds.iter().find(|(kind, _)| *kind == "mobilenet").unwrap();
    /// assert_eq!(mobile[..2], ["mobilenet_v2", "mobilenet_v3_small"]);
    /// ```
    pub fn by_kind() -> Vec<(&'static str, Vec<&'static str>)> {
        let mut kinds: Vec<(&str, Vec<&str>)> = KINDS.iter().map(|kind| (*kind, Vec::new())).collect();
        for name in known_names() {
            let names = kinds.iter_mut().find(|(own, _)| Some(*own) == kind(name)).map(|(_, names)| names);
            names.into_iter().filter(|names| !names.contains(&name)).for_each(|names| names.push(name));
        }
        kinds
    }
}

/// The kind of network that a name is of.
fn kind(name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("timm_").unwrap_or(name);
    KINDS.into_iter().find(|kind| name.starts_with(kind))
}

/// Every name, those of timm too.
fn known_names() -> impl Iterator<Item = &'static str> {
    Architecture::all().iter().map(Architecture::name).chain(ALIASES.iter().map(|(alias, _)| *alias))
}

/// The names that need the fewest edits, if most of their letters stay; each once.
fn nearest(name: &str) -> Vec<&'static str> {
    let distance = |known: &'static str| (strsim::damerau_levenshtein(known, name), known);
    let mut all: Vec<(usize, &str)> = known_names().map(distance).collect();
    all.sort_by_key(|&(edits, _)| edits);
    let mut found = Vec::new();
    for (_, known) in all.into_iter().filter(|(edits, known)| 2 * edits < known.len()) {
        if found.len() < PROPOSED && !found.contains(&known) {
            found.push(known);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_like_others_are_taken_for_them() {
        assert_eq!(nearest("resnet81")[0], "resnet18");
        assert_eq!(nearest("vgg-16")[0], "vgg16");
        assert_eq!(nearest("foo"), Vec::<&str>::new());
        assert_eq!(nearest("resnet").len(), PROPOSED);
    }

    #[test]
    fn every_name_has_a_kind() {
        let listed: usize = Architecture::by_kind().iter().map(|(_, names)| names.len()).sum();
        let all: std::collections::BTreeSet<&str> = known_names().collect();
        assert_eq!(listed, all.len());
        assert!(Architecture::by_kind().iter().all(|(_, names)| !names.is_empty()));
    }

    #[test]
    fn a_name_of_timm_is_no_other_networks() -> Result<(), Error> {
        for name in ["timm/alexnet", "timm/resnet20", "timm/leaky_resnet18"] {
            assert!(name.parse::<Architecture>().is_err(), "{name}");
        }
        assert_eq!("timm/mobilenetv2_100.ra_in1k".parse::<Architecture>()?.name(), "mobilenet_v2");
        assert_eq!("mixer_b16_224".parse::<Architecture>()?, "timm/mixer_b16_224".parse()?);
        Ok(())
    }
}
