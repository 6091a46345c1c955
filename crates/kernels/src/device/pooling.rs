//! The maximum and the mean over windows.

use candle_core::{Result, Tensor};

use crate::{Pool2d, blocked::Cells};

/// The maximum over each window.
///
/// # Errors
/// If no window fits or the device fails.
pub fn max_pool(x: &Tensor, window: Pool2d) -> Result<Tensor> {
    let places = Places::new(x, window)?;
    #[cfg(feature = "cuda")]
    if super::is_cuda(x) && places.stay_inside() {
        return super::cuda::max_pool(x, window, places.out);
    }
    let padded = places.pad(x)?;
    let mut largest: Option<Tensor> = None;
    for (row, column) in places.all() {
        let seen = places.seen(&padded, row, column)?;
        largest = Some(match largest {
            Some(largest) => largest.maximum(&seen)?,
            None => seen,
        });
    }
    largest.ok_or_else(|| candle_core::Error::Msg("a window without places".to_owned()))
}

/// The gradient of x from that of y = max_pool(x): each window's goes to the first of its maxima.
///
/// # Errors
/// As [`max_pool`].
pub fn max_pool_gradient(x: &Tensor, y: &Tensor, g: &Tensor, window: Pool2d) -> Result<Tensor> {
    let places = Places::new(x, window)?;
    #[cfg(feature = "cuda")]
    if super::is_cuda(x) && places.stay_inside() {
        return super::cuda::max_pool_gradient(x, y, g, window);
    }
    let padded = places.pad(x)?;
    let mut gradient = padded.zeros_like()?;
    let mut left = y.ones_like()?;
    for (row, column) in places.all() {
        let is_here = (places.seen(&padded, row, column)?.eq(y)?.to_dtype(y.dtype())? * &left)?;
        left = (left - &is_here)?;
        gradient = places.add(&gradient, &(is_here * g)?, row, column)?;
    }
    places.crop(&gradient)
}

/// The mean of each cell of planes of the cells' size.
///
/// # Errors
/// If the planes are of another size, or the device fails.
pub fn mean_pool(x: &Tensor, cells: &Cells) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let [rows, columns] = cells.out();
    let [down, across] = cells.matrices();
    let down = Tensor::from_vec(down, (rows, height), x.device())?;
    let across = Tensor::from_vec(across, (columns, width), x.device())?;
    on_both_sides(x, &down.t()?.contiguous()?, &across.t()?.contiguous()?)
}

/// The gradient of planes of the cells' size from that of their means.
///
/// # Errors
/// As [`mean_pool`].
pub fn mean_pool_gradient(g: &Tensor, cells: &Cells, [height, width]: [usize; 2]) -> Result<Tensor> {
    let [rows, columns] = cells.out();
    let [down, across] = cells.matrices();
    let down = Tensor::from_vec(down, (rows, height), g.device())?;
    let across = Tensor::from_vec(across, (columns, width), g.device())?;
    on_both_sides(g, &down, &across)
}

/// downᵀ · x · across for each plane of x, with down (H, H') and across (W, W').
fn on_both_sides(x: &Tensor, down: &Tensor, across: &Tensor) -> Result<Tensor> {
    let (images, channels, height, width) = x.dims4()?;
    let ((_, rows), (_, columns)) = (down.dims2()?, across.dims2()?);
    let planes = images * channels;
    let narrow = x.contiguous()?.reshape((planes * height, width))?.matmul(across)?;
    let turned = narrow.reshape((planes, height, columns))?.transpose(1, 2)?.contiguous()?;
    let flat = turned.reshape((planes * columns, height))?.matmul(down)?;
    let back = flat.reshape((planes, columns, rows))?.transpose(1, 2)?.contiguous()?;
    back.reshape((images, channels, rows, columns))
}

/// How windows lie on an image.
struct Places {
    window: Pool2d,
    /// Rows and columns of the image.
    size: [usize; 2],
    /// Of the result.
    out: [usize; 2],
    /// Rows and columns behind the image that the last windows reach into.
    behind: [usize; 2],
}

impl Places {
    fn new(x: &Tensor, window: Pool2d) -> Result<Self> {
        let (_, _, height, width) = x.dims4()?;
        let Pool2d { kernel, stride, padding, .. } = window;
        let size = [height, width];
        let count = |size: usize| {
            let none = || candle_core::Error::Msg(format!("a window of {kernel} does not fit {size} pixels"));
            window.count(size).ok_or_else(none)
        };
        let out = [count(height)?, count(width)?];
        let reach = |axis: usize| (out[axis] - 1) * stride + kernel;
        let behind = [0, 1].map(|axis| reach(axis).saturating_sub(size[axis] + padding));
        Ok(Self { window, size, out, behind })
    }

    /// Whether no window reaches further behind the image than the padding.
    #[cfg(feature = "cuda")]
    fn stay_inside(&self) -> bool {
        self.behind.iter().all(|&lines| lines <= self.window.padding)
    }

    fn all(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let kernel = self.window.kernel;
        (0..kernel * kernel).map(move |place| (place / kernel, place % kernel))
    }

    /// The image with −∞ around it.
    fn pad(&self, x: &Tensor) -> Result<Tensor> {
        let rows = surround(x, 2, self.window.padding, self.behind[0])?;
        surround(&rows, 3, self.window.padding, self.behind[1])
    }

    fn crop(&self, padded: &Tensor) -> Result<Tensor> {
        let rows = padded.narrow(2, self.window.padding, self.size[0])?;
        rows.narrow(3, self.window.padding, self.size[1])?.contiguous()
    }

    /// Which rows or columns each window sees at a place.
    fn lines(&self, axis: usize, place: usize, like: &Tensor) -> Result<Tensor> {
        let lines: Vec<u32> =
            (0..self.out[axis]).map(|at| (at * self.window.stride + place) as u32).collect();
        Tensor::from_vec(lines, self.out[axis], like.device())
    }

    /// What each window sees at a place.
    fn seen(&self, padded: &Tensor, row: usize, column: usize) -> Result<Tensor> {
        let rows = padded.index_select(&self.lines(0, row, padded)?, 2)?;
        rows.index_select(&self.lines(1, column, padded)?, 3)
    }

    /// Adds a value a window to where the windows see it.
    fn add(&self, padded: &Tensor, values: &Tensor, row: usize, column: usize) -> Result<Tensor> {
        let (images, channels, _, width) = padded.dims4()?;
        let empty = Tensor::zeros((images, channels, self.out[0], width), padded.dtype(), padded.device())?;
        let rows = empty.index_add(&self.lines(1, column, padded)?, values, 3)?;
        padded.index_add(&self.lines(0, row, padded)?, &rows, 2)
    }
}

/// −∞ before and behind along a dimension.
fn surround(x: &Tensor, dim: usize, before: usize, behind: usize) -> Result<Tensor> {
    let border = |lines: usize| {
        let mut shape = x.dims().to_vec();
        shape[dim] = lines;
        Tensor::full(f32::NEG_INFINITY, shape, x.device())
    };
    let mut parts = vec![x.clone()];
    if before > 0 {
        parts.insert(0, border(before)?);
    }
    if behind > 0 {
        parts.push(border(behind)?);
    }
    if parts.len() == 1 { Ok(x.clone()) } else { Tensor::cat(&parts, dim) }
}
