//! cuDNN's errors.

use candle_core::cuda_backend::cudarc::cudnn::CudnnError;

/// cuDNN's error as candle's.
pub(super) fn failed(error: CudnnError) -> candle_core::Error {
    candle_core::Error::Msg(format!("cuDNN: {error}"))
}
