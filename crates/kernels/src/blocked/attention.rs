//! Attention of several heads within groups of tokens. The products are each image's own: its lane of two matrices of vectors.
#![allow(unsafe_code)]

use std::ops::Range;

use super::{
    curves::exp,
    lane_products::{LaneProduct, Matrix},
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    sums::BlockSums,
    tensor::{Arena, Blocked, Dims},
};
use crate::{
    Group,
    parallel::{for_each_part, for_each_part_and},
};

/// What attention is done with: the `scale` of the products of queries and keys, what is added to them, and what tokens of padding have.
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
    /// Query, key and value of each token of padding, (3 · C); needed where there are such.
    pub padding: Option<&'a [f32]>,
}

/// The gradients of what attention is made of.
#[derive(Debug)]
pub struct AttentionGradient {
    /// Of queries, keys and values.
    pub qkv: Blocked,
    /// Of what is added, (heads, T, T).
    pub bias: BlockSums,
    /// Of the query, key and value of padding, (3 · C).
    pub padding: BlockSums,
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
        let mut result = arena.take(head.channels * head.size);
        for group in with.groups {
            scratch.gather(&head, group);
            for tokens in head.steps() {
                head.weigh(&mut scratch, group, tokens.clone());
                let [value, weights] =
                    [&scratch.parts[2], &scratch.weights].map(|x| Matrix::rows(x, head.size));
                let sizes = [head.channels, tokens.len(), head.size];
                head.product(value, weights.transposed(), &mut result[tokens.start..], sizes, Scale::of(1.0));
            }
            scatter(&result, group, y, head.tokens);
        }
        scratch.give_back(arena);
        arena.give(result);
    });
    y
}

/// The gradient of the argument of [`attention`] from `g`, that of its result; with `of_parameters` also those of what is added and of
/// padding, which are empty otherwise.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn attention_gradient(
    g: &Blocked,
    qkv: &Blocked,
    with: Attention<'_>,
    of_parameters: bool,
    (instructions, arena): (InstructionSet, &Arena),
) -> AttentionGradient {
    let part = with.part(g.dims);
    let (pairs, own) = (with.groups[0].tokens.len().pow(2), g.dims.channels / with.heads);
    let mut gradient = arena.blocked(qkv.dims);
    let mut parts = by_heads(&mut gradient.data, part, with.heads);
    let (of_pairs, of_padding) = if of_parameters { (pairs, 3 * own) } else { (0, 0) };
    let mut sums = vec![(vec![0f32; of_pairs], vec![0f32; of_padding]); parts.len()];
    for_each_part_and(&mut parts, 1, sums.iter_mut().collect(), 1, |index, parts, (of_pairs, of_padding)| {
        let head = Head::new(qkv, with, index, instructions);
        let mut scratch = Scratch::new(head.size, head.channels, arena);
        for group in with.groups {
            let g = &g.data[index * part..][..part];
            head.gradient(&mut scratch, group, g, &mut parts[0], (&mut of_pairs[..], &mut of_padding[..]));
        }
        scratch.give_back(arena);
    });
    let (pairs, padding): (Vec<_>, Vec<_>) = sums.into_iter().unzip();
    let pairs = pairs.iter().flatten().copied().map(f64::from).collect();
    let padding = padding.chunks(with.heads).flat_map(|heads| by_parts(heads, own)).collect();
    AttentionGradient {
        qkv: gradient,
        bias: BlockSums::new(with.heads * of_pairs, pairs),
        padding: BlockSums::new(with.heads * of_padding, padding),
    }
}

/// (heads, 3, channels of a head) as (3, C); nothing where there is none.
fn by_parts(heads: &[Vec<f32>], own: usize) -> Vec<f64> {
    let part = |part: usize| heads.iter().filter_map(move |head| head.chunks(own).nth(part)).flatten();
    (0..3).flat_map(part).copied().map(f64::from).collect()
}

