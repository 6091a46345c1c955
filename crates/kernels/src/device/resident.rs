//! Images that stay on a device: a batch is gathered there, and only its numbers go to it.

use candle_core::{DType, Device, Result, Tensor};

/// Bytes of images (N, C, H, W) on a device.
///
/// ```
/// use candle_core::Device;
/// use kernels::device::ResidentImages;
///
/// let images = ResidentImages::new(&[0, 51, 102, 255, 10, 20, 30, 40], [1, 2, 2], &Device::Cpu)?;
/// // The first image, its rows exchanged and mirrored.
/// let batch = images.gather(&[0], &[1, 0], &[1, 0])?;
/// assert_eq!(batch.dims(), [1, 1, 2, 2]);
/// assert_eq!(batch.flatten_all()?.to_vec1::<f32>()?, [1.0, 0.4, 0.2, 0.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug)]
pub struct ResidentImages {
    /// All bytes, in one row.
    bytes: Tensor,
    shape: [usize; 3],
    /// x / 255 for every byte x: a table, so that the quotient is the host's to the last bit.
    units: Tensor,
}

impl ResidentImages {
    /// Takes images of C × H × W bytes to a device.
    ///
    /// # Errors
    /// If there are too many bytes to be counted by 32 bits, or the device's memory does not hold them.
    pub fn new(bytes: &[u8], shape: [usize; 3], device: &Device) -> Result<Self> {
        if u32::try_from(bytes.len()).is_err() {
            candle_core::bail!("{} bytes of images; 32 bits count 4 GB", bytes.len());
        }
        let units: Vec<f32> = (0..=u8::MAX).map(|byte| f32::from(byte) / 255.0).collect();
        let bytes = Tensor::from_slice(bytes, bytes.len(), device)?;
        Ok(Self { bytes, shape, units: Tensor::from_vec(units, 256, device)? })
    }

    /// A batch (B, C, H, W) in [0, 1] of the images `indices`: row y of image b is row `rows[b · H + y]` of the stored one, column x
    /// is `columns[b · W + x]`.
    ///
    /// # Errors
    /// If there are other than B · H rows and B · W columns, a number is beyond its range, or the device fails.
    pub fn gather(&self, indices: &[u32], rows: &[u32], columns: &[u32]) -> Result<Tensor> {
        let ([channels, height, width], count) = (self.shape, indices.len());
        let image = channels * height * width;
        let images = self.bytes.elem_count() / image.max(1);
        let in_range = indices.iter().all(|&index| (index as usize) < images)
            && rows.iter().all(|&row| (row as usize) < height)
            && columns.iter().all(|&column| (column as usize) < width);
        if !in_range {
            candle_core::bail!("an image, row or column beyond {images} images of {height} × {width}");
        }
        let on_device = |numbers: Vec<u32>, dims: [usize; 4]| {
            Tensor::from_vec(numbers, dims.as_slice(), self.bytes.device())
        };
        let starts = indices.iter().map(|&index| index * image as u32).collect();
        let planes = (0..channels).map(|channel| (channel * height * width) as u32).collect();
        let rows = rows.iter().map(|&row| row * width as u32).collect();
        let places = on_device(starts, [count, 1, 1, 1])?
            .broadcast_add(&on_device(planes, [1, channels, 1, 1])?)?
            .broadcast_add(&on_device(rows, [count, 1, height, 1])?)?
            .broadcast_add(&on_device(columns.to_vec(), [count, 1, 1, width])?)?;
        let bytes = self.bytes.index_select(&places.flatten_all()?, 0)?;
        let values = self.units.index_select(&bytes.to_dtype(DType::U32)?, 0)?;
        values.reshape((count, channels, height, width))
    }
}
