//! Copies of image rows, with the usual widths and strides known when compiled: a call of `memcpy` for each
//! row of 32 pixels would take a fifth of a convolution's time.

/// Lines of pixels in a plane: where they begin, how far apart, and the step from a pixel to the next.
#[derive(Clone, Copy)]
pub(crate) struct Lines {
    pub(crate) width: usize,
    pub(crate) line_step: usize,
    pub(crate) stride: usize,
}

/// Runs a line function with width and stride as constants where they are usual.
macro_rules! with_constants {
    ($lines:expr, $function:ident($($argument:expr),*)) => {
        match ($lines.width, $lines.stride) {
            (4, 1) => $function::<4, 1>($($argument),*),
            (8, 1) => $function::<8, 1>($($argument),*),
            (16, 1) => $function::<16, 1>($($argument),*),
            (32, 1) => $function::<32, 1>($($argument),*),
            (4, 2) => $function::<4, 2>($($argument),*),
            (8, 2) => $function::<8, 2>($($argument),*),
            (16, 2) => $function::<16, 2>($($argument),*),
            _ => $function::<0, 0>($($argument),*),
        }
    };
}

/// Packs lines of pixels, `stride` apart in `from`, into `to`, one after the other.
pub(crate) fn gather(to: &mut [f32], from: &[f32], lines: Lines) {
    with_constants!(lines, gather_lines(to, from, lines));
}

/// Adds packed lines of pixels to where [`gather`] would have taken them from.
pub(crate) fn scatter_add(to: &mut [f32], from: &[f32], lines: Lines) {
    with_constants!(lines, scatter_lines(to, from, lines));
}

/// The numbers that are constants where W is not 0.
fn constants<const W: usize, const S: usize>(lines: Lines) -> (usize, usize, usize) {
    let (width, stride) = if W == 0 { (lines.width, lines.stride) } else { (W, S) };
    (width, stride, (width - 1) * stride + 1)
}

#[inline(always)]
fn gather_lines<const W: usize, const S: usize>(to: &mut [f32], from: &[f32], lines: Lines) {
    let (width, stride, reach) = constants::<W, S>(lines);
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks(lines.line_step)) {
        let from = &from[..reach];
        if stride == 1 {
            to.copy_from_slice(from);
        } else {
            for (i, to) in to.iter_mut().enumerate() {
                *to = from[i * stride];
            }
        }
    }
}

#[inline(always)]
fn scatter_lines<const W: usize, const S: usize>(to: &mut [f32], from: &[f32], lines: Lines) {
    let (width, stride, reach) = constants::<W, S>(lines);
    for (to, from) in to.chunks_mut(lines.line_step).zip(from.chunks_exact(width)) {
        let to = &mut to[..reach];
        for (i, from) in from.iter().enumerate() {
            to[i * stride] += from;
        }
    }
}
