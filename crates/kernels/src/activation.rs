//! ReLU, alone and fused with the sum of a residual connection.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::argument::{Argument, Values, constant, contiguous};

/// What an operation applies to its result before it writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing: the result as it is.
    None,
    /// max(0, ·), with gradient 0 at 0, as PyTorch has it (candle's own `relu` has 1 there).
    Relu,
}

impl Activation {
    /// The activation of one value; not-a-number stays what it is.
    #[inline(always)]
    pub(crate) fn of(self, value: f32) -> f32 {
        if self == Self::Relu && value <= 0.0 { 0.0 } else { value }
    }

    /// The gradient `g` of an activation whose result is `y`, taken to its argument.
    #[inline(always)]
    pub(crate) fn gate(self, g: f32, y: f32) -> f32 {
        if self == Self::Relu && y <= 0.0 { 0.0 } else { g }
    }
}

/// max(0, x), element by element, for any shape; its gradient at 0 is 0.
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if `x` is empty or not f32 on the CPU.
///
/// ```
/// use candle_core::{Device, Var};
///
/// let x = Var::new(&[-1f32, 0.0, 2.0], &Device::Cpu)?;
/// let y = kernels::relu(&x)?;
/// assert_eq!(y.to_vec1::<f32>()?, [0.0, 0.0, 2.0]);
/// assert_eq!(y.sum_all()?.backward()?.get(&x).unwrap().to_vec1::<f32>()?, [0.0, 0.0, 1.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn relu(x: &Tensor) -> Result<Tensor> {
    Argument::new("relu", "input", x)?;
    x.contiguous()?.apply_op1(Rectify)
}

/// activation(x + y), for two tensors of one shape: the sum of a residual connection.
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if a tensor is empty or not f32 on the CPU, or
/// the shapes differ.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::Activation::Relu;
///
/// let (x, y) = (Tensor::new(&[1f32, 2.0], &Device::Cpu)?, Tensor::new(&[-3f32, 1.0], &Device::Cpu)?);
/// assert_eq!(kernels::add(&x, &y, Relu)?.to_vec1::<f32>()?, [0.0, 3.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn add(x: &Tensor, y: &Tensor, activation: Activation) -> Result<Tensor> {
    Argument::new("add", "first summand", x)?;
    Argument::new("add", "second summand", y)?.expect(x.dims(), "the shape of the first summand")?;
    x.contiguous()?.apply_op2(&y.contiguous()?, Sum(activation))
}

/// Values that a task works on.
const CHUNK: usize = 1 << 14;

/// of(a, b), element by element.
fn combine(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; a.len()];
    out.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).zip(b.par_chunks(CHUNK)).for_each(|((out, a), b)| {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = of(*a, *b);
        }
    });
    out
}

/// The gradient of an activation's argument, given its result `y`.
fn gated(activation: Activation, g: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (g_values, y_values) = (Values::of(g), Values::of(y));
    let dx = combine(g_values.slice()?, y_values.slice()?, |g, y| activation.gate(g, y));
    constant(dx, y.shape())
}

struct Rectify;

impl CustomOp1 for Rectify {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(x, layout)?;
        let y = combine(x, x, |x, _| Activation::Relu.of(x));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, y: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        gated(Activation::Relu, &g.contiguous()?, y).map(Some)
    }
}

struct Sum(Activation);

impl CustomOp2 for Sum {
    fn name(&self) -> &'static str {
        "add"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        y: &CpuStorage,
        y_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, y) = (contiguous(x, x_layout)?, contiguous(y, y_layout)?);
        let sum = combine(x, y, |x, y| self.0.of(x + y));
        Ok((CpuStorage::F32(sum), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        y: &Tensor,
        sum: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = match self.0 {
            Activation::None => g.clone(),
            Activation::Relu => gated(self.0, &g.contiguous()?, sum)?,
        };
        Ok((x.track_op().then(|| g.clone()), y.track_op().then_some(g)))
    }
}
