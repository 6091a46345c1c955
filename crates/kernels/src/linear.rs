//! The fully connected layer: three matrix products, split by rows.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::{
    argument::{Argument, Values, constant, contiguous},
    product::{Matrix, MatrixMut, Store, multiply},
};

/// y = x · weightᵀ + bias, with `x` (N, inputs), `weight` (outputs, inputs), `bias` (outputs); the result is
/// (N, outputs).
///
/// Differentiable once in every argument, only where autograd follows it. The same bits for any number of
/// threads.
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if a tensor is not f32 on the CPU or shapes do
/// not fit each other.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::new(&[[1f32, 2.0]], &Device::Cpu)?;
/// let weight = Tensor::new(&[[3f32, 4.0], [5.0, 6.0]], &Device::Cpu)?;
/// let bias = Tensor::new(&[0.5f32, -0.5], &Device::Cpu)?;
/// assert_eq!(kernels::linear(&x, &weight, Some(&bias))?.to_vec2::<f32>()?, [[11.5, 16.5]]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let [rows, inputs] = Argument::new("linear", "input", x)?.dims("(N, inputs)")?;
    let weight_argument = Argument::new("linear", "weight", weight)?;
    let [outputs, _] = weight_argument.dims("(outputs, inputs)")?;
    weight_argument.expect(&[outputs, inputs], "(outputs, inputs)")?;
    let op = Linear { rows, inputs, outputs };
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let Some(bias) = bias else { return x.apply_op2(&weight, op) };
    Argument::new("linear", "bias", bias)?.expect(&[outputs], "a number per output")?;
    x.apply_op3(&weight, &bias.contiguous()?, op)
}

/// Rows that a task computes.
const ROWS: usize = 32;

#[derive(Clone, Copy)]
struct Linear {
    rows: usize,
    inputs: usize,
    outputs: usize,
}

impl Linear {
    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> (CpuStorage, Shape) {
        let Self { rows, inputs, outputs } = *self;
        let mut y =
            by_rows(Matrix::by_rows(x, rows, inputs), Matrix::by_rows(weight, outputs, inputs).transposed());
        if let Some(bias) = bias {
            y.chunks_exact_mut(outputs).for_each(|y| y.iter_mut().zip(bias).for_each(|(y, b)| *y += b));
        }
        (CpuStorage::F32(y), (rows, outputs).into())
    }

    /// dx = g · weight and dweight = gᵀ · x, where autograd follows.
    fn gradients(&self, x: &Tensor, weight: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Self { rows, inputs, outputs } = *self;
        let (x_values, weight_values, g_values) = (Values::of(x), Values::of(weight), Values::of(g));
        let g = Matrix::by_rows(g_values.slice()?, rows, outputs);
        let input = || {
            let weight = Matrix::by_rows(weight_values.slice()?, outputs, inputs);
            constant(by_rows(g, weight), x.shape())
        };
        let weights = || {
            let x = Matrix::by_rows(x_values.slice()?, rows, inputs);
            constant(by_rows(g.transposed(), x), weight.shape())
        };
        Ok((x.track_op().then(input).transpose()?, weight.track_op().then(weights).transpose()?))
    }

    fn bias_gradient(&self, g: &Tensor) -> Result<Tensor> {
        let g = Values::of(g);
        let mut sums = vec![0f64; self.outputs];
        for row in g.slice()?.chunks_exact(self.outputs) {
            sums.iter_mut().zip(row).for_each(|(sum, g)| *sum += f64::from(*g));
        }
        constant(sums.into_iter().map(|sum| sum as f32).collect(), self.outputs)
    }
}

/// a · b by rows, in tasks of [`ROWS`] rows.
fn by_rows(a: Matrix<'_>, b: Matrix<'_>) -> Vec<f32> {
    let mut out = vec![0.0; a.rows * b.columns];
    out.par_chunks_mut(ROWS * b.columns).enumerate().for_each(|(task, out)| {
        let rows = out.len() / b.columns;
        let a = Matrix { values: &a.values[task * ROWS * a.row_step..], rows, ..a };
        // The transposed product, whose columns are the rows wanted.
        let mut out = MatrixMut { values: out, rows: b.columns, columns: rows, column_step: b.columns };
        multiply(&mut out, Store::Replace, b.transposed(), a.transposed());
    });
    out
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward(contiguous(x, x_layout)?, contiguous(weight, weight_layout)?, None))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.gradients(x, weight, &g.contiguous()?)
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let bias = contiguous(bias, bias_layout)?;
        Ok(self.forward(contiguous(x, x_layout)?, contiguous(weight, weight_layout)?, Some(bias)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let g = g.contiguous()?;
        let (dx, dw) = self.gradients(x, weight, &g)?;
        let db = bias.track_op().then(|| self.bias_gradient(&g)).transpose()?;
        Ok((dx, dw, db))
    }
}
