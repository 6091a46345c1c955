//! Weights under the names, and in the shapes, of a program that has the network too.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::{architectures::Architecture, error::Error, spelling::Program};

impl Architecture {
    /// The weights of this network as a program has them: its names, axes of one as it has them, and the biases of timm's second Swin
    /// transformers in two parts.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use models::{Architecture, Program};
    ///
    /// let convnext: Architecture = "convnext_tiny".parse()?;
    /// let factors = Tensor::zeros((96, 1, 1), DType::F32, &Device::Cpu)?;
    /// let weights = [("features.1.0.layer_scale".to_owned(), factors)].into();
    /// let of_timm = convnext.respelled(Program::Timm, weights)?;
    /// assert_eq!(of_timm["stages.0.blocks.0.gamma"].dims(), [96]);
    /// # Ok::<(), models::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotOfProgram`] if the program has no such network, or a tensor cannot be read.
    pub fn respelled(
        &self,
        program: Program,
        weights: BTreeMap<String, Tensor>,
    ) -> Result<BTreeMap<String, Tensor>, Error> {
        let mut found = BTreeMap::new();
        for (own, tensor) in weights {
            let name = self.name_of_weight(program, &own);
            let name = name.ok_or(Error::NotOfProgram { name: self.name(), program })?;
            let is_cosine = name.ends_with("attn.qkv.bias") && self.has_unit_vectors();
            match name == own {
                true => drop(found.insert(name, tensor)),
                false if is_cosine => found.extend(separate(&name, &tensor)?),
                false => {
                    let tensor = reshaped(&name, tensor)?;
                    found.insert(name, tensor);
                }
            }
        }
        Ok(found)
    }
}

/// In the shape that timm has under a name: VGG's linear layers are convolutions, ConvNeXt's factors have one axis.
fn reshaped(name: &str, tensor: Tensor) -> Result<Tensor, Error> {
    let side = match name {
        "pre_logits.fc1.weight" => 7,
        "pre_logits.fc2.weight" => 1,
        _ if name.ends_with(".gamma") => return Ok(tensor.flatten_all()?),
        _ => return Ok(tensor),
    };
    let (outputs, inputs) = tensor.dims2()?;
    Ok(tensor.reshape((outputs, inputs / side / side, side, side))?)
}

/// The biases of queries and of values; keys have none.
fn separate(name: &str, tensor: &Tensor) -> Result<[(String, Tensor); 2], Error> {
    let own = tensor.dim(0)? / 3;
    let part = |letter: &str, first: usize| {
        let bias = tensor.narrow(0, first, own)?.contiguous()?;
        Ok::<_, Error>((name.replace("qkv.bias", &format!("{letter}_bias")), bias))
    };
    Ok([part("q", 0)?, part("v", 2 * own)?])
}
