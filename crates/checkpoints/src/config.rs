//! What timm's and Hugging Face's configurations beside weights say of their network.

use std::path::Path;

use models::Normaliser;
use serde_json::Value;

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
    /// How images are resampled, as PIL calls it.
    pub interpolation: Option<String>,
}

impl FolderConfig {
    /// The configurations in a folder; nothing where there are none of either program's.
    pub fn read(folder: &Path) -> Option<Self> {
        let config = json(&folder.join("config.json")).unwrap_or_default();
        let preprocessor = json(&folder.join("preprocessor_config.json")).unwrap_or_default();
        let found = match (config["pretrained_cfg"].is_object(), config["model_type"].is_string()) {
            (true, _) => of_timm(&config),
            (_, true) => of_hugging_face(&config, &preprocessor),
            _ => Self::default(),
        };
        (found != Self::default()).then_some(found)
    }
}

fn json(path: &Path) -> Option<Value> {
    let is_short = path.metadata().ok()?.len() <= LARGEST;
    is_short.then(|| std::fs::read(path).ok()).flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

fn of_timm(config: &Value) -> FolderConfig {
    let own = &config["pretrained_cfg"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    FolderConfig {
        // A tag after a dot says which weights, not which network.
        architecture: text(&config["architecture"])
            .map(|name| name.split('.').next().unwrap_or_default().to_owned()),
        classes: number(&config["num_classes"]).or_else(|| number(&own["num_classes"])),
        normaliser: normaliser(&own["mean"], &own["std"]).map(|found| (found, "config.json")),
        image_size: own["input_size"].as_array().and_then(|size| number(size.last()?)),
        interpolation: text(&own["interpolation"]),
    }
}

fn of_hugging_face(config: &Value, preprocessor: &Value) -> FolderConfig {
    let labels = config["id2label"].as_object().map(serde_json::Map::len);
    let size = &preprocessor["size"];
    let size = [size, &size["shortest_edge"], &size["height"], &preprocessor["crop_size"]["height"]];
    // PIL's numbers.
    let resample = preprocessor["resample"].as_u64().and_then(|number| {
        ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"].get(number as usize).copied()
    });
    FolderConfig {
        architecture: resnet(config),
        classes: number(&config["num_labels"]).or(labels),
        normaliser: normaliser(&preprocessor["image_mean"], &preprocessor["image_std"])
            .map(|found| (found, "preprocessor_config.json")),
        image_size: size.into_iter().find_map(number),
        interpolation: resample.map(str::to_owned),
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

fn normaliser(mean: &Value, std: &Value) -> Option<Normaliser> {
    let three = |value: &Value| {
        let numbers: Option<Vec<f32>> =
            value.as_array()?.iter().map(|n| n.as_f64().map(|n| n as f32)).collect();
        <[f32; 3]>::try_from(numbers?).ok()
    };
    Normaliser::new(three(mean)?, three(std)?).ok()
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
        assert_eq!(found.interpolation.as_deref(), Some("bicubic"));
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
        assert_eq!((found.image_size, found.interpolation.as_deref()), (Some(224), Some("bicubic")));
        assert_eq!(read(&[("config.json", r#"{"settings": {"arch": "resnet18"}}"#)])?, None, "a run of ours");
        Ok(())
    }
}
