//! What transformers are made of, forward and backward.

use std::f64::consts::LN_10;

use candle_core::{Result, Tensor};
use kernels::{
    Group,
    device::{self, Attention, channel_sums, per_channel},
};

use super::engine::{Pass, indices};
use crate::graph::{BiasNumbers, RelativeBias, SelfAttention, Shift, TokenOp, parameter, perceptron};

/// No query's length is more than e^λ of this, ln 100.
const LARGEST: f64 = 2.0 * LN_10;

/// What an operation computes, and what its gradient needs besides what it read.
pub(super) fn forward(pass: Pass<'_>, op: &TokenOp, x: &Tensor) -> Result<(Tensor, Option<[Tensor; 2]>)> {
    let (images, channels, height, width) = x.dims4()?;
    let y = match op {
        TokenOp::LayerNorm { module, epsilon } => {
            let (weight, bias) = (pass.weight(module, "weight"), pass.weight(module, "bias"));
            let (y, left) = device::layer_norm(x, weight, bias, *epsilon)?;
            return Ok((y, Some(left)));
        }
        TokenOp::ResponseNorm { module, epsilon } => {
            device::response_norm(x, pass.weight(module, "weight"), pass.weight(module, "bias"), *epsilon)?
        }
        TokenOp::ScaleChannels { parameter } => x.broadcast_mul(&factors(pass, parameter)?)?,
        TokenOp::ShiftChannels(shifts) => {
            x.broadcast_add(&per_channel(&numbers(shifts, channels, pass)?)?)?
        }
        TokenOp::Times { factor } => (x * f64::from(*factor))?,
        TokenOp::UnitVectors { heads, parameter } => {
            let factors = lengths(&pass.weights[parameter])?;
            device::unit_vectors(x, channels / 3 / heads, &factors)?
        }
        TokenOp::Attention(op) => {
            let given = Given::new(op, [channels, height, width], pass)?;
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
            let x = x.pad_with_zeros(2, 0, height % 2)?.pad_with_zeros(3, 0, width % 2)?;
            let [rows, columns] = [height, width].map(|side| side.div_ceil(2));
            let x = x.reshape(vec![images, channels, rows, 2, columns, 2])?;
            let x = x.permute(vec![0, 5, 3, 1, 2, 4])?.contiguous()?;
            x.reshape((images, 4 * channels, rows, columns))?
        }
        TokenOp::Border { before, behind } => {
            let x = x.pad_with_zeros(2, before[0], behind[0])?;
            x.pad_with_zeros(3, before[1], behind[1])?.contiguous()?
        }
    };
    Ok((y, None))
}

/// A number for each of so many channels, 0 where there is none.
fn numbers(shifts: &[Shift], channels: usize, pass: Pass<'_>) -> Result<Tensor> {
    let of = |Shift { channels: own, parameter, first }: &Shift| {
        let numbers = pass.weights[parameter].narrow(0, *first, own.len())?;
        numbers.pad_with_zeros(0, own.start, channels - own.end)
    };
    let first = of(&shifts[0])?;
    shifts[1..].iter().try_fold(first, |sum, shift| sum + of(shift)?)
}

/// The gradients of parameters from those of the numbers; where a parameter has several parts, one for each.
fn of_numbers(shifts: &[Shift], of_numbers: &Tensor, pass: Pass<'_>) -> Result<Named> {
    let of = |Shift { channels, parameter, first }: &Shift| {
        let size = pass.weights[parameter].elem_count();
        let own = of_numbers.narrow(0, channels.start, channels.len())?;
        let gradient = own.pad_with_zeros(0, *first, size - first - channels.len())?;
        Ok((parameter.clone(), gradient))
    };
    shifts.iter().map(of).collect()
}

