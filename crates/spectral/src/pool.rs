//! Memory to work in that threads give back, so that it is made as often as threads work at once, and not for every share of work.

use std::sync::{Mutex, PoisonError};

/// What is not in use.
#[derive(Debug)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pool<T> {
    /// Lends one to `work`, and makes it if all are in use.
    pub(crate) fn lend<R>(&self, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let free = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = free().pop();
        let mut lent = found.unwrap_or_else(make);
        let result = work(&mut lent);
        free().push(lent);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_back_is_lent_again_and_nothing_twice() {
        let pool = Pool::default();
        let lengths = [(); 2].map(|()| {
            pool.lend(Vec::new, |lent: &mut Vec<u8>| {
                lent.push(0);
                lent.len()
            })
        });
        assert_eq!(lengths, [1, 2]);
        let other = pool.lend(Vec::new, |_| pool.lend(Vec::new, |other| other.len()));
        assert_eq!(other, 0, "the first was in use");
    }
}
