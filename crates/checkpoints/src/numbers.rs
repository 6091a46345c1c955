//! The types of numbers that files have, and their values as f32.

use std::io::{self, Read};

use half::{bf16, f16};

/// A type of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberType {
    /// IEEE 754, 64 bits.
    F64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 16 bits.
    F16,
    /// The upper half of an f32.
    Bf16,
    /// Eight bits of which four are the exponent's, without infinities (Micikevicius et al., arXiv:2209.05433).
    Float8E4M3,
    /// Eight bits of which five are the exponent's (as before).
    Float8E5M2,
    /// As [`Self::Float8E4M3`] with one zero and one NaN (Noune et al., arXiv:2206.02915).
    Float8E4M3Fnuz,
    /// As [`Self::Float8E5M2`], likewise.
    Float8E5M2Fnuz,
    /// A power of two (Open Compute Project, MX 1.0).
    Float8E8M0,
    /// A whole number, or a truth value, under PyTorch's name, with its bytes.
    Integer(&'static str, u8),
    /// A complex number, likewise.
    Complex(&'static str, u8),
    /// Another type of safetensors.
    Other(&'static str, u8),
}

impl NumberType {
    /// Bytes of a number.
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Float8E4M3
            | Self::Float8E5M2
            | Self::Float8E4M3Fnuz
            | Self::Float8E5M2Fnuz
            | Self::Float8E8M0 => 1,
            Self::Integer(_, bytes) | Self::Complex(_, bytes) | Self::Other(_, bytes) => u64::from(bytes),
        }
    }

    /// PyTorch's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::Float8E4M3 => "float8_e4m3fn",
            Self::Float8E5M2 => "float8_e5m2",
            Self::Float8E4M3Fnuz => "float8_e4m3fnuz",
            Self::Float8E5M2Fnuz => "float8_e5m2fnuz",
            Self::Float8E8M0 => "float8_e8m0fnu",
            Self::Integer(name, _) | Self::Complex(name, _) | Self::Other(name, _) => name,
        }
    }

    /// Whether its numbers become f32: weights are of such types.
    pub fn is_floating(self) -> bool {
        !matches!(self, Self::Integer(..) | Self::Complex(..) | Self::Other(..))
    }

    /// The type that PyTorch calls so, as `torch.float8_e4m3fn` in a pickle.
    pub(crate) fn of_torch(name: &[u8]) -> Option<Self> {
        let known = [
            Self::F64,
            Self::F32,
            Self::F16,
            Self::Bf16,
            Self::Float8E4M3,
            Self::Float8E5M2,
            Self::Float8E4M3Fnuz,
            Self::Float8E5M2Fnuz,
            Self::Float8E8M0,
            Self::Integer("int64", 8),
            Self::Integer("int32", 4),
            Self::Integer("int16", 2),
            Self::Integer("int8", 1),
            Self::Integer("uint64", 8),
            Self::Integer("uint32", 4),
            Self::Integer("uint16", 2),
            Self::Integer("uint8", 1),
            Self::Integer("bool", 1),
            Self::Complex("complex32", 4),
            Self::Complex("complex64", 8),
            Self::Complex("complex128", 16),
        ];
        known.into_iter().find(|known| known.name().as_bytes() == name)
    }
}

/// The number in eight bits with so many of the exponent's and this bias.
fn small(byte: u8, exponent_bits: u32, bias: i32) -> f32 {
    let mantissa_bits = 7 - exponent_bits;
    let mantissa = f32::from(byte & ((1 << mantissa_bits) - 1)) / (1u32 << mantissa_bits) as f32;
    let exponent = i32::from((byte & 0x7f) >> mantissa_bits);
    let size = if exponent == 0 {
        mantissa * 2f32.powi(1 - bias)
    } else {
        (1.0 + mantissa) * 2f32.powi(exponent - bias)
    };
    if byte & 0x80 == 0 { size } else { -size }
}

fn e4m3(byte: u8) -> f32 {
    if byte & 0x7f == 0x7f { f32::NAN } else { small(byte, 4, 7) }
}

fn e5m2(byte: u8) -> f32 {
    match byte & 0x7f {
        0x7c => f32::INFINITY.copysign(small(byte, 5, 15)),
        0x7d.. => f32::NAN,
        _ => small(byte, 5, 15),
    }
}

fn fnuz(byte: u8, exponent_bits: u32, bias: i32) -> f32 {
    if byte == 0x80 { f32::NAN } else { small(byte, exponent_bits, bias) }
}

fn e8m0(byte: u8) -> f32 {
    if byte == 0xff { f32::NAN } else { 2f64.powi(i32::from(byte) - 127) as f32 }
}

/// Where the elements of a tensor stand in a row of numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout<'a> {
    /// The first element.
    pub(crate) first: usize,
    /// Elements along each axis.
    pub(crate) shape: &'a [usize],
    /// Steps along each axis.
    pub(crate) strides: &'a [usize],
}

