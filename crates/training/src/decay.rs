//! Which parameters decay.

use std::{collections::BTreeMap, fmt, str::FromStr};

use candle_core::Var;

use crate::Error;

/// A kind of parameters, told by name and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterKind {
    /// Weights of one axis, and the biases beside them: those of batch-norms and layer norms.
    Norms,
    /// What is called `bias`, of every layer.
    Biases,
    /// What is called neither `weight` nor `bias`: class tokens, embeddings of positions, tables of relative positions, factors of layer
    /// scale.
    Embeddings,
}

impl ParameterKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Norms, Self::Biases, Self::Embeddings];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Norms => "norms",
            Self::Biases => "biases",
            Self::Embeddings => "embeddings",
        }
    }

    /// Whether a parameter with this name is of this kind.
    fn has(self, name: &str, axes: impl Fn(&str) -> Option<usize>) -> bool {
        match self {
            Self::Norms => {
                let is_named = |ending| name.ends_with(ending);
                let weight = name.strip_suffix("bias").map(|module| format!("{module}weight"));
                (is_named("weight") || is_named("bias")) && axes(weight.as_deref().unwrap_or(name)) == Some(1)
            }
            Self::Biases => name.ends_with("bias"),
            Self::Embeddings => !name.ends_with("weight") && !name.ends_with("bias"),
        }
    }
}

/// The kinds of parameters that weight decay leaves alone; none by default, as with PyTorch's `SGD(model.parameters(), …)`.
///
/// ```
/// let exempt: training::NoDecay = "norms,biases".parse()?;
/// assert_eq!(exempt.to_string(), "norms,biases");
/// assert!("weights".parse::<training::NoDecay>().is_err());
/// # Ok::<(), training::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoDecay(Vec<ParameterKind>);

impl NoDecay {
    /// Every kind: what is left to decay is the weights of convolutions and linear layers.
    pub fn all() -> Self {
        Self(ParameterKind::ALL.to_vec())
    }

    /// Norms and biases, as for convolutional networks (He et al. 2019).
    pub fn of_norms_and_biases() -> Self {
        Self(vec![ParameterKind::Norms, ParameterKind::Biases])
    }

    /// Whether a parameter is of one of the kinds; `parameters` are all of the network.
    pub fn exempts(&self, name: &str, parameters: &BTreeMap<String, Var>) -> bool {
        let axes = |name: &str| parameters.get(name).map(|parameter| parameter.dims().len());
        self.0.iter().any(|kind| kind.has(name, axes))
    }
}

impl fmt::Display for NoDecay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|kind| kind.as_str()).collect();
        f.write_str(if names.is_empty() { "none".to_owned() } else { names.join(",") }.as_str())
    }
}

impl FromStr for NoDecay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "none" {
            return Ok(Self::default());
        }
        let kind = |name: &str| {
            let known = ParameterKind::ALL.into_iter().find(|kind| kind.as_str() == name.trim());
            known.ok_or_else(|| Error::ParameterKind { found: name.trim().to_owned() })
        };
        let mut kinds = text.split(',').map(kind).collect::<Result<Vec<_>, Error>>()?;
        kinds.sort();
        kinds.dedup();
        Ok(Self(kinds))
    }
}

/// Weight decay: how much, and of which parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decay {
    /// Its factor.
    pub amount: f64,
    /// Which parameters it leaves alone.
    pub except: NoDecay,
}

impl Decay {
    /// The factor for a parameter; `parameters` are all of the network.
    pub fn of(&self, name: &str, parameters: &BTreeMap<String, Var>) -> f64 {
        if self.except.exempts(name, parameters) { 0.0 } else { self.amount }
    }
}

impl From<f64> for Decay {
    /// Of all parameters.
    fn from(amount: f64) -> Self {
        Self { amount, except: NoDecay::default() }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn kinds_are_told_by_names_and_axes() -> Result<(), Box<dyn std::error::Error>> {
        let shapes: [(&str, &[usize]); 9] = [
            ("conv.weight", &[4, 3, 3, 3]),
            ("bn.weight", &[4]),
            ("bn.bias", &[4]),
            ("fc.weight", &[10, 4]),
            ("fc.bias", &[10]),
            ("attention.in_proj_weight", &[12, 4]),
            ("attention.in_proj_bias", &[12]),
            ("class_token", &[1, 1, 4]),
            ("block.layer_scale", &[4, 1, 1]),
        ];
        let variable = |(name, shape): (&str, &[usize])| {
            Ok((name.to_owned(), Var::zeros(shape, DType::F32, &Device::Cpu)?))
        };
        let all: BTreeMap<String, Var> =
            shapes.into_iter().map(variable).collect::<candle_core::Result<_>>()?;
        let exempt = |text: &str| -> Result<Vec<&String>, Error> {
            let kinds: NoDecay = text.parse()?;
            Ok(all.keys().filter(|name| kinds.exempts(name, &all)).collect())
        };
        assert_eq!(exempt("norms")?, ["bn.bias", "bn.weight"]);
        assert_eq!(exempt("biases")?, ["attention.in_proj_bias", "bn.bias", "fc.bias"]);
        assert_eq!(exempt("embeddings")?, ["block.layer_scale", "class_token"]);
        assert!(exempt("none")?.is_empty());
        let decay = Decay { amount: 0.1, except: NoDecay::all() };
        let decaying: Vec<&String> = all.keys().filter(|name| decay.of(name, &all) > 0.0).collect();
        assert_eq!(decaying, ["attention.in_proj_weight", "conv.weight", "fc.weight"]);
        Ok(())
    }

    #[test]
    fn kinds_are_read_and_written_in_one_order() -> Result<(), Error> {
        assert_eq!("embeddings, biases,norms,biases".parse::<NoDecay>()?, NoDecay::all());
        assert_eq!(NoDecay::default().to_string(), "none");
        let said = "norms,bn".parse::<NoDecay>().expect_err("an unknown kind").to_string();
        assert!(said.contains("`bn`") && said.contains("embeddings"), "{said}");
        Ok(())
    }
}
