//! The segments of a file: frame header, tables, scans.

use crate::{
    Error, Kind,
    frame::{BLOCK, Frame},
    huffman::Code,
};

/// The second bytes of markers.
pub(crate) const START_OF_SCAN: u8 = 0xda;
pub(crate) const END: u8 = 0xd9;
const START: u8 = 0xd8;
const HUFFMAN: u8 = 0xc4;
const QUANTISATION: u8 = 0xdb;
const RESTARTS: u8 = 0xdd;
const HEIGHT: u8 = 0xdc;
const JFIF: u8 = 0xe0;
const ADOBE: u8 = 0xee;

/// In zigzag order: where a coefficient stands, row by row.
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// What quantisation divided by, in zigzag order.
pub(crate) type Quantisation = [u16; BLOCK * BLOCK];

/// A segment: its marker's second byte and what it says.
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    pub(crate) body: &'a [u8],
}

/// Walks through the segments of a file.
pub(crate) struct Segments<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) position: usize,
}

impl<'a> Segments<'a> {
    /// Behind the start of a file.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        match bytes {
            [0xff, START, 0xff, ..] => Ok(Self { bytes, position: 2 }),
            [0xff, START] => Err(Error::CutShort),
            _ => Err(Error::NotJpeg),
        }
    }

    /// The next segment. Bytes before its marker are passed over, as after a scan.
    pub(crate) fn next(&mut self) -> Result<Segment<'a>, Error> {
        loop {
            let rest = self.bytes.get(self.position..).ok_or(Error::CutShort)?;
            let start = rest.iter().position(|&byte| byte == 0xff).ok_or(Error::CutShort)?;
            let fill = rest[start..].iter().take_while(|&&byte| byte == 0xff).count();
            let marker = *rest.get(start + fill).ok_or(Error::CutShort)?;
            self.position += start + fill + 1;
            match marker {
                // A byte of ones among others, and markers without a body.
                0 | 1 | 0xd0..=0xd7 => {}
                END => return Ok(Segment { marker, body: &[] }),
                START => return Err(Error::Damaged("a second image begins in it")),
                _ => {
                    let body = self.body()?;
                    return Ok(Segment { marker, body });
                }
            }
        }
    }

    fn body(&mut self) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.position..];
        let length = rest
            .first_chunk::<2>()
            .map(|bytes| usize::from(u16::from_be_bytes(*bytes)))
            .ok_or(Error::CutShort)?;
        if length < 2 {
            return Err(Error::Damaged("a segment has no length"));
        }
        let body = rest.get(2..length).ok_or(Error::CutShort)?;
        self.position += length;
        Ok(body)
    }
}

/// The header of a file's frame.
pub(crate) fn frame(bytes: &[u8]) -> Result<Frame, Error> {
    let mut segments = Segments::new(bytes)?;
    loop {
        let Segment { marker, body } = segments.next()?;
        if let Some(frame) = frame_of(marker, body)? {
            return Ok(frame);
        }
        if marker == START_OF_SCAN || marker == END {
            return Err(Error::Damaged("it has no frame header"));
        }
    }
}

/// The frame header that a segment is, if it is one.
pub(crate) fn frame_of(marker: u8, body: &[u8]) -> Result<Option<Frame>, Error> {
    let kind = match marker {
        0xc0..=0xc2 => return Frame::read(marker, body).map(Some),
        0xc3 => Kind::Lossless,
        0xc5..=0xc7 | 0xcd..=0xcf | 0xde => Kind::Hierarchical,
        0xc9..=0xcc => Kind::Arithmetic,
        HEIGHT => Kind::UnknownHeight,
        _ => return Ok(None),
    };
    Err(Error::Unsupported(kind))
}

/// What the segments so far say that scans need.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) quantisation: [Option<Quantisation>; 4],
    pub(crate) dc: [Option<Code>; 4],
    pub(crate) ac: [Option<Code>; 4],
    /// Units between two restarts; none without.
    pub(crate) restart_every: Option<usize>,
    /// Whether the file says that it is JFIF.
    pub(crate) is_jfif: bool,
    /// What Adobe's segment says of the colours.
    pub(crate) adobe: Option<u8>,
}

