//! What transformers are made of, forward and backward.

use kernels::{
    Group,
    blocked::{self, Attention, Blocked, ChannelAffine, ChannelAffineGradient, Dims, PixelMoments},
};

use super::engine::{Engine, Pass};
use crate::{
    graph::{RelativeBias, SelfAttention, TokenOp, parameter},
    plan::Purpose,
};

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
        TokenOp::ScaleChannels { parameter } => {
            let scale = pass.weights[parameter.as_str()];
            let shift = &vec![0.0; scale.len()];
            let affine = ChannelAffine { scale, shift, residual: None, relu: false };
            blocked::channel_affine(x, affine, instructions, arena).0
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
    };
    (y, None)
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

/// Gradients of parameters by PyTorch's names.
type Named = Vec<(String, Vec<f32>)>;

/// The gradient of what an operation read from that of its result, and those of its parameters if the pass is for them.
pub(super) fn backward(
    engine: &Engine,
    pass: Pass<'_>,
    op: &TokenOp,
    g: Blocked,
    seen: Seen<'_>,
) -> (Blocked, Named) {
    let (arena, instructions) = (&engine.arena, engine.instructions);
    let wants_parameters = pass.purpose == Purpose::Parameters;
    let mut found = Named::new();
    let dx = match op {
        TokenOp::LayerNorm { module, .. } => return layer_norm(engine, pass, module, g, seen),
        TokenOp::ScaleChannels { parameter } => {
            if wants_parameters {
                let none = vec![0.0; g.dims().channels];
                let sums = blocked::channel_sums(&g, None, seen.x(), &none, instructions);
                found.push((parameter.clone(), sums.iter().map(|(product, _)| *product as f32).collect()));
            }
            let a = pass.weights[parameter.as_str()];
            let terms = ChannelAffineGradient { mask: None, x: None, a, has_residual: false };
            return (blocked::channel_affine_gradient(g, terms, instructions, arena).0, found);
        }
        TokenOp::Attention(op) => {
            let given = Given::new(op, seen.dims, pass);
            let of_bias = op.bias.as_ref().filter(|_| wants_parameters);
            let (with, how) = (given.attention(op), (instructions, arena));
            let (dx, sums) = blocked::attention_gradient(&g, seen.x(), with, of_bias.is_some(), how);
            found.extend(of_bias.map(|bias| (bias.table.clone(), of_table(bias, &sums, op.heads))));
            dx
        }
        TokenOp::Prepend { parameter, .. } => {
            let (dx, of_tokens) = blocked::prepend_tokens_gradient(&g, seen.dims, arena);
            found.extend(wants_parameters.then(|| (parameter.clone(), of_tokens)));
            dx
        }
        TokenOp::AddPositions { parameter, .. } => {
            found.extend(wants_parameters.then(|| (parameter.clone(), blocked::positions_gradient(&g))));
            return (g, found);
        }
        TokenOp::Pixel(index) => blocked::pixel_gradient(&g, *index, seen.dims, arena),
        TokenOp::Swap { .. } => blocked::swap_channels_and_pixels_gradient(&g, seen.dims, arena),
        TokenOp::MergeSquares => blocked::merge_squares_gradient(&g, arena),
    };
    arena.recycle(g);
    (dx, found)
}

fn layer_norm(
    engine: &Engine,
    pass: Pass<'_>,
    module: &str,
    mut g: Blocked,
    seen: Seen<'_>,
) -> (Blocked, Named) {
    let (x, instructions) = (seen.x(), engine.instructions);
    let moments = seen.moments.expect("the forward pass has kept what this step needs");
    let mut found = Named::new();
    if pass.purpose == Purpose::Parameters {
        let (weight, bias) = blocked::layer_norm_parameter_gradients(&g, x, moments, instructions);
        found = vec![(parameter(module, "weight"), weight), (parameter(module, "bias"), bias)];
    }
    blocked::layer_norm_gradient(&mut g, x, moments, pass.weight(module, "weight"), instructions);
    (g, found)
}

/// What attention on planes of a size is given.
struct Given {
    groups: Vec<Group>,
    /// (heads, T, T).
    bias: Option<Vec<f32>>,
}

impl Given {
    fn new(op: &SelfAttention, dims: Dims, pass: Pass<'_>) -> Self {
        let groups = op.partition.groups([dims.height, dims.width]).expect("`Plans::fits` was asked");
        let bias = op.bias.as_ref().map(|bias| {
            let (table, rows) = (pass.weights[bias.table.as_str()], bias.rows());
            let of_head = |head: usize| rows.iter().map(move |row| table[row * op.heads + head]);
            (0..op.heads).flat_map(of_head).collect()
        });
        Self { groups, bias }
    }

    fn attention(&self, op: &SelfAttention) -> Attention<'_> {
        Attention { heads: op.heads, scale: op.scale, groups: &self.groups, bias: self.bias.as_deref() }
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
        let bias = RelativeBias { table: String::new(), window: [1, 2] };
        assert_eq!(of_table(&bias, &[1.0, 2.0, 3.0, 4.0], 1), [2.0, 5.0, 3.0]);
    }
}
