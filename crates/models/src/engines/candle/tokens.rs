//! What transformers are made of, forward and backward.

use candle_core::{Result, Tensor};
use kernels::{
    Group,
    device::{self, Attention, channel_sums, per_channel},
};

use super::engine::{Pass, indices};
use crate::graph::{RelativeBias, SelfAttention, TokenOp, parameter};

/// What an operation computes, and what its gradient needs besides what it read.
pub(super) fn forward(pass: Pass<'_>, op: &TokenOp, x: &Tensor) -> Result<(Tensor, Option<[Tensor; 2]>)> {
    let (images, channels, height, width) = x.dims4()?;
    let y = match op {
        TokenOp::LayerNorm { module, epsilon } => {
            let (weight, bias) = (pass.weight(module, "weight"), pass.weight(module, "bias"));
            let (y, left) = device::layer_norm(x, weight, bias, *epsilon)?;
            return Ok((y, Some(left)));
        }
        TokenOp::ScaleChannels { parameter } => x.broadcast_mul(&factors(pass, parameter)?)?,
        TokenOp::Attention(op) => {
            let given = Given::new(op, [height, width], pass)?;
            device::attention(x, given.attention(op))?
        }
        TokenOp::Prepend { parameter, count } => {
            let tokens = pass.weights[parameter].reshape((1, *count, channels))?.transpose(1, 2)?;
            let tokens = tokens.broadcast_as((images, channels, *count))?.contiguous()?;
            Tensor::cat(&[tokens, x.flatten_from(2)?], 2)?.unsqueeze(3)?
        }
        TokenOp::AddPositions { parameter, pixels } => {
            let numbers = pass.weights[parameter].reshape((1, *pixels, channels))?.transpose(1, 2)?;
            x.broadcast_add(&numbers.reshape((1, channels, height, width))?)?
        }
        TokenOp::Pixel(index) => x.flatten_from(2)?.narrow(2, *index, 1)?.unsqueeze(3)?.contiguous()?,
        TokenOp::Swap { .. } => swapped(x, [channels, 1])?,
        TokenOp::MergeSquares => {
            let x = x.reshape(vec![images, channels, height / 2, 2, width / 2, 2])?;
            let x = x.permute(vec![0, 5, 3, 1, 2, 4])?.contiguous()?;
            x.reshape((images, 4 * channels, height / 2, width / 2))?
        }
    };
    Ok((y, None))
}

/// Gradients of parameters by PyTorch's names.
type Named = Vec<(String, Tensor)>;

/// What an operation read, and left for its gradient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) dims: &'a [usize],
    /// Kept where the operation or the gradients of its parameters need it.
    pub(super) x: Option<&'a Tensor>,
    pub(super) left: Option<&'a [Tensor; 2]>,
}

impl Seen<'_> {
    fn x(&self) -> &Tensor {
        self.x.expect("the plan keeps what gradients need")
    }
}

