//! Every architecture against PyTorch in float64: number of parameters, logits, loss, gradients of pixels and parameters; and a
//! training step that lowers the loss.
//!
//! The numbers come from `tests/python/architectures.py`; weights from a formula that both sides compute. The largest networks take
//! minutes and are compared where `FREQBIAS_ALL_ARCHITECTURES` is 1 or names them; their parameters are counted in any case.

#![allow(clippy::print_stdout, reason = "a skipped test says so, and differences are shown on request")]

use std::{collections::BTreeMap, path::Path};

use candle_core::{Device, Tensor};
use models::{Architecture, Classifier, Family, Graph, Normaliser};
use serde_json::Value;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CLASSES: usize = 10;
const LABELS: [u32; 2] = [3, 7];

/// Of each kind of layers one network; those of more parameters or layers are compared on request.
const QUICK: [(Family, &str); 45] = [
    (Family::Cifar, "resnet18"),
    (Family::Cifar, "resnet50"),
    (Family::Cifar, "resnet18thin"),
    (Family::Cifar, "resnet20"),
    (Family::Cifar, "resnet20_b"),
    (Family::Cifar, "preact_resnet18"),
    (Family::Cifar, "vgg11"),
    (Family::Cifar, "densenet121"),
    (Family::Cifar, "densenet_cifar"),
    (Family::Cifar, "inceptionv3"),
    (Family::Cifar, "wide_resnet28_10"),
    (Family::Cifar, "convnext_atto"),
    (Family::Cifar, "vit_tiny_patch4_32"),
    (Family::Imagenet, "resnet18"),
    (Family::Imagenet, "resnet50"),
    (Family::Imagenet, "leaky_resnet18"),
    (Family::Imagenet, "resnext50_32x4d"),
    (Family::Imagenet, "densenet121"),
    (Family::Imagenet, "vgg11_bn"),
    (Family::Imagenet, "alexnet"),
    (Family::Imagenet, "squeezenet1_0"),
    (Family::Imagenet, "squeezenet1_1"),
    (Family::Imagenet, "mobilenet_v2"),
    (Family::Imagenet, "mobilenet_v3_small"),
    (Family::Imagenet, "mnasnet0_5"),
    (Family::Imagenet, "efficientnet_b0"),
    (Family::Imagenet, "shufflenet_v2_x0_5"),
    (Family::Imagenet, "regnet_x_400mf"),
    (Family::Imagenet, "regnet_y_400mf"),
    (Family::Imagenet, "googlenet"),
    (Family::Imagenet, "inception_v3"),
    (Family::Imagenet, "convnext_atto"),
    (Family::Imagenet, "swin_t"),
    (Family::Cifar, "preact_resnet50"),
    (Family::Cifar, "wide_resnet28_10_swish"),
    (Family::Imagenet, "resnet18d"),
    (Family::Imagenet, "resnetv2_50"),
    (Family::Imagenet, "mobilenetv3_small_100"),
    (Family::Imagenet, "regnety_002"),
    (Family::Imagenet, "convnextv2_atto"),
    (Family::Imagenet, "deit_tiny_distilled_patch16_224"),
    (Family::Imagenet, "deit3_small_patch16_224"),
    (Family::Imagenet, "mixer_s32_224"),
    (Family::Imagenet, "swin_v2_t"),
    (Family::Imagenet, "swinv2_tiny_window16_256"),
];

/// Networks that are compared on images of another size, too: see OTHER_SIZES in the script.
const OTHER_SIZES: [(Family, &str, usize); 1] = [(Family::Imagenet, "swin_t", 200)];

