//! Memory of messages, used again.

use std::sync::{Mutex, PoisonError};

/// What is smaller is as well asked for anew.
const WORTH_KEEPING: usize = 1 << 16;

/// Buffers that no message is in. What a step of training exchanges is some hundred megabytes: memory that the system must clear anew for
/// each step takes as long as the copying.
#[derive(Debug, Default)]
pub struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// Memory for so many bytes, with anything in it: the smallest that is large enough and not wastefully so, or new.
    pub fn take(&self, bytes: usize) -> Vec<u8> {
        if bytes < WORTH_KEEPING {
            return Vec::with_capacity(bytes);
        }
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let capacities = free.iter().map(Vec::capacity).enumerate();
        let fits = capacities.filter(|&(_, capacity)| capacity >= bytes && capacity / 2 < bytes);
        match fits.min_by_key(|&(_, capacity)| capacity) {
            Some((place, _)) => free.swap_remove(place),
            None => Vec::with_capacity(bytes),
        }
    }

    /// Keeps memory for another message.
    pub fn give(&self, buffer: Vec<u8>) {
        if buffer.capacity() >= WORTH_KEEPING {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_buffers_come_back() {
        let buffers = Buffers::default();
        let mut large = Vec::with_capacity(3 * WORTH_KEEPING);
        large.push(7);
        let place = large.as_ptr();
        buffers.give(large);
        buffers.give(vec![1]);
        assert_eq!(buffers.take(WORTH_KEEPING).len(), 0); // twice as large would be a waste
        let found = buffers.take(2 * WORTH_KEEPING);
        assert_eq!((found.as_ptr(), &found[..]), (place, &[7][..]));
        assert!(buffers.take(2 * WORTH_KEEPING).is_empty());
    }
}
