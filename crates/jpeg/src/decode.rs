//! From the bytes of a file to pixels.

use pulp::NullaryFnOnce;

use crate::{
    Error,
    bits::{Bits, Coded},
    colour::Colours,
    frame::Frame,
    huffman::Code,
    idct::{Extent, Portable, Transform},
    part::Part,
    planes::Plane,
    progressive::{self, State},
    segments::{self, END, Quantisation, START_OF_SCAN, Scan, ScanPart, Segments, Tables},
    sequential::{self, Coding},
    upsample::Upsampling,
};

/// Each scan may take as long as the image is large; no encoder writes more.
const MOST_SCANS: usize = 128;

/// Takes a row of pixels.
pub(crate) type Take<'a> = &'a mut dyn FnMut(&[[u8; 4]]);

/// Hands the pixels of a part of a file on, row by row, by what the machine can do.
pub(crate) fn decode(bytes: &[u8], frame: &Frame, part: Part, take: Take<'_>) -> Result<(), Error> {
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = pulp::x86::V3::try_new() {
        return vectors.vectorize(Decoder { bytes, frame, part, by: vectors, take });
    }
    Decoder { bytes, frame, part, by: Portable, take }.call()
}

/// A file to decode.
struct Decoder<'a, T> {
    bytes: &'a [u8],
    frame: &'a Frame,
    part: Part,
    by: T,
    take: Take<'a>,
}

impl<T: Transform> pulp::NullaryFnOnce for Decoder<'_, T> {
    type Output = Result<(), Error>;

    /// All of it is inlined here, for that is what becomes vectors of the machine.
    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { bytes, frame, part, by, take } = self;
        let mut content = Content::new(frame, part);
        let mut segments = Segments::new(bytes)?;
        let (mut tables, mut has_frame, mut scans) = (Tables::default(), false, 0);
        loop {
            let segment = segments.next()?;
            match segment.marker {
                END => break,
                START_OF_SCAN => {
                    scans += 1;
                    if !has_frame || scans > MOST_SCANS {
                        return Err(Error::Damaged("it has scans without a frame, or too many"));
                    }
                    let scan = Scan::read(frame, segment.body)?;
                    content.latch(frame, &scan, &tables)?;
                    let coded = Coded::read(bytes, segments.position);
                    let walk = Walk::new(&coded, &tables)?;
                    match frame.progressive {
                        false => content.sequential(frame, &scan, &tables, walk, by)?,
                        true => content.progressive(frame, &scan, &tables, walk)?,
                    }
                    segments.position = coded.end;
                }
                _ if segments::frame_of(segment.marker, segment.body)?.is_some() => {
                    if std::mem::replace(&mut has_frame, true) {
                        return Err(Error::Damaged("it has two frames"));
                    }
                }
                _ => tables.take(&segment)?,
            }
        }
        content.finish(by)?;
        content.pixels(frame, part, Colours::of(frame, &tables)?, take);
        Ok(())
    }
}

/// What was decoded so far.
struct Content {
    /// By component: the samples of the wanted part.
    planes: Vec<Plane>,
    /// By component: the table of quantisation that was there at its first scan, row by row.
    scales: Vec<Option<[i16; 64]>>,
    /// By component: the coefficients of progressive files.
    coefficients: Vec<Coefficients>,
}

/// Coefficients of a component, block by block.
struct Coefficients {
    blocks: Vec<[i16; 64]>,
    columns: usize,
}

impl Content {
    fn new(frame: &Frame, part: Part) -> Self {
        let planes = frame.components.iter().map(|component| Plane::new(frame, component, part));
        let coefficients = frame.components.iter().filter(|_| frame.progressive).map(|component| {
            let [columns, rows] = component.padded;
            Coefficients { blocks: vec![[0; 64]; columns * rows], columns }
        });
        Self {
            planes: planes.collect(),
            scales: vec![None; frame.components.len()],
            coefficients: coefficients.collect(),
        }
    }

