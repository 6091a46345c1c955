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
    /// Query, key and value of each token of padding, (3 · C); needed where there are such.
    pub padding: Option<&'a [f64]>,
}

/// The gradients of what attention is made of.
#[derive(Debug, Clone)]
pub struct Gradients {
    /// Of queries, keys and values.
    pub qkv: Vec<f64>,
    /// Of the bias, (heads, T, T).
    pub bias: Vec<f64>,
    /// Of the query, key and value of padding, (3 · C).
    pub padding: Vec<f64>,
}

/// softmax(scale · q kᵀ + bias + mask) v for each head, of `qkv` (N, 3 · C, tokens): queries, keys and values after one another.
pub fn forward(qkv: &[f64], dims: [usize; 3], attention: Attention<'_>) -> Vec<f64> {
    let mut y = vec![0.0; qkv.len() / 3];
    each_head(dims, attention, |head| {
        let (weights, size) = (head.weights(qkv), head.group.tokens.len());
        for c in 0..head.channels {
            for i in 0..size {
                let value = |j: usize| weights[i * size + j] * head.value(qkv, 2, c, j);
                if let Some(at) = head.result(c, i) {
                    y[at] = (0..size).map(value).sum();
                }
            }
        }
    });
    y
}

/// The gradients, given `g` = ∂L/∂y.
pub fn backward(qkv: &[f64], dims: [usize; 3], attention: Attention<'_>, g: &[f64]) -> Gradients {
    let size = attention.groups[0].tokens.len();
    let mut found = Gradients {
        qkv: vec![0.0; qkv.len()],
        bias: vec![0.0; attention.heads * size * size],
        padding: vec![0.0; dims[1]],
    };
    each_head(dims, attention, |head| {
        let weights = head.weights(qkv);
        for i in 0..size {
            let g = |c: usize| head.result(c, i).map_or(0.0, |at| g[at]);
            let of_weight = |j: usize| (0..head.channels).map(|c| g(c) * head.value(qkv, 2, c, j)).sum();
            let of_weights: Vec<f64> = (0..size).map(of_weight).collect();
            let row = &weights[i * size..][..size];
            let mean: f64 = row.iter().zip(&of_weights).map(|(weight, g)| weight * g).sum();
            for j in 0..size {
                let of_product = row[j] * (of_weights[j] - mean);
                found.bias[(head.index * size + i) * size + j] += of_product;
                for c in 0..head.channels {
                    let [q, k] = [head.value(qkv, 0, c, i), head.value(qkv, 1, c, j)];
                    *head.gradient(&mut found, 0, c, i) += attention.scale * of_product * k;
                    *head.gradient(&mut found, 1, c, j) += attention.scale * of_product * q;
                    *head.gradient(&mut found, 2, c, j) += row[j] * g(c);
                }
            }
        }
    });
    found
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
    /// Where channel `c` of the query (0), key (1) or value (2) of token `i` of the group is; nowhere for one of padding.
    fn place(&self, part: usize, c: usize, i: usize) -> Option<usize> {
        let token = self.group.tokens[i];
        let channel = (3 * self.image + part) * self.all + self.index * self.channels + c;
        (token < self.tokens).then_some(channel * self.tokens + token)
    }

    /// Where it is among the numbers of padding.
    fn of_padding(&self, part: usize, c: usize) -> usize {
        part * self.all + self.index * self.channels + c
    }

    fn value(&self, qkv: &[f64], part: usize, c: usize, i: usize) -> f64 {
        let of_padding =
            || self.attention.padding.expect("numbers of padding, where it is")[self.of_padding(part, c)];
        self.place(part, c, i).map_or_else(of_padding, |at| qkv[at])
    }

    fn gradient<'g>(&self, found: &'g mut Gradients, part: usize, c: usize, i: usize) -> &'g mut f64 {
        match self.place(part, c, i) {
            Some(at) => &mut found.qkv[at],
            None => &mut found.padding[self.of_padding(part, c)],
        }
    }

    fn result(&self, c: usize, i: usize) -> Option<usize> {
        let token = self.group.tokens[i];
        let channel = self.image * self.all + self.index * self.channels + c;
        (token < self.tokens).then_some(channel * self.tokens + token)
    }

    /// (T, T): how much each token takes from each.
    fn weights(&self, qkv: &[f64]) -> Vec<f64> {
        let size = self.group.tokens.len();
        let product = |i: usize, j: usize| {
            let both = (0..self.channels).map(|c| self.value(qkv, 0, c, i) * self.value(qkv, 1, c, j));
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
