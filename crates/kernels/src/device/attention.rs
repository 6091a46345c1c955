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
    /// Query, key and value of each token of padding, (3 · C); needed where there are such.
    pub padding: Option<&'a Tensor>,
}

/// The gradients of what attention is made of.
#[derive(Debug)]
pub struct AttentionGradient {
    /// Of queries, keys and values.
    pub qkv: Tensor,
    /// Of what is added, (heads, T, T).
    pub bias: Tensor,
    /// Of the query, key and value of padding, (3 · C); none where there is no padding.
    pub padding: Option<Tensor>,
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
/// let y = attention(&qkv, Attention { heads: 1, scale: 1.0, groups: &groups, bias: None, padding: None })?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?[0], 3.0);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn attention(qkv: &Tensor, with: Attention<'_>) -> Result<Tensor> {
    let [query, key, value] = with.parts(qkv, with.padding)?;
    let y = with.weights(&query, &key)?.matmul(&value)?;
    with.in_place(&with.together(&[y])?, qkv.dims4()?)
}

/// The gradients from `g`, that of the result of [`attention`].
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn attention_gradient(g: &Tensor, qkv: &Tensor, with: Attention<'_>) -> Result<AttentionGradient> {
    let [query, key, value] = with.parts(qkv, with.padding)?;
    let [g] = with.parts(g, None)?;
    let weights = with.weights(&query, &key)?;
    let of_value = weights.t()?.contiguous()?.matmul(&g)?;
    let of_weights = g.matmul(&value.t()?.contiguous()?)?;
    let mean = (&of_weights * &weights)?.sum_keepdim(D::Minus1)?;
    let of_products = (of_weights.broadcast_sub(&mean)? * &weights)?;
    let of_query = (of_products.matmul(&key)? * with.scale)?;
    let of_key = (of_products.t()?.contiguous()?.matmul(&query)? * with.scale)?;
    let size = with.groups[0].tokens.len();
    let bias = of_products.reshape(((), with.heads, size, size))?.sum(0)?;
    let found = with.together(&[of_query, of_key, of_value])?;
    let padding = with.padding_places(qkv)?.map(|places| found.index_select(&places, 2)?.sum(2)?.sum(0));
    Ok(AttentionGradient { qkv: with.in_place(&found, qkv.dims4()?)?, bias, padding: padding.transpose()? })
}

impl Attention<'_> {
    /// Equal parts of the channels, each (N · groups · heads, T, channels of a head). Tokens of padding have the numbers of
    /// `padding`, (channels), or zeros.
    fn parts<const P: usize>(&self, x: &Tensor, padding: Option<&Tensor>) -> Result<[Tensor; P]> {
        let (images, channels, ..) = x.dims4()?;
        let (size, own) = (self.groups[0].tokens.len(), channels / P / self.heads);
        let places = self.padding_places(x)?;
        let mut x = x.flatten_from(2)?;
        if places.is_some() {
            let zeros = Tensor::zeros(channels, x.dtype(), x.device())?;
            let outside = padding.unwrap_or(&zeros).reshape((1, channels, 1))?;
            x = Tensor::cat(&[&x, &outside.broadcast_as((images, channels, 1))?.contiguous()?], 2)?;
        }
        let x = x.index_select(&self.order(x.device())?, 2)?;
        let x = x.reshape((images, P, self.heads, own, self.groups.len(), size))?;
        // To (part, N, group, head, token, channel).
        let x = x.permute((1, 0, 4, 2, 5, 3))?.contiguous()?;
        let parts: Vec<Tensor> = (0..P).map(|part| x.get(part)?.flatten_to(2)).collect::<Result<_>>()?;
        Ok(parts.try_into().expect("as many parts as were asked for"))
    }

    /// The way back from [`parts`](Self::parts) to channels, (N, channels, tokens group by group).
    fn together(&self, parts: &[Tensor]) -> Result<Tensor> {
        let (count, size, own) = parts[0].dims3()?;
        let (groups, channels) = (self.groups.len(), parts.len() * self.heads * own);
        let images = count / groups / self.heads;
        let x = Tensor::stack(parts, 0)?;
        let x = x.reshape((parts.len(), images, groups, self.heads, size, own))?;
        let x = x.permute((1, 0, 3, 5, 2, 4))?.contiguous()?;
        x.reshape((images, channels, groups * size))
    }

    /// Tokens that come group by group as planes of so many rows and columns, without padding.
    fn in_place(&self, x: &Tensor, (_, _, height, width): (usize, usize, usize, usize)) -> Result<Tensor> {
        let (images, channels, _) = x.dims3()?;
        let order = self.groups.iter().flat_map(|group| &group.tokens).enumerate();
        let mut back = vec![0u32; height * width];
        order.for_each(|(at, &token)| back.get_mut(token).into_iter().for_each(|to| *to = at as u32));
        let back = Tensor::from_vec(back, height * width, x.device())?;
        x.index_select(&back, 2)?.reshape((images, channels, height, width))
    }

    /// Which tokens are of padding, counted group by group; none if none is.
    fn padding_places(&self, x: &Tensor) -> Result<Option<Tensor>> {
        let (.., height, width) = x.dims4()?;
        let tokens = self.groups.iter().flat_map(|group| &group.tokens).enumerate();
        let is_padding = tokens.filter(|&(_, &token)| token == height * width);
        let places: Vec<u32> = is_padding.map(|(at, _)| at as u32).collect();
        let count = places.len();
        if count == 0 { Ok(None) } else { Tensor::from_vec(places, count, x.device()).map(Some) }
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
