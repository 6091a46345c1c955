//! Long work: the library computes on its pool, what it asks of Python happens on the thread that called.
//!
//! A model's functions see the thread that they were written for, with its autocast and gradient modes, and Ctrl-C, which Python
//! gives to its main thread alone, stops the work at its next step.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use freqbias::progress::{Event, Progress};
use pyo3::prelude::*;

use crate::{
    error::panicked,
    pool::{Call, is_closed, pool},
};

/// How often Python is asked whether somebody pressed Ctrl-C.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a thread of the pool waits for an answer before it does what else the pool has to do.
const TURN: Duration = Duration::from_millis(1);

/// Something to do on the thread that called.
type Job = Box<dyn FnOnce(Python<'_>) + Send>;

/// The way from the library's threads to the thread that called.
#[derive(Clone)]
pub(crate) struct Caller {
    jobs: Sender<Job>,
    interrupt: Arc<AtomicBool>,
    failure: Arc<Mutex<Option<PyErr>>>,
}

/// The work is over: an exception is kept for the caller, or nobody waits for it.
#[derive(Debug)]
pub(crate) struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caller")
    }
}

impl Caller {
    /// Does something on the caller's thread, and waits for it.
    ///
    /// # Errors
    /// If that raises an exception, which the caller gets.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(Python<'_>) -> PyResult<T> + Send + 'static,
    ) -> Result<T, Stopped> {
        let (reply, replied) = channel();
        let caller = self.clone();
        let job = move |py: Python<'_>| {
            let done =
                if caller.interrupt.load(Ordering::SeqCst) { Err(Stopped) } else { caller.kept(job(py)) };
            // Nobody waits if the work has panicked meanwhile.
            drop(reply.send(done));
        };
        self.jobs.send(Box::new(job)).map_err(|_| Stopped)?;
        loop {
            match replied.recv_timeout(TURN) {
                Ok(done) => return done,
                Err(RecvTimeoutError::Disconnected) => return Err(Stopped),
                // What is asked may use the library itself, and need this very thread.
                Err(RecvTimeoutError::Timeout) => drop(rayon::yield_now()),
            }
        }
    }

    /// Keeps an exception for the caller, and stops the work.
    fn kept<T>(&self, done: PyResult<T>) -> Result<T, Stopped> {
        done.map_err(|error| {
            self.interrupt.store(true, Ordering::SeqCst);
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            Stopped
        })
    }

    /// Hands events to a function of (kind, text, number).
    fn progress(&self, report: Option<Py<PyAny>>) -> Progress {
        let Some(report) = report else { return Progress::new(|_| (), Arc::clone(&self.interrupt)) };
        let (caller, report) = (self.clone(), Arc::new(report));
        let tell = move |event: Event<'_>| {
            let (kind, text, number) = match event {
                Event::Begin { label, total, .. } => ("begin", label.to_owned(), total.unwrap_or(0)),
                Event::Advance(count) => ("advance", String::new(), count),
                Event::End => ("end", String::new(), 0),
                Event::Note(note) => ("note", note.to_owned(), 0),
                _ => return,
            };
            let report = Arc::clone(&report);
            drop(caller.ask(move |py| report.call1(py, (kind, text, number)).map(drop)));
        };
        Progress::new(tell, Arc::clone(&self.interrupt))
    }
}

/// Runs work on the library's threads until it ends, or Python asks to stop: then it stops at its next step.
///
/// # Errors
/// An exception of a function that was called, `KeyboardInterrupt`, or a panic's words.
pub(crate) fn drive<T: Send>(
    py: Python<'_>,
    report: Option<Py<PyAny>>,
    work: impl FnOnce(&Caller, Progress) -> T + Send,
) -> PyResult<T> {
    let _call = Call::begin()?;
    let (pool, (jobs, asked)) = (pool()?, channel::<Job>());
    let caller = Caller { jobs, interrupt: Arc::default(), failure: Arc::default() };
    let (failure, interrupt) = (Arc::clone(&caller.failure), Arc::clone(&caller.interrupt));
    let kept = Arc::clone(&failure);
    let done = py.detach(move || {
        thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let progress = caller.progress(report);
                pool.install(|| work(&caller, progress))
            });
            while !worker.is_finished() {
                match asked.recv_timeout(LOOK_EVERY) {
                    Ok(job) => Python::attach(job),
                    Err(RecvTimeoutError::Timeout) if is_closed() => interrupt.store(true, Ordering::SeqCst),
                    Err(RecvTimeoutError::Timeout) => look(&interrupt, &kept),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            worker.join()
        })
    });
    let failed = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (done, failed) {
        (_, Some(failure)) => Err(failure),
        (Ok(done), None) => Ok(done),
        (Err(panic), None) => Err(panicked(&*panic)),
    }
}

/// Whether somebody pressed Ctrl-C.
fn look(interrupt: &AtomicBool, failure: &Mutex<Option<PyErr>>) {
    if let Err(pressed) = Python::attach(|py| py.check_signals()) {
        interrupt.store(true, Ordering::SeqCst);
        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(pressed);
    }
}
