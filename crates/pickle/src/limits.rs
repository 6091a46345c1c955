//! How much a pickle may ask for.

/// How much a pickle may ask for. Together they bound memory and time.
///
/// There is no limit on depth: nesting takes no stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that a pickle has; at most 4 GiB, whatever is said here.
    pub bytes: u64,
    /// The most opcodes, plus the values that calls make beyond one each.
    pub steps: usize,
    /// The most tuples, lists, sets, dictionaries, names and made objects.
    pub objects: usize,
}
