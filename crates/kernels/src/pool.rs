//! Pooling: the largest or the mean value of windows, or of whole planes.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::{
    argument::{Argument, Values, constant, contiguous},
    channels::lane_sums,
    error::KernelError,
    geometry::Pool2d,
};

/// The largest value of each window, (N, C, H, W) → (N, C, H', W') with H' = ⌊(H + 2p − k) / s⌋ + 1, with
/// `ceil` a window more where the last one is not full; zeros are not added, padding counts as −∞.
///
/// PyTorch's conventions: the first largest value in scan order gets the window's whole gradient; a value in
/// several windows gets the sum; not-a-number counts as largest. (candle's own `max_pool2d` divides the
/// gradient by the window's size and knows no overlap.)
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if `x` is not (N, C, H, W) in f32 on the CPU,
/// the stride is 0, the padding exceeds half the kernel, or no window fits.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::{Pool2d, max_pool2d};
///
/// let x = Tensor::arange(0f32, 9.0, &Device::Cpu)?.reshape((1, 1, 3, 3))?;
/// let y = max_pool2d(&x, Pool2d { padding: 1, ..Pool2d::of(3, 2) })?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [4.0, 5.0, 7.0, 8.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn max_pool2d(x: &Tensor, pool: Pool2d) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Windows::new("max_pool2d", Reduction::Max, x, pool)?)
}

/// The mean of each window, with sizes as in [`max_pool2d`]. Padding counts as zeros in the sum and in the
/// number of values (PyTorch's `count_include_pad = True`, its default).
///
/// # Errors
/// As [`max_pool2d`], and with `ceil`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::{Pool2d, avg_pool2d};
///
/// let x = Tensor::arange(0f32, 4.0, &Device::Cpu)?.reshape((1, 1, 2, 2))?;
/// let y = avg_pool2d(&x, Pool2d { padding: 1, ..Pool2d::of(2, 2) })?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.0, 0.25, 0.5, 0.75]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn avg_pool2d(x: &Tensor, pool: Pool2d) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Windows::new("avg_pool2d", Reduction::Mean, x, pool)?)
}

/// The mean of each plane, (N, C, H, W) → (N, C), summed in f64.
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if `x` is not (N, C, H, W) in f32 on the CPU.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 8.0, &Device::Cpu)?.reshape((1, 2, 2, 2))?;
/// assert_eq!(kernels::global_avg_pool2d(&x)?.to_vec2::<f32>()?, [[1.5, 5.5]]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn global_avg_pool2d(x: &Tensor) -> Result<Tensor> {
    let [images, channels, height, width] =
        Argument::new("global_avg_pool2d", "input", x)?.dims("(N, C, H, W)")?;
    x.contiguous()?.apply_op1(WholePlanes { images, channels, pixels: height * width })
}

struct WholePlanes {
    images: usize,
    channels: usize,
    pixels: usize,
}

