//! What transformers are made of, forward and backward.

use std::f32::consts::LN_10;

use kernels::{
    DistancePerceptron, Group,
    blocked::{
        self, Attention, BlockSums, Blocked, ChannelAffine, ChannelAffineGradient, Dims, PixelMoments,
    },
    distance_numbers, distance_numbers_gradient,
};

use super::{
    engine::{Engine, Pass},
    leaving::{Leaving, Named},
};
use crate::{
    graph::{BiasNumbers, RelativeBias, SelfAttention, Shift, TokenOp, parameter, perceptron},
    plan::Purpose,
};

/// No query's length is more than e^λ of this, ln 100.
const LARGEST: f32 = 2.0 * LN_10;

/// What an operation computes, and what its gradient needs besides what it read.
pub(super) fn forward(
    engine: &Engine,
    pass: Pass<'_>,
    op: &TokenOp,
    x: &Blocked,
) -> (Blocked, Option<PixelMoments>) {
    let (arena, instructions) = (&engine.arena, engine.instructions);
    let y = match op {
        TokenOp::LayerNorm { module, epsilon } => {
            let parameters = (pass.weight(module, "weight"), pass.weight(module, "bias"));
            let (y, moments) = blocked::layer_norm(x, parameters, *epsilon, instructions, arena);
            return (y, Some(moments));
        }
        TokenOp::ResponseNorm { module, epsilon } => {
            let parameters = (pass.weight(module, "weight"), pass.weight(module, "bias"));
            blocked::response_norm(x, parameters, *epsilon, instructions, arena)
        }
        TokenOp::ScaleChannels { parameter } => {
            let scale = pass.weights[parameter.as_str()];
            affine(engine, x, scale, &vec![0.0; scale.len()])
        }
        TokenOp::ShiftChannels(shifts) => {
            let shift = Shift::numbers(shifts, x.dims().channels, |name| pass.weights[name]);
            affine(engine, x, &vec![1.0; shift.len()], &shift)
        }
        TokenOp::Times { factor } => {
            let channels = x.dims().channels;
            affine(engine, x, &vec![*factor; channels], &vec![0.0; channels])
        }
        TokenOp::UnitVectors { heads, parameter } => {
            let (size, factors) = lengths(x.dims(), *heads, pass.weights[parameter.as_str()]);
            blocked::unit_vectors(x, size, &factors, instructions, arena)
        }
        TokenOp::Attention(op) => {
            let given = Given::new(op, x.dims(), pass);
            blocked::attention(x, given.attention(op), instructions, arena)
        }
        TokenOp::Prepend { parameter, .. } => {
            blocked::prepend_tokens(x, pass.weights[parameter.as_str()], arena)
        }
        TokenOp::AddPositions { parameter, .. } => {
            blocked::add_positions(x, pass.weights[parameter.as_str()], arena)
        }
        TokenOp::Pixel(index) => blocked::pixel(x, *index, arena),
        TokenOp::Swap { .. } => blocked::swap_channels_and_pixels(x, arena),
        TokenOp::MergeSquares => blocked::merge_squares(x, arena),
        TokenOp::Border { before, behind } => blocked::border(x, *before, *behind, arena),
    };
    (y, None)
}

/// x · scale + shift of each channel.
fn affine(engine: &Engine, x: &Blocked, scale: &[f32], shift: &[f32]) -> Blocked {
    let affine = ChannelAffine { scale, shift, residual: None, relu: false };
    blocked::channel_affine(x, affine, engine.instructions, &engine.arena).0
}

/// Channels of a head, and the lengths of the queries of each head, then those of the keys.
fn lengths(dims: Dims, heads: usize, numbers: &[f32]) -> (usize, Vec<f32>) {
    let queries = numbers.iter().map(|number| number.min(LARGEST).exp());
    (dims.channels / 3 / heads, queries.chain(std::iter::repeat_n(1.0, heads)).collect())
}

/// What an operation read, and left for its gradient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) dims: Dims,
    /// Kept where the operation or the gradients of its parameters need it.
    pub(super) x: Option<&'a Blocked>,
    pub(super) moments: Option<&'a PixelMoments>,
}

impl Seen<'_> {
    fn x(&self) -> &Blocked {
        self.x.expect("the plan keeps what gradients need")
    }
}

