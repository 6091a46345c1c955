//! The same network under other names.

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
pub(crate) fn spellings(names: &[String], head: &str) -> Vec<Spelling> {
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
    for (whose, spell) in OTHERS {
        if let Some(names) = names.iter().map(|name| spell(name)).collect::<Option<Vec<String>>>() {
            all.push(Spelling { whose: Some((*whose).to_owned()), names });
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
    ("the names of timm", timm_vgg),
    ("the names of timm", timm_convnext),
    ("the names of timm", timm_vit),
    ("the names of timm", timm_swin),
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

/// VGG's linear layers, the first two of which are convolutions there.
fn timm_vgg(name: &str) -> Option<String> {
    let layers = [
        ("classifier.0.", "pre_logits.fc1."),
        ("classifier.3.", "pre_logits.fc2."),
        ("classifier.6.", "head.fc."),
    ];
    if name.starts_with("features.") {
        return Some(name.to_owned());
    }
    begun(name, &layers)
}

/// A name that begins as one of a table, with the beginning beside it.
fn begun(name: &str, table: &[(&str, &str)]) -> Option<String> {
    table.iter().find_map(|(own, other)| Some(format!("{other}{}", name.strip_prefix(own)?)))
}

/// torchvision's ConvNeXt: stages and what lies between them have even and odd numbers there.
fn timm_convnext(name: &str) -> Option<String> {
    let (module, rest) = name.split_once('.')?;
    let parts: Vec<&str> = rest.split('.').collect();
    let heads = [("classifier.0.", "head.norm."), ("classifier.2.", "head.fc.")];
    if let Some(renamed) = begun(name, &heads) {
        return Some(renamed);
    }
    let number: usize = parts.first()?.parse().ok()?;
    let stage = number / 2;
    match (module, &parts[1..]) {
        ("features", [part, field]) if number == 0 => Some(format!("stem.{part}.{field}")),
        ("features", [part, field]) if number.is_multiple_of(2) => {
            Some(format!("stages.{stage}.downsample.{part}.{field}"))
        }
        ("features", [block, "layer_scale"]) => Some(format!("stages.{stage}.blocks.{block}.gamma")),
        ("features", [block, "block", part, field]) => {
            let part = match *part {
                "0" => "conv_dw",
                "2" => "norm",
                "3" => "mlp.fc1",
                "5" => "mlp.fc2",
                _ => return None,
            };
            Some(format!("stages.{stage}.blocks.{block}.{part}.{field}"))
        }
        _ => None,
    }
}

/// torchvision's vision transformers.
fn timm_vit(name: &str) -> Option<String> {
    let whole = [
        ("conv_proj.", "patch_embed.proj."),
        ("encoder.ln.", "norm."),
        ("heads.head.", "head."),
        ("class_token", "cls_token"),
        ("encoder.pos_embedding", "pos_embed"),
    ];
    if let Some(renamed) = begun(name, &whole) {
        return Some(renamed);
    }
    let (block, rest) = name.strip_prefix("encoder.layers.encoder_layer_")?.split_once('.')?;
    let parts = [
        ("ln_1.", "norm1."),
        ("self_attention.in_proj_", "attn.qkv."),
        ("self_attention.out_proj.", "attn.proj."),
        ("ln_2.", "norm2."),
        ("mlp.0.", "mlp.fc1."),
        ("mlp.3.", "mlp.fc2."),
    ];
    begun(rest, &parts).map(|rest| format!("blocks.{block}.{rest}"))
}

/// torchvision's Swin transformers.
fn timm_swin(name: &str) -> Option<String> {
    let whole = [
        ("features.0.0.", "patch_embed.proj."),
        ("features.0.2.", "patch_embed.norm."),
        ("norm.", "norm."),
        ("head.", "head.fc."),
    ];
    if let Some(renamed) = begun(name, &whole) {
        return Some(renamed);
    }
    let (number, rest) = name.strip_prefix("features.")?.split_once('.')?;
    let number: usize = number.parse().ok()?;
    if number.is_multiple_of(2) {
        return Some(format!("layers.{}.downsample.{rest}", number / 2));
    }
    let (block, rest) = rest.split_once('.')?;
    let rest = rest.replace("mlp.0.", "mlp.fc1.").replace("mlp.3.", "mlp.fc2.");
    Some(format!("layers.{}.blocks.{block}.{rest}", number / 2))
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
        assert_eq!(timm_vgg("classifier.6.bias").as_deref(), Some("head.fc.bias"));
        assert_eq!(timm_vgg("fc.bias"), None);
        let convnext = |name: &str| timm_convnext(name).unwrap_or_default();
        assert_eq!(convnext("features.0.1.bias"), "stem.1.bias");
        assert_eq!(convnext("features.2.1.weight"), "stages.1.downsample.1.weight");
        assert_eq!(convnext("features.5.8.block.5.weight"), "stages.2.blocks.8.mlp.fc2.weight");
        assert_eq!(convnext("features.7.0.layer_scale"), "stages.3.blocks.0.gamma");
        let vit = |name: &str| timm_vit(name).unwrap_or_default();
        assert_eq!(vit("class_token"), "cls_token");
        let block = "encoder.layers.encoder_layer_11";
        assert_eq!(vit(&format!("{block}.self_attention.in_proj_bias")), "blocks.11.attn.qkv.bias");
        assert_eq!(vit(&format!("{block}.mlp.3.weight")), "blocks.11.mlp.fc2.weight");
        let swin = |name: &str| timm_swin(name).unwrap_or_default();
        assert_eq!(swin("features.0.2.bias"), "patch_embed.norm.bias");
        assert_eq!(swin("features.4.reduction.weight"), "layers.2.downsample.reduction.weight");
        assert_eq!(swin("features.7.1.attn.qkv.bias"), "layers.3.blocks.1.attn.qkv.bias");
        assert_eq!(swin("features.1.0.mlp.3.bias"), "layers.0.blocks.0.mlp.fc2.bias");
    }

    #[test]
    fn the_own_names_come_first() {
        let names = ["linear.weight", "layer2.0.shortcut.0.weight"].map(str::to_owned);
        let found = spellings(&names, "linear");
        assert_eq!(found[0], Spelling { whose: None, names: names.to_vec() });
        let torchvision =
            found.iter().find(|spelling| spelling.names == ["fc.weight", "layer2.0.downsample.0.weight"]);
        let words = "`fc` for `linear`, `downsample` for `shortcut`";
        assert_eq!(torchvision.and_then(|spelling| spelling.whose.as_deref()), Some(words));
    }
}
