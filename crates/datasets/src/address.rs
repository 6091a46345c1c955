//! Addresses in messages.

/// A text in which every `://name:password@host` is `://***@host`.
pub(crate) fn without_credentials(text: &str) -> String {
    const SCHEME_END: &str = "://";
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(SCHEME_END) {
        let (before, after) = rest.split_at(at + SCHEME_END.len());
        shown.push_str(before);
        let is_end = |c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace();
        let (authority, after) = after.split_at(after.find(is_end).unwrap_or(after.len()));
        match authority.rsplit_once('@') {
            Some((_, host)) => shown.extend(["***@", host]),
            None => shown.push_str(authority),
        }
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_are_not_shown() {
        for (text, shown) in [
            ("https://a.org/x", "https://a.org/x"),
            ("https://me:s3cret@a.org:80/x?y", "https://***@a.org:80/x?y"),
            ("http://token@a.org", "http://***@a.org"),
            ("http://a@b:c@a.org/@", "http://***@a.org/@"),
            ("bad uri: http://u:p@h/ of http://v:q@i", "bad uri: http://***@h/ of http://***@i"),
            ("no address, me@a.org", "no address, me@a.org"),
            ("://", "://"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}
