//! What convolutions are followed by, while their results are in the cache: forward the shift, the residual sum and ReLU; backward the
//! sum with what other readers have left, and the gate of the ReLU before.
#![allow(unsafe_code)]

use std::ops::Range;

use super::{
    gemm::Finish,
    simd::{InstructionSet, Kernel, Lane, Simd, run},
    tensor::{Arena, Blocked, Mask},
};
use crate::parallel::{for_each_part_and, for_each_small_part};

/// What happens to the output of a convolution whose weights hold the scale: y = act(x + shift + residual).
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a> {
    /// A summand per channel.
    pub shift: &'a [f32],
    /// A summand per value.
    pub residual: Option<&'a Blocked>,
    /// Whether negative results become zero.
    pub relu: bool,
}

/// Applies an [`Epilogue`] in place; the mask is there if it has ReLU.
pub(crate) fn apply_epilogue(
    y: &mut Blocked,
    epilogue: Epilogue<'_>,
    instructions: InstructionSet,
    arena: &Arena,
) -> Option<Mask> {
    let dims = y.dims;
    let mut mask = epilogue.relu.then(|| arena.take_mask(dims.len()));
    let masks = Mask::chunks(&mut mask, dims.pixels(), dims.blocks() * dims.channels);
    for_each_part_and(&mut y.data, dims.pixels(), masks, dims.planes_at_once(), |index, y, mask| {
        let (block, channel) = (index / dims.channels, index % dims.channels);
        let residual = epilogue.residual.map(|residual| residual.plane(block, channel));
        run(instructions, EpiloguePlane { y, residual, shift: epilogue.shift[channel], mask });
    });
    mask
}

struct EpiloguePlane<'a> {
    y: &'a mut [Lane],
    residual: Option<&'a [Lane]>,
    shift: f32,
    mask: Option<&'a mut [u16]>,
}

impl Kernel for EpiloguePlane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe { epilogue_values::<S>(self.y, self.residual, self.shift, self.mask) }
    }
}

/// y = act(y + shift + residual) of some values of a channel, with ReLU if there is a mask to note it in.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn epilogue_values<S: Simd>(
    y: &mut [Lane],
    residual: Option<&[Lane]>,
    shift: f32,
    mut mask: Option<&mut [u16]>,
) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let shift = S::splat(shift);
        for (i, y) in y.iter_mut().enumerate() {
            let mut value = S::add(S::load(y), shift);
            if let Some(residual) = residual {
                value = S::add(value, S::load(&residual[i]));
            }
            if let Some(mask) = &mut mask {
                mask[i] = S::positive(value);
                value = S::select(value, mask[i]);
            }
            S::store(y, value);
        }
    }
}

/// What happens to the gradient of a convolution's input: the sum with what other readers of the input have left, where ReLU was open.
#[derive(Debug, Clone, Copy, Default)]
pub struct GradientEpilogue<'a> {
    /// A summand per value.
    pub others: Option<&'a Blocked>,
    /// What the ReLU that made the input let through.
    pub gate: Option<&'a Mask>,
}

/// What happens to the results of a convolution or of its adjoint while they are in the cache; nothing by default.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then<'a> {
    Epilogue(Epilogue<'a>),
    GradientEpilogue(GradientEpilogue<'a>),
}

impl Default for Then<'_> {
    fn default() -> Self {
        Self::GradientEpilogue(GradientEpilogue::default())
    }
}

impl<'a> Then<'a> {
    /// Whether negative results become zero, which a mask notes.
    pub(crate) fn has_relu(&self) -> bool {
        matches!(self, Self::Epilogue(epilogue) if epilogue.relu)
    }

    /// The same for one of `groups` parts of the channels, counted through all blocks; each has so many channels and vectors.
    pub(crate) fn of_part(self, index: usize, groups: usize, [channels, length]: [usize; 2]) -> Finish<'a> {
        match self {
            Self::Epilogue(epilogue) => Finish {
                shift: Some(&epilogue.shift[index % groups * channels..][..channels]),
                added: epilogue.residual.map(|residual| residual.part(index, groups)),
                gate: None,
            },
            Self::GradientEpilogue(epilogue) => Finish {
                shift: None,
                added: epilogue.others.map(|others| others.part(index, groups)),
                gate: epilogue.gate.map(|gate| &gate.0[index * length..][..length]),
            },
        }
    }
}

/// Applies a [`GradientEpilogue`] in place.
pub(crate) fn apply_gradient_epilogue(
    g: &mut Blocked,
    epilogue: GradientEpilogue<'_>,
    instructions: InstructionSet,
) {
    let (dims, at_once) = (g.dims, g.dims.planes_at_once());
    if epilogue.others.is_none() && epilogue.gate.is_none() {
        return;
    }
    for_each_small_part(&mut g.data, dims.pixels(), at_once, |index, g| {
        let values = index * dims.pixels()..(index + 1) * dims.pixels();
        run(instructions, GradientEpiloguePlane { g, epilogue, values });
    });
}

struct GradientEpiloguePlane<'a> {
    g: &'a mut [Lane],
    epilogue: GradientEpilogue<'a>,
    values: Range<usize>,
}

impl Kernel for GradientEpiloguePlane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe { self.epilogue.values::<S>(self.g, None, self.values) }
    }
}

impl GradientEpilogue<'_> {
    /// Joins some of the values, counted through the batch, of `from` or of what is there.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    #[inline(always)]
    pub(crate) unsafe fn values<S: Simd>(self, g: &mut [Lane], from: Option<&[Lane]>, at: Range<usize>) {
        let others = self.others.map(|others| &others.data[at.clone()]);
        let gate = self.gate.map(|gate| &gate.0[at]);
        for (i, g) in g.iter_mut().enumerate() {
            // SAFETY: the caller vouches for the features.
            unsafe {
                let mut value = S::load(from.map_or(&*g, |from| &from[i]));
                if let Some(others) = others {
                    value = S::add(value, S::load(&others[i]));
                }
                if let Some(gate) = gate {
                    value = S::select(value, gate[i]);
                }
                S::store(g, value);
            }
        }
    }
}

/// Zeroes the gradient where ReLU was shut.
pub fn gate(g: &mut Blocked, mask: &Mask, instructions: InstructionSet) {
    apply_gradient_epilogue(g, GradientEpilogue { others: None, gate: Some(mask) }, instructions);
}

/// Adds a gradient to another.
pub fn accumulate(to: &mut Blocked, from: &Blocked, instructions: InstructionSet) {
    apply_gradient_epilogue(to, GradientEpilogue { others: Some(from), gate: None }, instructions);
}
