//! What a reader skips: counted, and reported once.

/// How many files were skipped, and the first one's name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Skipped {
    count: usize,
    first: String,
}

impl Skipped {
    pub(crate) fn add(&mut self, name: &str) {
        self.add_many(1, name);
    }

    /// Counts several, of which `first` is the first.
    pub(crate) fn add_many(&mut self, count: usize, first: &str) {
        if self.count == 0 {
            first.clone_into(&mut self.first);
        }
        self.count += count;
    }

    /// The number and the first one's name, if there is one.
    pub(crate) fn found(self) -> Option<(usize, String)> {
        (self.count > 0).then_some((self.count, self.first))
    }
}
