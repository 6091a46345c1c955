//! Attention of several heads within groups of tokens.

use candle_core::{D, Result, Tensor};

use crate::Group;

/// What attention is done with.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// Heads; each has the same share of the channels.
    pub heads: usize,
    /// Factor of the products of queries and keys.
    pub scale: f64,
    /// Who attends to whom; every token is in one group, and all groups have as many.
    pub groups: &'a [Group],
    /// (heads, T, T) for groups of T tokens: what is added to the products.
    pub bias: Option<&'a Tensor>,
}

/// softmax(scale · q kᵀ + bias + mask) v of each head, from `qkv` (N, 3 · C, H, W): queries, keys and values after one another.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::{Partition, device::{Attention, attention}};
///
/// // Two tokens of one channel; the query of the first is 0, so that it takes the mean of the values.
/// let qkv = Tensor::new(&[0f32, 1.0, 5.0, 7.0, 2.0, 4.0], &Device::Cpu)?.reshape((1, 3, 2, 1))?;
/// let groups = Partition::Whole.groups([2, 1]).unwrap();
/// let y = attention(&qkv, Attention { heads: 1, scale: 1.0, groups: &groups, bias: None })?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?[0], 3.0);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn attention(qkv: &Tensor, with: Attention<'_>) -> Result<Tensor> {
    let [query, key, value] = with.parts(qkv)?;
    let y = with.weights(&query, &key)?.matmul(&value)?;
    with.together(&[y], qkv.dims4()?)
}

/// The gradient of `qkv` from `g`, that of the result of [`attention`]; and that of the bias, (heads, T, T).
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn attention_gradient(g: &Tensor, qkv: &Tensor, with: Attention<'_>) -> Result<(Tensor, Tensor)> {
    let [query, key, value] = with.parts(qkv)?;
    let [g] = with.parts(g)?;
    let weights = with.weights(&query, &key)?;
    let of_value = weights.t()?.contiguous()?.matmul(&g)?;
    let of_weights = g.matmul(&value.t()?.contiguous()?)?;
    let mean = (&of_weights * &weights)?.sum_keepdim(D::Minus1)?;
    let of_products = (of_weights.broadcast_sub(&mean)? * &weights)?;
    let of_query = (of_products.matmul(&key)? * with.scale)?;
    let of_key = (of_products.t()?.contiguous()?.matmul(&query)? * with.scale)?;
    let size = with.groups[0].tokens.len();
    let of_bias = of_products.reshape(((), with.heads, size, size))?.sum(0)?;
    Ok((with.together(&[of_query, of_key, of_value], qkv.dims4()?)?, of_bias))
}

impl Attention<'_> {
    /// Equal parts of the channels, each (N · groups · heads, T, channels of a head).
    fn parts<const P: usize>(&self, x: &Tensor) -> Result<[Tensor; P]> {
        let (images, channels, ..) = x.dims4()?;
        let (size, own) = (self.groups[0].tokens.len(), channels / P / self.heads);
        let x = x.flatten_from(2)?.index_select(&self.order(x.device())?, 2)?;
        let x = x.reshape((images, P, self.heads, own, self.groups.len(), size))?;
        // To (part, N, group, head, token, channel).
        let x = x.permute((1, 0, 4, 2, 5, 3))?.contiguous()?;
        let parts: Vec<Tensor> = (0..P).map(|part| x.get(part)?.flatten_to(2)).collect::<Result<_>>()?;
        Ok(parts.try_into().expect("as many parts as were asked for"))
    }

    /// The way back from [`parts`](Self::parts), to planes of this many images, rows and columns.
    fn together(
        &self,
        parts: &[Tensor],
        (images, _, height, width): (usize, usize, usize, usize),
    ) -> Result<Tensor> {
        let (_, size, own) = parts[0].dims3()?;
        let channels = parts.len() * self.heads * own;
        let x = Tensor::stack(parts, 0)?;
        let x = x.reshape((parts.len(), images, self.groups.len(), self.heads, size, own))?;
        let x = x.permute((1, 0, 3, 5, 2, 4))?.contiguous()?;
        let x = x.reshape((images, channels, height * width))?;
        let order = self.groups.iter().flat_map(|group| &group.tokens);
        let mut back = vec![0u32; height * width];
        order.enumerate().for_each(|(at, &token)| back[token] = at as u32);
        let back = Tensor::from_vec(back, height * width, x.device())?;
        x.index_select(&back, 2)?.reshape((images, channels, height, width))
    }

    /// All tokens, group by group.
    fn order(&self, device: &candle_core::Device) -> Result<Tensor> {
        let tokens = self.groups.iter().flat_map(|group| &group.tokens);
        let tokens: Vec<u32> = tokens.map(|&token| token as u32).collect();
        let count = tokens.len();
        Tensor::from_vec(tokens, count, device)
    }

    /// (N · groups · heads, T, T): how much each token takes from each.
    fn weights(&self, query: &Tensor, key: &Tensor) -> Result<Tensor> {
        let mut products = (query.matmul(&key.t()?.contiguous()?)? * self.scale)?;
        let (count, size, _) = products.dims3()?;
        let (groups, shape) = (self.groups.len(), products.shape().clone());
        let split = (count / groups / self.heads, groups, self.heads, size, size);
        if let Some(bias) = self.bias {
            products = products.reshape(split)?.broadcast_add(bias)?;
        }
        if self.groups.iter().any(|group| !group.regions.is_empty()) {
            let pairs = (0..size).flat_map(|i| (0..size).map(move |j| (i, j)));
            let mask = |group: &Group| pairs.clone().map(|(i, j)| group.mask(i, j)).collect::<Vec<f32>>();
            let mask: Vec<f32> = self.groups.iter().flat_map(mask).collect();
            let mask = Tensor::from_vec(mask, (groups, 1, size, size), products.device())?;
            products = products.reshape(split)?.broadcast_add(&mask)?;
        }
        let products = products.reshape(shape)?;
        let powers = products.broadcast_sub(&products.max_keepdim(D::Minus1)?)?.exp()?;
        powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
    }
}
