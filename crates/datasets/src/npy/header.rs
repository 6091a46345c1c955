//! What stands before the values of an array: a Python dictionary with three keys.
//!
//! Its length is checked before a byte of it is read, and nothing here is recursive.

use std::{
    io::{self, Read},
    iter::Peekable,
    str::Chars,
};

/// As NumPy has it: more than any plain array takes.
const LONGEST: usize = 10_000;

/// As NumPy has it.
const MOST_SIDES: usize = 64;

/// The values' type as NumPy writes it (`<f4`), their order, the array's sides, and the bytes before the first value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: String,
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<usize>,
    pub(super) len: u64,
}

/// Why there is no header: the file cannot be read, or it holds something else.
#[derive(Debug)]
pub(super) enum Refusal {
    Unreadable(io::Error),
    Found(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Found("its end in the header".to_owned()),
            _ => Self::Unreadable(error),
        }
    }
}

impl Header {
    /// Reads a header of version 1, 2 or 3.
    pub(super) fn read(file: &mut impl Read) -> Result<Self, Refusal> {
        let mut start = [0; 8];
        file.read_exact(&mut start)?;
        let [magic @ .., major, _] = start;
        let (size_bytes, is_known) = (if major == 1 { 2 } else { 4 }, (1..=3).contains(&major));
        if magic != *b"\x93NUMPY" || !is_known {
            return Err(Refusal::Found("other bytes".to_owned()));
        }
        let mut size = [0; 4];
        file.read_exact(&mut size[..size_bytes])?;
        let size = u32::from_le_bytes(size) as usize;
        if size > LONGEST {
            return Err(Refusal::Found(format!("a header of {size} bytes, more than {LONGEST}")));
        }
        let mut text = vec![0; size];
        file.read_exact(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let len = (start.len() + size_bytes + size) as u64;
        Scanner { rest: text.chars().peekable() }.header(len).map_err(Refusal::Found)
    }
}

/// The text that is not yet read.
struct Scanner<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Scanner<'_> {
    fn header(&mut self, len: u64) -> Result<Header, String> {
        let (mut kind, mut is_fortran, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.takes('}') {
            let key = self.text()?;
            self.expect(':')?;
            match key.as_str() {
                "descr" => kind = Some(self.text()?),
                "fortran_order" => is_fortran = Some(self.truth()?),
                "shape" => shape = Some(self.sides()?),
                _ => return Err(format!("a header with the key `{}`", key.escape_debug())),
            }
            if !self.takes(',') {
                self.expect('}')?;
                break;
            }
        }
        let header = kind.zip(is_fortran).zip(shape);
        let header = header.map(|((kind, is_fortran), shape)| Header { kind, is_fortran, shape, len });
        header.ok_or_else(|| "a header without one of `descr`, `fortran_order` and `shape`".to_owned())
    }

    /// A string in quotes, of which names of types and keys have no escapes.
    fn text(&mut self) -> Result<String, String> {
        let quote = self.next_visible();
        match quote {
            Some('[') => Err("a structured array".to_owned()),
            Some(quote @ ('\'' | '"')) => {
                let text: String = self.rest.by_ref().take_while(|&c| c != quote).take(LONGEST).collect();
                Ok(text.chars().take(40).collect())
            }
            found => Err(unlike(found, "a string")),
        }
    }

    fn truth(&mut self) -> Result<bool, String> {
        let first = self.next_visible();
        let rest = self.word();
        match (first, rest.as_str()) {
            (Some('T'), "rue") => Ok(true),
            (Some('F'), "alse") => Ok(false),
            (found, _) => Err(unlike(found, "True or False")),
        }
    }

    /// A tuple of whole numbers; Python 2 wrote an L behind large ones.
    fn sides(&mut self) -> Result<Vec<usize>, String> {
        self.expect('(')?;
        let mut sides = Vec::new();
        while !self.takes(')') {
            self.skip_blanks();
            let word = self.word();
            let side = word.strip_suffix('L').unwrap_or(&word).parse();
            sides.push(side.map_err(|_| "a header whose shape is not a tuple of whole numbers".to_owned())?);
            if sides.len() > MOST_SIDES {
                return Err(format!("an array of more than {MOST_SIDES} sides"));
            }
            if !self.takes(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(sides)
    }

    /// Letters and digits up to anything else.
    fn word(&mut self) -> String {
        std::iter::from_fn(|| self.rest.next_if(char::is_ascii_alphanumeric)).collect()
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(char::is_ascii_whitespace).is_some() {}
    }

    fn next_visible(&mut self) -> Option<char> {
        self.skip_blanks();
        self.rest.next()
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        match self.next_visible() {
            Some(found) if found == wanted => Ok(()),
            found => Err(unlike(found, &format!("`{wanted}`"))),
        }
    }
}

fn unlike(found: Option<char>, expected: &str) -> String {
    let found = found.map_or("its end".to_owned(), |found| format!("`{}`", found.escape_debug()));
    format!("a header with {found} where {expected} should stand")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(version: u8, text: &str) -> Result<Header, String> {
        let size = (text.len() as u32).to_le_bytes();
        let size = &size[..if version == 1 { 2 } else { 4 }];
        let bytes = [b"\x93NUMPY", &[version, 0][..], size, text.as_bytes()].concat();
        Header::read(&mut &bytes[..]).map_err(|refusal| match refusal {
            Refusal::Found(found) => found,
            Refusal::Unreadable(error) => error.to_string(),
        })
    }

    #[test]
    fn the_ways_of_writing_a_header_are_one() {
        let texts = [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
            "{\"shape\":(2L,3L,),\"descr\":\"<f4\",\"fortran_order\":False}",
        ];
        for (version, text) in [1, 2, 3].into_iter().flat_map(|version| texts.map(|text| (version, text))) {
            let len = (text.len() + if version == 1 { 10 } else { 12 }) as u64;
            let expected = Header { kind: "<f4".into(), is_fortran: false, shape: vec![2, 3], len };
            assert_eq!(read(version, text), Ok(expected), "{text}");
        }
        let of_shape = |shape| read(1, &format!("{{'descr':'|u1','fortran_order':True,'shape':{shape}}}"));
        assert_eq!(of_shape("()").map(|header| (header.shape, header.is_fortran)), Ok((vec![], true)));
        assert_eq!(of_shape("(7,)").map(|header| header.shape), Ok(vec![7]));
    }

    #[test]
    fn anything_else_is_told() {
        let cases = [
            ("", "its end where `{`"),
            ("{'descr': [('a', '<f4')], ", "a structured array"),
            ("{'descr': '<f4', 'shape': (1,)}", "without one of"),
            ("{'descr': '<f4', 'fortran_order': 0", "True or False"),
            ("{'shape': (-1,)}", "not a tuple of whole numbers"),
            ("{'shape': (99999999999999999999,)}", "not a tuple of whole numbers"),
            ("{'shape': 3}", "`3` where `(`"),
            ("{'other': 3}", "the key `other`"),
        ];
        for (text, words) in cases {
            let found = read(1, text).expect_err(text);
            assert!(found.contains(words), "{text}: {found}");
        }
        let many = format!("{{'shape': ({})}}", "1, ".repeat(65));
        assert!(read(2, &many).is_err_and(|found| found.contains("more than 64 sides")));
        assert!(read(4, "{}").is_err_and(|found| found.contains("other bytes")));
    }

    #[test]
    fn a_claim_is_refused_before_it_is_believed() {
        let found = Header::read(&mut &b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'"[..]);
        assert!(
            matches!(found, Err(Refusal::Found(found)) if found.contains("a header of 4294967295 bytes"))
        );
    }
}
