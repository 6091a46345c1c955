//! The operations through cuDNN, and copies to the device.
// Foreign functions, each call with its reason.
#![allow(unsafe_code)]

mod blend;
pub(super) mod convolution;
mod descriptors;
mod gate;
mod norm;
mod pooling;
mod uploads;

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use candle_core::{
    CpuStorage, CudaDevice, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape,
    cuda_backend::{
        CudaDType, DeviceId,
        cudarc::{
            cudnn::{Cudnn, CudnnError, result, sys},
            driver::{CudaSlice, CudaView, DeviceRepr},
        },
    },
};

pub(super) use blend::blend;
pub(super) use gate::relu_gradient;
pub(super) use norm::{batch_norm, batch_norm_gradient};
pub(super) use pooling::{max_pool, max_pool_gradient};
pub(super) use uploads::Uploads;

use convolution::Plans;
use half::bf16;

/// What cuDNN keeps for a thread that uses a device.
pub(super) struct Handles {
    convolutions: Arc<Cudnn>,
    /// For the functions that the safe wrapper lacks.
    plain: Handle,
    plans: Plans<f32>,
    plans_of_bf16: Plans<bf16>,
}

/// A handle of the plain interface, bound to its device's stream.
struct Handle(sys::cudnnHandle_t);

impl Handle {
    fn new(device: &CudaDevice) -> std::result::Result<Self, CudnnError> {
        let handle = Self(result::create_handle()?);
        // SAFETY: the handle was made just now; candle keeps the stream for as long as the device.
        unsafe { result::set_stream(handle.0, device.cuda_stream().cu_stream() as *mut _) }?;
        Ok(handle)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `Handle::new` and destroyed only here. There is nobody to tell of a failure.
        let _ = unsafe { result::destroy_handle(self.0) };
    }
}

thread_local! {
    // A handle belongs to the thread that made it.
    static HANDLES: RefCell<HashMap<DeviceId, Rc<Handles>>> = RefCell::default();
}

fn handles(device: &CudaDevice) -> Result<Rc<Handles>> {
    HANDLES.with(|handles| {
        if let Some(handles) = handles.borrow().get(&device.id()) {
            return Ok(Rc::clone(handles));
        }
        // Making this one binds the device to the thread.
        let convolutions = Cudnn::new(device.cuda_stream()).map_err(failed)?;
        let plain = Handle::new(device).map_err(failed)?;
        let (plans, plans_of_bf16) = Default::default();
        let made = Rc::new(Handles { convolutions, plain, plans, plans_of_bf16 });
        handles.borrow_mut().insert(device.id(), Rc::clone(&made));
        Ok(made)
    })
}

/// cuDNN's error as candle's.
fn failed(error: CudnnError) -> candle_core::Error {
    candle_core::Error::Msg(format!("cuDNN: {error}"))
}

/// The part of a storage that a contiguous layout names.
fn view<'a, T: CudaDType>((storage, layout): Argument<'a>) -> Result<CudaView<'a, T>> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("expected a contiguous tensor, found the strides {:?}", layout.stride());
    };
    Ok(storage.as_cuda_slice::<T>()?.slice(start..end))
}

/// Memory for a result that is written whole before it is read.
fn result_of<T: DeviceRepr>(device: &CudaDevice, count: usize) -> Result<CudaSlice<T>> {
    // SAFETY: each caller hands it to a cuDNN function (β = 0) or a copy that overwrites all of it, or reads only what that has
    // written.
    unsafe { device.alloc::<T>(count) }
}

/// A tensor as an operation of candle sees it.
type Argument<'a> = (&'a CudaStorage, &'a Layout);

/// What an operation gives.
type Given = Result<(CudaStorage, Shape)>;

/// An operation of candle that runs on CUDA devices alone.
struct OnCuda<F> {
    name: &'static str,
    run: F,
}

impl<F> OnCuda<F> {
    fn refuse(&self) -> Result<(CpuStorage, Shape)> {
        candle_core::bail!("{}: expected tensors on a CUDA device", self.name)
    }
}

impl<F: Fn([Argument<'_>; 1]) -> Given + Send + Sync> CustomOp1 for OnCuda<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.refuse()
    }

    fn cuda_fwd(&self, x: &CudaStorage, x_layout: &Layout) -> Given {
        (self.run)([(x, x_layout)])
    }
}

impl<F: Fn([Argument<'_>; 2]) -> Given + Send + Sync> CustomOp2 for OnCuda<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.refuse()
    }

    fn cuda_fwd(&self, x: &CudaStorage, x_layout: &Layout, y: &CudaStorage, y_layout: &Layout) -> Given {
        (self.run)([(x, x_layout), (y, y_layout)])
    }
}

impl<F: Fn([Argument<'_>; 3]) -> Given + Send + Sync> CustomOp3 for OnCuda<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.refuse()
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        y: &CudaStorage,
        y_layout: &Layout,
        z: &CudaStorage,
        z_layout: &Layout,
    ) -> Given {
        (self.run)([(x, x_layout), (y, y_layout), (z, z_layout)])
    }
}