/// The gradient of what an operation read from that of its result, and those of its parameters if the pass is for them.
pub(super) fn backward<'a>(
    engine: &Engine,
    pass: Pass<'a>,
    op: &'a TokenOp,
    g: Blocked,
    seen: Seen<'_>,
) -> (Blocked, Vec<Leaving<'a>>) {
    let (arena, instructions) = (&engine.arena, engine.instructions);
    let wants_parameters = pass.purpose == Purpose::Parameters;
    let mut found = Vec::new();
    let dx = match op {
        TokenOp::LayerNorm { module, .. } => return layer_norm(engine, pass, module, g, seen),
        TokenOp::ScaleChannels { parameter } => {
            if wants_parameters {
                let none = vec![0.0; g.dims().channels];
                let sums = blocked::channel_sums(&g, None, seen.x(), &none, instructions);
                found.push(Leaving::sums(sums, |all| vec![(parameter.clone(), all.single_pairs().0)]));
            }
            return (scaled(engine, g, pass.weights[parameter.as_str()]), found);
        }
        TokenOp::ResponseNorm { module, epsilon } => {
            let (mut g, weight) = (g, pass.weight(module, "weight"));
            let sums = blocked::response_norm_gradient(&mut g, seen.x(), weight, *epsilon, instructions);
            if wants_parameters {
                found.push(Leaving::sums(sums, |all| of_affine(module, all)));
            }
            return (g, found);
        }
        TokenOp::ShiftChannels(shifts) => {
            if wants_parameters {
                let sums = blocked::channel_sums(&g, None, &g, &vec![0.0; g.dims().channels], instructions);
                found.push(Leaving::sums(sums, move |all| of_shifts(shifts, pass, &all.single_pairs().1)));
            }
            return (g, found);
        }
        TokenOp::Times { factor } => {
            let channels = g.dims().channels;
            return (scaled(engine, g, &vec![*factor; channels]), found);
        }
        TokenOp::UnitVectors { heads, parameter } => {
            let (mut g, numbers) = (g, pass.weights[parameter.as_str()]);
            let (size, factors) = lengths(seen.dims, *heads, numbers);
            let how = (instructions, arena);
            let sums = blocked::unit_vectors_gradient(&mut g, seen.x(), size, &factors, how);
            if wants_parameters {
                found.push(Leaving::sums(sums, move |all| {
                    let of_factors = all.singles();
                    let of_number = |((number, factor), of_factor): ((&f32, &f32), &f32)| {
                        if *number <= LARGEST { factor * of_factor } else { 0.0 }
                    };
                    let of_numbers = numbers.iter().zip(&factors).zip(&of_factors).map(of_number);
                    vec![(parameter.clone(), of_numbers.collect())]
                }));
            }
            return (g, found);
        }
        TokenOp::Attention(op) => {
            let given = Given::new(op, seen.dims, pass);
            let (with, how) = (given.attention(op), (instructions, arena));
            let gradient = blocked::attention_gradient(&g, seen.x(), with, wants_parameters, how);
            if let Some(bias) = op.bias.as_ref().filter(|_| wants_parameters) {
                found.push(Leaving::sums(gradient.bias, move |all| {
                    of_bias(bias, pass, &of_table(bias, &all.singles(), op.heads))
                }));
            }
            if let Some(shifts) = op.padding.as_ref().filter(|_| wants_parameters) {
                let made = move |all: &BlockSums| of_shifts(shifts, pass, &all.singles());
                found.push(Leaving::sums(gradient.padding, made));
            }
            gradient.qkv
        }
        TokenOp::Prepend { parameter, .. } => {
            let (dx, of_tokens) = blocked::prepend_tokens_gradient(&g, seen.dims, arena);
            if wants_parameters {
                found.push(Leaving::sums(of_tokens, |all| vec![(parameter.clone(), all.singles())]));
            }
            dx
        }
        TokenOp::AddPositions { parameter, .. } => {
            if wants_parameters {
                let sums = blocked::positions_gradient(&g);
                found.push(Leaving::sums(sums, |all| vec![(parameter.clone(), all.singles())]));
            }
            return (g, found);
        }
        TokenOp::Pixel(index) => blocked::pixel_gradient(&g, *index, seen.dims, arena),
        TokenOp::Swap { .. } => blocked::swap_channels_and_pixels_gradient(&g, seen.dims, arena),
        TokenOp::MergeSquares => blocked::merge_squares_gradient(&g, seen.dims, arena),
        TokenOp::Border { before, .. } => blocked::border_gradient(&g, *before, seen.dims, arena),
    };
    arena.recycle(g);
    (dx, found)
}

/// The gradients of the weight and the bias of a module.
fn of_affine(module: &str, all: &BlockSums) -> Named {
    let (weight, bias) = all.single_pairs();
    vec![(parameter(module, "weight"), weight), (parameter(module, "bias"), bias)]
}

