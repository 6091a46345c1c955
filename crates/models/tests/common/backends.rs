//! Tests of what every backend must do.
#![allow(unused_macros, reason = "each test file uses its part")]

/// Makes of each function `fn(&Backend) -> Outcome` a test for every backend that this build has: on the CPU both engines, with
/// the feature `cuda` the first CUDA device too.
macro_rules! on_every_backend {
    ($($name:ident),+ $(,)?) => {
        mod blocked {
            $(#[test] fn $name() -> super::Outcome { super::$name(&models::Backend::default()) })+
        }
        on_backends_of_tensors!($($name),+);
    };
}

/// The same for those that run tensors.
macro_rules! on_backends_of_tensors {
    ($($name:ident),+ $(,)?) => {
        mod plain {
            $(#[test] fn $name() -> super::Outcome { super::$name(&models::Backend::candle_cpu()) })+
        }
        #[cfg(feature = "cuda")]
        mod cuda {
            $(#[test] fn $name() -> super::Outcome { super::$name(&models::Backend::cuda(0, models::Precision::Full)?) })+
        }
    };
}
