//! The fields of a header.

/// Bytes of a header, and of what content is padded to.
pub(super) const BLOCK: usize = 512;

/// The sum of a header's bytes, those of the sum itself taken as blanks.
pub(super) fn checksum(header: &[u8; BLOCK]) -> Option<u64> {
    let plain = header[..148].iter().chain(&header[156..]);
    Some(plain.map(|&byte| u64::from(byte)).sum::<u64>() + 8 * 32)
}

pub(super) fn size_of(header: &[u8; BLOCK]) -> Option<u64> {
    let field = &header[124..136];
    if field[0] == 0x80 {
        // GNU's sizes beyond eight gigabytes: big-endian.
        let wide = field[1..4].iter().all(|&byte| byte == 0);
        return wide.then(|| field[4..].iter().fold(0, |size, &byte| size << 8 | u64::from(byte)));
    }
    octal(field)
}

pub(super) fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

pub(super) fn name_of(header: &[u8; BLOCK]) -> String {
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    let has_prefix = &header[257..263] == b"ustar\0" && !prefix.is_empty();
    if has_prefix { format!("{prefix}/{name}") } else { name }
}

/// Up to the first zero.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