/// The numbers of a tensor as f32, in the order of its axes, out of bytes that hold all of them; none of a type that is not floating.
pub(crate) fn floats(kind: NumberType, layout: Layout<'_>, bytes: &[u8]) -> Vec<f32> {
    match kind {
        NumberType::F32 => gather(layout, bytes, f32::from_le_bytes),
        NumberType::F64 => gather(layout, bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        NumberType::F16 => gather(layout, bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
        NumberType::Bf16 => gather(layout, bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        NumberType::Float8E4M3 => gather(layout, bytes, |[byte]| e4m3(byte)),
        NumberType::Float8E5M2 => gather(layout, bytes, |[byte]| e5m2(byte)),
        NumberType::Float8E4M3Fnuz => gather(layout, bytes, |[byte]| fnuz(byte, 4, 8)),
        NumberType::Float8E5M2Fnuz => gather(layout, bytes, |[byte]| fnuz(byte, 5, 16)),
        NumberType::Float8E8M0 => gather(layout, bytes, |[byte]| e8m0(byte)),
        NumberType::Integer(..) | NumberType::Complex(..) | NumberType::Other(..) => Vec::new(),
    }
}

/// Bytes that are read at once: whole numbers of any type.
const PIECE: usize = 1 << 20;

/// Hands all bytes of a source on in pieces, the last of which may be shorter; how many there were.
pub(crate) fn in_pieces(source: &mut impl Read, take: &mut dyn FnMut(&[u8])) -> io::Result<u64> {
    let (mut piece, mut total) = (Vec::with_capacity(PIECE), 0);
    loop {
        piece.clear();
        source.take(PIECE as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(total);
        }
        total += piece.len() as u64;
        take(&piece);
    }
}

/// Numbers that come one after another, in pieces: so that no second copy of them is in memory.
pub(crate) struct Row {
    kind: NumberType,
    /// Bytes before the first number.
    before: usize,
    count: usize,
    values: Vec<f32>,
}

impl Row {
    /// So many numbers from an element on. There must be as many bytes, for as much memory is taken at once.
    pub(crate) fn new(kind: NumberType, first: usize, count: usize) -> Self {
        Self { kind, before: first * kind.bytes() as usize, count, values: Vec::with_capacity(count) }
    }

    pub(crate) fn take(&mut self, piece: &[u8]) {
        let passed = self.before.min(piece.len());
        self.before -= passed;
        let size = self.kind.bytes() as usize;
        let count = ((piece.len() - passed) / size).min(self.count - self.values.len());
        let layout = Layout { first: 0, shape: &[count], strides: &[1] };
        self.values.extend(floats(self.kind, layout, &piece[passed..]));
    }

    pub(crate) fn finish(self) -> Vec<f32> {
        self.values
    }
}

fn gather<const N: usize>(layout: Layout<'_>, bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (all, _) = bytes.as_chunks::<N>();
    let Layout { first, shape, strides } = layout;
    let count = shape.iter().product();
    if count == 0 {
        return Vec::new();
    }
    if is_contiguous(shape, strides) {
        return all[first..first + count].iter().map(|&bytes| number(bytes)).collect();
    }
    let (mut index, mut place) = (vec![0; shape.len()], first);
    let mut values = Vec::with_capacity(count);
    loop {
        values.push(number(all[place]));
        if values.len() == count {
            return values;
        }
        // The next one, the last axis first.
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * index[axis];
            index[axis] = 0;
        }
    }
}

/// Whether the numbers stand one after another.
pub(crate) fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size;
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bits_hold_what_their_formats_say() {
        // The least, the largest and some between (Micikevicius et al., table 1; Noune et al.).
        let all: [(NumberType, u8, f32); 12] = [
            (NumberType::Float8E4M3, 0x01, 2f32.powi(-9)),
            (NumberType::Float8E4M3, 0x7e, 448.0),
            (NumberType::Float8E4M3, 0xb8, -1.0),
            (NumberType::Float8E5M2, 0x01, 2f32.powi(-16)),
            (NumberType::Float8E5M2, 0x7b, 57344.0),
            (NumberType::Float8E5M2, 0xfc, f32::NEG_INFINITY),
            (NumberType::Float8E4M3Fnuz, 0x7f, 240.0),
            (NumberType::Float8E4M3Fnuz, 0x40, 1.0),
            (NumberType::Float8E5M2Fnuz, 0x7f, 57344.0),
            (NumberType::Float8E5M2Fnuz, 0x40, 1.0),
            (NumberType::Float8E8M0, 127, 1.0),
            (NumberType::Float8E8M0, 0, 2f32.powi(-127)),
        ];
        for (kind, byte, expected) in all {
            let layout = Layout { first: 0, shape: &[1], strides: &[1] };
            assert_eq!(floats(kind, layout, &[byte]), [expected], "{} {byte:#x}", kind.name());
        }
        for (kind, byte) in [
            (NumberType::Float8E4M3, 0xff),
            (NumberType::Float8E5M2, 0x7e),
            (NumberType::Float8E4M3Fnuz, 0x80),
        ] {
            let layout = Layout { first: 0, shape: &[1], strides: &[1] };
            assert!(floats(kind, layout, &[byte])[0].is_nan(), "{}", kind.name());
        }
    }

    #[test]
    fn elements_come_in_the_order_of_the_axes() {
        let bytes: Vec<u8> = (0..6u8).flat_map(|value| f32::from(value).to_le_bytes()).collect();
        let transposed = Layout { first: 0, shape: &[3, 2], strides: &[1, 3] };
        assert_eq!(floats(NumberType::F32, transposed, &bytes), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }
}
