//! What can go wrong between ranks; every message names the rank.

/// Anything that this crate reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// Nothing came of a rank for too long.
    #[error(
        "{place} has sent nothing for {seconds} s: it hangs, its machine is cut off, or a part of the work takes longer than that"
    )]
    Silent { place: String, seconds: u64 },
    /// A rank could not do its part.
    #[error("{place}: {message}")]
    Failed { place: String, message: String },
    /// A rank was asked to stop, as by Ctrl-C.
    #[error("stopped on {place}")]
    Stopped { place: String },
    /// Rank 0 has ended the work of all.
    #[error("rank 0 has ended the work")]
    Ended,
    /// Another program, or another version, at the other end.
    #[error(
        "{place} has sent {found}; expected {expected}: all ranks must run the same version of the program with the same flags"
    )]
    Message { place: String, found: String, expected: &'static str },
    /// Ranks that do not work on the same.
    #[error(
        "{what}: {found}, where rank 0 has {expected}; all ranks must have the same settings, see the same files, and run on processors of one kind"
    )]
    Different { what: &'static str, found: String, expected: String },
    /// The connection to a rank is broken.
    #[error("{place} is gone: its process has ended or was killed, or its machine is cut off")]
    Gone { place: String },
    /// Ranks that do not find each other.
    #[error("{problem}")]
    Start { problem: String },
    /// A simulated rank that is dead.
    #[error("rank {rank} is dead")]
    Dead { rank: usize },
    /// All simulated ranks wait for each other.
    #[error("rank {rank} waits for rank {from}, and no rank has anything left to do")]
    Stuck { rank: usize, from: usize },
}

impl Error {
    /// Of a rank that does not work on what rank 0 works on: what each says of its work, without the parts between commas that both say.
    ///
    /// ```
    /// let error = ranks::Error::different("trained", r#"{"seed":0,"lr":0.5,"epochs":3}"#, r#"{"seed":0,"lr":0.02,"epochs":3}"#);
    /// assert!(error.to_string().starts_with(r#"trained: "lr":0.5, where rank 0 has "lr":0.02; all ranks must have the same settings"#));
    /// ```
    pub fn different(what: &'static str, own: &str, of_first: &str) -> Self {
        let [found, expected] = match [alone(own, of_first), alone(of_first, own)] {
            [found, expected] if found.is_empty() || expected.is_empty() => {
                [own, of_first].map(str::to_owned)
            }
            both => both,
        };
        Self::Different { what, found, expected }
    }
}

/// The parts of a description that another one lacks.
fn alone(description: &str, other: &str) -> String {
    let parts = |text| str::split(text, ',').map(|part: &str| part.trim_matches(['{', '}', ' ']));
    let others: Vec<&str> = parts(other).collect();
    parts(description).filter(|part| !others.contains(part)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said_and_all_where_only_one_says_more() {
        let said = |own, of_first| match Error::different("measured", own, of_first) {
            Error::Different { found, expected, .. } => [found, expected],
            other => panic!("{other}"),
        };
        assert_eq!(said("{a, b, c} by x", "{a, d, c} by y"), ["b, c} by x", "d, c} by y"]);
        assert_eq!(said("1 checkpoints", "epoch 3"), ["1 checkpoints", "epoch 3"]);
        assert_eq!(said("a, b", "a, b, c"), ["a, b", "a, b, c"]);
    }
}
