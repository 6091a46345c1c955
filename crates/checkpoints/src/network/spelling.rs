//! The same network under other names.

use models::{Architecture, Program};

/// The names of an architecture's weights as a family of programs spells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spelling {
    /// Whose names they are, where they are not the architecture's own.
    pub(crate) whose: Option<String>,
    /// In the order of the architecture's names.
    pub(crate) names: Vec<String>,
}

/// What people call the last layer.
const HEADS: [&str; 9] =
    ["linear", "fc", "classifier", "head", "head.fc", "last_linear", "output", "logits", "classifier.1"];

/// What people call the module of a projection in a residual block.
const SHORTCUTS: [&str; 2] = ["shortcut", "downsample"];

/// All spellings of the names of an architecture whose last layer is `head`, its own first.
pub(crate) fn spellings(architecture: Architecture, names: &[String], head: &str) -> Vec<Spelling> {
    let mut all = Vec::new();
    let shortcut = SHORTCUTS.into_iter().find(|module| names.iter().any(|name| has_module(name, module)));
    let shortcuts: Vec<&str> = match shortcut {
        Some(own) => {
            std::iter::once(own).chain(SHORTCUTS.into_iter().filter(|other| *other != own)).collect()
        }
        None => vec![""],
    };
    let heads: Vec<&str> = match HEADS.contains(&head) {
        true => std::iter::once(head).chain(HEADS.into_iter().filter(|other| *other != head)).collect(),
        false => vec![head],
    };
    for &other_shortcut in &shortcuts {
        for &other_head in &heads {
            let spell = |name: &String| {
                let name = renamed(name, head, other_head);
                shortcut.map_or(name.clone(), |own| module_renamed(&name, own, other_shortcut))
            };
            let mut changes = Vec::new();
            if other_head != head {
                changes.push(format!("`{other_head}` for `{head}`"));
            }
            if let Some(own) = shortcut.filter(|own| *own != other_shortcut) {
                changes.push(format!("`{other_shortcut}` for `{own}`"));
            }
            let whose = (!changes.is_empty()).then(|| changes.join(", "));
            all.push(Spelling { whose, names: names.iter().map(spell).collect() });
        }
    }
    let of_timm = |name: &String| architecture.name_of_weight(Program::Timm, name);
    let of_timm = ("the names of timm", names.iter().map(of_timm).collect::<Option<Vec<String>>>());
    let others = OTHERS.iter().map(|(whose, spell)| (*whose, names.iter().map(|name| spell(name)).collect()));
    for (whose, names) in std::iter::once(of_timm).chain(others) {
        // Some are those of another program too.
        let is_new = |names: &Vec<String>| all.iter().all(|other: &Spelling| other.names != *names);
        if let Some(names) = names.filter(is_new) {
            all.push(Spelling { whose: Some(whose.to_owned()), names });
        }
    }
    all
}

/// Another name of a weight; none for one that is not there.
type Respelling = fn(&str) -> Option<String>;

/// Programs whose names have another form altogether.
const OTHERS: &[(&str, Respelling)] = &[
    ("the names of torchvision before 0.3", dotted_layers),
    ("the names of Hugging Face's transformers", hugging_face_resnet),
];

fn renamed(name: &str, module: &str, other: &str) -> String {
    match name.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')) {
        Some(rest) => format!("{other}.{rest}"),
        None => name.to_owned(),
    }
}

fn has_module(name: &str, module: &str) -> bool {
    name.split('.').any(|part| part == module)
}

fn module_renamed(name: &str, module: &str, other: &str) -> String {
    name.split('.').map(|part| if part == module { other } else { part }).collect::<Vec<_>>().join(".")
}

/// `denselayer1.norm1` → `denselayer1.norm.1`.
fn dotted_layers(name: &str) -> Option<String> {
    if !name.starts_with("features.") && !name.starts_with("classifier.") {
        return None;
    }
    let parts = name.split('.').map(|part| match part {
        "norm1" => "norm.1",
        "norm2" => "norm.2",
        "conv1" => "conv.1",
        "conv2" => "conv.2",
        part => part,
    });
    Some(parts.collect::<Vec<_>>().join("."))
}

