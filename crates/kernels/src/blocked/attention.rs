//! Attention of several heads within groups of tokens. The products are each image's own: its lane of two matrices of vectors.
#![allow(unsafe_code)]

use super::{
    curves::exp,
    lane_products::{LaneProduct, Matrix},
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    tensor::{Arena, Blocked, Dims},
};
use crate::{
    Group,
    parallel::{for_each_part, for_each_part_and},
};

/// What attention is done with: the `scale` of the products of queries and keys, and what is added to them.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// Heads; each has the same share of the channels.
    pub heads: usize,
    /// Factor of the products.
    pub scale: f32,
    /// Who attends to whom; every token is in one group, and all groups have as many.
    pub groups: &'a [Group],
    /// (heads, T, T) for groups of T tokens.
    pub bias: Option<&'a [f32]>,
}

/// softmax(scale · q kᵀ + bias + mask) v of each head, from queries, keys and values one after the other in the channels.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn attention(qkv: &Blocked, with: Attention<'_>, instructions: InstructionSet, arena: &Arena) -> Blocked {
    let dims = Dims { channels: qkv.dims.channels / 3, ..qkv.dims };
    let part = with.part(dims);
    let mut y = arena.blocked(dims);
    for_each_part(&mut y.data, part, |index, y| {
        let head = Head::new(qkv, with, index, instructions);
        let mut scratch = Scratch::new(head.size, head.channels, arena);
        let mut result = arena.take(part / with.groups.len());
        for group in with.groups {
            scratch.gather(&head, group);
            head.weigh(&mut scratch, group);
            let sizes = [head.channels, head.size, head.size];
            let [value, weights] = [&scratch.parts[2], &scratch.weights].map(|x| Matrix::rows(x, head.size));
            head.product(value, weights.transposed(), &mut result, sizes, 1.0);
            scatter(&result, group, y, head.tokens);
        }
        scratch.give_back(arena);
        arena.give(result);
    });
    y
}

/// The gradient of the argument of [`attention`] from `g`, that of its result; with `of_bias` also that of what is added,
/// (heads, T, T).
///
/// # Panics
/// If the sizes do not fit each other.
pub fn attention_gradient(
    g: &Blocked,
    qkv: &Blocked,
    with: Attention<'_>,
    of_bias: bool,
    (instructions, arena): (InstructionSet, &Arena),
) -> (Blocked, Vec<f32>) {
    let part = with.part(g.dims);
    let size = with.groups[0].tokens.len();
    let mut gradient = arena.blocked(qkv.dims);
    let mut parts = by_heads(&mut gradient.data, part, with.heads);
    let sums = if of_bias { size * size } else { 0 };
    let mut biases = vec![vec![0f32; sums]; parts.len()];
    let sums = biases.iter_mut().collect();
    for_each_part_and(&mut parts, 1, sums, 1, |index, parts, sums| {
        let head = Head::new(qkv, with, index, instructions);
        let mut scratch = Scratch::new(head.size, head.channels, arena);
        for group in with.groups {
            let g = &g.data[index * part..][..part];
            head.gradient(&mut scratch, group, g, &mut parts[0]);
            sums.iter_mut()
                .zip(&scratch.of_weights)
                .for_each(|(sum, lane)| *sum += lane.0.iter().sum::<f32>());
        }
        scratch.give_back(arena);
    });
    (gradient, added_up(&biases, with.heads))
}

/// By head of a block of images: where the gradients of its queries, keys and values go.
fn by_heads(data: &mut [Lane], part: usize, heads: usize) -> Vec<[&mut [Lane]; 3]> {
    let mut found = Vec::new();
    for block in data.chunks_mut(3 * heads * part) {
        let (queries, rest) = block.split_at_mut(heads * part);
        let (keys, values) = rest.split_at_mut(heads * part);
        let parts = queries.chunks_mut(part).zip(keys.chunks_mut(part)).zip(values.chunks_mut(part));
        found.extend(parts.map(|((query, key), value)| [query, key, value]));
    }
    found
}

