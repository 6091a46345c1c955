//! `Attention` of opset 23: softmax(q kᵀ · scale + mask) v of each head.

use models::{Binary, View};

use super::{
    elements::{pair, pair_with_number},
    products::product,
    reductions::softmax_over,
    views::reshape_to,
};
use crate::{
    call::{Call, Outputs},
    importer::Importer,
    problem::{Problem, Result},
    value::{Value, expanded, permuted},
};

/// Attention without a memory of earlier tokens.
pub(super) fn attention(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let refused = Problem::Unknown("export with opset 18: this form of Attention is not known here");
    let has_memory = (4..6).any(|input| call.optional(input).is_some());
    if has_memory || call.is_set("is_causal") || call.float_or("softcap", 0.0) != 0.0 || call.outputs() > 1 {
        return Err(refused);
    }
    let (q, k, v) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let has_three_axes = q.shape().len() == 3;
    let heads = |name: &str, value: &Value| -> Result<usize> {
        match value.shape() {
            [_, heads, _, _] => Ok(*heads),
            _ => usize::try_from(call.int_or(name, 0))
                .ok()
                .filter(|&heads| heads > 0)
                .ok_or_else(|| Problem::wrong(format!("{name} is missing"))),
        }
    };
    let (of_q, of_kv) = (heads("q_num_heads", q)?, heads("kv_num_heads", k)?);
    if of_kv == 0 || of_q % of_kv != 0 {
        return Err(Problem::wrong(format!("{of_q} heads of queries, {of_kv} of keys")));
    }
    let q = by_heads(to, q, of_q)?;
    let (k, v) = (by_heads(to, k, of_kv)?, by_heads(to, v, of_kv)?);
    let (k, v) = (repeated(to, &k, of_q / of_kv)?, repeated(to, &v, of_q / of_kv)?);
    let depth = q.shape()[3];
    let scale = if call.has("scale") { call.float_or("scale", 1.0) } else { 1.0 / (depth as f32).sqrt() };
    let turned = k.through(k.view.transposed());
    let scores = product(to, &q, &turned)?;
    let mut scores = pair_with_number(to, &scores, Binary::Multiply, scale)?;
    if let Some(mask) = call.optional(3) {
        scores = pair(to, &scores, mask, Binary::Add)?;
    }
    let axis = scores.shape().len() - 1;
    let weights = softmax_over(to, &scores, &[axis], false)?;
    let y = product(to, &weights, &v)?;
    if !has_three_axes {
        return Ok(vec![y]);
    }
    let &[n, h, t, d] = y.shape() else { return Err(refused) };
    let turned = y.through(permuted(&y.view, &[0, 2, 1, 3]));
    reshape_to(to, &turned, &[n, t, h * d]).map(|y| vec![y])
}

/// (1, T, heads · d) as (1, heads, T, d).
fn by_heads(to: &mut Importer, value: &Value, heads: usize) -> Result<Value> {
    match value.shape() {
        [_, _, _, _] => Ok(value.clone()),
        &[n, t, all] if all % heads == 0 => {
            let split = reshape_to(to, value, &[n, t, heads, all / heads])?;
            Ok(split.through(permuted(&split.view, &[0, 2, 1, 3])))
        }
        shape => Err(Problem::wrong(format!("{shape:?} of {heads} heads"))),
    }
}

/// Each head of keys or values for as many of queries.
fn repeated(to: &mut Importer, value: &Value, times: usize) -> Result<Value> {
    let &[n, heads, t, d] = value.shape() else {
        return Err(Problem::wrong(format!("{:?}, expected four axes", value.shape())));
    };
    if times == 1 {
        return Ok(value.clone());
    }
    let split = reshape_to(to, value, &[n, heads, 1, t, d])?;
    let view: View = expanded(&split.view, &[n, heads, times, t, d])?;
    reshape_to(to, &split.through(view), &[n, heads * times, t, d])
}
