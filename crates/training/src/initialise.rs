//! Seeded initial weights.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use rand::Rng;
use random::named_generator;

use crate::Error;

/// Initial weights by PyTorch's defaults, read off PyTorch's names and shapes.
///
/// | name | rank | law |
/// |---|---|---|
/// | `*.weight` | 2 or more | uniform in ±1/√fan_in (Kaiming-uniform with a = √5) |
/// | `*.weight` | 1 | 1 (batch-norm) |
/// | `*.bias` | 1 | uniform in ±1/√fan_in of the weight beside it; 0 beside a weight of rank 1 |
/// | `*.running_mean`, `*.running_var` | 1 | 0, 1 |
///
/// Transformers and ConvNeXts, told by their tokens, positions, tables of relative positions or factors of channels, have their authors'
/// laws:
///
/// | name | law |
/// |---|---|
/// | weights of rank 2 or more, tokens, positions, tables | normal with deviation 0.02 |
/// | `layer_scale`, `gamma` | 10⁻⁶ |
/// | biases; weights of rank 1 | 0; 1 |
///
/// Each tensor is drawn from a stream of its own, keyed by seed and name, so that it does not depend on the others.
///
/// # Errors
/// For a name that is none of these.
///
/// ```
/// # use std::collections::BTreeMap;
/// let shapes = BTreeMap::from([("conv1.weight".to_owned(), vec![64, 3, 3, 3])]);
/// let weights = training::initialise(&shapes, 0)?;
/// let values = weights["conv1.weight"].flatten_all()?.to_vec1::<f32>()?;
/// assert!(values.iter().all(|w| w.abs() <= 1.0 / 27f32.sqrt()));
/// # Ok::<(), training::Error>(())
/// ```
pub fn initialise(
    shapes: &BTreeMap<String, Vec<usize>>,
    seed: u64,
) -> Result<BTreeMap<String, Tensor>, Error> {
    let is_transformer = shapes.keys().any(|name| is_of_transformers(name));
    let draw = |(name, shape): (&String, &Vec<usize>)| {
        let law = match is_transformer {
            true => Law::of_transformer(name, shape)?,
            false => Law::for_parameter(name, shape, shapes)?,
        };
        let values = law.draw(shape.iter().product(), &mut named_generator(seed, name));
        Ok((name.clone(), Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?))
    };
    shapes.iter().map(draw).collect()
}

/// Parameters that transformers and ConvNeXts alone have: what stands for the class, where tokens are, and to each other.
const LEARNED: [&str; 5] =
    ["class_token", "cls_token", "pos_embedding", "pos_embed", "relative_position_bias_table"];
/// Factors of the channels of a block's branch.
const FACTORS: [&str; 2] = ["layer_scale", "gamma"];

