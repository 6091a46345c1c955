//! Text of JSON that shows when it is damaged: its last entry is a checksum of all that comes before.

/// The entry.
const ENTRY: &str = "\"checksum\":\"";

/// What the checksum of a text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// The text is what was written.
    Intact,
    /// The text has no checksum: it is of an earlier version or of another program.
    Absent,
    /// The text, or what the checksum is also of, was changed.
    Broken,
}

/// Adds the entry `checksum` to a JSON object: a CRC-32C of its text and of `also`, which is kept elsewhere.
///
/// ```
/// use files::{Seal, seal, unseal};
/// let sealed = seal(r#"{"mean":0.49}"#, b"");
/// assert_eq!(sealed, r#"{"mean":0.49,"checksum":"98f28293"}"#);
/// assert_eq!(unseal(&sealed, b""), Seal::Intact);
/// assert_eq!(unseal(&sealed.replace("0.49", "0.59"), b""), Seal::Broken);
/// assert_eq!(unseal(r#"{"mean":0.49}"#, b""), Seal::Absent);
/// ```
///
/// What is no object comes back as it is.
pub fn seal(object: &str, also: &[u8]) -> String {
    let Some(open) = object.strip_suffix('}') else { return object.to_owned() };
    let comma = if open.trim_end().ends_with('{') { "" } else { "," };
    format!("{open}{comma}{ENTRY}{:08x}\"}}", checksum(open, also))
}

/// Compares a text with its checksum.
pub fn unseal(text: &str, also: &[u8]) -> Seal {
    let Some((before, after)) = text.rsplit_once(ENTRY) else { return Seal::Absent };
    let open = before.strip_suffix(',').unwrap_or(before);
    if after == format!("{:08x}\"}}", checksum(open, also)) { Seal::Intact } else { Seal::Broken }
}

/// Names, types and shapes of arrays as bytes, to be sealed with the text that stands beside them. In the order in which they come.
pub fn described<'a>(arrays: impl Iterator<Item = (&'a str, String, &'a [usize])>) -> Vec<u8> {
    arrays.flat_map(|(name, kind, shape)| format!("{name:?} {kind} {shape:?}\n").into_bytes()).collect()
}

fn checksum(open: &str, also: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(open.as_bytes()), also)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_shows_or_hides_the_entry_itself() {
        let sealed = seal(r#"{"epoch":3,"mean":[0.4914,0.4822]}"#, b"a.weight");
        let entry = sealed.find(ENTRY).expect("the entry");
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut bytes = sealed.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                let expected =
                    if (entry..entry + ENTRY.len()).contains(&at) { Seal::Absent } else { Seal::Broken };
                let found = unseal(&text, b"a.weight");
                // The comma before the entry is no part of what is said.
                assert!(found == expected || at + 1 == entry, "{at} {bit}: {found:?}");
            }
        }
        assert_eq!(unseal(&sealed, b"a.weighs"), Seal::Broken);
    }

    #[test]
    fn an_empty_object_and_what_is_none_can_be_sealed() {
        assert_eq!(unseal(&seal("{}", b""), b""), Seal::Intact);
        assert_eq!(seal("null", b""), "null");
    }
}
