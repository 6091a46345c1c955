//! What cuDNN keeps for a thread that uses a device.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use candle_core::{
    CudaDevice, Result,
    cuda_backend::{
        DeviceId,
        cudarc::cudnn::{Cudnn, CudnnError, result, sys},
    },
};

use super::{error::failed, plan::Plans};

/// Handles, and the plans made with them.
pub(super) struct Handles {
    pub(super) convolutions: Arc<Cudnn>,
    /// For the functions that the safe wrapper lacks.
    pub(super) plain: Handle,
    pub(super) plans: Plans,
}

/// A handle of the plain interface, bound to its device's stream.
pub(super) struct Handle(pub(super) sys::cudnnHandle_t);

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

pub(super) fn handles(device: &CudaDevice) -> Result<Rc<Handles>> {
    HANDLES.with(|handles| {
        if let Some(handles) = handles.borrow().get(&device.id()) {
            return Ok(Rc::clone(handles));
        }
        // Making this one binds the device to the thread.
        let convolutions = Cudnn::new(device.cuda_stream()).map_err(failed)?;
        let plain = Handle::new(device).map_err(failed)?;
        let made = Rc::new(Handles { convolutions, plain, plans: Plans::default() });
        handles.borrow_mut().insert(device.id(), Rc::clone(&made));
        Ok(made)
    })
}