fn last(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

fn is_of_transformers(name: &str) -> bool {
    LEARNED.contains(&last(name)) || FACTORS.contains(&last(name))
}

enum Law {
    Constant(f32),
    Uniform { bound: f64 },
    Normal { deviation: f64 },
}

impl Law {
    fn for_parameter(
        name: &str,
        shape: &[usize],
        shapes: &BTreeMap<String, Vec<usize>>,
    ) -> Result<Self, Error> {
        let (module, kind) = name.rsplit_once('.').unwrap_or(("", name));
        let weight = if module.is_empty() { "weight".to_owned() } else { format!("{module}.weight") };
        match kind {
            "weight" if shape.len() >= 2 => Ok(Self::within_fan_in(shape)),
            "weight" | "running_var" => Ok(Self::Constant(1.0)),
            "bias" => Ok(shapes
                .get(&weight)
                .filter(|w| w.len() >= 2)
                .map_or(Self::Constant(0.0), |w| Self::within_fan_in(w))),
            "running_mean" => Ok(Self::Constant(0.0)),
            _ => Err(Error::Initialisation { name: name.to_owned(), shape: shape.to_owned() }),
        }
    }

    fn of_transformer(name: &str, shape: &[usize]) -> Result<Self, Error> {
        let kind = last(name);
        match kind {
            _ if FACTORS.contains(&kind) => Ok(Self::Constant(1e-6)),
            _ if LEARNED.contains(&kind) => Ok(Self::Normal { deviation: 0.02 }),
            "weight" | "in_proj_weight" if shape.len() >= 2 => Ok(Self::Normal { deviation: 0.02 }),
            "weight" | "running_var" => Ok(Self::Constant(1.0)),
            "bias" | "in_proj_bias" | "running_mean" => Ok(Self::Constant(0.0)),
            _ => Err(Error::Initialisation { name: name.to_owned(), shape: shape.to_owned() }),
        }
    }

    fn within_fan_in(weight: &[usize]) -> Self {
        let fan_in: usize = weight[1..].iter().product();
        Self::Uniform { bound: 1.0 / (fan_in.max(1) as f64).sqrt() }
    }

    fn draw(&self, count: usize, random: &mut impl Rng) -> Vec<f32> {
        match *self {
            Self::Constant(value) => vec![value; count],
            Self::Uniform { bound } => {
                (0..count).map(|_| ((2.0 * random.random::<f64>() - 1.0) * bound) as f32).collect()
            }
            Self::Normal { deviation } => (0..count).map(|_| (deviation * normal(random)) as f32).collect(),
        }
    }
}

/// A number of the standard normal (Box & Muller 1958), of two of the generator's.
fn normal(random: &mut impl Rng) -> f64 {
    let (radius, angle) = (1.0 - random.random::<f64>(), std::f64::consts::TAU * random.random::<f64>());
    (-2.0 * radius.ln()).sqrt() * angle.cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(names: &[(&str, &[usize])]) -> BTreeMap<String, Vec<usize>> {
        names.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()
    }

    fn values(weights: &BTreeMap<String, Tensor>, name: &str) -> Vec<f32> {
        weights[name].flatten_all().and_then(|t| t.to_vec1()).expect("f32 values")
    }

    #[test]
    fn transformers_have_laws_of_their_own() -> Result<(), Error> {
        let all = shapes(&[
            ("cls_token", &[1, 1, 8]),
            ("blocks.0.attn.in_proj_weight", &[100, 400]),
            ("blocks.0.attn.in_proj_bias", &[100]),
            ("norm.weight", &[8]),
            ("gamma", &[8]),
        ]);
        let found = initialise(&all, 3)?;
        let weight = values(&found, "blocks.0.attn.in_proj_weight");
        let share = |deviations: f32| {
            weight.iter().filter(|w| w.abs() < deviations * 0.02).count() as f64 / weight.len() as f64
        };
        // Of a normal distribution 68.3 and 95.4 percent lie within one and two deviations.
        assert!((share(1.0) - 0.683).abs() < 0.005 && (share(2.0) - 0.954).abs() < 0.003);
        assert!(values(&found, "cls_token").iter().all(|token| *token != 0.0 && token.abs() < 0.1));
        assert_eq!(values(&found, "blocks.0.attn.in_proj_bias"), [0.0; 100]);
        assert_eq!(values(&found, "norm.weight"), [1.0; 8]);
        assert_eq!(values(&found, "gamma"), [1e-6; 8]);
        Ok(())
    }

    #[test]
    fn laws_follow_names_and_shapes() -> Result<(), Error> {
        let all = shapes(&[
            ("bn.weight", &[4]),
            ("bn.bias", &[4]),
            ("bn.running_var", &[4]),
            ("fc.weight", &[10, 400]),
            ("fc.bias", &[1000]),
        ]);
        let found = initialise(&all, 3)?;
        assert_eq!(values(&found, "bn.weight"), [1.0; 4]);
        assert_eq!(values(&found, "bn.bias"), [0.0; 4]);
        assert_eq!(values(&found, "bn.running_var"), [1.0; 4]);
        let weight = values(&found, "fc.weight");
        let largest = weight.iter().fold(0f32, |m, w| m.max(w.abs()));
        assert!(largest <= 0.05 && largest > 0.0495, "uniform in ±1/20: {largest}");
        let variance = weight.iter().map(|w| w * w).sum::<f32>() / weight.len() as f32;
        assert!((variance / (0.05 * 0.05 / 3.0) - 1.0).abs() < 0.05, "the variance of that law: {variance}");
        assert!(
            values(&found, "fc.bias").iter().all(|b| b.abs() <= 0.05) && values(&found, "fc.bias")[0] != 0.0
        );
        Ok(())
    }

    #[test]
    fn a_tensor_depends_on_seed_and_name_alone() -> Result<(), Error> {
        let alone = initialise(&shapes(&[("b.weight", &[3, 3])]), 1)?;
        let together = initialise(&shapes(&[("a.weight", &[5, 5]), ("b.weight", &[3, 3])]), 1)?;
        assert_eq!(values(&alone, "b.weight"), values(&together, "b.weight"));
        let other = initialise(&shapes(&[("b.weight", &[3, 3])]), 2)?;
        assert_ne!(values(&alone, "b.weight"), values(&other, "b.weight"));
        Ok(())
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let error = initialise(&shapes(&[("gate.alpha", &[3])]), 1).expect_err("no law");
        assert!(error.to_string().contains("gate.alpha"));
    }
}
