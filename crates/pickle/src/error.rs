//! What can go wrong with a pickle.

/// What is wrong with a pickle, and where: the offset is that of the opcode, from the pickle's start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input ends within the pickle.
    #[error(
        "{found} bytes before the end at byte {offset} of a pickle, expected {expected}: it is cut short"
    )]
    Truncated {
        /// Where the opcode stands.
        offset: usize,
        /// Bytes that are left.
        found: u64,
        /// Bytes that the opcode takes.
        expected: u64,
    },

    /// A protocol after those that are known.
    #[error("protocol {found} at byte {offset} of a pickle, expected protocol 0 to 5")]
    Protocol {
        /// Where the opcode stands.
        offset: usize,
        /// The protocol.
        found: u8,
    },

    /// An opcode that this reader does not know.
    #[error("the opcode {found:#04x} at byte {offset} of a pickle, expected one that builds values")]
    Opcode {
        /// Where it stands.
        offset: usize,
        /// The opcode.
        found: u8,
    },

    /// An opcode that does not fit what is there.
    #[error("{found} at byte {offset} of a pickle, expected {expected}")]
    Malformed {
        /// Where the opcode stands.
        offset: usize,
        /// What is there.
        found: &'static str,
        /// What the opcode needs.
        expected: &'static str,
    },

    /// A name or a call that the caller does not take.
    #[error("{} at byte {offset} of a pickle, expected {}", .refusal.found, .refusal.expected)]
    Refused {
        /// Where the opcode stands.
        offset: usize,
        /// What the caller said.
        refusal: Refusal,
    },

    /// One of the [`Limits`](crate::Limits).
    #[error("more than {limit} {unit} at byte {offset} of a pickle")]
    TooLarge {
        /// Where the opcode stands.
        offset: usize,
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },

    /// The stream cannot be read.
    #[error("byte {offset} of a pickle cannot be read: {source}")]
    Read {
        /// Where the opcode stands.
        offset: usize,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why a name or a call is not taken. No line breaks belong in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the pickle has.
    pub found: String,
    /// What it should have.
    pub expected: String,
}

impl Refusal {
    /// A refusal by these two.
    pub fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { found: found.into(), expected: expected.into() }
    }
}