fn of_shifts(shifts: &[Shift], pass: Pass<'_>, sums: &[f32]) -> Named {
    Shift::gradients(shifts, sums, |name| pass.weights[name].len())
}

/// The gradient of the argument of an affine map of each channel.
fn scaled(engine: &Engine, g: Blocked, a: &[f32]) -> Blocked {
    let terms = ChannelAffineGradient { mask: None, x: None, a, has_residual: false };
    blocked::channel_affine_gradient(g, terms, engine.instructions, &engine.arena).0
}

fn layer_norm<'a>(
    engine: &Engine,
    pass: Pass<'a>,
    module: &'a str,
    mut g: Blocked,
    seen: Seen<'_>,
) -> (Blocked, Vec<Leaving<'a>>) {
    let (x, instructions) = (seen.x(), engine.instructions);
    let moments = seen.moments.expect("the forward pass has kept what this step needs");
    let mut found = Vec::new();
    if pass.purpose == Purpose::Parameters {
        let sums = blocked::layer_norm_parameter_gradients(&g, x, moments, instructions);
        found.push(Leaving::sums(sums, |all| of_affine(module, all)));
    }
    blocked::layer_norm_gradient(&mut g, x, moments, pass.weight(module, "weight"), instructions);
    (g, found)
}

/// What attention on planes of a size is given.
struct Given {
    groups: Vec<Group>,
    /// (heads, T, T).
    bias: Option<Vec<f32>>,
    /// (3 · C).
    padding: Option<Vec<f32>>,
}

impl Given {
    fn new(op: &SelfAttention, dims: Dims, pass: Pass<'_>) -> Self {
        let groups = op.partition.groups([dims.height, dims.width]).expect("`Plans::fits` was asked");
        let bias = op.bias.as_ref().map(|bias| {
            let made: Vec<f32>;
            let table = match &bias.numbers {
                BiasNumbers::Table(table) => pass.weights[table.as_str()],
                BiasNumbers::Perceptron { module, .. } => {
                    made = distance_numbers(bias.window, of_distances(module, pass));
                    &made
                }
            };
            let rows = bias.rows();
            let of_head = |head: usize| rows.iter().map(move |row| table[row * op.heads + head]);
            (0..op.heads).flat_map(of_head).collect()
        });
        let numbers = |shifts: &Vec<Shift>| Shift::numbers(shifts, dims.channels, |name| pass.weights[name]);
        let padding = op.padding.as_ref().map(numbers);
        Self { groups, bias, padding }
    }

    fn attention(&self, op: &SelfAttention) -> Attention<'_> {
        Attention {
            heads: op.heads,
            scale: op.scale,
            groups: &self.groups,
            bias: self.bias.as_deref(),
            padding: self.padding.as_deref(),
        }
    }
}

fn of_distances<'a>(module: &str, pass: Pass<'a>) -> DistancePerceptron<'a> {
    let [first, shift, second] = perceptron(module).map(|name| pass.weights[name.as_str()]);
    DistancePerceptron { first, shift, second }
}

/// The gradients of what makes the numbers of a bias, from that of these, (rows, heads).
fn of_bias(bias: &RelativeBias, pass: Pass<'_>, of_numbers: &[f32]) -> Named {
    match &bias.numbers {
        BiasNumbers::Table(table) => vec![(table.clone(), of_numbers.to_vec())],
        BiasNumbers::Perceptron { module, .. } => {
            let parts = distance_numbers_gradient(bias.window, of_distances(module, pass), of_numbers);
            perceptron(module).into_iter().zip(parts).collect()
        }
    }
}

/// The gradient of a table, (rows, heads), from that of each pair of tokens, (heads, T, T).
fn of_table(bias: &RelativeBias, sums: &[f32], heads: usize) -> Vec<f32> {
    let (rows, [height, width]) = (bias.rows(), bias.window);
    let mut found = vec![0f64; (2 * height - 1) * (2 * width - 1) * heads];
    for (head, sums) in sums.chunks(rows.len()).enumerate() {
        rows.iter().zip(sums).for_each(|(row, &sum)| found[row * heads + head] += f64::from(sum));
    }
    found.into_iter().map(|sum| sum as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand for a window of two: rows 1, 0, 2, 1 of the table.
    #[test]
    fn pairs_at_one_distance_share_a_row() {
        let bias = RelativeBias { numbers: BiasNumbers::Table(String::new()), window: [1, 2] };
        assert_eq!(of_table(&bias, &[1.0, 2.0, 3.0, 4.0], 1), [2.0, 5.0, 3.0]);
    }
}
