//! Attention of several heads (Vaswani et al. 2017) within groups of tokens.

use crate::Group;

/// What attention is done with: `scale` is a factor of the products of queries and keys, `bias` (heads, T, T) is added to them.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// Heads; each has the same share of the channels.
    pub heads: usize,
    /// Factor of the products.
    pub scale: f64,
    /// Who attends to whom.
    pub groups: &'a [Group],
    /// What is added before softmax.
    pub bias: Option<&'a [f64]>,
}

/// softmax(scale · q kᵀ + bias + mask) v for each head, of `qkv` (N, 3 · C, tokens): queries, keys and values after one another.
pub fn forward(qkv: &[f64], dims: [usize; 3], attention: Attention<'_>) -> Vec<f64> {
    let mut y = vec![0.0; qkv.len() / 3];
    each_head(dims, attention, |head| {
        let (weights, size) = (head.weights(qkv), head.group.tokens.len());
        for c in 0..head.channels {
            for i in 0..size {
                let value = |j: usize| weights[i * size + j] * qkv[head.place(2, c, j)];
                y[head.result(c, i)] = (0..size).map(value).sum();
            }
        }
    });
    y
}

/// The gradients of `qkv` and of the bias (heads, T, T), given `g` = ∂L/∂y.
pub fn backward(qkv: &[f64], dims: [usize; 3], attention: Attention<'_>, g: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let size = attention.groups[0].tokens.len();
    let (mut gradient, mut of_bias) = (vec![0.0; qkv.len()], vec![0.0; attention.heads * size * size]);
    each_head(dims, attention, |head| {
        let weights = head.weights(qkv);
        for i in 0..size {
            let of_weight =
                |j: usize| (0..head.channels).map(|c| g[head.result(c, i)] * qkv[head.place(2, c, j)]).sum();
            let of_weights: Vec<f64> = (0..size).map(of_weight).collect();
            let row = &weights[i * size..][..size];
            let mean: f64 = row.iter().zip(&of_weights).map(|(weight, g)| weight * g).sum();
            for j in 0..size {
                let of_product = row[j] * (of_weights[j] - mean);
                of_bias[(head.index * size + i) * size + j] += of_product;
                for c in 0..head.channels {
                    let [q, k] = [head.place(0, c, i), head.place(1, c, j)];
                    gradient[q] += attention.scale * of_product * qkv[k];
                    gradient[k] += attention.scale * of_product * qkv[q];
                    gradient[head.place(2, c, j)] += row[j] * g[head.result(c, i)];
                }
            }
        }
    });
    (gradient, of_bias)
}

/// A head of a group of an image.
struct Head<'a> {
    image: usize,
    index: usize,
    /// Channels of the head, and of all heads.
    channels: usize,
    all: usize,
    tokens: usize,
    group: &'a Group,
    attention: Attention<'a>,
}

impl Head<'_> {
    /// Where channel `c` of the query (0), key (1) or value (2) of token `i` of the group is.
    fn place(&self, part: usize, c: usize, i: usize) -> usize {
        ((3 * self.image + part) * self.all + self.index * self.channels + c) * self.tokens
            + self.group.tokens[i]
    }

    fn result(&self, c: usize, i: usize) -> usize {
        (self.image * self.all + self.index * self.channels + c) * self.tokens + self.group.tokens[i]
    }

    /// (T, T): how much each token takes from each.
    fn weights(&self, qkv: &[f64]) -> Vec<f64> {
        let size = self.group.tokens.len();
        let product = |i: usize, j: usize| {
            let both = (0..self.channels).map(|c| qkv[self.place(0, c, i)] * qkv[self.place(1, c, j)]);
            let bias = self.attention.bias.map_or(0.0, |bias| bias[(self.index * size + i) * size + j]);
            self.attention.scale * both.sum::<f64>() + bias + f64::from(self.group.mask(i, j))
        };
        let row = |i: usize| {
            let products: Vec<f64> = (0..size).map(|j| product(i, j)).collect();
            let largest = products.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = products.iter().map(|x| (x - largest).exp()).collect();
            let sum: f64 = powers.iter().sum();
            powers.into_iter().map(move |power| power / sum)
        };
        (0..size).flat_map(row).collect()
    }
}

fn each_head<'a>(
    [images, channels, tokens]: [usize; 3],
    attention: Attention<'a>,
    mut work: impl FnMut(Head<'a>),
) {
    let all = channels / 3;
    for image in 0..images {
        for index in 0..attention.heads {
            for group in attention.groups {
                work(Head { image, index, channels: all / attention.heads, all, tokens, group, attention });
            }
        }
    }
}
