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
    let draw = |(name, shape): (&String, &Vec<usize>)| {
        let law = Law::for_parameter(name, shape, shapes)?;
        let values = law.draw(shape.iter().product(), &mut named_generator(seed, name));
        Ok((name.clone(), Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?))
    };
    shapes.iter().map(draw).collect()
}

enum Law {
    Constant(f32),
    Uniform { bound: f64 },
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
        }
    }
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
