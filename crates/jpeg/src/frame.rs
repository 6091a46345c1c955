//! What the header of a frame says.

use crate::{Error, Kind};

/// Samples along a side of a block.
pub(crate) const BLOCK: usize = 8;

/// The header of a frame.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) progressive: bool,
    pub(crate) components: Vec<Component>,
    /// The largest sampling factors.
    pub(crate) most: [usize; 2],
}

/// A component: its place in the image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Sampling factors, across and down.
    pub(crate) factors: [usize; 2],
    /// Which table of quantisation.
    pub(crate) table: usize,
    /// Columns and rows of samples.
    pub(crate) size: [usize; 2],
    /// Columns and rows of blocks that cover them: what a scan of this component alone has.
    pub(crate) blocks: [usize; 2],
    /// The same where all components are in one scan: whole units of it.
    pub(crate) padded: [usize; 2],
}

impl Frame {
    /// Reads the segment of a frame header, after its marker's second byte and its length.
    pub(crate) fn read(marker: u8, segment: &[u8]) -> Result<Self, Error> {
        let damaged = Error::Damaged("its frame header is of the wrong length");
        let Some((&[precision, h1, h0, w1, w0, count], rest)) = segment.split_first_chunk() else {
            return Err(damaged);
        };
        if precision != 8 {
            return Err(Error::Unsupported(Kind::Precision(precision)));
        }
        let [width, height] = [[w1, w0], [h1, h0]].map(|bytes| usize::from(u16::from_be_bytes(bytes)));
        if height == 0 {
            return Err(Error::Unsupported(Kind::UnknownHeight));
        }
        if width == 0 {
            return Err(Error::Damaged("it has no columns"));
        }
        if ![1, 3, 4].contains(&count) {
            return Err(Error::Unsupported(Kind::Components(count)));
        }
        let (triples, rest) = rest.as_chunks::<3>();
        if !rest.is_empty() || triples.len() != usize::from(count) {
            return Err(damaged);
        }
        let factors = triples.iter().map(|[_, both, _]| [usize::from(both >> 4), usize::from(both & 15)]);
        let factors: Vec<[usize; 2]> = factors.collect();
        if factors.iter().flatten().any(|factor| !(1..=4).contains(factor)) {
            return Err(Error::Damaged("a sampling factor is not 1 to 4"));
        }
        let most = [0, 1].map(|axis| factors.iter().map(|factors| factors[axis]).max().unwrap_or(1));
        if factors
            .iter()
            .any(|[across, down]| !most[0].is_multiple_of(*across) || !most[1].is_multiple_of(*down))
        {
            return Err(Error::Unsupported(Kind::Sampling));
        }
        let units = [width.div_ceil(BLOCK * most[0]), height.div_ceil(BLOCK * most[1])];
        let component = |([id, _, table], factors): (&[u8; 3], [usize; 2])| {
            let size = [0, 1].map(|axis| ([width, height][axis] * factors[axis]).div_ceil(most[axis]));
            let blocks = size.map(|samples| samples.div_ceil(BLOCK));
            let padded = [0, 1].map(|axis| units[axis] * factors[axis]);
            Component { id: *id, factors, table: usize::from(*table & 3), size, blocks, padded }
        };
        let components: Vec<Component> = triples.iter().zip(factors).map(component).collect();
        let is_twice =
            |place: usize| components[..place].iter().any(|other| other.id == components[place].id);
        if (0..components.len()).any(is_twice) {
            return Err(Error::Damaged("two of its components have one number"));
        }
        Ok(Self { width, height, progressive: marker == 0xc2, components, most })
    }

    /// Columns and rows of units in a scan of all components.
    pub(crate) fn units(&self) -> [usize; 2] {
        [self.width.div_ceil(BLOCK * self.most[0]), self.height.div_ceil(BLOCK * self.most[1])]
    }
}
