//! How much an image may take, and how a damaged one is told.

/// Pixels that any file may have, and how many more for each of its bytes: photographs have ten, flat colour in a JPEG file has 200.
const FREE: usize = 1 << 22;
const PER_BYTE: usize = 256;
const MOST: usize = 1 << 27;

/// Data that say that more of them follow, and end.
pub(super) const CUT_SHORT: &str = "it is cut short or damaged";

/// The most pixels that a file may have.
pub(super) fn most(bytes: &[u8]) -> usize {
    MOST.min(FREE + PER_BYTE.saturating_mul(bytes.len()))
}

/// What a decoder says follows in brackets, if it is short.
pub(super) fn damaged(format: &str, detail: &str) -> String {
    const LONGEST: usize = 80;
    let detail = detail.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_short = (1..=LONGEST).contains(&detail.chars().count());
    let detail = if is_short { format!(" ({})", detail.trim_matches('"')) } else { String::new() };
    format!("its {format} data are damaged{detail}")
}