/// Numbers in [0, 1): FNV-1a of the name, the index times a constant, the finaliser of MurmurHash3; 24 bits of it.
pub(crate) fn draw(name: &str, count: usize) -> Vec<f64> {
    let key =
        name.bytes().fold(0x811C_9DC5u32, |key, byte| (key ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let number = |index: usize| {
        let mut x = (index as u32).wrapping_mul(0x9E37_79B1) ^ key;
        x = (x ^ x >> 16).wrapping_mul(0x85EB_CA6B);
        x = (x ^ x >> 13).wrapping_mul(0xC2B2_AE35);
        f64::from((x ^ x >> 16) >> 8) / f64::from(1 << 24)
    };
    (0..count).map(number).collect()
}

fn weight(name: &str, shape: &[usize], gain: f64) -> candle_core::Result<Tensor> {
    let kind = name.rsplit_once('.').map_or(name, |(_, kind)| kind);
    let fan_in: usize = shape[1..].iter().product();
    let bound = (6.0 / fan_in as f64).sqrt() * gain;
    let value = |u: f64| match kind {
        _ if shape.len() > 1 => (2.0 * u - 1.0) * bound,
        "weight" => 0.5 + 0.5 * u,
        "running_var" => 0.5 + u,
        _ => 0.2 * u - 0.1,
    };
    let values: Vec<f32> = draw(name, shape.iter().product()).into_iter().map(|u| value(u) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// What PyTorch found.
struct Reference(Value);

impl Reference {
    fn read(architecture: Architecture, size: Option<usize>) -> Result<Self, Box<dyn std::error::Error>> {
        let size = size.map_or_else(String::new, |size| format!("@{size}"));
        let name = format!("{}_{}{size}.json", architecture.family(), architecture.name());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/architectures");
        let text = std::fs::read_to_string(folder.join(&name)).map_err(|error| format!("{name}: {error}"))?;
        Ok(Self(serde_json::from_str(&text)?))
    }

    /// Those that the reference was made with; older ones do not say.
    fn labels(&self) -> Vec<u32> {
        let Some(labels) = self.0["labels"].as_array() else { return LABELS.to_vec() };
        labels.iter().map(|label| label.as_u64().expect("a class") as u32).collect()
    }

    /// Whether there are numbers to compare with, besides how many weights there are.
    fn is_measured(&self) -> bool {
        !self.0["logits"].is_null()
    }

    /// What filters are multiplied by; older ones do not say.
    fn gain(&self) -> f64 {
        self.0["gain"].as_f64().unwrap_or(1.0)
    }

    fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().expect("a number")
    }

    fn numbers(&self, key: &str) -> Vec<f64> {
        self.0[key].as_array().expect("numbers").iter().map(|n| n.as_f64().expect("a number")).collect()
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

pub(crate) fn wide(tensor: &Tensor) -> Vec<f64> {
    let values: Vec<f32> = tensor.flatten_all().and_then(|t| t.to_vec1()).expect("f32 values");
    values.into_iter().map(f64::from).collect()
}

fn parameters(graph: &Graph) -> usize {
    graph.parameters().values().map(|shape| shape.iter().product::<usize>()).sum()
}

fn architecture(family: Family, name: &str) -> Result<Architecture, models::Error> {
    name.parse::<Architecture>()?.in_family(family)
}

fn network(architecture: Architecture, gain: f64) -> Result<Classifier, Box<dyn std::error::Error>> {
    let weights = weights(architecture, gain)?;
    Ok(Classifier::new(architecture, CLASSES, Normaliser::CIFAR10, &weights)?)
}

fn weights(architecture: Architecture, gain: f64) -> candle_core::Result<BTreeMap<String, Tensor>> {
    let shapes = architecture.graph(CLASSES).shapes();
    shapes.iter().map(|(name, shape)| Ok((name.clone(), weight(name, shape, gain)?))).collect()
}

/// The weights that scripts draw, too.
pub(crate) fn drawn_weights(architecture: Architecture) -> candle_core::Result<BTreeMap<String, Tensor>> {
    weights(architecture, 1.0)
}

/// The two images that a reference is of: drawn at once, or each by its number. The numbers are those of images whose gradients do not
/// hang on a ReLU or a maximum that single precision decides by chance; PyTorch alone chose them, see `architectures.py`.
fn images(drawn: &Value, size: usize) -> candle_core::Result<Tensor> {
    let each = 3 * size * size;
    let pixels = match drawn {
        Value::Array(numbers) => {
            numbers.iter().flat_map(|number| draw(&format!("image{number}"), each)).collect()
        }
        _ => draw(drawn.as_str().expect("what the images are drawn by"), 2 * each),
    };
    let pixels = pixels.into_iter().map(|u| u as f32).collect();
    Tensor::from_vec(pixels, (2, 3, size, size), &Device::Cpu)
}

/// The largest difference of the logits, over their largest size; the distance of the input gradients and of the norms of the
/// parameters' gradients, over their own size.
fn compare(architecture: Architecture, of_size: Option<usize>) -> Outcome {
    let reference = Reference::read(architecture, of_size)?;
    if !reference.is_measured() {
        println!(
            "SKIPPED: of {} {} PyTorch only counted the weights",
            architecture.family(),
            architecture.name()
        );
        return Ok(());
    }
    let mut network = network(architecture, reference.gain())?;
    let size = reference.number("size") as usize;
    let images = images(&reference.0["images"], size)?;
    let labels = reference.labels();
    let found = network.freeze()?.input_gradient(&images, &labels)?;

    let logits = reference.numbers("logits");
    let largest = logits.iter().fold(0.0, |largest: f64, logit| largest.max(logit.abs()));
    let apart =
        wide(&found.logits).iter().zip(&logits).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
    let of_logits = apart / largest;
    let of_loss = (f64::from(found.loss) / reference.number("loss") - 1.0).abs();

    let gradient = wide(&found.gradient);
    let expected = reference.number("input_gradient_norm");
    let sketch = reference.numbers("input_gradient_sketch");
    let signs = |k: usize| draw(&format!("signs{k}"), gradient.len()).into_iter();
    let projected =
        |k: usize| signs(k).zip(&gradient).map(|(u, g)| if u < 0.5 { -g } else { *g }).sum::<f64>();
    let of_sketch = sketch.iter().enumerate().map(|(k, expected)| projected(k) - expected);
    let of_gradient = norm(of_sketch) / (sketch.len() as f64).sqrt() / expected;
    let of_norm = (norm(gradient.iter().copied()) / expected - 1.0).abs();
    let slice = reference.numbers("input_gradient_slice");
    let here = gradient[size * (size / 2)..].iter().zip(&slice).map(|(a, b)| a - b);
    let of_slice = norm(here) / norm(slice.iter().copied());

    let learned = network.parameter_gradients_in_evaluation(&images, &labels)?;
    let squares = learned.gradients.values().flat_map(wide);
    let of_parameters = (norm(squares) / reference.number("parameter_gradient_norm") - 1.0).abs();

    let label = format!("{} {}", architecture.family(), architecture.name());
    let all = [of_logits, of_loss, of_gradient, of_norm, of_slice, of_parameters].map(|d| format!("{d:.1e}"));
    let message =
        format!("{label}: logits, loss, input gradient, its norm, a slice, parameters differ by {all:?}");
    if std::env::var_os("FREQBIAS_ALL_ARCHITECTURES").is_some() {
        println!("{message}");
    }
    let is_near = of_gradient < 1e-3 && of_norm < 1e-3 && of_slice < 2e-3 && of_parameters < 1e-3;
    let learned = step_lowers_the_loss(&mut network, (&images, &labels), &label);
    if of_logits >= 1e-4 || of_loss >= 1e-4 || !is_near {
        let learning = learned.err().map_or_else(String::new, |error| format!("; {error}"));
        return Err(format!("{message}{learning}").into());
    }
    learned
}

/// A step against the gradient, with the batch's statistics and the same values dropped; small enough for the linear part to win. Of two
/// images that end as one pixel each, batch-norm makes 1 and −1 whatever they are, and gradients are noise: there are more.
fn step_lowers_the_loss(
    network: &mut Classifier,
    (images, labels): (&Tensor, &[u32]),
    label: &str,
) -> Outcome {
    let others = [images.roll(5, 2)?, images.roll(7, 3)?, images.affine(-1.0, 1.0)?];
    let images = &Tensor::cat(&[images, &others[0], &others[1], &others[2]], 0)?;
    let labels = &labels.repeat(4)[..];
    network.set_step(5, 0);
    let before = network.parameter_gradients(images, labels)?;
    let squares = norm(before.gradients.values().flat_map(wide)).powi(2);
    let (loss, rate) = (before.loss()?, 0.01 * f64::from(before.loss()?) / squares);
    for (name, variable) in network.parameters() {
        variable.set(&(variable.as_tensor() - (&before.gradients[name] * rate)?)?)?;
    }
    network.set_step(5, 0);
    let after = network.parameter_gradients(images, labels)?.loss()?;
    if after < loss {
        return Ok(());
    }
    Err(format!("{label}: the loss went from {loss} to {after} in a training step").into())
}

/// Compares all, and names those that differ.
fn compare_all(architectures: impl Iterator<Item = Architecture>) {
    let failed: Vec<String> =
        architectures.filter_map(|known| compare(known, None).err().map(|error| error.to_string())).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn networks_compute_what_pytorchs_do() -> Outcome {
    let quick =
        QUICK.iter().map(|&(family, name)| architecture(family, name)).collect::<Result<Vec<_>, _>>()?;
    compare_all(quick.into_iter());
    Ok(())
}

#[test]
fn networks_compute_what_pytorchs_do_on_other_sizes() -> Outcome {
    OTHER_SIZES.iter().try_for_each(|&(family, name, size)| compare(architecture(family, name)?, Some(size)))
}

#[test]
fn all_networks_compute_what_pytorchs_do() {
    let Ok(wanted) = std::env::var("FREQBIAS_ALL_ARCHITECTURES") else {
        println!("SKIPPED: set FREQBIAS_ALL_ARCHITECTURES to compare the largest networks too");
        return;
    };
    let is_wanted = |known: &&Architecture| {
        let is_named = |name: &str| name == format!("{}/{}", known.family(), known.name());
        let is_quick = QUICK.contains(&(known.family(), known.name()));
        wanted.split(',').any(is_named) || wanted == "1" && !is_quick
    };
    let all: Vec<Architecture> = Architecture::all().iter().filter(is_wanted).copied().collect();
    assert!(
        !all.is_empty(),
        "FREQBIAS_ALL_ARCHITECTURES={wanted}: expected 1, or names such as cifar/resnet152"
    );
    compare_all(all.into_iter());
}

#[test]
fn parameters_are_as_many_as_pytorchs() -> Outcome {
    for &known in Architecture::all() {
        let (reference, graph) = (Reference::read(known, None)?, known.graph(CLASSES));
        let found = [parameters(&graph), graph.shapes().len()];
        let expected = ["parameters", "tensors"].map(|key| reference.number(key) as usize);
        assert_eq!(found, expected, "{} {}", known.family(), known.name());
    }
    Ok(())
}

/// Counts that papers and torchvision's documentation state, for 1000 classes.
#[test]
fn published_parameter_counts() -> Outcome {
    let published = [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("resnext50_32x4d", 25_028_904),
        ("resnext101_32x8d", 88_791_336),
        ("wide_resnet50_2", 68_883_240),
        ("wide_resnet101_2", 126_886_696),
        ("densenet121", 7_978_856),
        ("densenet161", 28_681_000),
        ("densenet169", 14_149_480),
        ("densenet201", 20_013_928),
        ("vgg11", 132_863_336),
        ("vgg16", 138_357_544),
        ("vgg19_bn", 143_678_248),
        ("alexnet", 61_100_840),
        ("squeezenet1_0", 1_248_424),
        ("squeezenet1_1", 1_235_496),
        ("googlenet", 6_624_904),
        ("resnext101_64x4d", 83_455_272),
        ("mobilenet_v2", 3_504_872),
        ("mobilenet_v3_small", 2_542_856),
        ("mobilenet_v3_large", 5_483_032),
        ("mnasnet0_5", 2_218_512),
        ("mnasnet0_75", 3_170_208),
        ("mnasnet1_0", 4_383_312),
        ("mnasnet1_3", 6_282_256),
        ("efficientnet_b0", 5_288_548),
        ("efficientnet_b1", 7_794_184),
        ("efficientnet_b2", 9_109_994),
        ("efficientnet_b3", 12_233_232),
        ("efficientnet_b4", 19_341_616),
        ("efficientnet_b5", 30_389_784),
        ("efficientnet_b6", 43_040_704),
        ("efficientnet_b7", 66_347_960),
        ("efficientnet_v2_s", 21_458_488),
        ("efficientnet_v2_m", 54_139_356),
        ("efficientnet_v2_l", 118_515_272),
        ("shufflenet_v2_x0_5", 1_366_792),
        ("shufflenet_v2_x1_0", 2_278_604),
        ("shufflenet_v2_x1_5", 3_503_624),
        ("shufflenet_v2_x2_0", 7_393_996),
        ("convnext_tiny", 28_589_128),
        ("convnext_small", 50_223_688),
        ("convnext_base", 88_591_464),
        ("convnext_large", 197_767_336),
        ("vit_b_16", 86_567_656),
        ("vit_b_32", 88_224_232),
        ("vit_l_16", 304_326_632),
        ("vit_l_32", 306_535_400),
        ("vit_h_14", 632_045_800),
        ("swin_t", 28_288_354),
        ("swin_s", 49_606_258),
        ("swin_b", 87_768_224),
        ("maxvit_t", 30_919_624),
        ("swin_v2_t", 28_351_570),
        ("swin_v2_s", 49_737_442),
        ("swin_v2_b", 87_930_848),
        ("regnet_x_16gf", 54_278_536),
        ("regnet_x_1_6gf", 9_190_136),
        ("regnet_x_32gf", 107_811_560),
        ("regnet_x_3_2gf", 15_296_552),
        ("regnet_x_400mf", 5_495_976),
        ("regnet_x_800mf", 7_259_656),
        ("regnet_x_8gf", 39_572_648),
        ("regnet_y_128gf", 644_812_894),
        ("regnet_y_16gf", 83_590_140),
        ("regnet_y_1_6gf", 11_202_430),
        ("regnet_y_32gf", 145_046_770),
        ("regnet_y_3_2gf", 19_436_338),
        ("regnet_y_400mf", 4_344_144),
        ("regnet_y_800mf", 6_432_512),
        ("regnet_y_8gf", 39_381_472),
    ];
    for (name, expected) in published {
        assert_eq!(parameters(&architecture(Family::Imagenet, name)?.graph(1000)), expected, "{name}");
    }
    let wide = architecture(Family::Cifar, "wide_resnet28_10")?;
    assert_eq!(parameters(&wide.graph(10)), 36_479_194, "the 36.5 M of Zagoruyko & Komodakis");
    Ok(())
}

#[test]
fn too_small_images_are_refused() -> Outcome {
    let network = network(architecture(Family::Imagenet, "alexnet")?, 1.0)?.freeze()?;
    let images = Tensor::zeros((2, 3, 32, 32), candle_core::DType::F32, &Device::Cpu)?;
    let error = network.input_gradient(&images, &LABELS).expect_err("three pools need more pixels");
    assert!(error.to_string().contains("32×32"), "{error}");
    Ok(())
}

/// Dropout draws anew in each step, the same for the same step, on any number of threads.
#[test]
fn dropout_depends_on_seed_and_step_alone() -> Outcome {
    let mut network = network(architecture(Family::Imagenet, "squeezenet1_1")?, 1.0)?;
    let pixels: Vec<f32> = draw("images", 2 * 3 * 64 * 64).into_iter().map(|u| u as f32).collect();
    let images = Tensor::from_vec(pixels, (2, 3, 64, 64), &Device::Cpu)?;
    let mut logits = |seed: u64, step: u64, threads: usize| {
        network.set_step(seed, step);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let found = pool.install(|| network.parameter_gradients(&images, &LABELS)).expect("gradients");
        wide(&found.logits)
    };
    let first = logits(1, 0, 1);
    assert_eq!(logits(1, 0, 2), first);
    assert_ne!(logits(1, 1, 1), first);
    assert_ne!(logits(2, 0, 1), first);
    Ok(())
}
