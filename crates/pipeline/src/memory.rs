//! Devices whose memory is full.

use crate::Error;

/// The error of a step on so many images: [`Error::DeviceMemoryFull`] where the memory of the device was full.
pub fn out_of_memory(error: models::Error, images: usize) -> Error {
    let problem = error.to_string();
    if is_full(&problem) { Error::DeviceMemoryFull { images, problem } } else { Error::Models(error) }
}

/// Whether an error is that of a device whose memory is full. Drivers and libraries say so in words alone.
pub(crate) fn is_full(problem: &str) -> bool {
    ["OUT_OF_MEMORY", "out of memory", "ALLOC_FAILED"].iter().any(|words| problem.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_device_is_known_by_what_its_driver_says() {
        let driver = |words: &str| models::Error::from(candle_core::Error::Msg(words.to_owned()));
        let full = out_of_memory(driver("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"), 500);
        assert!(matches!(full, Error::DeviceMemoryFull { images: 500, .. }), "{full}");
        let other = out_of_memory(driver("no kernel image is available"), 500);
        assert!(matches!(other, Error::Models(_)), "{other}");
    }
}