impl Tables {
    /// Takes what a segment says; others are passed over.
    pub(crate) fn take(&mut self, segment: &Segment<'_>) -> Result<(), Error> {
        let body = segment.body;
        match segment.marker {
            QUANTISATION => self.take_quantisation(body)?,
            HUFFMAN => self.take_codes(body)?,
            RESTARTS => {
                let every = body.first_chunk::<2>().ok_or(Error::Damaged("a restart interval is missing"))?;
                self.restart_every = Some(usize::from(u16::from_be_bytes(*every))).filter(|every| *every > 0);
            }
            JFIF if body.starts_with(b"JFIF\0") => self.is_jfif = true,
            ADOBE if body.starts_with(b"Adobe") => self.adobe = body.get(11).copied(),
            _ => {}
        }
        Ok(())
    }

    fn take_quantisation(&mut self, mut body: &[u8]) -> Result<(), Error> {
        while let Some((&which, rest)) = body.split_first() {
            let wide = which >> 4 != 0;
            let bytes = if wide { 128 } else { 64 };
            let place = self.quantisation.get_mut(usize::from(which & 15));
            let (Some(place), Some((numbers, rest))) = (place, rest.split_at_checked(bytes)) else {
                return Err(Error::Damaged("a table of quantisation is cut short"));
            };
            let number = |index: usize| match wide {
                true => u16::from_be_bytes([numbers[2 * index], numbers[2 * index + 1]]),
                false => u16::from(numbers[index]),
            };
            *place = Some(std::array::from_fn(number));
            body = rest;
        }
        Ok(())
    }

    fn take_codes(&mut self, mut body: &[u8]) -> Result<(), Error> {
        const CUT: Error = Error::Damaged("a Huffman code is cut short");
        while let Some((&which, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(CUT)?;
            let count = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(count).ok_or(CUT)?;
            let codes = if which >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let place = codes.get_mut(usize::from(which & 15)).ok_or(CUT)?;
            *place = Some(Code::new(counts, symbols)?);
            body = rest;
        }
        Ok(())
    }
}

/// The header of a scan.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Its components: places in the frame, and which codes they have.
    pub(crate) parts: Vec<ScanPart>,
    /// The first and the last coefficient, in zigzag order.
    pub(crate) band: [usize; 2],
    /// Bits that were left out before this scan, none if it is the first of these coefficients; and bits that it leaves out.
    pub(crate) bits: [u32; 2],
}

/// A component in a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanPart {
    pub(crate) component: usize,
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

impl Scan {
    /// Reads the header of a scan.
    pub(crate) fn read(frame: &Frame, body: &[u8]) -> Result<Self, Error> {
        const DAMAGED: Error = Error::Damaged("the header of a scan is none");
        let (&count, rest) = body.split_first().ok_or(DAMAGED)?;
        let (pairs, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or(DAMAGED)?;
        let &[first, last, both] = rest.first_chunk::<3>().ok_or(DAMAGED)?;
        let part = |[id, codes]: &[u8; 2]| {
            let component = frame.components.iter().position(|component| component.id == *id);
            let (dc, ac) = (usize::from(codes >> 4), usize::from(codes & 15));
            component.filter(|_| dc < 4 && ac < 4).map(|component| ScanPart { component, dc, ac })
        };
        let parts: Vec<ScanPart> =
            pairs.as_chunks().0.iter().map(part).collect::<Option<_>>().ok_or(DAMAGED)?;
        let is_ordered = parts.windows(2).all(|pair| pair[0].component < pair[1].component);
        let (mut band, mut bits) =
            ([usize::from(first), usize::from(last)], [u32::from(both >> 4), u32::from(both & 15)]);
        if !frame.progressive {
            // Whatever the header says: there is nothing else.
            (band, bits) = ([0, 63], [0, 0]);
        }
        let is_refined_by_one = bits[0] == 0 || bits[0] == bits[1] + 1;
        let is_band =
            band[0] <= band[1] && band[1] < 64 && (!frame.progressive || (band[0] == 0) == (band[1] == 0));
        let is_alone = band[0] == 0 || parts.len() == 1;
        if parts.is_empty() || !is_ordered || !is_refined_by_one || !is_band || !is_alone || bits[1] > 13 {
            return Err(DAMAGED);
        }
        Ok(Self { parts, band, bits })
    }
}
