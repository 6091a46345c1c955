//! The regular files in a tar archive, from front to back, without unpacking it: ustar, the long names of GNU and pax, and files with holes.
//!
//! Links, devices and everything else are skipped: nothing outside the archive is read and nothing is written.

mod fields;
mod sparse;

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

pub(crate) use self::sparse::Sparse;
use self::{
    fields::{BLOCK, checksum, name_of, octal, size_of, text},
    sparse::Records,
};
use crate::{
    ArchiveError, Error,
    kind::Kind,
    packed::{Packed, fill},
    skipped::Skipped,
};

/// More than any name takes, pax headers with times and owners included.
const LONGEST_NAME: u64 = 1 << 16;

/// A walk through an archive.
pub(crate) struct Tar {
    path: PathBuf,
    from: Packed,
    len: u64,
    /// Where the archive begins in its file.
    base: u64,
    /// Where the next header stands in the archive.
    offset: u64,
    /// What of the current file has not been read, padding not included.
    left: u64,
    padding: u64,
    links: Skipped,
    /// Whether the blocks of zeros that end an archive were found.
    is_ended: bool,
}

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its path in the archive, as it stands there.
    pub(crate) name: String,
    pub(crate) kind: MemberKind,
    /// Where its content starts in the file, if that is not compressed.
    pub(crate) offset: u64,
    /// Bytes of content.
    pub(crate) size: u64,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberKind {
    File,
    Folder,
    /// A file with holes, whose content are the pieces between them.
    Sparse(Sparse),
    /// Another name of a file that came before: its path in the archive.
    HardLink(String),
}

/// What headers before a file's own say of it.
#[derive(Default)]
struct Extended {
    name: Option<String>,
    target: Option<String>,
    size: Option<u64>,
    holes: Records,
}

