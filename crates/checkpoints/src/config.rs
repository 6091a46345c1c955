//! What timm's and Hugging Face's configurations beside weights say of their network.

use std::{fmt, path::Path};

use models::Normaliser;
use serde_json::{Value, json};

/// No configuration is longer.
const LARGEST: u64 = 1 << 22;

/// What the configurations in a folder say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FolderConfig {
    /// The architecture's name, as timm has it or as Hugging Face's depths say.
    pub architecture: Option<String>,
    /// How many classes it has.
    pub classes: Option<usize>,
    /// The normaliser, and the file that says so.
    pub normaliser: Option<(Normaliser, &'static str)>,
    /// Rows or columns of its images.
    pub image_size: Option<usize>,
    /// What an image is resized to before the middle is cut out.
    pub resize: Option<ConfigResize>,
    /// By which filter images are resized, as Pillow calls it.
    pub interpolation: Option<String>,
    /// What else they ask for, which is not done here.
    pub not_done: Vec<String>,
    /// Why they cannot be used, if so.
    pub problem: Option<String>,
}

/// What an image is resized to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigResize {
    /// The shorter side, or both.
    pub length: usize,
    /// Whether both sides become so long, whatever the image's shape.
    pub squashes: bool,
}

impl fmt::Display for ConfigResize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { length, squashes: false } => write!(f, "{length}"),
            Self { length, squashes: true } => write!(f, "{length}x{length}"),
        }
    }
}

impl FolderConfig {
    /// The configurations in a folder; nothing where there are none of either program's.
    pub fn read(folder: &Path) -> Option<Self> {
        let both = read_json(folder, "config.json")
            .and_then(|own| Ok((own, read_json(folder, "preprocessor_config.json")?)));
        let (config, preprocessor) = match both {
            Ok(both) => both,
            Err(problem) => return Some(Self { problem: Some(problem), ..Self::default() }),
        };
        let found = match (config["pretrained_cfg"].is_object(), config["model_type"].is_string()) {
            (true, _) => of_timm(&config),
            (_, true) => of_hugging_face(&config, &preprocessor),
            _ => Self::default(),
        };
        (found != Self::default()).then_some(found)
    }

    /// Takes the normaliser that a file states, for pixels that are multiplied by `scale` and shifted by `shift` first.
    fn take_normaliser(&mut self, mean: &Value, std: &Value, file: &'static str, [scale, shift]: [f64; 2]) {
        if mean.is_null() && std.is_null() {
            return;
        }
        let three = |value: &Value| {
            let numbers: Option<Vec<f64>> = value.as_array()?.iter().map(Value::as_f64).collect();
            <[f64; 3]>::try_from(numbers?).ok()
        };
        let found = three(mean).zip(three(std)).map(|(mean, std)| {
            let mean = mean.map(|mean| ((mean - shift) / scale) as f32);
            Normaliser::new(mean, std.map(|std| (std / scale) as f32)).map_err(|error| error.to_string())
        });
        match found {
            Some(Ok(normaliser)) => self.normaliser = Some((normaliser, file)),
            Some(Err(problem)) => self.problem = Some(format!("{file}: mean {mean}, std {std}: {problem}")),
            None => {
                self.problem = Some(format!("{file}: mean {mean}, std {std}; expected three numbers each"));
            }
        }
    }

    fn take_interpolation(&mut self, name: Option<&str>) {
        match name {
            Some(name) if FILTERS.contains(&name) => self.interpolation = Some(name.to_owned()),
            Some(name) => self.not_done.push(format!("the interpolation `{name}`")),
            None => {}
        }
    }
}

/// Pillow's filters by their numbers.
const FILTERS: [&str; 6] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/// What a file says; nothing if it is not there.
fn read_json(folder: &Path, name: &str) -> Result<Value, String> {
    let path = folder.join(name);
    let Ok(found) = path.metadata() else { return Ok(Value::Null) };
    if found.len() > LARGEST {
        return Err(format!("{name}: a configuration of more than {LARGEST} bytes"));
    }
    let bytes = std::fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{name}: {error}"))
}

