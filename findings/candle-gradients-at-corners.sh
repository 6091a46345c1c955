#!/usr/bin/env bash
# Guess: candle's autograd gives the gradients that PyTorch gives, also where a function has a corner, as on pixels of exactly
#   0 and 1 or in max-pooling.
# Happens: max_pool2d hands the only largest value of a 2×2 window a quarter of the gradient (PyTorch: all of it), and refuses
#   windows that overlap; clamp(0, 1) halves the gradient at 0 and at 1 (PyTorch: 1); relu has the gradient 1 at 0 (PyTorch: 0).
# Version: candle-core 0.11.1.
# Source: https://github.com/huggingface/candle/blob/main/candle-core/src/backprop.rs, the arms of MaxPool2D, Relu, and of the
#   maximum and minimum that clamp consists of.
# Output seen: max_pool2d [0, 0, 0, 0.25], overlapping: refused; clamp [0.5, 1, 0.5]; relu [1].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2024"

[dependencies]
candle-core = { version = "=0.11.1", default-features = false }
TOML
cat >src/main.rs <<'RUST'
use candle_core::{Device, Result, Tensor, Var};

fn gradient(x: &Var, y: Tensor) -> Result<Vec<f32>> {
    y.sum_all()?.backward()?.get(x).expect("a gradient").flatten_all()?.to_vec1()
}

fn main() -> Result<()> {
    let var = |values: &[f32], dims: &[usize]| Var::from_tensor(&Tensor::from_slice(values, dims, &Device::Cpu)?);
    let x = var(&[1.0, 2.0, 3.0, 4.0], &[1, 1, 2, 2])?;
    let pooled = gradient(&x, x.max_pool2d(2)?)?;
    let wide = var(&[0.0; 25], &[1, 1, 5, 5])?;
    let overlapping = wide.max_pool2d_with_stride(3, 2)?.sum_all()?.backward().is_err();
    let pixels = var(&[0.0, 0.5, 1.0], &[3])?;
    let clamped = gradient(&pixels, pixels.clamp(0f32, 1f32)?)?;
    let zero = var(&[0.0], &[1])?;
    println!("{pooled:?} {overlapping} {clamped:?} {:?}", gradient(&zero, zero.relu()?)?);
    Ok(())
}
RUST
output=$(cargo run -q)
echo "$output"
[ "$output" = "[0.0, 0.0, 0.0, 0.25] true [0.5, 1.0, 0.5] [1.0]" ]
