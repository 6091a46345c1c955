//! What a reader leaves out without refusing the whole: counted, and told once.

use crate::error::one_line;

/// How many there are of what was passed over, and the first one's name.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassedOver {
    count: usize,
    first: String,
}

impl PassedOver {
    pub(crate) fn add(&mut self, name: &str) {
        if self.count == 0 {
            name.clone_into(&mut self.first);
        }
        self.count += 1;
    }

    /// A sentence for people, if there is one.
    pub(crate) fn note(&self, [one, many]: [&str; 2], advice: &str) -> Option<String> {
        let first = one_line(&self.first);
        match self.count {
            0 => None,
            1 => Some(format!("{one} is passed over: {first}; {advice}")),
            count => Some(format!("{count} {many} are passed over, the first {first}; {advice}")),
        }
    }
}
