//! The layer that makes the logits, and networks for some of their classes.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::{
    architectures::Architecture,
    error::Error,
    graph::{Graph, Op, Shapes},
};

impl Architecture {
    /// The weights of the network for some of the classes: of the layer that makes the logits the rows of these outputs, in this order.
    /// Its logits are those of the whole network for these outputs; softmax and loss are among them alone.
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// use candle_core::{DType, Device, Tensor};
    /// let resnet: models::Architecture = "resnet20".parse()?;
    /// let mut weights = BTreeMap::new();
    /// for (name, shape) in resnet.graph(1000).shapes() {
    ///     weights.insert(name, Tensor::zeros(shape, DType::F32, &Device::Cpu)?);
    /// }
    /// let weights = resnet.restricted(1000, &[7, 0, 999], weights)?;
    /// assert_eq!(weights["linear.weight"].dims(), [3, 64]);
    /// # Ok::<(), models::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::WeightsDoNotFit`] if the weights are not those of this network for so many classes, [`Error::NoSuchOutput`] if it has no
    /// such output.
    pub fn restricted(
        &self,
        classes: usize,
        outputs: &[usize],
        mut weights: BTreeMap<String, Tensor>,
    ) -> Result<BTreeMap<String, Tensor>, Error> {
        let graph = self.graph(classes);
        let found: Shapes =
            weights.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect();
        self.compare(&graph.shapes(), &found)?;
        if let Some(&output) = outputs.iter().find(|&&output| output >= classes) {
            return Err(Error::NoSuchOutput { output, outputs: classes });
        }
        let rows: Vec<u32> = outputs.iter().map(|&output| output as u32).collect();
        for name in graph.head() {
            let weight = &weights[&name];
            let rows = Tensor::new(rows.as_slice(), weight.device())?;
            let selected = weight.index_select(&rows, 0)?;
            weights.insert(name, selected);
        }
        Ok(weights)
    }
}

impl Graph {
    /// The names of the weights that have a row for each logit: those of the last layer (or layers, whose results are added up), and of what
    /// works on its channels one by one.
    fn head(&self) -> Vec<String> {
        let (mut names, mut left) = (Vec::new(), vec![self.logits]);
        while let Some(at) = left.pop() {
            let node = &self.nodes[at.0];
            let (module, is_layer) = match &node.op {
                Op::Linear { module, .. } | Op::Convolution { module, .. } => (Some(module), true),
                Op::BatchNorm { module, .. } => (Some(module), false),
                _ => (None, false),
            };
            let is_of = |name: &&String| {
                module.is_some_and(|module| {
                    name.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with('.'))
                })
            };
            names.extend(self.parameters.keys().chain(self.buffers.keys()).filter(is_of).cloned());
            if !is_layer {
                left.extend(&node.inputs);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the graph says is what depends on the number of classes.
    #[test]
    fn every_network_has_a_head() {
        for architecture in Architecture::all() {
            let (two, three) = (architecture.graph(2), architecture.graph(3));
            let (two_shapes, three_shapes) = (two.shapes(), three.shapes());
            let differ: Vec<&String> =
                two_shapes.keys().filter(|name| two_shapes[*name] != three_shapes[*name]).collect();
            let mut found = three.head();
            found.sort();
            assert_eq!(found.iter().collect::<Vec<_>>(), differ, "{}", architecture.name());
            assert!(found.iter().all(|name| three_shapes[name][0] == 3), "{}", architecture.name());
        }
    }

    #[test]
    fn other_weights_and_outputs_are_refused() -> Result<(), Error> {
        let resnet: Architecture = "resnet20".parse()?;
        let zeros = |(name, shape): (String, Vec<usize>)| {
            Ok((name, Tensor::zeros(shape, candle_core::DType::F32, &candle_core::Device::Cpu)?))
        };
        let weights: BTreeMap<String, Tensor> =
            resnet.graph(10).shapes().into_iter().map(zeros).collect::<candle_core::Result<_>>()?;
        let said = resnet.restricted(10, &[3, 10], weights.clone()).expect_err("of 0 to 9").to_string();
        assert_eq!(said, "output 10 of a network with 10 outputs: expected 0 to 9");
        assert!(matches!(resnet.restricted(11, &[3], weights), Err(Error::WeightsDoNotFit { .. })));
        Ok(())
    }
}
