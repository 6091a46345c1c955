//! What an operation refuses: every message names the operation, the argument, what was found and what was
//! expected.

use candle_core::{DType, DeviceLocation, Shape};

/// Why an operation refused its arguments. It reaches the caller inside candle's error
/// ([`candle_core::Error::Wrapped`]).
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The numbers are not single precision.
    #[error("{op}: {argument} has dtype {found:?}, expected F32: convert it with to_dtype(DType::F32)")]
    DType {
        /// The operation.
        op: &'static str,
        /// Which of its arguments.
        argument: &'static str,
        /// The argument's dtype.
        found: DType,
    },
    /// The tensor is not in the CPU's memory.
    #[error("{op}: {argument} is on {found:?}, expected the CPU: move it with to_device(&Device::Cpu)")]
    Device {
        /// The operation.
        op: &'static str,
        /// Which of its arguments.
        argument: &'static str,
        /// Where the argument is.
        found: DeviceLocation,
    },
    /// The rank is wrong, the sizes do not fit the other arguments, or a size is zero.
    #[error("{op}: {argument} has shape {found:?}, expected {expected}")]
    Shape {
        /// The operation.
        op: &'static str,
        /// Which of its arguments.
        argument: &'static str,
        /// The argument's shape.
        found: Shape,
        /// The shape it should have.
        expected: String,
    },
    /// The windows (stride, padding, groups, kernel) make no sense, or do not fit the image.
    #[error("{op}: {problem}")]
    Window {
        /// The operation.
        op: &'static str,
        /// What does not fit, with the numbers.
        problem: String,
    },
    /// A label is not one of the classes.
    #[error("{op}: label {label} of row {row} is not below the {classes} classes of the logits")]
    Label {
        /// The operation.
        op: &'static str,
        /// The label.
        label: u32,
        /// Which image of the batch.
        row: usize,
        /// How many classes there are.
        classes: usize,
    },
}

impl From<KernelError> for candle_core::Error {
    fn from(error: KernelError) -> Self {
        Self::wrap(error)
    }
}