/// The gradient of what an operation read from that of its result, and those of its parameters if the pass is for them.
pub(super) fn backward(pass: Pass<'_>, op: &TokenOp, g: &Tensor, seen: Seen<'_>) -> Result<(Tensor, Named)> {
    let &[images, channels, height, width] = seen.dims else { unreachable!("values have four dimensions") };
    let wants_parameters = pass.wants_parameters();
    let mut found = Named::new();
    let dx = match op {
        TokenOp::LayerNorm { module, .. } => {
            let left = seen.left.expect("the forward pass has kept what this step needs");
            let (dx, of_weight, of_bias) =
                device::layer_norm_gradient(g, left, pass.weight(module, "weight"))?;
            if wants_parameters {
                found = vec![(parameter(module, "weight"), of_weight), (parameter(module, "bias"), of_bias)];
            }
            dx
        }
        TokenOp::ScaleChannels { parameter } => {
            if wants_parameters {
                found.push((parameter.clone(), channel_sums(&(g * seen.x())?)?));
            }
            g.broadcast_mul(&factors(pass, parameter)?)?
        }
        TokenOp::Attention(op) => {
            let given = Given::new(op, [height, width], pass)?;
            let (dx, of_bias) = device::attention_gradient(g, seen.x(), given.attention(op))?;
            if let Some(bias) = op.bias.as_ref().filter(|_| wants_parameters) {
                found.push((bias.table.clone(), of_table(bias, &of_bias)?));
            }
            dx
        }
        TokenOp::Prepend { parameter, count } => {
            let g = g.flatten_from(2)?;
            if wants_parameters {
                let of_tokens = g.narrow(2, 0, *count)?.sum(0)?.t()?.contiguous()?;
                found.push((parameter.clone(), of_tokens));
            }
            let rest = g.narrow(2, *count, height * width)?.contiguous()?;
            rest.reshape((images, channels, height, width))?
        }
        TokenOp::AddPositions { parameter, .. } => {
            if wants_parameters {
                found.push((parameter.clone(), g.flatten_from(2)?.sum(0)?.t()?.contiguous()?));
            }
            g.clone()
        }
        TokenOp::Pixel(index) => {
            let of = |count: usize| Tensor::zeros((images, channels, count), g.dtype(), g.device());
            let all = [of(*index)?, g.flatten_from(2)?, of(height * width - index - 1)?];
            let all: Vec<&Tensor> = all.iter().filter(|part| part.elem_count() > 0).collect();
            Tensor::cat(&all, 2)?.reshape((images, channels, height, width))?
        }
        TokenOp::Swap { .. } => swapped(g, [height, width])?,
        TokenOp::MergeSquares => {
            let g = g.reshape(vec![images, 2, 2, channels, height / 2, width / 2])?;
            let g = g.permute(vec![0, 3, 4, 2, 5, 1])?.contiguous()?;
            g.reshape((images, channels, height, width))?
        }
    };
    Ok((dx, found))
}

fn factors(pass: Pass<'_>, parameter: &str) -> Result<Tensor> {
    per_channel(&pass.weights[parameter].flatten_all()?)
}

/// Channels as pixels and pixels as channels, in planes of a size.
fn swapped(x: &Tensor, [height, width]: [usize; 2]) -> Result<Tensor> {
    let x = x.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
    let (images, channels, _) = x.dims3()?;
    x.reshape((images, channels, height, width))
}

/// What attention on planes of a size is given.
struct Given {
    groups: Vec<Group>,
    /// (heads, T, T).
    bias: Option<Tensor>,
}

impl Given {
    fn new(op: &SelfAttention, plane: [usize; 2], pass: Pass<'_>) -> Result<Self> {
        let groups = op.partition.groups(plane).expect("`Plans::fits` was asked");
        let of_pairs = |bias: &RelativeBias| {
            let (table, rows) = (&pass.weights[&bias.table], bias.rows());
            let size = bias.window[0] * bias.window[1];
            let pairs = table.index_select(&indices(&rows, table.device())?, 0)?;
            pairs.t()?.contiguous()?.reshape((op.heads, size, size))
        };
        Ok(Self { groups, bias: op.bias.as_ref().map(of_pairs).transpose()? })
    }

    fn attention(&self, op: &SelfAttention) -> Attention<'_> {
        let scale = f64::from(op.scale);
        Attention { heads: op.heads, scale, groups: &self.groups, bias: self.bias.as_ref() }
    }
}

/// The gradient of a table, (rows, heads), from that of each pair of tokens, (heads, T, T).
fn of_table(bias: &RelativeBias, of_pairs: &Tensor) -> Result<Tensor> {
    let [height, width] = bias.window;
    let (heads, rows) = (of_pairs.dim(0)?, (2 * height - 1) * (2 * width - 1));
    let of_pairs = of_pairs.flatten_from(1)?.t()?.contiguous()?;
    let zeros = Tensor::zeros((rows, heads), of_pairs.dtype(), of_pairs.device())?;
    zeros.index_add(&indices(&bias.rows(), of_pairs.device())?, &of_pairs, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand for a window of two: rows 1, 0, 2, 1 of the table.
    #[test]
    fn pairs_at_one_distance_share_a_row() -> Result<()> {
        let bias = RelativeBias { table: String::new(), window: [1, 2] };
        let of_pairs = Tensor::new(&[1f32, 2.0, 3.0, 4.0], &candle_core::Device::Cpu)?.reshape((1, 2, 2))?;
        assert_eq!(of_table(&bias, &of_pairs)?.flatten_all()?.to_vec1::<f32>()?, [2.0, 5.0, 3.0]);
        Ok(())
    }
}
