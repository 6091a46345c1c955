//! Strings that protocol 0 writes as lines: `V` with `\u` escapes, `S` in quotes as Python 2's `repr` has them.

use std::borrow::Cow;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// Characters below 256 as they are, others and line ends as `\uXXXX` or `\UXXXXXXXX`.
    Unicode,
    /// Bytes; those that cannot be printed as `\xXX`, `\n`, `\r` or `\t`, and `\\` and quotes by themselves.
    Quoted,
}

/// Whether a line stands for itself: nothing is escaped, and it is the same in every encoding.
pub(crate) fn is_plain(line: &[u8]) -> bool {
    line.is_ascii() && !line.contains(&b'\\')
}

/// The bytes that a line stands for, a byte a character; nothing if it has a character beyond 255, or an escape that is none.
pub(crate) fn bytes(line: &[u8], escapes: Escapes) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::with_capacity(line.len()), line);
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (&kind, after) = rest.split_first()?;
        let digits = match (escapes, kind) {
            (Escapes::Unicode, b'u') => 4,
            (Escapes::Unicode, b'U') => 8,
            (Escapes::Quoted, b'x') => 2,
            // Nothing else is an escape here.
            (Escapes::Unicode, _) => {
                bytes.push(b'\\');
                continue;
            }
            (Escapes::Quoted, _) => 0,
        };
        let (number, after) = after.split_at_checked(digits)?;
        rest = after;
        bytes.push(match (kind, digits) {
            (b'n', 0) => b'\n',
            (b'r', 0) => b'\r',
            (b't', 0) => b'\t',
            (b'\\' | b'\'' | b'"', 0) => kind,
            (_, 0) => return None,
            _ => u8::try_from(u32::from_str_radix(std::str::from_utf8(number).ok()?, 16).ok()?).ok()?,
        });
    }
    Some(bytes)
}

/// The bytes of a text of UTF-8, a byte a character; the text itself where it is none, as Python 2 wrote it.
pub(crate) fn latin1(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    match std::str::from_utf8(text) {
        _ if text.is_ascii() => Some(Cow::Borrowed(text)),
        Ok(text) => text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>().map(Cow::Owned),
        Err(_) => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_for_bytes() {
        assert_eq!(bytes(br"a\u000ab\u005c\x", Escapes::Unicode), Some(b"a\nb\\\\x".to_vec()));
        assert_eq!(bytes(b"\xe9\\u00e9", Escapes::Unicode), Some(b"\xe9\xe9".to_vec()));
        assert_eq!(bytes(br"\u0100", Escapes::Unicode), None);
        assert_eq!(bytes(br"\u00", Escapes::Unicode), None);
        assert_eq!(bytes(br#"a\x00\n\\\'"#, Escapes::Quoted), Some(b"a\0\n\\'".to_vec()));
        assert_eq!(bytes(br"\q", Escapes::Quoted), None);
        assert_eq!(bytes(br"\", Escapes::Quoted), None);
    }

    #[test]
    fn text_is_a_byte_a_character() {
        assert_eq!(latin1("aé\0".as_bytes()).as_deref(), Some(&b"a\xe9\0"[..]));
        assert_eq!(latin1("ā".as_bytes()), None);
        assert_eq!(latin1(b"\xff\xfe").as_deref(), Some(&b"\xff\xfe"[..]));
    }
}
