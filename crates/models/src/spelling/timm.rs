//! timm's names of torchvision's networks, by torchvision's names.

/// Networks whose names are torchvision's.
pub(crate) fn same(name: &str) -> Option<String> {
    Some(name.to_owned())
}

/// A name that begins as one of a table, with the beginning beside it.
fn begun(name: &str, table: &[(&str, &str)]) -> Option<String> {
    table.iter().find_map(|(own, other)| Some(format!("{other}{}", name.strip_prefix(own)?)))
}

/// VGG's linear layers, the first two of which are convolutions there.
pub(crate) fn vgg(name: &str) -> Option<String> {
    let layers = [
        ("features.", "features."),
        ("classifier.0.", "pre_logits.fc1."),
        ("classifier.3.", "pre_logits.fc2."),
        ("classifier.6.", "head.fc."),
    ];
    begun(name, &layers)
}

/// ConvNeXt: stages and what lies between them have even and odd numbers there.
pub(crate) fn convnext(name: &str) -> Option<String> {
    let heads = [("classifier.0.", "head.norm."), ("classifier.2.", "head.fc.")];
    if let Some(renamed) = begun(name, &heads) {
        return Some(renamed);
    }
    let parts: Vec<&str> = name.strip_prefix("features.")?.split('.').collect();
    let number: usize = parts.first()?.parse().ok()?;
    let stage = number / 2;
    match parts[1..] {
        [part, field] if number == 0 => Some(format!("stem.{part}.{field}")),
        [part, field] if number.is_multiple_of(2) => {
            Some(format!("stages.{stage}.downsample.{part}.{field}"))
        }
        [block, "layer_scale"] => Some(format!("stages.{stage}.blocks.{block}.gamma")),
        [block, "block", part, field] => {
            let part = match part {
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

/// Vision transformers.
pub(crate) fn vit(name: &str) -> Option<String> {
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

/// Swin transformers.
pub(crate) fn swin(name: &str) -> Option<String> {
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
    let layers = [("mlp.0.", "mlp.fc1."), ("mlp.3.", "mlp.fc2."), ("", "")];
    Some(format!("layers.{}.blocks.{block}.{}", number / 2, begun(rest, &layers)?))
}

/// The second Swin transformers. `attn.qkv.bias` stands for its first and its last third, which are `attn.q_bias` and `attn.v_bias`
/// there; keys have no bias.
pub(crate) fn swin_v2(name: &str) -> Option<String> {
    swin(name)
}

/// EfficientNet.
pub(crate) fn efficientnet(name: &str) -> Option<String> {
    let whole = [
        ("features.0.0.", "conv_stem."),
        ("features.0.1.", "bn1."),
        ("features.8.0.", "conv_head."),
        ("features.8.1.", "bn2."),
        ("classifier.1.", "classifier."),
    ];
    if let Some(renamed) = begun(name, &whole) {
        return Some(renamed);
    }
    let (stage, rest) = name.strip_prefix("features.")?.split_once('.')?;
    let (block, rest) = rest.split_once(".block.")?;
    let stage = stage.parse::<usize>().ok()?.checked_sub(1)?;
    Some(format!("blocks.{stage}.{block}.{}", inverted(rest, stage == 0)?))
}

/// A module of an inverted residual; the first kind has no 1×1 convolution before the depthwise one.
fn inverted(name: &str, is_first: bool) -> Option<String> {
    let (place, rest) = name.split_once('.')?;
    if let Some(renamed) = begun(rest, &[("fc1.", "se.conv_reduce."), ("fc2.", "se.conv_expand.")]) {
        return Some(renamed);
    }
    let (part, field) = rest.split_once('.')?;
    // Without squeeze-and-excitation the last convolution comes a place earlier.
    let [convolution, norm] = match (place, is_first) {
        ("0", true) => ["conv_dw", "bn1"],
        ("1" | "2", true) => ["conv_pw", "bn2"],
        ("0", false) => ["conv_pw", "bn1"],
        ("1", false) => ["conv_dw", "bn2"],
        ("2" | "3", false) => ["conv_pwl", "bn3"],
        _ => return None,
    };
    Some(format!("{}.{field}", if part == "0" { convolution } else { norm }))
}

/// Blocks of MobileNetV2's stages.
const MOBILENET_V2: [usize; 7] = [1, 2, 3, 4, 3, 3, 1];

/// MobileNetV2.
pub(crate) fn mobilenet_v2(name: &str) -> Option<String> {
    let whole = [
        ("features.0.0.", "conv_stem."),
        ("features.0.1.", "bn1."),
        ("features.18.0.", "conv_head."),
        ("features.18.1.", "bn2."),
        ("classifier.1.", "classifier."),
    ];
    if let Some(renamed) = begun(name, &whole) {
        return Some(renamed);
    }
    let (number, rest) = name.strip_prefix("features.")?.split_once(".conv.")?;
    let (stage, block) = place(number.parse::<usize>().ok()?.checked_sub(1)?, &MOBILENET_V2)?;
    let parts: &[(&str, &str)] = match stage {
        0 => &[("0.0.", "conv_dw."), ("0.1.", "bn1."), ("1.", "conv_pw."), ("2.", "bn2.")],
        _ => &[
            ("0.0.", "conv_pw."),
            ("0.1.", "bn1."),
            ("1.0.", "conv_dw."),
            ("1.1.", "bn2."),
            ("2.", "conv_pwl."),
            ("3.", "bn3."),
        ],
    };
    Some(format!("blocks.{stage}.{block}.{}", begun(rest, parts)?))
}

/// Blocks of the stages of MobileNetV3, large and small.
const MOBILENET_V3: [&[usize]; 2] = [&[1, 2, 3, 4, 2, 3], &[1, 2, 3, 2, 3]];

/// MobileNetV3, large or small. Its linear layer before the classifier is a convolution there.
pub(crate) fn mobilenet_v3<const IS_SMALL: bool>(name: &str) -> Option<String> {
    let whole = [
        ("features.0.0.", "conv_stem."),
        ("features.0.1.", "bn1."),
        ("classifier.0.", "conv_head."),
        ("classifier.3.", "classifier."),
    ];
    if let Some(renamed) = begun(name, &whole) {
        return Some(renamed);
    }
    let stages = MOBILENET_V3[usize::from(IS_SMALL)];
    let (number, rest) = name.strip_prefix("features.")?.split_once('.')?;
    let number = number.parse::<usize>().ok()?.checked_sub(1)?;
    let Some((stage, block)) = place(number, stages) else {
        let last = begun(rest, &[("0.", "conv."), ("1.", "bn1.")])?;
        return Some(format!("blocks.{}.0.{last}", stages.len()));
    };
    Some(format!("blocks.{stage}.{block}.{}", inverted(rest.strip_prefix("block.")?, stage == 0)?))
}

/// The stage of a block that is counted through, and its number there.
fn place(number: usize, stages: &[usize]) -> Option<(usize, usize)> {
    let mut left = number;
    for (stage, &depth) in stages.iter().enumerate() {
        if left < depth {
            return Some((stage, left));
        }
        left -= depth;
    }
    None
}

/// RegNet.
pub(crate) fn regnet(name: &str) -> Option<String> {
    let whole = [("stem.0.", "stem.conv."), ("stem.1.", "stem.bn."), ("fc.", "head.fc.")];
    if let Some(renamed) = begun(name, &whole) {
        return Some(renamed);
    }
    let (_, rest) = name.strip_prefix("trunk_output.")?.split_once('.')?;
    let (block, rest) = rest.strip_prefix("block")?.split_once('.')?;
    let (stage, index) = block.split_once('-')?;
    let parts = [
        ("f.a.0.", "conv1.conv."),
        ("f.a.1.", "conv1.bn."),
        ("f.b.0.", "conv2.conv."),
        ("f.b.1.", "conv2.bn."),
        ("f.c.0.", "conv3.conv."),
        ("f.c.1.", "conv3.bn."),
        ("f.se.", "se."),
        ("proj.0.", "downsample.conv."),
        ("proj.1.", "downsample.bn."),
    ];
    let index: usize = index.parse().ok()?;
    Some(format!("s{stage}.b{}.{}", index + 1, begun(rest, &parts)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Spelling = fn(&str) -> Option<String>;

    #[test]
    fn names_are_timms() {
        let pairs: [(Spelling, &str, &str); 27] = [
            (vgg, "classifier.6.bias", "head.fc.bias"),
            (convnext, "features.0.1.bias", "stem.1.bias"),
            (convnext, "features.2.1.weight", "stages.1.downsample.1.weight"),
            (convnext, "features.5.8.block.5.weight", "stages.2.blocks.8.mlp.fc2.weight"),
            (convnext, "features.7.0.layer_scale", "stages.3.blocks.0.gamma"),
            (vit, "class_token", "cls_token"),
            (vit, "encoder.layers.encoder_layer_11.self_attention.in_proj_bias", "blocks.11.attn.qkv.bias"),
            (vit, "encoder.layers.encoder_layer_11.mlp.3.weight", "blocks.11.mlp.fc2.weight"),
            (swin, "features.0.2.bias", "patch_embed.norm.bias"),
            (swin, "features.4.reduction.weight", "layers.2.downsample.reduction.weight"),
            (swin, "features.7.1.attn.qkv.bias", "layers.3.blocks.1.attn.qkv.bias"),
            (swin, "features.1.0.mlp.3.bias", "layers.0.blocks.0.mlp.fc2.bias"),
            (swin_v2, "features.1.0.attn.cpb_mlp.0.bias", "layers.0.blocks.0.attn.cpb_mlp.0.bias"),
            (efficientnet, "features.0.1.running_mean", "bn1.running_mean"),
            (efficientnet, "features.1.0.block.1.fc2.bias", "blocks.0.0.se.conv_expand.bias"),
            (efficientnet, "features.1.0.block.2.1.bias", "blocks.0.0.bn2.bias"),
            (efficientnet, "features.7.0.block.3.0.weight", "blocks.6.0.conv_pwl.weight"),
            (mobilenet_v2, "features.1.conv.1.weight", "blocks.0.0.conv_pw.weight"),
            (mobilenet_v2, "features.4.conv.1.1.bias", "blocks.2.0.bn2.bias"),
            (mobilenet_v2, "features.17.conv.3.bias", "blocks.6.0.bn3.bias"),
            (mobilenet_v3::<false>, "features.1.block.1.0.weight", "blocks.0.0.conv_pw.weight"),
            (mobilenet_v3::<false>, "features.16.1.bias", "blocks.6.0.bn1.bias"),
            (mobilenet_v3::<true>, "features.4.block.2.fc1.weight", "blocks.2.0.se.conv_reduce.weight"),
            (mobilenet_v3::<true>, "features.4.block.3.1.weight", "blocks.2.0.bn3.weight"),
            (regnet, "stem.1.bias", "stem.bn.bias"),
            (regnet, "trunk_output.block3.block3-5.f.se.fc1.bias", "s3.b6.se.fc1.bias"),
            (regnet, "trunk_output.block1.block1-0.proj.1.bias", "s1.b1.downsample.bn.bias"),
        ];
        for (spelling, own, other) in pairs {
            assert_eq!(spelling(own).as_deref(), Some(other), "{own}");
        }
        assert_eq!(vgg("fc.bias"), None);
    }
}
