//! Products of bf16 on the tiles of processors with AMX: registers of sixteen rows of sixteen pairs.

#[cfg(target_arch = "x86_64")]
mod product;
#[cfg(target_arch = "x86_64")]
mod system;
#[cfg(test)]
mod tests;

use super::lane::Lane;

#[cfg(target_arch = "x86_64")]
pub(crate) use {
    product::multiply,
    system::{are_there, run},
};

/// Rows of a tile, and pairs in one of its rows.
pub(crate) const SIDE: usize = 16;

/// Bytes from a row to the next in a tile that lies in memory row by row.
pub(crate) const ROW: usize = SIDE * size_of::<u32>();

/// Bytes of a tile that lies in memory row by row.
pub(crate) const TILE: usize = SIDE * ROW;

/// Two tiles beside or above each other, step after step along what is summed over. Their rows lie one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Operand {
    /// Where runs are counted from; the same place twice if there is one tile.
    pub(crate) start: [*const u8; 2],
    /// Bytes from a step to the next.
    pub(crate) step: usize,
    /// Bytes from a part of a tile to the next.
    pub(crate) part: usize,
}

/// Steps whose tiles lie at equal distances begin at these bytes of the operands.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// For both tiles of the left operand.
    pub(crate) a: usize,
    /// For each of the right one.
    pub(crate) b: [usize; 2],
}

/// Where four tiles of sums go.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Sums {
    /// Where they begin, row by row; places may be the same where operands are.
    pub(crate) start: [[*mut Lane; 2]; 2],
    /// Bytes from a row to the next.
    pub(crate) row: usize,
}

/// Where there are no tiles, there is no instruction set that has them.
///
/// # Safety
/// None is needed.
#[cfg(not(target_arch = "x86_64"))]
#[allow(unsafe_code)]
pub(crate) unsafe fn multiply<const PARTS: usize>(
    _: Operand,
    _: Operand,
    _: &[Run],
    _: usize,
    _: Sums,
    _is_first: bool,
) {
    unreachable!("no instruction set has tiles")
}