/// The sum over the images of a vector.
fn total(lane: &Lane) -> f32 {
    lane.0.iter().sum()
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

impl Attention<'_> {
    /// Vectors of a head of a block.
    fn part(&self, dims: Dims) -> usize {
        assert!(
            dims.channels.is_multiple_of(self.heads),
            "{} channels of {} heads",
            dims.channels,
            self.heads
        );
        let tokens = self.groups.iter().flat_map(|group| &group.tokens);
        let (own, padding): (Vec<&usize>, Vec<&usize>) = tokens.partition(|&&token| token < dims.pixels());
        assert_eq!(own.len(), dims.pixels(), "tokens in groups");
        assert!(padding.is_empty() || self.padding.is_some(), "numbers of padding, where it is");
        assert!(self.padding.is_none_or(|numbers| numbers.len() == 3 * dims.channels), "three a channel");
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
    /// (some tokens, T): what each of them takes from each.
    weights: Vec<Lane>,
    /// (some tokens, T): their gradients, then those of the products.
    of_weights: Vec<Lane>,
    /// (channels, T): the gradient of the result, and those of queries, keys and values.
    g: Vec<Lane>,
    found: [Vec<Lane>; 3],
}

impl Scratch {
    fn new(size: usize, channels: usize, arena: &Arena) -> Self {
        let rows = || arena.take(channels * size);
        let weights = || arena.take(at_once(size) * size);
        Self {
            parts: [rows(), rows(), rows()],
            weights: weights(),
            of_weights: weights(),
            g: rows(),
            found: [rows(), rows(), rows()],
        }
    }

    fn gather(&mut self, head: &Head<'_>, group: &Group) {
        for (part, to) in self.parts.iter_mut().enumerate() {
            let first = part * head.all + head.index * head.channels;
            let padding = head.with.padding.map(|padding| &padding[first..]);
            gather(&head.qkv[first * head.tokens..], group, to, head.tokens, padding);
        }
    }

    fn give_back(self, arena: &Arena) {
        let others = [self.weights, self.of_weights, self.g];
        self.parts.into_iter().chain(self.found).chain(others).for_each(|buffer| arena.give(buffer));
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

    /// A product whose rows are T apart.
    fn product(&self, a: Matrix<'_>, b: Matrix<'_>, c: &mut [Lane], sizes: [usize; 3], how: Scale) {
        let Scale { scale, adds } = how;
        run(self.instructions, LaneProduct { a, b, c, row: self.size, sizes, scale, adds });
    }

    /// The tokens of a group, some at a time.
    fn steps(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (size, step) = (self.size, at_once(self.size));
        (0..size).step_by(step).map(move |first| first..size.min(first + step))
    }

    /// What some tokens of a group take from each, once queries and keys are gathered.
    fn weigh(&self, scratch: &mut Scratch, group: &Group, tokens: Range<usize>) {
        let [query, key, _] = &scratch.parts;
        let query = Matrix::rows(&query[tokens.start..], self.size).transposed();
        let sizes = [tokens.len(), self.size, self.channels];
        let key = Matrix::rows(key, self.size);
        self.product(query, key, &mut scratch.weights, sizes, Scale::of(self.with.scale));
        let bias = self.with.bias.map(|bias| &bias[self.index * self.size * self.size..]);
        for (i, row) in tokens.zip(scratch.weights.chunks_mut(self.size)) {
            if bias.is_some() || !group.regions.is_empty() {
                for (j, lane) in row.iter_mut().enumerate() {
                    let added = bias.map_or(0.0, |bias| bias[i * self.size + j]) + group.mask(i, j);
                    lane.0.iter_mut().for_each(|value| *value += added);
                }
            }
            run(self.instructions, Softmax { row });
        }
    }

    /// The gradients of queries, keys and values of a group from that of the result; those of pairs and of padding are added up, if they
    /// are wanted.
    fn gradient(
        &self,
        scratch: &mut Scratch,
        group: &Group,
        g: &[Lane],
        to: &mut [&mut [Lane]; 3],
        (of_pairs, of_padding): (&mut [f32], &mut [f32]),
    ) {
        scratch.gather(self, group);
        gather(g, group, &mut scratch.g, self.tokens, None);
        for tokens in self.steps() {
            self.weigh(scratch, group, tokens.clone());
            self.gradient_of(scratch, tokens.clone());
            let sums = of_pairs.iter_mut().skip(tokens.start * self.size).zip(&scratch.of_weights);
            sums.take(tokens.len() * self.size).for_each(|(sum, lane)| *sum += total(lane));
        }
        for (part, found) in scratch.found.iter().enumerate() {
            scatter(found, group, to[part], self.tokens);
            self.add_padding(found, group, of_padding.chunks_mut(self.channels).nth(part));
        }
    }

    /// What some tokens of a group give to the gradients, once they are weighed.
    fn gradient_of(&self, scratch: &mut Scratch, tokens: Range<usize>) {
        let Scratch { parts: [query, key, value], weights, of_weights, g, found } = scratch;
        let [of_query, of_key, of_value] = found;
        let (channels, size, count, first) = (self.channels, self.size, tokens.len(), tokens.start);
        let (whole, some) = (|x| Matrix::rows(x, size), |x: &'_ [Lane]| first..x.len());
        let (g, query) = (&g[some(g)], &query[some(query)]);
        let (once, to_sum) = (Scale::of(1.0), Scale { scale: 1.0, adds: first > 0 });
        self.product(whole(g).transposed(), whole(value), of_weights, [count, size, channels], once);
        // Of the values: Σ over tokens of what was taken from them.
        self.product(whole(g), whole(weights), of_value, [channels, size, count], to_sum);
        for (weights, g) in weights.chunks(size).zip(of_weights.chunks_mut(size)).take(count) {
            run(self.instructions, SoftmaxGradient { weights, g });
        }
        let scale = Scale::of(self.with.scale);
        let of_weights = whole(of_weights);
        self.product(
            whole(key),
            of_weights.transposed(),
            &mut of_query[first..],
            [channels, count, size],
            scale,
        );
        self.product(
            whole(query),
            of_weights,
            of_key,
            [channels, size, count],
            Scale { adds: first > 0, ..scale },
        );
    }

    /// Adds the gradients of a group's tokens of padding to those of the numbers that these have.
    fn add_padding(&self, found: &[Lane], group: &Group, sums: Option<&mut [f32]>) {
        let Some(sums) = sums else { return };
        for (sum, row) in sums.iter_mut().zip(found.chunks(self.size)) {
            let of_padding = row.iter().zip(&group.tokens).filter(|&(_, &token)| token == self.tokens);
            of_padding.for_each(|(lane, _)| *sum += total(lane));
        }
    }
}

/// What a product is multiplied by, and whether what is there stays.
#[derive(Debug, Clone, Copy)]
struct Scale {
    scale: f32,
    adds: bool,
}

impl Scale {
    fn of(scale: f32) -> Self {
        Self { scale, adds: false }
    }
}

/// Tokens of a group of so many that are weighed at once: what they take stays in a core's own cache.
fn at_once(size: usize) -> usize {
    (OWN_CACHE / size / WHOLE_TILES * WHOLE_TILES).max(WHOLE_TILES).min(size)
}

/// Vectors of weights that stay in a core's own cache, beside their gradients.
const OWN_CACHE: usize = (384 << 10) / size_of::<Lane>();

/// Tokens that fill register tiles both as rows and as columns.
const WHOLE_TILES: usize = 12;

/// The tokens of a group, from planes of all tokens; those of padding have the numbers given for them, or zeros.
fn gather(from: &[Lane], group: &Group, to: &mut [Lane], tokens: usize, padding: Option<&[f32]>) {
    for (channel, (to, from)) in to.chunks_mut(group.tokens.len()).zip(from.chunks(tokens)).enumerate() {
        let outside = Lane([padding.map_or(0.0, |padding| padding[channel]); LANES]);
        for (to, &token) in to.iter_mut().zip(&group.tokens) {
            *to = *from.get(token).unwrap_or(&outside);
        }
    }
}

/// The way back, without those of padding.
fn scatter(from: &[Lane], group: &Group, to: &mut [Lane], tokens: usize) {
    for (from, to) in from.chunks(group.tokens.len()).zip(to.chunks_mut(tokens)) {
        for (from, &token) in from.iter().zip(&group.tokens) {
            to.get_mut(token).into_iter().for_each(|to| *to = *from);
        }
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