impl CustomOp1 for WholePlanes {
    fn name(&self) -> &'static str {
        "global_avg_pool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mean = |plane: &[f32]| {
            let [sum] = lane_sums(plane.len(), |i| [f64::from(plane[i])]);
            (sum / plane.len() as f64) as f32
        };
        let means = contiguous(x, layout)?.par_chunks(self.pixels).map(mean).collect();
        Ok((CpuStorage::F32(means), (self.images, self.channels).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let g = g.contiguous()?;
        let g = Values::of(&g);
        let mut dx = vec![0.0; x.elem_count()];
        for (plane, g) in dx.chunks_exact_mut(self.pixels).zip(g.slice()?) {
            plane.fill((f64::from(*g) / self.pixels as f64) as f32);
        }
        constant(dx, x.shape()).map(Some)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Reduction {
    Max,
    Mean,
}

/// Windows over planes of one size.
struct Windows {
    name: &'static str,
    reduction: Reduction,
    pool: Pool2d,
    /// N, C.
    planes: [usize; 2],
    size: [usize; 2],
    out: [usize; 2],
}

impl Windows {
    fn new(name: &'static str, reduction: Reduction, x: &Tensor, pool: Pool2d) -> Result<Self> {
        let [images, channels, height, width] = Argument::new(name, "input", x)?.dims("(N, C, H, W)")?;
        let size = [height, width];
        let out = size.map(|size| pool.count(size));
        let suits = pool.kernel > 0
            && pool.padding <= pool.kernel / 2
            && !(pool.ceil && reduction == Reduction::Mean);
        match out {
            [Some(rows), Some(columns)] if suits => {
                Ok(Self { name, reduction, pool, planes: [images, channels], size, out: [rows, columns] })
            }
            _ => {
                let problem = format!(
                    "{pool:?} does not suit planes of {size:?} pixels: expected a stride of at least 1, a padding of at \
                     most half the kernel, a kernel no larger than the padded plane, and `ceil` with maxima alone"
                );
                Err(KernelError::Window { op: name, problem }.into())
            }
        }
    }

    /// The part of a window inside the plane, along one axis.
    fn span(&self, axis: usize, window: usize) -> std::ops::Range<usize> {
        let Pool2d { kernel, stride, padding, .. } = self.pool;
        let start = window * stride;
        start.saturating_sub(padding)..(start + kernel - padding).min(self.size[axis])
    }

    /// Each window's positions in the plane, row by row; windows in scan order.
    fn windows(&self) -> impl Iterator<Item = impl Iterator<Item = usize> + Clone> {
        let width = self.size[1];
        let window = move |row, column| {
            let columns = self.span(1, column);
            self.span(0, row).flat_map(move |y| columns.clone().map(move |x| y * width + x))
        };
        (0..self.out[0]).flat_map(move |row| (0..self.out[1]).map(move |column| window(row, column)))
    }

    fn out_pixels(&self) -> usize {
        self.out[0] * self.out[1]
    }

    fn in_pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    fn area(&self) -> f32 {
        (self.pool.kernel as f32).powi(2)
    }

    fn forward(&self, x: &[f32], y: &mut [f32]) {
        for (y, window) in y.iter_mut().zip(self.windows()) {
            *y = match self.reduction {
                Reduction::Max => x[first_largest(x, window)],
                Reduction::Mean => window.map(|at| x[at]).sum::<f32>() / self.area(),
            };
        }
    }

    fn backward(&self, x: &[f32], g: &[f32], dx: &mut [f32]) {
        for (g, window) in g.iter().zip(self.windows()) {
            match self.reduction {
                Reduction::Max => dx[first_largest(x, window)] += g,
                Reduction::Mean => window.for_each(|at| dx[at] += g / self.area()),
            }
        }
    }
}

/// Where the window's largest value is; the first one, or the last not-a-number.
fn first_largest(x: &[f32], mut window: impl Iterator<Item = usize>) -> usize {
    let first = window.next().expect("a window meets its plane, for its padding is at most half the kernel");
    window.fold(first, |best, at| if x[at] > x[best] || x[at].is_nan() { at } else { best })
}

impl CustomOp1 for Windows {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, [images, channels], [rows, columns]) = (contiguous(x, layout)?, self.planes, self.out);
        let mut y = vec![0.0; images * channels * self.out_pixels()];
        let planes = y.par_chunks_mut(self.out_pixels()).zip(x.par_chunks(self.in_pixels()));
        planes.for_each(|(y, x)| self.forward(x, y));
        Ok((CpuStorage::F32(y), (images, channels, rows, columns).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let g = g.contiguous()?;
        let (x_values, g_values) = (Values::of(x), Values::of(&g));
        let mut dx = vec![0.0; x.elem_count()];
        dx.par_chunks_mut(self.in_pixels())
            .zip(x_values.slice()?.par_chunks(self.in_pixels()))
            .zip(g_values.slice()?.par_chunks(self.out_pixels()))
            .for_each(|((dx, x), g)| self.backward(x, g, dx));
        constant(dx, x.shape()).map(Some)
    }
}
