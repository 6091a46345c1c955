//! Errors as exceptions: the library's words, no panic.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use pyo3::{create_exception, exceptions::PyValueError, prelude::*};

create_exception!(freqbias, Error, PyValueError, "What the library reports: a fact, and what was expected.");

/// What a library reports, as an exception.
pub(crate) fn reported(error: impl std::error::Error) -> PyErr {
    Error::new_err(one_line(&error.to_string()))
}

/// Without the backtrace that candle appends where RUST_BACKTRACE is set.
fn one_line(message: &str) -> String {
    let is_frame =
        |line: &str| line.split_once(": ").is_some_and(|(number, _)| number.parse::<usize>().is_ok());
    let said = message.lines().map(str::trim).take_while(|line| !is_frame(line));
    said.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A panic as an exception: a mistake of ours, which must not end the interpreter.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> PyErr {
    let said = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::new_err(format!("a mistake in freqbias, please report it: {}", one_line(&said)))
}

/// Calls the library; a panic is an exception.
pub(crate) fn guarded<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}