/// For each head the sum of what all blocks have, in their order.
fn added_up(blocks: &[Vec<f32>], heads: usize) -> Vec<f32> {
    let sum = |head: usize, at: usize| {
        let found = blocks.iter().skip(head).step_by(heads).map(|block| f64::from(block[at]));
        found.sum::<f64>() as f32
    };
    let size = blocks[0].len();
    (0..heads).flat_map(|head| (0..size).map(move |at| sum(head, at))).collect()
}

impl Attention<'_> {
    /// Vectors of a head of a block.
    fn part(&self, dims: Dims) -> usize {
        assert!(
            dims.channels.is_multiple_of(self.heads),
            "{} channels of {} heads",
            dims.channels,
            self.heads
        );
        let tokens: usize = self.groups.iter().map(|group| group.tokens.len()).sum();
        assert_eq!(tokens, dims.pixels(), "tokens in groups");
        let size = self.groups[0].tokens.len();
        assert!(self.groups.iter().all(|group| group.tokens.len() == size), "groups of one size");
        assert!(self.bias.is_none_or(|bias| bias.len() == self.heads * size * size), "a bias of all pairs");
        dims.channels / self.heads * dims.pixels()
    }
}

/// A head of a block of images.
struct Head<'a> {
    qkv: &'a [Lane],
    with: Attention<'a>,
    index: usize,
    /// Channels of this head, and of all.
    channels: usize,
    all: usize,
    /// Tokens of an image, and of a group.
    tokens: usize,
    size: usize,
    instructions: InstructionSet,
}

/// Buffers of a thread.
struct Scratch {
    /// Queries, keys and values of a group, (channels, T).
    parts: [Vec<Lane>; 3],
    /// (T, T): what each token takes from each.
    weights: Vec<Lane>,
    /// (T, T): their gradients, then those of the products.
    of_weights: Vec<Lane>,
    /// (channels, T): the gradient of the result, and what is computed from it.
    g: [Vec<Lane>; 2],
}

impl Scratch {
    fn new(size: usize, channels: usize, arena: &Arena) -> Self {
        let rows = || arena.take(channels * size);
        Self {
            parts: [rows(), rows(), rows()],
            weights: arena.take(size * size),
            of_weights: arena.take(size * size),
            g: [rows(), rows()],
        }
    }

    fn gather(&mut self, head: &Head<'_>, group: &Group) {
        for (part, to) in self.parts.iter_mut().enumerate() {
            let first = (part * head.all + head.index * head.channels) * head.tokens;
            gather(&head.qkv[first..], group, to, head.tokens);
        }
    }

    fn give_back(self, arena: &Arena) {
        self.parts.into_iter().chain(self.g).for_each(|buffer| arena.give(buffer));
        arena.give(self.weights);
        arena.give(self.of_weights);
    }
}

impl<'a> Head<'a> {
    /// Head `index`, counted through all blocks.
    fn new(qkv: &'a Blocked, with: Attention<'a>, index: usize, instructions: InstructionSet) -> Self {
        let (all, tokens) = (qkv.dims.channels / 3, qkv.dims.pixels());
        Self {
            qkv: qkv.block(index / with.heads),
            with,
            index: index % with.heads,
            channels: all / with.heads,
            all,
            tokens,
            size: with.groups[0].tokens.len(),
            instructions,
        }
    }

    fn product(&self, a: Matrix<'_>, b: Matrix<'_>, c: &mut [Lane], sizes: [usize; 3], scale: f32) {
        run(self.instructions, LaneProduct { a, b, c, sizes, scale });
    }

