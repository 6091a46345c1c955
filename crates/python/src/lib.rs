//! The native half of the Python package `freqbias`: arrays in, one call of a library, arrays out. What is Python's, types of arrays,
//! loops over models, what a notebook shows, is in `python/freqbias`.
//!
//! * **Memory**: arrays are read where they lie while the interpreter's lock is held, else copied: see `gradient.rs`.
//! * **Threads**: the library computes on a pool of this process (`pool.rs`); a caller's functions run on the caller's thread (`work.rs`).
//! * **Errors**: what a library reports is `freqbias.Error`, with its words; so is a panic (`error.rs`).

mod arrays;
mod bands;
mod cdes;
mod command;
mod error;
mod figures;
mod filters;
mod gradient;
mod images;
mod loaded;
mod measures;
mod network;
mod pool;
mod recorder;
mod results;
mod work;

#[pyo3::pymodule]
mod _freqbias {
    #[pymodule_export]
    use crate::{
        bands::{density, gradient_profiles, power, radii},
        cdes::{Kernels, fit_kernels, restructure, target_density},
        command::run,
        error::Error,
        figures::{heat_map, lines},
        filters::{high_pass, hybrid, low_pass, ring},
        gradient::{GradientSpectrum, logit_gradient},
        images::synthetic,
        loaded::{Network, load, load_onnx},
        measures::{
            attack_spectrum, band_accuracy, corruptions, critical_bands, fourier_heat_map, phase_amplitude,
            sensitivity, shortcuts,
        },
        pool::{close, threads},
        recorder::{Recorder, recorded},
    };
    use numpy::PyArray1;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // NumPy's functions are looked up by the first array: here, and not where Ctrl-C may come in between.
        drop(PyArray1::<f32>::zeros(module.py(), 0, false));
        module.add("VERSION", env!("CARGO_PKG_VERSION"))
    }
}
