//! The threads that the library computes on, and the end of the interpreter.
//!
//! A process that was forked has none of its parent's threads: waiting for them would be for ever. So each process has a pool of its
//! own, made at its first use; in fact two, of which one never waits for Python.

use std::{
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{guarded, reported};

/// A pool, and the process that it is of.
type Own = Mutex<Option<(u32, Arc<ThreadPool>)>>;

/// For work that may ask Python for something meanwhile, and so wait for the interpreter's lock.
static POOL: Own = Mutex::new(None);

/// For work that its caller waits for with the interpreter's lock held. A thread of a pool that waits takes up what else the pool has to
/// do: on one pool, it could be work that asks for this lock, and both would wait for ever.
static READERS: Own = Mutex::new(None);

/// Set once the interpreter ends.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Calls under way in this process, by its number: those of a parent are not waited for.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// How long the end of the interpreter waits for calls that are under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// A call under way.
pub(crate) struct Call;

impl Call {
    /// Begins a call.
    ///
    /// # Errors
    /// If the interpreter ends.
    pub(crate) fn begin() -> PyResult<Self> {
        if is_closed() {
            return Err(PyRuntimeError::new_err("freqbias was called while the interpreter ends"));
        }
        CALLS.fetch_add(1, Ordering::SeqCst);
        Ok(Self)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether the interpreter ends: work stops at its next step.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::SeqCst)
}

/// The pool of this process.
///
/// # Errors
/// If the system gives no threads.
pub(crate) fn pool() -> PyResult<Arc<ThreadPool>> {
    of_this_process(&POOL)
}

fn of_this_process(slot: &Own) -> PyResult<Arc<ThreadPool>> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    let own = process::id();
    if let Some((_, pool)) = slot.as_ref().filter(|(process, _)| *process == own) {
        return Ok(Arc::clone(pool));
    }
    // To drop the pool of a parent would be to wait for its threads.
    std::mem::forget(slot.take());
    let pool = Arc::new(ThreadPoolBuilder::new().build().map_err(reported)?);
    *slot = Some((own, Arc::clone(&pool)));
    Ok(pool)
}

/// Computes on all threads while the interpreter's lock is held: what is read of Python's memory, no Python code can change meanwhile.
///
/// # Errors
/// What the work reports.
pub(crate) fn attached<T: Send>(_py: Python<'_>, work: impl FnOnce() -> PyResult<T> + Send) -> PyResult<T> {
    let _call = Call::begin()?;
    let readers = of_this_process(&READERS)?;
    guarded(|| readers.install(work))
}

/// Computes on all threads while other Python threads run.
///
/// # Errors
/// What the work reports.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> PyResult<T> + Send) -> PyResult<T> {
    let _call = Call::begin()?;
    let pool = pool()?;
    py.detach(|| guarded(|| pool.install(work)))
}

/// How many threads the library computes on; `RAYON_NUM_THREADS` sets it before the first call.
#[pyfunction]
pub(crate) fn threads() -> PyResult<usize> {
    Ok(pool()?.current_num_threads())
}

/// The interpreter ends: calls under way are stopped and waited for, later ones are refused.
#[pyfunction]
pub(crate) fn close(py: Python<'_>) {
    CLOSED.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    py.detach(|| {
        while CALLS.load(Ordering::SeqCst) > 0 && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
    });
}
