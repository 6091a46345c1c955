//! Memory that a thread keeps between blocks, so that the inner loops allocate nothing.

use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Lends `work` as many slices as there are `lengths`, with arbitrary contents.
///
/// `work` must not come back here on the same thread: neither call it again nor wait for other threads (rayon
/// may then run another block on this one).
pub(crate) fn with<const N: usize, R>(lengths: [usize; N], work: impl FnOnce([&mut [f32]; N]) -> R) -> R {
    SCRATCH.with_borrow_mut(|scratch| {
        let total = lengths.iter().sum();
        if scratch.len() < total {
            scratch.resize(total, 0.0);
        }
        let mut rest = scratch.as_mut_slice();
        work(lengths.map(|length| rest.split_off_mut(..length).expect("the lengths sum to the total")))
    })
}