/// The lengths of the queries of each head, then those of the keys.
fn lengths(numbers: &Tensor) -> Result<Tensor> {
    let queries = numbers.flatten_all()?.minimum(LARGEST)?.exp()?;
    Tensor::cat(&[&queries, &queries.ones_like()?], 0)
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
        TokenOp::ResponseNorm { module, epsilon } => {
            let weight = pass.weight(module, "weight");
            let (dx, of_weight, of_bias) = device::response_norm_gradient(g, seen.x(), weight, *epsilon)?;
            if wants_parameters {
                found = vec![(parameter(module, "weight"), of_weight), (parameter(module, "bias"), of_bias)];
            }
            dx
        }
        TokenOp::ShiftChannels(shifts) => {
            if wants_parameters {
                found = of_numbers(shifts, &channel_sums(g)?, pass)?;
            }
            g.clone()
        }
        TokenOp::Times { factor } => (g * f64::from(*factor))?,
        TokenOp::UnitVectors { heads, parameter } => {
            let (numbers, size) = (&pass.weights[parameter], channels / 3 / heads);
            let factors = lengths(numbers)?;
            let (dx, of_factors) = device::unit_vectors_gradient(g, seen.x(), size, &factors)?;
            if wants_parameters {
                let of_queries = (of_factors * factors)?.narrow(0, 0, *heads)?;
                let counts = numbers.flatten_all()?.le(LARGEST)?.to_dtype(of_queries.dtype())?;
                found.push((parameter.clone(), (of_queries * counts)?));
            }
            dx
        }
        TokenOp::Attention(op) => {
            let given = Given::new(op, [channels, height, width], pass)?;
            let gradient = device::attention_gradient(g, seen.x(), given.attention(op))?;
            if let Some(bias) = op.bias.as_ref().filter(|_| wants_parameters) {
                found.extend(of_bias(bias, pass, &of_table(bias, &gradient.bias)?)?);
            }
            if let (Some(shifts), Some(padding)) =
                (&op.padding, gradient.padding.filter(|_| wants_parameters))
            {
                found.extend(of_numbers(shifts, &padding, pass)?);
            }
            gradient.qkv
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
            let [rows, columns] = [height, width].map(|side| side.div_ceil(2));
            let g = g.reshape(vec![images, 2, 2, channels, rows, columns])?;
            let g = g.permute(vec![0, 3, 4, 2, 5, 1])?.contiguous()?;
            let g = g.reshape((images, channels, 2 * rows, 2 * columns))?;
            g.narrow(2, 0, height)?.narrow(3, 0, width)?.contiguous()?
        }
        TokenOp::Border { before, .. } => {
            g.narrow(2, before[0], height)?.narrow(3, before[1], width)?.contiguous()?
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
    /// (3 · C).
    padding: Option<Tensor>,
}

impl Given {
    fn new(op: &SelfAttention, [channels, height, width]: [usize; 3], pass: Pass<'_>) -> Result<Self> {
        let groups = op.partition.groups([height, width]).expect("`Plans::fits` was asked");
        let of_pairs = |bias: &RelativeBias| {
            let table = match &bias.numbers {
                BiasNumbers::Table(table) => pass.weights[table].clone(),
                BiasNumbers::Perceptron { module, .. } => {
                    let parts = perceptron(module).map(|name| &pass.weights[&name]);
                    device::distance_numbers(bias.window, parts)?
                }
            };
            let size = bias.window[0] * bias.window[1];
            let pairs = table.index_select(&indices(&bias.rows(), table.device())?, 0)?;
            pairs.t()?.contiguous()?.reshape((op.heads, size, size))
        };
        let padding = op.padding.as_ref().map(|shifts| numbers(shifts, channels, pass)).transpose()?;
        Ok(Self { groups, bias: op.bias.as_ref().map(of_pairs).transpose()?, padding })
    }

    fn attention(&self, op: &SelfAttention) -> Attention<'_> {
        Attention {
            heads: op.heads,
            scale: f64::from(op.scale),
            groups: &self.groups,
            bias: self.bias.as_ref(),
            padding: self.padding.as_ref(),
        }
    }
}

/// The gradients of what makes the numbers of a bias, from that of these, (rows, heads).
fn of_bias(bias: &RelativeBias, pass: Pass<'_>, of_numbers: &Tensor) -> Result<Named> {
    match &bias.numbers {
        BiasNumbers::Table(table) => Ok(vec![(table.clone(), of_numbers.clone())]),
        BiasNumbers::Perceptron { module, .. } => {
            let names = perceptron(module);
            let parts = names.each_ref().map(|name| &pass.weights[name]);
            let parts = device::distance_numbers_gradient(bias.window, parts, of_numbers)?;
            Ok(names.into_iter().zip(parts).collect())
        }
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
        let bias = RelativeBias { numbers: BiasNumbers::Table(String::new()), window: [1, 2] };
        let of_pairs = Tensor::new(&[1f32, 2.0, 3.0, 4.0], &candle_core::Device::Cpu)?.reshape((1, 2, 2))?;
        assert_eq!(of_table(&bias, &of_pairs)?.flatten_all()?.to_vec1::<f32>()?, [2.0, 5.0, 3.0]);
        Ok(())
    }
}