impl Tar {
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let (from, len) = Packed::open(path)?;
        Ok(Self::new(path, from, len, 0))
    }

    /// An archive in a file that holds other things too, such as another archive.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn within(path: &Path, start: u64, size: u64) -> Result<Self, Error> {
        Ok(Self::new(path, Packed::piece(path, start, size)?, size, start))
    }

    fn new(path: &Path, from: Packed, len: u64, base: u64) -> Self {
        let path = path.to_path_buf();
        Self {
            path,
            from,
            len,
            base,
            offset: 0,
            left: 0,
            padding: 0,
            links: Skipped::default(),
            is_ended: false,
        }
    }

    /// Whether content lies in the file where [`Member::offset`] says.
    pub(crate) fn is_plain(&self) -> bool {
        self.from.is_plain()
    }

    /// Whether the archive was read to its end, and that is marked: one that was cut short between two files looks sound otherwise.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// The links that were skipped so far.
    pub(crate) fn links(&self) -> Skipped {
        self.links.clone()
    }

    /// Bytes of the archive as it is on disk.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The next regular file; [`Read`] then gives its content.
    ///
    /// # Errors
    /// [`Error::Archive`] if there is no header where one should be.
    pub(crate) fn next_file(&mut self) -> Result<Option<Member>, Error> {
        while let Some(member) = self.next()? {
            match member.kind {
                MemberKind::File => return Ok(Some(member)),
                MemberKind::Folder | MemberKind::Sparse(_) => {}
                MemberKind::HardLink(_) => self.skip_link(&member.name),
            }
        }
        Ok(None)
    }

    /// Counts a link that was skipped.
    pub(crate) fn skip_link(&mut self, name: &str) {
        self.links.add(name);
    }

    /// The next file, folder or hard link; [`Read`] then gives a file's content. Links of the other kind are skipped.
    ///
    /// # Errors
    /// [`Error::Archive`] if there is no header where one should be.
    pub(crate) fn next(&mut self) -> Result<Option<Member>, Error> {
        let mut extended = Extended::default();
        loop {
            let start = self.offset;
            let Some(header) = self.header()? else { return Ok(None) };
            let size = size_of(&header).ok_or_else(|| self.refused(start, "no size of a file"))?;
            match header[156] {
                b'L' => extended.name = Some(text(&self.small(size, start)?)),
                b'K' => extended.target = Some(text(&self.small(size, start)?)),
                b'x' => pax(&self.small(size, start)?, &mut extended)
                    .ok_or_else(|| self.refused(start, "a pax header that does not add up"))?,
                b'0' | 0 | b'7' => {
                    return self.file(std::mem::take(&mut extended), &header, size, start).map(Some);
                }
                b'S' => {
                    let sparse = self.gnu_map(&header);
                    let sparse =
                        sparse?.ok_or_else(|| self.refused(start, "a file whose holes do not add up"))?;
                    let (name, offset) = (extended.name.take(), self.base + self.offset);
                    self.begin(size, start)?;
                    let (name, kind) = (name.unwrap_or_else(|| name_of(&header)), MemberKind::Sparse(sparse));
                    return Ok(Some(Member { name, kind, offset, size }));
                }
                // These have no content, whatever size they say.
                kind @ b'1'..=b'6' => {
                    let Extended { name, target, .. } = std::mem::take(&mut extended);
                    let name = name.unwrap_or_else(|| name_of(&header));
                    let kind = match kind {
                        b'1' => MemberKind::HardLink(target.unwrap_or_else(|| text(&header[157..257]))),
                        b'5' => MemberKind::Folder,
                        b'2' => {
                            self.skip_link(&name);
                            continue;
                        }
                        _ => continue,
                    };
                    return Ok(Some(Member { name, kind, offset: self.base + self.offset, size: 0 }));
                }
                b'g' => self.begin(size, start)?,
                _ => {
                    self.begin(size, start)?;
                    extended = Extended::default();
                }
            }
        }
    }

    /// The regular file with a header, and what stood before that.
    fn file(
        &mut self,
        extended: Extended,
        header: &[u8; BLOCK],
        size: u64,
        start: u64,
    ) -> Result<Member, Error> {
        let Extended { name, size: wide, mut holes, .. } = extended;
        let (size, offset) = (wide.unwrap_or(size), self.base + self.offset);
        self.begin(size, start)?;
        let name = holes.name.take().or(name).unwrap_or_else(|| name_of(header));
        let is_inside = holes.is_inside;
        let mut lines = 0;
        let map = holes.map(|| self.line(&mut lines));
        let map = map.ok_or_else(|| self.refused(start, "a file whose holes do not add up"))?;
        if is_inside {
            let rest = lines.next_multiple_of(BLOCK as u64) - lines;
            io::copy(&mut self.by_ref().take(rest), &mut io::sink())
                .map_err(|source| self.unreadable(source))?;
        }
        let kind = match map {
            Some(map) => MemberKind::Sparse(map),
            // Old archives mark folders by a slash alone.
            None if name.ends_with('/') => MemberKind::Folder,
            None => MemberKind::File,
        };
        Ok(Member { name, kind, offset, size: self.left })
    }

    /// The number in the next line of the current file's content; counts the bytes.
    fn line(&mut self, count: &mut u64) -> Option<u64> {
        const LONGEST: usize = 20;
        let mut number: u64 = 0;
        for _ in 0..=LONGEST {
            let mut byte = [0];
            self.read_exact(&mut byte).ok()?;
            *count += 1;
            match byte[0] {
                b'\n' => return Some(number),
                digit @ b'0'..=b'9' => {
                    number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
                }
                _ => return None,
            }
        }
        None
    }

    /// The map in a header of type `S` and the blocks after it.
    fn gnu_map(&mut self, header: &[u8; BLOCK]) -> Result<Option<Sparse>, Error> {
        let Some((mut sparse, mut goes_on)) = Sparse::from_header(header) else { return Ok(None) };
        while goes_on {
            let mut block = [0; BLOCK];
            self.from.read_exact(&mut block).map_err(|source| self.unreadable(source))?;
            self.offset += BLOCK as u64;
            match sparse.take_block(&block) {
                Some(more) => goes_on = more,
                None => return Ok(None),
            }
        }
        Ok(Some(sparse))
    }

    /// The content of the current file, which must have no more than `most` bytes.
    ///
    /// # Errors
    /// If it has more, or cannot be read.
    pub(crate) fn content(&mut self, most: u64) -> Result<Vec<u8>, Error> {
        let (size, start) = (self.left, self.offset);
        if size > most {
            return Err(self.refused(start, &format!("a file of {size} bytes, where {most} are the most")));
        }
        // Memory grows with what is there, not with what is promised.
        let mut content = Vec::with_capacity(size.min(1 << 20) as usize);
        self.read_to_end(&mut content).map_err(|source| self.unreadable(source))?;
        if content.len() as u64 != size {
            return Err(self.refused(start, &format!("{} of {size} bytes before the end", content.len())));
        }
        Ok(content)
    }

    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        let rest = self.left + self.padding;
        self.from.skip(rest).map_err(|source| self.unreadable(source))?;
        (self.left, self.padding) = (0, 0);
        let mut header = [0; BLOCK];
        let start = self.offset;
        match fill(&mut self.from, &mut header).map_err(|source| self.unreadable(source))? {
            // Two blocks of zeros end an archive; some programs leave them out.
            0 if start > 0 => return Ok(None),
            BLOCK => {}
            found if start > 0 => return Err(self.refused(start, &format!("{found} bytes, cut short"))),
            found => return Err(self.no_archive(&header[..found])),
        }
        self.offset += BLOCK as u64;
        if header.iter().all(|&byte| byte == 0) {
            self.is_ended = true;
            return Ok(None);
        }
        if checksum(&header) != octal(&header[148..156]) {
            if start == 0 {
                return Err(self.no_archive(&header));
            }
            return Err(self.refused(start, "a header whose checksum is wrong"));
        }
        Ok(Some(header))
    }

    /// Makes the next `size` bytes the current file.
    fn begin(&mut self, size: u64, start: u64) -> Result<(), Error> {
        let padded = size.checked_next_multiple_of(BLOCK as u64);
        let end = padded.and_then(|padded| self.offset.checked_add(padded));
        self.offset = end.ok_or_else(|| self.refused(start, &format!("a file of {size} bytes")))?;
        (self.left, self.padding) = (size, padded.unwrap_or(size) - size);
        Ok(())
    }

    fn small(&mut self, size: u64, start: u64) -> Result<Vec<u8>, Error> {
        self.begin(size, start)?;
        self.content(LONGEST_NAME)
    }

    /// A file of something else, by its first bytes.
    fn no_archive(&self, start: &[u8]) -> Error {
        let found = match Kind::of(start) {
            _ if !self.is_plain() => "compressed, and no tar archive or a damaged one is in it",
            Some(kind) => kind.name,
            None => "no tar archive, or a damaged one",
        };
        Error::Archive(ArchiveError::OtherFile { path: self.path.clone(), found })
    }

    fn refused(&self, offset: u64, found: &str) -> Error {
        Error::Archive(ArchiveError::Damaged { path: self.path.clone(), offset, found: found.to_owned() })
    }

    fn unreadable(&self, source: io::Error) -> Error {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.refused(self.offset, "its end in the middle of a file"),
            io::ErrorKind::InvalidData => self.refused(self.offset, &source.to_string()),
            _ => Error::Read { path: self.path.clone(), source },
        }
    }
}

impl Read for Tar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.from.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Lines `length key=value\n`, the length being that of the whole line.
fn pax(mut lines: &[u8], extended: &mut Extended) -> Option<()> {
    while !lines.is_empty() {
        let blank = lines.iter().position(|&byte| byte == b' ')?;
        let length: usize = std::str::from_utf8(&lines[..blank]).ok()?.parse().ok()?;
        let record = lines.get(blank + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|&byte| byte == b'=')?;
        match (&record[..equals], &record[equals + 1..]) {
            (b"path", name) => extended.name = Some(String::from_utf8_lossy(name).into_owned()),
            (b"linkpath", target) => extended.target = Some(String::from_utf8_lossy(target).into_owned()),
            (b"size", size) => extended.size = Some(std::str::from_utf8(size).ok()?.parse().ok()?),
            (key, value) => extended.holes.take(key, value)?,
        }
        lines = &lines[length..];
    }
    Some(())
}