/// `layer1.0.conv1.weight` → `encoder.stages.0.layers.0.layer.0.convolution.weight`.
fn hugging_face_resnet(name: &str) -> Option<String> {
    let kind = |part: &str| if part.starts_with("conv") { "convolution" } else { "normalization" };
    match name.split('.').collect::<Vec<_>>()[..] {
        ["conv1" | "bn1", field] => Some(format!("resnet.embedder.embedder.{}.{field}", kind(name))),
        ["fc", field] => Some(format!("classifier.1.{field}")),
        [stage, block, "downsample", part, field] => {
            let stage: usize = stage.strip_prefix("layer")?.parse().ok()?;
            let kind = if part == "0" { "convolution" } else { "normalization" };
            Some(format!(
                "resnet.encoder.stages.{}.layers.{block}.shortcut.{kind}.{field}",
                stage.checked_sub(1)?
            ))
        }
        [stage, block, part, field] => {
            let stage: usize = stage.strip_prefix("layer")?.parse().ok()?;
            let layer: usize = part.trim_start_matches("conv").trim_start_matches("bn").parse().ok()?;
            Some(format!(
                "resnet.encoder.stages.{}.layers.{block}.layer.{}.{}.{field}",
                stage.checked_sub(1)?,
                layer.checked_sub(1)?,
                kind(part)
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_others_have_them() {
        assert_eq!(renamed("linear.weight", "linear", "fc"), "fc.weight");
        assert_eq!(renamed("linear1.weight", "linear", "fc"), "linear1.weight");
        assert_eq!(
            module_renamed("layer1.0.shortcut.1.bias", "shortcut", "downsample"),
            "layer1.0.downsample.1.bias"
        );
        assert_eq!(
            dotted_layers("features.denseblock1.denselayer1.norm1.weight").as_deref(),
            Some("features.denseblock1.denselayer1.norm.1.weight")
        );
        let hugging_face = |name: &str| hugging_face_resnet(name).unwrap_or_default();
        assert_eq!(hugging_face("bn1.weight"), "resnet.embedder.embedder.normalization.weight");
        assert_eq!(
            hugging_face("layer2.0.conv3.weight"),
            "resnet.encoder.stages.1.layers.0.layer.2.convolution.weight"
        );
        assert_eq!(
            hugging_face("layer2.0.downsample.1.bias"),
            "resnet.encoder.stages.1.layers.0.shortcut.normalization.bias"
        );
    }

    #[test]
    fn the_own_names_come_first() -> Result<(), models::Error> {
        let resnet: Architecture = "resnet20_b".parse()?;
        let names = ["linear.weight", "layer2.0.shortcut.0.weight"].map(str::to_owned);
        let found = spellings(resnet, &names, "linear");
        assert_eq!(found[0], Spelling { whose: None, names: names.to_vec() });
        let torchvision =
            found.iter().find(|spelling| spelling.names == ["fc.weight", "layer2.0.downsample.0.weight"]);
        let words = "`fc` for `linear`, `downsample` for `shortcut`";
        assert_eq!(torchvision.and_then(|spelling| spelling.whose.as_deref()), Some(words));
        Ok(())
    }

    #[test]
    fn timm_names_what_it_has() -> Result<(), models::Error> {
        let is_respelled = |name: &str| {
            let architecture: Architecture = name.parse()?;
            let names: Vec<String> = architecture.graph(2).shapes().into_keys().collect();
            let found = spellings(architecture, &names, "");
            Ok::<_, models::Error>(
                found.iter().any(|spelling| spelling.whose.as_deref() == Some("the names of timm")),
            )
        };
        assert!(is_respelled("swin_v2_t")?);
        // timm's network of this name is another, with the same shapes; and its own has its names.
        assert!(!is_respelled("efficientnet_b5")? && !is_respelled("convnextv2_atto")?);
        Ok(())
    }
}