    /// Keeps the tables of quantisation of components whose first scan this is.
    fn latch(&mut self, frame: &Frame, scan: &Scan, tables: &Tables) -> Result<(), Error> {
        for part in &scan.parts {
            let scale = &mut self.scales[part.component];
            if scale.is_none() {
                let table = tables.quantisation[frame.components[part.component].table];
                let table = table.ok_or(Error::Damaged("a table of quantisation is missing"))?;
                *scale = Some(in_rows(&table));
            }
        }
        Ok(())
    }

    /// Decodes a scan of a sequential file.
    #[inline(always)]
    fn sequential(
        &mut self,
        frame: &Frame,
        scan: &Scan,
        tables: &Tables,
        mut walk: Walk<'_>,
        by: impl Transform,
    ) -> Result<(), Error> {
        let coding =
            |part: &ScanPart| Ok(Coding { dc: code(&tables.dc, part.dc)?, ac: code(&tables.ac, part.ac)? });
        let codings = scan.parts.iter().map(coding).collect::<Result<Vec<_>, Error>>()?;
        let [columns, rows] = units(frame, scan);
        let mut before = [0; 4];
        for row in 0..rows {
            for column in 0..columns {
                if walk.step()? {
                    before = [0; 4];
                }
                for ((part, coding), before) in scan.parts.iter().zip(&codings).zip(&mut before) {
                    let plane = &mut self.planes[part.component];
                    let Some(scale) = &self.scales[part.component] else { continue };
                    let [across, down] = blocks_in_unit(frame, scan, part);
                    for (column, row) in places([column * across, row * down], [across, down]) {
                        let mut block = [0; 64];
                        if plane.takes(column, row) {
                            let extent =
                                sequential::block::<true>(&mut walk.bits, coding, before, &mut block)?;
                            plane.put([column, row], &block, scale, extent, by);
                        } else {
                            sequential::block::<false>(&mut walk.bits, coding, before, &mut block)?;
                        }
                    }
                }
            }
            walk.check()?;
        }
        Ok(())
    }

    /// Decodes a scan of a progressive file.
    #[inline(always)]
    fn progressive(
        &mut self,
        frame: &Frame,
        scan: &Scan,
        tables: &Tables,
        mut walk: Walk<'_>,
    ) -> Result<(), Error> {
        let (is_first, shift) = (scan.bits[0] == 0, scan.bits[1]);
        let is_dc = scan.band[0] == 0;
        let coded = |part: &ScanPart| match (is_dc, is_first) {
            (true, true) => code(&tables.dc, part.dc).map(Some),
            (true, false) => Ok(None),
            (false, _) => code(&tables.ac, part.ac).map(Some),
        };
        let codes = scan.parts.iter().map(coded).collect::<Result<Vec<_>, Error>>()?;
        let [columns, rows] = units(frame, scan);
        let mut state = State::default();
        for row in 0..rows {
            for column in 0..columns {
                if walk.step()? {
                    state = State::default();
                }
                let bits = &mut walk.bits;
                for (index, (part, code)) in scan.parts.iter().zip(&codes).enumerate() {
                    let Coefficients { blocks, columns } = &mut self.coefficients[part.component];
                    let [across, down] = blocks_in_unit(frame, scan, part);
                    for (column, row) in places([column * across, row * down], [across, down]) {
                        let block = &mut blocks[row * *columns + column];
                        match (code, is_dc, is_first) {
                            (Some(code), true, _) => {
                                progressive::dc_first(bits, code, &mut state.before[index], shift, block)?;
                            }
                            (None, ..) => progressive::dc_refine(bits, shift, block),
                            (Some(code), false, true) => {
                                progressive::ac_first(bits, code, &mut state.ended, scan.band, shift, block)?;
                            }
                            (Some(code), false, false) => {
                                progressive::ac_refine(
                                    bits,
                                    code,
                                    &mut state.ended,
                                    scan.band,
                                    shift,
                                    block,
                                )?;
                            }
                        }
                    }
                }
            }
            walk.check()?;
        }
        Ok(())
    }

