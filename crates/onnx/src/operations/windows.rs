//! How the windows of convolutions and pools lie, by the attributes that they share.

use crate::{
    call::Call,
    problem::{Problem, Result},
};

/// Windows over two axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) kernel: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    /// Before and behind, of each axis.
    pub(super) pads: [[usize; 2]; 2],
    /// Whether a last window that is only partly filled counts too.
    pub(super) ceil: bool,
}

/// More than any kernel, stride or padding.
const MOST: i64 = 1 << 14;

impl Windows {
    /// Those of a node on planes of a size, which have one or two axes; `kernel` is that of the weights.
    pub(super) fn new(
        call: &Call<'_>,
        axes: usize,
        size: [usize; 2],
        kernel: Option<[usize; 2]>,
    ) -> Result<Self> {
        let numbers = |name: &str, count: usize| -> Result<Option<Vec<usize>>> {
            let Some(found) = call.ints(name) else { return Ok(None) };
            let is_sound = found.len() == count && found.iter().all(|number| (0..MOST).contains(number));
            match is_sound {
                true => Ok(Some(found.into_iter().map(|number| number as usize).collect())),
                false => Err(Problem::wrong(format!(
                    "{name} {found:?}, expected {count} numbers from 0 to {}",
                    MOST - 1
                ))),
            }
        };
        // Of one axis the second has one element.
        let both = |found: Option<Vec<usize>>, usual: usize| match found.as_deref() {
            Some([one]) => [*one, usual],
            Some([first, second]) => [*first, *second],
            _ => [usual; 2],
        };
        let of_kernel = numbers("kernel_shape", axes)?;
        let kernel = match (of_kernel, kernel) {
            (Some(found), given) => {
                let found = both(Some(found), 1);
                if given.is_some_and(|given| given != found) {
                    return Err(Problem::wrong(format!(
                        "kernel_shape {found:?}, expected {given:?} by the weights"
                    )));
                }
                found
            }
            (None, Some(given)) => given,
            (None, None) => return Err(Problem::wrong("kernel_shape is missing")),
        };
        let strides = both(numbers("strides", axes)?, 1);
        let dilations = both(numbers("dilations", axes)?, 1);
        if [kernel, strides, dilations].concat().contains(&0) {
            return Err(Problem::wrong(format!(
                "kernel {kernel:?}, strides {strides:?}, dilations {dilations:?}"
            )));
        }
        let pads = match numbers("pads", 2 * axes)?.as_deref() {
            Some([before, behind]) => [[*before, *behind], [0; 2]],
            Some([top, left, bottom, right]) => [[*top, *bottom], [*left, *right]],
            _ => [[0; 2]; 2],
        };
        let mut windows = Self { kernel, strides, dilations, pads, ceil: call.is_set("ceil_mode") };
        match call.text_or("auto_pad", "NOTSET").as_str() {
            "NOTSET" | "" => {}
            "VALID" => windows.pads = [[0; 2]; 2],
            "SAME_UPPER" => windows.pads = [0, 1].map(|axis| windows.same(axis, size[axis])),
            "SAME_LOWER" => {
                windows.pads = [0, 1].map(|axis| {
                    let [small, large] = windows.same(axis, size[axis]);
                    [large, small]
                });
            }
            other => return Err(Problem::wrong(format!("auto_pad `{other}`"))),
        }
        Ok(windows)
    }

    /// Pixels from the first to behind the last under the kernel.
    pub(super) fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilations[axis] + 1
    }

    /// Padding such that there is a window for each stride of the size.
    fn same(&self, axis: usize, size: usize) -> [usize; 2] {
        let stride = self.strides[axis];
        let windows = size.div_ceil(stride);
        let all = ((windows.max(1) - 1) * stride + self.reach(axis)).saturating_sub(size);
        [all / 2, all - all / 2]
    }

    /// How many windows lie along each axis; a window that would begin in the padding behind does not count.
    pub(super) fn counts(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        let mut counts = [0; 2];
        for axis in 0..2 {
            let [before, behind] = self.pads[axis];
            let room = (size[axis] + before + behind).checked_sub(self.reach(axis));
            let room = room.ok_or_else(|| {
                Problem::wrong(format!("a kernel {:?} on planes of {}×{}", self.kernel, size[0], size[1]))
            })?;
            let stride = self.strides[axis];
            counts[axis] = if self.ceil { room.div_ceil(stride) } else { room / stride } + 1;
            if self.ceil && (counts[axis] - 1) * stride >= size[axis] + before {
                counts[axis] -= 1;
            }
        }
        Ok(counts)
    }

    /// Whether strides, padding and kernel are those of squares, without dilation.
    pub(super) fn is_square(&self) -> bool {
        self.kernel[0] == self.kernel[1]
            && self.strides[0] == self.strides[1]
            && self.pads.concat().iter().all(|pad| *pad == self.pads[0][0])
            && self.dilations == [1; 2]
    }

    /// For each window along an axis the places of its pixels; none where it lies on padding.
    pub(super) fn taps(&self, axis: usize, count: usize, size: usize) -> Vec<Vec<Option<usize>>> {
        let tap = |window: usize, tap: usize| {
            let at = window * self.strides[axis] + tap * self.dilations[axis];
            at.checked_sub(self.pads[axis][0]).filter(|&at| at < size)
        };
        (0..count).map(|window| (0..self.kernel[axis]).map(|at| tap(window, at)).collect()).collect()
    }
}