fn of_timm(config: &Value) -> FolderConfig {
    let own = &config["pretrained_cfg"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let sides =
        own["input_size"].as_array().and_then(|size| Some([number(size.get(1)?)?, number(size.get(2)?)?]));
    let mut found = FolderConfig {
        // A tag after a dot says which weights, not which network.
        architecture: text(&config["architecture"])
            .map(|name| name.split('.').next().unwrap_or_default().to_owned()),
        classes: number(&config["num_classes"]).or_else(|| number(&own["num_classes"])),
        image_size: sides.filter(|[height, width]| height == width).map(|[side, _]| side),
        ..FolderConfig::default()
    };
    if let Some([height, width]) = sides.filter(|[height, width]| height != width) {
        found.not_done.push(format!("images of {height}×{width} pixels"));
    }
    let squashes = match own["crop_mode"].as_str() {
        None | Some("center") => Some(false),
        Some("squash") => Some(true),
        Some(mode) => {
            found.not_done.push(format!("the crop mode `{mode}`"));
            None
        }
    };
    found.resize = found
        .image_size
        .zip(squashes)
        .map(|(side, squashes)| ConfigResize { length: resized(side, &own["crop_pct"]), squashes });
    found.take_interpolation(own["interpolation"].as_str());
    found.take_normaliser(&own["mean"], &own["std"], "config.json", [1.0, 0.0]);
    found
}

/// What the shorter side is resized to, of which so large a part is cut out.
fn resized(side: usize, part: &Value) -> usize {
    /// What both programs take where nothing is said: 224 of 256 pixels.
    const PART: f64 = 0.875;
    let part = part.as_f64().filter(|part| *part > 0.0 && *part <= 1.0).unwrap_or(PART);
    (side as f64 / part) as usize
}

fn of_hugging_face(config: &Value, preprocessor: &Value) -> FolderConfig {
    const FILE: &str = "preprocessor_config.json";
    let labels = config["id2label"].as_object().map(serde_json::Map::len);
    let (image_size, resize) = hugging_face_size(preprocessor);
    let mut found = FolderConfig {
        architecture: resnet(config),
        classes: number(&config["num_labels"]).or(labels),
        image_size,
        resize,
        ..FolderConfig::default()
    };
    let filter = preprocessor["resample"].as_u64();
    found.take_interpolation(
        filter.map(|number| FILTERS.get(number as usize).copied().unwrap_or("one that is unknown here")),
    );
    let (height, width) = (&preprocessor["size"]["height"], &preprocessor["size"]["width"]);
    if number(height).zip(number(width)).is_some_and(|(height, width)| height != width) {
        found.not_done.push(format!("images of {height}×{width} pixels"));
    }
    for (key, value) in [("do_resize", false), ("do_flip_channel_order", true), ("include_top", true)] {
        if preprocessor[key] == value {
            found.not_done.push(format!("`{key}`: {value}"));
        }
    }
    // Bytes are multiplied by this, and some are shifted by −1, before mean and standard deviation are taken.
    let factor = match &preprocessor["do_rescale"] {
        Value::Bool(false) => 255.0,
        _ => 255.0 * preprocessor["rescale_factor"].as_f64().unwrap_or(1.0 / 255.0),
    };
    let shift = if preprocessor["rescale_offset"] == true { -1.0 } else { 0.0 };
    let (identity_mean, identity_std) = (json!([0.0, 0.0, 0.0]), json!([1.0, 1.0, 1.0]));
    let (mean, std) = match preprocessor["do_normalize"] == false {
        true => (&identity_mean, &identity_std),
        false => (&preprocessor["image_mean"], &preprocessor["image_std"]),
    };
    found.take_normaliser(mean, std, FILE, [factor, shift]);
    found
}

/// Rows or columns of an image, and what it is resized to before.
fn hugging_face_size(preprocessor: &Value) -> (Option<usize>, Option<ConfigResize>) {
    /// Of larger images ConvNext's preprocessor cuts nothing off.
    const LARGE: usize = 384;
    let side = |of: &Value| match (number(of), number(&of["height"]), number(&of["width"])) {
        (None, Some(height), Some(width)) => Some(height).filter(|height| *height == width),
        (side, height, _) => side.or(height),
    };
    let (size, crop) = (&preprocessor["size"], &preprocessor["crop_size"]);
    let short = number(&size["shortest_edge"]);
    let cut = side(crop).filter(|_| preprocessor["do_center_crop"] != false);
    let to = |length: usize, squashes: bool| Some(ConfigResize { length, squashes });
    match (cut, short, side(size)) {
        (Some(cut), Some(short), _) => (Some(cut), to(short, false)),
        (Some(cut), None, size) => (Some(cut), size.and_then(|size| to(size, true))),
        (None, Some(short), _) if short < LARGE => {
            (Some(short), to(resized(short, &preprocessor["crop_pct"]), false))
        }
        (None, short, size) => (short.or(size), short.or(size).and_then(|size| to(size, true))),
    }
}

/// The name of a ResNet by its depths.
fn resnet(config: &Value) -> Option<String> {
    if config["model_type"] != "resnet" || config["downsample_in_bottleneck"] == true {
        return None;
    }
    let depths: Vec<usize> = config["depths"].as_array()?.iter().map(number).collect::<Option<_>>()?;
    let name = match (config["layer_type"].as_str()?, depths.as_slice()) {
        ("basic", [2, 2, 2, 2]) => "resnet18",
        ("basic", [3, 4, 6, 3]) => "resnet34",
        ("bottleneck", [3, 4, 6, 3]) => "resnet50",
        ("bottleneck", [3, 4, 23, 3]) => "resnet101",
        ("bottleneck", [3, 8, 36, 3]) => "resnet152",
        _ => return None,
    };
    Some(name.to_owned())
}

fn number(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Option<FolderConfig>, std::io::Error> {
        let folder = tempfile::tempdir()?;
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text)?;
        }
        Ok(FolderConfig::read(folder.path()))
    }

    #[test]
    fn timm_says_everything_in_one_file() -> Result<(), std::io::Error> {
        let text = r#"{"architecture": "resnet50.a1_in1k", "num_classes": 1000, "pretrained_cfg": {"mean": [0.5, 0.5, 0.5],
            "std": [0.25, 0.25, 0.25], "input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.95}}"#;
        let found = read(&[("config.json", text)])?.expect("a configuration");
        assert_eq!(
            (found.architecture.as_deref(), found.classes, found.image_size),
            (Some("resnet50"), Some(1000), Some(224))
        );
        let (normaliser, file) = found.normaliser.expect("a normaliser");
        assert_eq!((normaliser.mean(), normaliser.std(), file), ([0.5; 3], [0.25; 3], "config.json"));
        let resize = found.resize.map(|resize| resize.to_string());
        assert_eq!((resize.as_deref(), found.interpolation.as_deref()), (Some("235"), Some("bicubic")));
        Ok(())
    }

    #[test]
    fn what_cannot_be_used_is_told() -> Result<(), std::io::Error> {
        let text = r#"{"pretrained_cfg": {"input_size": [3, 64, 96], "crop_mode": "border", "interpolation": "mitchell"}}"#;
        let found = read(&[("config.json", text)])?.expect("a configuration");
        assert_eq!((found.image_size, found.resize, found.interpolation), (None, None, None));
        assert_eq!(found.not_done.len(), 3, "{:?}", found.not_done);
        for text in ["{bad", r#"{"pretrained_cfg": {"mean": [0, 0, 0], "std": [1, 0, 1]}}"#] {
            let problem = read(&[("config.json", text)])?.and_then(|found| found.problem).unwrap_or_default();
            assert!(problem.starts_with("config.json: "), "{problem}");
        }
        Ok(())
    }

    #[test]
    fn hugging_face_says_it_in_two() -> Result<(), std::io::Error> {
        let config = r#"{"model_type": "resnet", "layer_type": "basic", "depths": [2, 2, 2, 2], "id2label": {"0": "a", "1": "b"}}"#;
        let preprocessor = r#"{"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "size": {"shortest_edge": 224}, "resample": 3}"#;
        let found =
            read(&[("config.json", config), ("preprocessor_config.json", preprocessor)])?.expect("both");
        assert_eq!((found.architecture.as_deref(), found.classes), (Some("resnet18"), Some(2)));
        assert_eq!(found.normaliser, Some((Normaliser::IMAGENET, "preprocessor_config.json")));
        let to = |length: usize, squashes: bool| Some(ConfigResize { length, squashes });
        assert_eq!((found.image_size, found.resize), (Some(224), to(256, false)));
        assert_eq!(found.interpolation.as_deref(), Some("bicubic"));
        let cut = r#"{"size": {"shortest_edge": 232}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": true}"#;
        let found = read(&[("config.json", config), ("preprocessor_config.json", cut)])?.expect("both");
        assert_eq!((found.image_size, found.resize), (Some(224), to(232, false)));
        let squashed = r#"{"size": {"height": 224, "width": 224}}"#;
        let found = read(&[("config.json", config), ("preprocessor_config.json", squashed)])?.expect("both");
        assert_eq!((found.image_size, found.resize), (Some(224), to(224, true)));
        // Bytes times 2/255, less 1, and no further: (x − 0.5) / 0.5 of pixels in [0, 1].
        let shifted = r#"{"rescale_factor": 0.00784313725490196, "rescale_offset": true, "do_normalize": false, "do_resize": false}"#;
        let found = read(&[("config.json", config), ("preprocessor_config.json", shifted)])?.expect("both");
        let (normaliser, _) = found.normaliser.expect("a normaliser");
        assert_eq!((normaliser.mean(), normaliser.std()), ([0.5; 3], [0.5; 3]));
        assert_eq!(found.not_done, ["`do_resize`: false"]);
        assert_eq!(read(&[("config.json", r#"{"settings": {"arch": "resnet18"}}"#)])?, None, "a run of ours");
        Ok(())
    }
}
