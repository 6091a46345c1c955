//! Activations in the blocked layout, and the buffers under them.
#![allow(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use super::{
    pages,
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
};
use crate::{parallel::for_each_part, strips::Strip};

/// Size of a batch of planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims {
    /// Images.
    pub images: usize,
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Dims {
    /// Groups of sixteen images, the last one padded.
    pub fn blocks(&self) -> usize {
        self.images.div_ceil(LANES)
    }

    /// Pixels of a plane.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Vectors of a block: all its planes.
    pub(crate) fn block_len(&self) -> usize {
        self.channels * self.pixels()
    }

    /// Vectors in all.
    pub(crate) fn len(&self) -> usize {
        self.blocks() * self.block_len()
    }

    /// Planes that a thread takes at once: small ones are not worth a hand-over each.
    pub(crate) fn planes_at_once(&self) -> usize {
        (4096 / self.pixels().max(1)).max(1)
    }

    /// How many of a block's lanes are images.
    pub(crate) fn valid_lanes(&self, block: usize) -> usize {
        (self.images - block * LANES).min(LANES)
    }
}

/// A batch of activations as `[image / 16][channel][row][column][image mod 16]`.
///
/// Sixteen images are one vector, so any image size and any filter tap vectorises without edges or shuffles. The
/// lanes beyond the last image hold numbers without meaning; gradients hold zeros there.
#[derive(Debug)]
pub struct Blocked {
    pub(crate) dims: Dims,
    pub(crate) data: Vec<Lane>,
}

impl Blocked {
    /// The size.
    pub fn dims(&self) -> Dims {
        self.dims
    }

    /// One group of sixteen images.
    pub(crate) fn block(&self, block: usize) -> &[Lane] {
        let len = self.dims.block_len();
        &self.data[block * len..(block + 1) * len]
    }

    /// One of `groups` parts of the channels of a block; parts are counted through all blocks.
    pub(crate) fn part(&self, index: usize, groups: usize) -> &[Lane] {
        let len = self.dims.block_len() / groups;
        &self.data[index * len..(index + 1) * len]
    }

    /// One plane of a block.
    pub(crate) fn plane(&self, block: usize, channel: usize) -> &[Lane] {
        let pixels = self.dims.pixels();
        let start = (block * self.dims.channels + channel) * pixels;
        &self.data[start..start + pixels]
    }

    /// From (N, C, H, W); lanes without an image become zero.
    ///
    /// # Panics
    /// If `images` is not as long as `dims` says.
    pub fn from_nchw(images: &[f32], dims: Dims, arena: &Arena) -> Self {
        let size = dims.channels * dims.pixels();
        assert_eq!(images.len(), dims.images * size, "images of {dims:?}");
        let mut blocked = arena.blocked(dims);
        for (block, lanes) in blocked.data.chunks_mut(dims.block_len()).enumerate() {
            let (from, count) = (&images[block * LANES * size..], dims.valid_lanes(block));
            for_each_part(lanes, TURNED_AT_ONCE, |part, lanes| {
                let start = part * TURNED_AT_ONCE;
                run(InstructionSet::current(), ToLanes { from: &from[start..], size, count, lanes });
            });
        }
        blocked
    }

    /// To (N, C, H, W).
    pub fn to_nchw(&self) -> Vec<f32> {
        let size = self.dims.block_len();
        let mut images = vec![0.0; self.dims.images * size];
        for (block, images) in images.chunks_mut(LANES * size).enumerate() {
            let mut parts = Strip::whole(images, size).cut(TURNED_AT_ONCE);
            for_each_part(&mut parts, 1, |part, to| {
                let lanes = &self.block(block)[part * TURNED_AT_ONCE..];
                run(InstructionSet::current(), FromLanes { lanes, to: &mut to[0] });
            });
        }
        images
    }
}

/// Vectors that a thread turns at once.
const TURNED_AT_ONCE: usize = 4096;

/// Values of up to sixteen images, each `size` after the one before, to vectors of images; lanes without an image become zero.
struct ToLanes<'a> {
    from: &'a [f32],
    size: usize,
    count: usize,
    lanes: &'a mut [Lane],
}

impl Kernel for ToLanes<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { from, size, count, lanes } = self;
        for (group, lanes) in lanes.chunks_mut(LANES).enumerate() {
            let mut rows = [Lane::ZERO; LANES];
            for (image, row) in rows.iter_mut().enumerate().take(count) {
                row.0[..lanes.len()].copy_from_slice(&from[image * size + group * LANES..][..lanes.len()]);
            }
            // SAFETY: the caller vouches for the features.
            unsafe { turn::<S>(&mut rows) };
            lanes.copy_from_slice(&rows[..lanes.len()]);
        }
    }
}

