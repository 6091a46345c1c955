//! Batches on their way to a device: the next one is copied while the present one is computed.

use candle_core::{Device, Result, Shape, Tensor};

#[cfg(feature = "cuda")]
use super::cuda;

/// Takes batches of numbers to a device, one ahead of the one that is computed.
///
/// On a CUDA device a batch goes through one of two page-locked buffers and is copied on a stream of its own, behind nothing that
/// is computed. The host waits for a copy only to use its buffer again, two batches later; the device computes a batch once its
/// copy is over. Of device memory the next batch takes as much as the present one, and no more is held. Elsewhere the numbers are
/// kept until they are asked for.
///
/// Batches are begun and taken on one thread: candle computes on a stream of each.
///
/// ```
/// use candle_core::Device;
/// use kernels::device::Uploads;
///
/// let mut uploads = Uploads::new(&Device::Cpu)?;
/// uploads.begin(&[1.0, 2.0], (1, 2))?;
/// let first = uploads.take()?;
/// uploads.begin(&[3.0], (1, 1))?;
/// // The first batch is computed here, while the second is on its way.
/// assert_eq!(first.to_vec2::<f32>()?, [[1.0, 2.0]]);
/// assert_eq!(uploads.take()?.to_vec2::<f32>()?, [[3.0]]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Uploads {
    way: Way,
    /// What is on its way.
    begun: Option<Shape>,
}

#[derive(Debug)]
enum Way {
    Plain {
        device: Device,
        values: Vec<f32>,
    },
    #[cfg(feature = "cuda")]
    Cuda(Box<cuda::Uploads>),
}

impl Uploads {
    /// Uploads to a device; memory is taken with the first batch.
    ///
    /// # Errors
    /// If the device fails.
    pub fn new(device: &Device) -> Result<Self> {
        let way = match device {
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => Way::Cuda(Box::new(cuda::Uploads::new(device)?)),
            _ => Way::Plain { device: device.clone(), values: Vec::new() },
        };
        Ok(Self { way, begun: None })
    }

    /// Sends a batch on its way; the values are free again when this returns.
    ///
    /// # Errors
    /// If there are other values than the shape has, the batch before is not taken yet, or the device fails.
    pub fn begin(&mut self, values: &[f32], shape: impl Into<Shape>) -> Result<()> {
        let shape = shape.into();
        if values.len() != shape.elem_count() {
            candle_core::bail!("upload: {} values for a batch {shape:?}", values.len());
        }
        if let Some(before) = &self.begun {
            candle_core::bail!("upload: the batch before, {before:?}, is not taken yet");
        }
        match &mut self.way {
            Way::Plain { values: kept, .. } => values.clone_into(kept),
            #[cfg(feature = "cuda")]
            Way::Cuda(uploads) => uploads.begin(values)?,
        }
        self.begun = Some(shape);
        Ok(())
    }

    /// The batch that is on its way, on the device. Nothing is waited for here: what is computed with it waits there.
    ///
    /// # Errors
    /// If none is on its way, or the device fails.
    pub fn take(&mut self) -> Result<Tensor> {
        let Some(shape) = self.begun.take() else { candle_core::bail!("upload: no batch is on its way") };
        match &mut self.way {
            Way::Plain { device, values } => Tensor::from_slice(values, shape, device),
            #[cfg(feature = "cuda")]
            Way::Cuda(uploads) => uploads.take(shape),
        }
    }

    /// Forgets the batch that is on its way, if one is.
    pub fn discard(&mut self) {
        self.begun = None;
    }
}