    /// The weights of a group whose queries and keys are gathered.
    fn weigh(&self, scratch: &mut Scratch, group: &Group) {
        let [query, key, _] = &scratch.parts;
        let [query, key] = [query, key].map(|x| Matrix::rows(x, self.size));
        let sizes = [self.size, self.size, self.channels];
        self.product(query.transposed(), key, &mut scratch.weights, sizes, self.with.scale);
        let bias = self.with.bias.map(|bias| &bias[self.index * self.size * self.size..]);
        for (i, row) in scratch.weights.chunks_mut(self.size).enumerate() {
            if bias.is_some() || !group.regions.is_empty() {
                for (j, lane) in row.iter_mut().enumerate() {
                    let added = bias.map_or(0.0, |bias| bias[i * self.size + j]) + group.mask(i, j);
                    lane.0.iter_mut().for_each(|value| *value += added);
                }
            }
            run(self.instructions, Softmax { row });
        }
    }

    /// The gradients of queries, keys and values of a group from that of the result.
    fn gradient(&self, scratch: &mut Scratch, group: &Group, g: &[Lane], to: &mut [&mut [Lane]; 3]) {
        scratch.gather(self, group);
        self.weigh(scratch, group);
        let Scratch { parts: [query, key, value], weights, of_weights, g: [gathered, found] } = scratch;
        gather(g, group, gathered, self.tokens);
        let [channels, size] = [self.channels, self.size];
        let rows = |x| Matrix::rows(x, size);
        self.product(rows(gathered).transposed(), rows(value), of_weights, [size, size, channels], 1.0);
        // Of the values: Σ over tokens of what was taken from them.
        self.product(rows(gathered), rows(weights), found, [channels, size, size], 1.0);
        scatter(found, group, to[2], self.tokens);
        for (weights, g) in weights.chunks(size).zip(of_weights.chunks_mut(size)) {
            run(self.instructions, SoftmaxGradient { weights, g });
        }
        let scale = self.with.scale;
        self.product(rows(key), rows(of_weights).transposed(), found, [channels, size, size], scale);
        scatter(found, group, to[0], self.tokens);
        self.product(rows(query), rows(of_weights), found, [channels, size, size], scale);
        scatter(found, group, to[1], self.tokens);
    }
}

/// The tokens of a group, from planes of all tokens.
fn gather(from: &[Lane], group: &Group, to: &mut [Lane], tokens: usize) {
    for (to, from) in to.chunks_mut(group.tokens.len()).zip(from.chunks(tokens)) {
        to.iter_mut().zip(&group.tokens).for_each(|(to, &token)| *to = from[token]);
    }
}

/// The way back.
fn scatter(from: &[Lane], group: &Group, to: &mut [Lane], tokens: usize) {
    for (from, to) in from.chunks(group.tokens.len()).zip(to.chunks_mut(tokens)) {
        from.iter().zip(&group.tokens).for_each(|(from, &token)| to[token] = *from);
    }
}

/// e^x / Σ e^x over a row, in place.
struct Softmax<'a> {
    row: &'a mut [Lane],
}

impl Kernel for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut largest = [f32::NEG_INFINITY; LANES];
        for lane in &*self.row {
            for (largest, &value) in largest.iter_mut().zip(&lane.0) {
                *largest = if value > *largest { value } else { *largest };
            }
        }
        let mut sum = [0f32; LANES];
        for value in &mut *self.row {
            for lane in 0..LANES {
                value.0[lane] = exp(value.0[lane] - largest[lane]);
                sum[lane] += value.0[lane];
            }
        }
        let inverse = Lane(sum.map(|sum| 1.0 / sum));
        // SAFETY: the caller vouches for the features.
        unsafe {
            let inverse = S::load(&inverse);
            self.row.iter_mut().for_each(|value| S::store(value, S::mul(S::load(value), inverse)));
        }
    }
}

/// The gradient of softmax's argument from that of its result `weights`, in place: w · (g − Σ w g).
struct SoftmaxGradient<'a> {
    weights: &'a [Lane],
    g: &'a mut [Lane],
}

impl Kernel for SoftmaxGradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let mut mean = S::splat(0.0);
            for (weight, g) in self.weights.iter().zip(&*self.g) {
                mean = S::fma(S::load(weight), S::load(g), mean);
            }
            for (weight, g) in self.weights.iter().zip(self.g) {
                S::store(g, S::mul(S::load(weight), S::sub(S::load(g), mean)));
            }
        }
    }
}