    /// Makes samples of coefficients, once all scans are there.
    #[inline(always)]
    fn finish(&mut self, by: impl Transform) -> Result<(), Error> {
        if self.scales.iter().any(Option::is_none) {
            return Err(Error::Damaged("a component has no scan"));
        }
        for ((plane, scale), Coefficients { blocks, columns }) in
            self.planes.iter_mut().zip(&self.scales).zip(&self.coefficients)
        {
            let Some(scale) = scale else { continue };
            for (column, row) in plane.blocks() {
                let block = &blocks[row * columns + column];
                plane.put([column, row], block, scale, Extent::of(block), by);
            }
        }
        Ok(())
    }

    /// Hands the pixels of the wanted part on.
    #[inline(always)]
    fn pixels(&self, frame: &Frame, part: Part, colours: Colours, take: Take<'_>) {
        if part.width == 0 {
            return;
        }
        let columns = part.left..part.left + part.width;
        let mut samples = vec![vec![0; part.width]; frame.components.len()];
        let mut upsampling: Vec<Upsampling> =
            frame.components.iter().map(|component| Upsampling::new(frame, component, &columns)).collect();
        let mut pixels = vec![[0; 4]; part.width];
        for y in part.top..part.top + part.height {
            for ((samples, upsampling), plane) in samples.iter_mut().zip(&mut upsampling).zip(&self.planes) {
                upsampling.row(plane, y, &columns, samples);
            }
            colours.row(&samples, &mut pixels);
            take(&pixels);
        }
    }
}

/// A table in zigzag order, row by row, for products of 16 bits, as others have them.
fn in_rows(table: &Quantisation) -> [i16; 64] {
    let mut rows = [0; 64];
    table.iter().zip(segments::ZIGZAG).for_each(|(&value, place)| rows[usize::from(place)] = value as i16);
    rows
}

fn code(codes: &[Option<Code>; 4], which: usize) -> Result<&Code, Error> {
    codes.get(which).and_then(Option::as_ref).ok_or(Error::Damaged("a Huffman code is missing"))
}

/// Columns and rows of the units of a scan: blocks, if it is of one component.
fn units(frame: &Frame, scan: &Scan) -> [usize; 2] {
    match scan.parts.as_slice() {
        [alone] => frame.components[alone.component].blocks,
        _ => frame.units(),
    }
}

/// Columns and rows of a component's blocks in a unit of a scan.
#[inline(always)]
fn blocks_in_unit(frame: &Frame, scan: &Scan, part: &ScanPart) -> [usize; 2] {
    if scan.parts.len() == 1 { [1, 1] } else { frame.components[part.component].factors }
}

/// Columns and rows, row by row.
#[inline(always)]
fn places([left, top]: [usize; 2], [across, down]: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
    (top..top + down).flat_map(move |row| (left..left + across).map(move |column| (column, row)))
}

/// Walks through the units of a scan, over its restarts.
struct Walk<'a> {
    coded: &'a Coded,
    bits: Bits<'a>,
    restart_every: usize,
    /// Units until the next restart.
    left: usize,
    restarts: usize,
}

impl<'a> Walk<'a> {
    fn new(coded: &'a Coded, tables: &Tables) -> Result<Self, Error> {
        let every = tables.restart_every.unwrap_or(usize::MAX);
        Ok(Self { coded, bits: coded.segment(0)?, restart_every: every, left: every, restarts: 0 })
    }

    /// Goes on to the next unit; whether it begins anew behind a restart.
    #[inline(always)]
    fn step(&mut self) -> Result<bool, Error> {
        if self.left > 0 {
            self.left -= 1;
            return Ok(false);
        }
        self.check()?;
        self.restarts += 1;
        self.bits = self.coded.segment(self.restarts)?;
        self.left = self.restart_every - 1;
        Ok(true)
    }

    /// Whether all bits were there.
    #[inline(always)]
    fn check(&self) -> Result<(), Error> {
        if self.bits.is_overrun() { Err(self.coded.missing()) } else { Ok(()) }
    }
}
