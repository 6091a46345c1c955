//! Sums over a channel's values, accurate and the same for any number of threads.

use rayon::prelude::*;

/// (N, C, pixels): sizes of a batch seen by channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channels {
    pub(crate) images: usize,
    pub(crate) channels: usize,
    pub(crate) pixels: usize,
}

/// Sums kept apart inside a plane, so that additions need not wait for each other.
pub(crate) const LANES: usize = 8;

/// Values that a task reads from an image at once: neighbouring small planes go together.
const RUN: usize = 1024;

impl Channels {
    /// Values of one channel.
    pub(crate) fn count(&self) -> usize {
        self.images * self.pixels
    }

    /// Values of one image.
    pub(crate) fn image(&self) -> usize {
        self.channels * self.pixels
    }

    /// For each channel the sum over images, in order, of `of_plane(channel, range of the plane)`.
    ///
    /// Which planes one task sums depends on the sizes alone, and a channel is summed by one task.
    pub(crate) fn sums<const R: usize>(
        &self,
        of_plane: impl Fn(usize, std::ops::Range<usize>) -> [f64; R] + Sync,
    ) -> Vec<[f64; R]> {
        let together = self.planes_together();
        let mut sums = vec![[0.0; R]; self.channels];
        sums.par_chunks_mut(together).enumerate().for_each(|(task, sums)| {
            for image in 0..self.images {
                for (i, sum) in sums.iter_mut().enumerate() {
                    let channel = task * together + i;
                    let start = image * self.image() + channel * self.pixels;
                    let plane = of_plane(channel, start..start + self.pixels);
                    sum.iter_mut().zip(plane).for_each(|(sum, plane)| *sum += plane);
                }
            }
        });
        sums
    }

    /// A new batch, written plane by plane with `write(channel, range of the plane, the plane)`.
    pub(crate) fn map_planes(
        &self,
        write: impl Fn(usize, std::ops::Range<usize>, &mut [f32]) + Sync,
    ) -> Vec<f32> {
        let together = self.planes_together();
        let mut out = vec![0.0; self.images * self.image()];
        out.par_chunks_mut(together * self.pixels).enumerate().for_each(|(task, planes)| {
            for (i, plane) in planes.chunks_exact_mut(self.pixels).enumerate() {
                let index = task * together + i;
                let start = index * self.pixels;
                write(index % self.channels, start..start + self.pixels, plane);
            }
        });
        out
    }

    /// Neighbouring planes that one task takes.
    fn planes_together(&self) -> usize {
        (RUN / self.pixels).max(1)
    }
}

/// Σ over i in 0..len of `of(i)`, in f64, in [`LANES`] sums side by side.
#[inline(always)]
pub(crate) fn lane_sums<const R: usize>(len: usize, of: impl Fn(usize) -> [f64; R]) -> [f64; R] {
    let mut lanes = [[0.0; LANES]; R];
    let whole = len - len % LANES;
    for start in (0..whole).step_by(LANES) {
        for lane in 0..LANES {
            for (sums, value) in lanes.iter_mut().zip(of(start + lane)) {
                sums[lane] += value;
            }
        }
    }
    let mut sums = lanes.map(|lanes| lanes.iter().sum::<f64>());
    for i in whole..len {
        sums.iter_mut().zip(of(i)).for_each(|(sum, value)| *sum += value);
    }
    sums
}
