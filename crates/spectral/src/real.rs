//! What planes consist of, and the one-dimensional transforms that are planned for it.

use std::sync::Arc;

use realfft::{ComplexToReal, FftNum, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

/// f32 and f64: what planes consist of.
///
/// Their transforms are compiled in this crate, once, and not in every crate that plans one.
pub trait Real: FftNum + sealed::Planned {}

impl Real for f32 {}
impl Real for f64 {}

/// Transforms of the rows and of the columns.
pub struct Lines<T> {
    pub(crate) rows: Arc<dyn RealToComplex<T>>,
    pub(crate) rows_back: Arc<dyn ComplexToReal<T>>,
    pub(crate) columns: Arc<dyn Fft<T>>,
    pub(crate) columns_back: Arc<dyn Fft<T>>,
}

mod sealed {
    /// Nobody else can implement it.
    pub trait Planned: Sized {
        /// Transforms of planes (H, W).
        fn lines(height: usize, width: usize) -> super::Lines<Self>;
    }
}

macro_rules! planned {
    ($($number:ty),+) => { $(
        impl sealed::Planned for $number {
            #[inline(never)]
            fn lines(height: usize, width: usize) -> Lines<Self> {
                let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
                Lines {
                    rows: real.plan_fft_forward(width),
                    rows_back: real.plan_fft_inverse(width),
                    columns: complex.plan_fft_forward(height),
                    columns_back: complex.plan_fft_inverse(height),
                }
            }
        }
    )+ };
}

planned!(f32, f64);