/// Vectors of images to values of each image.
struct FromLanes<'a, 'b> {
    lanes: &'a [Lane],
    to: &'a mut Strip<'b, f32>,
}

impl Kernel for FromLanes<'_, '_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { lanes, to } = self;
        for (group, lanes) in lanes[..to.width()].chunks(LANES).enumerate() {
            let mut rows = [Lane::ZERO; LANES];
            rows[..lanes.len()].copy_from_slice(lanes);
            // SAFETY: the caller vouches for the features.
            unsafe { turn::<S>(&mut rows) };
            for (image, row) in rows.iter().enumerate().take(to.rows()) {
                to.row(image)[group * LANES..][..lanes.len()].copy_from_slice(&row.0[..lanes.len()]);
            }
        }
    }
}

/// Lane j of vector i to lane i of vector j.
#[inline(always)]
unsafe fn turn<S: Simd>(rows: &mut [Lane; LANES]) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let mut values = [S::splat(0.0); LANES];
        for (value, row) in values.iter_mut().zip(&*rows) {
            *value = S::load(row);
        }
        for (row, value) in rows.iter_mut().zip(S::transpose(values)) {
            S::store(row, value);
        }
    }
}

/// The sum of what several parts have at a place, in their order.
#[inline(always)]
pub(crate) fn sum_of_parts(parts: &[&[Lane]], at: usize) -> [f32; LANES] {
    let mut total = parts[0][at].0;
    for part in &parts[1..] {
        total.iter_mut().zip(part[at].0).for_each(|(total, value)| *total += value);
    }
    total
}

/// Buffers that are used again, step after step, so that nothing is allocated once training has settled.
#[derive(Debug, Default)]
pub struct Arena {
    lanes: Pool<Lane>,
    masks: Pool<u16>,
}

impl Arena {
    /// A batch of activations whose content is arbitrary.
    pub fn blocked(&self, dims: Dims) -> Blocked {
        Blocked { dims, data: self.take(dims.len()) }
    }

    /// Gives a buffer back.
    pub fn recycle(&self, blocked: Blocked) {
        self.give(blocked.data);
    }

    /// Gives a mask back.
    pub fn recycle_mask(&self, mask: Mask) {
        self.masks.give(mask.0);
    }

    /// `len` vectors of arbitrary content.
    pub(crate) fn take(&self, len: usize) -> Vec<Lane> {
        self.lanes.take(len, Lane::ZERO)
    }

    /// Gives a buffer back.
    pub(crate) fn give(&self, buffer: Vec<Lane>) {
        self.lanes.give(buffer);
    }

    /// `len` sets of bits of arbitrary content.
    pub(crate) fn take_mask(&self, len: usize) -> Mask {
        Mask(self.masks.take(len, 0))
    }
}

/// For every vector of activations, which lanes ReLU let through.
#[derive(Debug, Clone)]
pub struct Mask(pub(crate) Vec<u16>);

impl Mask {
    /// `count` equal parts of a mask, or as many times none.
    pub(crate) fn chunks(mask: &mut Option<Self>, length: usize, count: usize) -> Vec<Option<&mut [u16]>> {
        match mask {
            Some(mask) => mask.0.chunks_mut(length).map(Some).collect(),
            None => (0..count).map(|_| None).collect(),
        }
    }

    /// The bits of one plane of a block.
    pub(crate) fn plane(&self, dims: Dims, block: usize, channel: usize) -> &[u16] {
        &self.0[(block * dims.channels + channel) * dims.pixels()..][..dims.pixels()]
    }
}

/// Free buffers of one type.
#[derive(Debug)]
struct Pool<T>(Mutex<Vec<Vec<T>>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T: Clone> Pool<T> {
    /// The smallest free buffer that is large enough and not wastefully so, or a new one.
    fn take(&self, len: usize, filler: T) -> Vec<T> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One of twice the length would be cut, and filled again when it is next taken for what it was made for.
        let fits = |capacity: usize| capacity >= len && capacity < 2 * len.max(1);
        let sizes = free.iter().map(Vec::capacity).enumerate();
        let best = sizes.filter(|&(_, capacity)| fits(capacity)).min_by_key(|&(_, capacity)| capacity);
        let found = best.map(|(index, _)| free.swap_remove(index));
        drop(free);
        let mut buffer = found.unwrap_or_else(|| {
            let mut buffer = Vec::with_capacity(len);
            pages::prefer_huge(buffer.spare_capacity_mut());
            buffer
        });
        buffer.resize(len, filler);
        buffer
    }

    fn give(&self, buffer: Vec<T>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}
