//! Copies from page-locked memory on a stream of their own.
//!
//! cudarc orders streams by itself once it has made one that is not the default: every slice then records and waits for events
//! with every operation, on all streams. Networks of small images are bound by how fast operations are queued, so the stream
//! here is one that cudarc does not count, and the four places where streams meet are ordered by hand:
//!
//! | before | waits for |
//! |---|---|
//! | the host fills a page-locked buffer | the copy out of it, two batches ago |
//! | a batch is copied to the landing place | the batch before to have left it |
//! | a batch leaves the landing place, to be computed | its copy |
//! | the landing place is freed | the last batch to have left it |

use std::{ptr, sync::Arc};

use candle_core::{
    CudaDevice, CudaStorage, Result, Shape, Storage, Tensor,
    cuda_backend::cudarc::driver::{
        CudaContext, CudaEvent, CudaSlice, CudaStream, DriverError, PinnedHostSlice,
        result::stream::{self, StreamKind},
    },
    op::BackpropOp,
};

use super::memory::result_of;

/// See [`Uploads`](crate::device::Uploads), which sees to it that batches are begun and taken in turn.
#[derive(Debug)]
pub(in crate::device) struct Uploads {
    device: CudaDevice,
    /// Where the next batch lands, memory of the stream `copies`; from here it goes to a tensor's memory, which candle's stream
    /// allocates and frees. That copy within the device costs a hundredth of the one to it.
    landing: Option<CudaSlice<f32>>,
    /// The last batch that was taken has left the landing place.
    left: CudaEvent,
    buffers: [Buffer; 2],
    /// Which of them the next batch goes through, or the one on its way.
    turn: usize,
    /// Last: fields are dropped in this order.
    copies: CopyStream,
}

/// Page-locked memory that a batch is copied from.
#[derive(Debug)]
struct Buffer {
    memory: Option<PinnedHostSlice<f32>>,
    /// The last copy is over. The memory has an event of its own, but that is recorded only where cudarc orders streams.
    copied: CudaEvent,
}

impl Uploads {
    pub(in crate::device) fn new(device: &CudaDevice) -> Result<Self> {
        Self::on(device).map_err(failed)
    }

    fn on(device: &CudaDevice) -> std::result::Result<Self, DriverError> {
        let stream = device.cuda_stream();
        let context = stream.context();
        let buffer = || Ok(Buffer { memory: None, copied: context.new_event(None)? });
        Ok(Self {
            device: device.clone(),
            landing: None,
            left: context.new_event(None)?,
            buffers: [buffer()?, buffer()?],
            turn: 0,
            copies: CopyStream::new(context)?,
        })
    }

    pub(in crate::device) fn begin(&mut self, values: &[f32]) -> Result<()> {
        // What was begun and forgotten may still be copied out of its buffer.
        self.turn = 1 - self.turn;
        self.copy(values).map_err(failed)
    }

    fn copy(&mut self, values: &[f32]) -> std::result::Result<(), DriverError> {
        let (count, copies) = (values.len(), &self.copies.0);
        let Buffer { memory, copied } = &mut self.buffers[self.turn];
        copied.synchronize()?;
        let memory = match memory.take() {
            Some(large_enough) if large_enough.len() >= count => memory.insert(large_enough),
            // SAFETY: numbers of any bits are numbers; only those that are written below are read.
            _ => memory.insert(unsafe { copies.context().alloc_pinned(count.max(1)) }?),
        };
        // SAFETY: the memory holds `count` numbers at least and is nobody else's: the copy out of it is over.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), memory.as_mut_ptr()?, count) };
        copies.wait(&self.left)?;
        let landing = match self.landing.take() {
            Some(large_enough) if large_enough.len() >= count => self.landing.insert(large_enough),
            small => {
                // Freed on the stream that has just been told to wait for what reads it.
                drop(small);
                // SAFETY: of it only what a copy has written is read.
                self.landing.insert(unsafe { copies.alloc(count.max(1)) }?)
            }
        };
        // Of a slice of page-locked memory the copy is queued, and nothing is waited for.
        copies.memcpy_htod(&memory.as_slice()?[..count], &mut landing.slice_mut(..count))?;
        copied.record(copies)
    }

    pub(in crate::device) fn take(&mut self, shape: Shape) -> Result<Tensor> {
        let (stream, count) = (self.device.cuda_stream(), shape.elem_count());
        let Some(landing) = &self.landing else { candle_core::bail!("upload: no batch has landed") };
        let mut batch = result_of::<f32>(&self.device, count)?;
        stream.wait(&self.buffers[self.turn].copied).map_err(failed)?;
        stream.memcpy_dtod(&landing.slice(..count), &mut batch).map_err(failed)?;
        self.left.record(&stream).map_err(failed)?;
        let storage = CudaStorage::wrap_cuda_slice(batch, self.device.clone());
        Ok(Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false))
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        // There is nobody to tell of a failure. The landing place is freed on this stream, after what reads it; page-locked memory
        // is freed by the host, which therefore waits for the copies out of it.
        let _ = self.copies.0.wait(&self.left);
        let _ = self.copies.0.synchronize();
    }
}

/// A stream for copies that waits for no other, unless told.
#[derive(Debug)]
struct CopyStream(Arc<CudaStream>);

impl CopyStream {
    fn new(context: &Arc<CudaContext>) -> std::result::Result<Self, DriverError> {
        context.bind_to_thread()?;
        let made = stream::create(StreamKind::NonBlocking)?;
        // SAFETY: made just now, in this context, and destroyed when this is dropped, after all that uses it; what is queued on it
        // is ordered by hand, as told above.
        Ok(Self(unsafe { context.wrap_borrowed_stream(made) }))
    }
}

impl Drop for CopyStream {
    fn drop(&mut self) {
        let _ = self.0.context().bind_to_thread();
        // SAFETY: made by `CopyStream::new` and destroyed only here. There is nobody to tell of a failure.
        let _ = unsafe { stream::destroy(self.0.cu_stream()) };
    }
}

/// The driver's error as candle's.
fn failed(error: DriverError) -> candle_core::Error {
    candle_core::Error::Msg(format!("upload: {error}"))
}
