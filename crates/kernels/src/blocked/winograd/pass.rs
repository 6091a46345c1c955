//! What tells the forward pass and the input gradient apart: the same steps over transforms and their adjoints.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::{
    super::{
        simd::{Lane, Simd},
        tensor::Dims,
    },
    scheme::{Gather, Place, Scheme, Spread},
};

/// What tells the two passes apart.
pub(super) trait Pass: Sync {
    /// The kind of the algorithm.
    type Kind: Scheme;
    /// Whether the weights' rows are what is summed over, and results are what goes in.
    const TURNED: bool;
    /// Points of a transformed tile.
    const POINTS: usize = Self::Kind::POINTS;

    /// A tile of what goes in, to points.
    unsafe fn spread<S: Simd>(plane: &[Lane], dims: Dims, at: Place, to: &mut [Lane], stride: usize);

    /// Points to a tile of what comes out.
    unsafe fn gather<S: Simd>(points: &[Lane], stride: usize, plane: &mut [Lane], dims: Dims, at: Place);
}

pub(super) struct Forward<K>(PhantomData<K>);

impl<K: Scheme> Pass for Forward<K> {
    type Kind = K;
    const TURNED: bool = false;

    #[inline(always)]
    unsafe fn spread<S: Simd>(plane: &[Lane], dims: Dims, at: Place, to: &mut [Lane], stride: usize) {
        // SAFETY: the caller vouches for the features.
        unsafe { S::call(Spread::<K, false> { plane, dims, at, to, stride, kind: PhantomData }) }
    }

    #[inline(always)]
    unsafe fn gather<S: Simd>(points: &[Lane], stride: usize, plane: &mut [Lane], dims: Dims, at: Place) {
        // SAFETY: the caller vouches for the features.
        unsafe { S::call(Gather::<K, true> { points, stride, plane, dims, at, kind: PhantomData }) }
    }
}

pub(super) struct InputGradient<K>(PhantomData<K>);

impl<K: Scheme> Pass for InputGradient<K> {
    type Kind = K;
    const TURNED: bool = true;

    #[inline(always)]
    unsafe fn spread<S: Simd>(plane: &[Lane], dims: Dims, at: Place, to: &mut [Lane], stride: usize) {
        // SAFETY: the caller vouches for the features.
        unsafe { S::call(Spread::<K, true> { plane, dims, at, to, stride, kind: PhantomData }) }
    }

    #[inline(always)]
    unsafe fn gather<S: Simd>(points: &[Lane], stride: usize, plane: &mut [Lane], dims: Dims, at: Place) {
        // SAFETY: the caller vouches for the features.
        unsafe { S::call(Gather::<K, false> { points, stride, plane, dims, at, kind: PhantomData }) }
    }
}
