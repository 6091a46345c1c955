//! The low frequencies of the discrete cosine transform.

use pulp::{Simd, WithSimd};

use crate::{Error, dispatch::widest};

/// The upper left corner of r×r coefficients of the orthonormal 2-D DCT-II of planes (H, W), at most all of them.
///
/// X(u, v) = Σ c(u)·c(v)·p(y, x)·cos(π(2y + 1)u/2H)·cos(π(2x + 1)v/2W), c(0) = √(1/size) and √(2/size) else: the transform's
/// inverse is its transpose. Planned once; a plane takes four small matrix products.
///
/// ```
/// use spectral::DctCorner;
/// let plane = [1.0, 2.0, 3.0, 6.0];
/// let corner = DctCorner::new(2, 2, 1)?;
/// assert!((corner.coefficients(&plane)?[0] - 6.0).abs() < 1e-12); // the mean, times √(H·W)
/// assert!(corner.low_pass(&plane)?.iter().all(|value| (value - 3.0).abs() < 1e-12));
/// # Ok::<(), spectral::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DctCorner {
    down: Cosines,
    across: Cosines,
}

/// The first rows of a transform's matrix.
#[derive(Debug, Clone)]
struct Cosines {
    size: usize,
    kept: usize,
    /// (kept, size).
    rows: Vec<f64>,
    /// (size, kept).
    columns: Vec<f64>,
}

/// `out` (M, N) = `left` (M, K) · `right` (K, N), by rows: sums run in the order of K, whatever the vectors.
struct Product<'a> {
    left: &'a [f64],
    right: &'a [f64],
    inner: usize,
    out: &'a mut [f64],
}

impl DctCorner {
    /// Plans for planes of a size.
    ///
    /// # Errors
    /// If a side is shorter than 2.
    pub fn new(height: usize, width: usize, radius: usize) -> Result<Self, Error> {
        if height < 2 || width < 2 {
            return Err(Error::PlaneTooSmall { height, width });
        }
        Ok(Self { down: Cosines::new(height, radius), across: Cosines::new(width, radius) })
    }

    /// The corner of a plane's transform, (min(r, H), min(r, W)).
    ///
    /// # Errors
    /// If the plane has another size.
    pub fn coefficients(&self, plane: &[f64]) -> Result<Vec<f64>, Error> {
        self.check(plane)?;
        let narrow = product(plane, &self.across.columns, self.across.size, self.across.kept);
        Ok(product(&self.down.rows, &narrow, self.down.size, self.across.kept))
    }

    /// What is left of a plane, (H, W): the inverse transform of the corner.
    ///
    /// # Errors
    /// If the plane has another size.
    pub fn low_pass(&self, plane: &[f64]) -> Result<Vec<f64>, Error> {
        self.check(plane)?;
        let mut low = plane.to_vec();
        self.keep_low(&mut low);
        Ok(low)
    }

    /// [`DctCorner::low_pass`] in place, of a plane of the right size.
    pub(crate) fn keep_low(&self, plane: &mut [f64]) {
        let Self { down, across } = self;
        if down.kept == 0 {
            return plane.fill(0.0);
        }
        let narrow = product(plane, &across.columns, across.size, across.kept);
        let corner = product(&down.rows, &narrow, down.size, across.kept);
        let tall = product(&down.columns, &corner, down.kept, across.kept);
        widest().dispatch(Product { left: &tall, right: &across.rows, inner: across.kept, out: plane });
    }

    fn check(&self, plane: &[f64]) -> Result<(), Error> {
        let (found, expected) = (plane.len(), self.down.size * self.across.size);
        if found == expected { Ok(()) } else { Err(Error::Count { what: "a plane", found, expected }) }
    }
}

impl Cosines {
    fn new(size: usize, radius: usize) -> Self {
        let kept = radius.min(size);
        let scale = |u: usize| (if u == 0 { 1.0 } else { 2.0 } / size as f64).sqrt();
        // The angle's whole turns are left out: large arguments lose digits.
        let angle = |u: usize, at: usize| ((2 * at + 1) * u % (4 * size)) as f64 / (2 * size) as f64;
        let cosine = |u: usize, at: usize| scale(u) * (std::f64::consts::PI * angle(u, at)).cos();
        let rows = (0..kept).flat_map(|u| (0..size).map(move |at| cosine(u, at))).collect();
        let columns = (0..size).flat_map(|at| (0..kept).map(move |u| cosine(u, at))).collect();
        Self { size, kept, rows, columns }
    }
}

fn product(left: &[f64], right: &[f64], inner: usize, width: usize) -> Vec<f64> {
    let mut out = vec![0.0; left.len() / inner.max(1) * width];
    widest().dispatch(Product { left, right, inner, out: &mut out });
    out
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { left, right, inner, out } = self;
        let width = right.len() / inner.max(1);
        if width == 0 {
            return;
        }
        out.fill(0.0);
        for (out, left) in out.chunks_exact_mut(width).zip(left.chunks_exact(inner)) {
            for (factor, right) in left.iter().zip(right.chunks_exact(width)) {
                out.iter_mut().zip(right).for_each(|(out, right)| *out += factor * right);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::everywhere;

    fn plane(count: usize) -> Vec<f64> {
        (0..count).map(|at| ((at * 7919 + at / 3) % 256) as f64).collect()
    }

    /// Straight from the definition.
    fn coefficient(plane: &[f64], [height, width]: [usize; 2], [u, v]: [usize; 2]) -> f64 {
        let scale = |u: usize, size: usize| (if u == 0 { 1.0 } else { 2.0 } / size as f64).sqrt();
        let cosine = |at: usize, u: usize, size: usize| {
            (std::f64::consts::PI * (at as f64 + 0.5) * u as f64 / size as f64).cos()
        };
        let term = |at: usize| plane[at] * cosine(at / width, u, height) * cosine(at % width, v, width);
        scale(u, height) * scale(v, width) * (0..plane.len()).map(term).sum::<f64>()
    }

    #[test]
    fn coefficients_are_those_of_the_definition() -> Result<(), Error> {
        for (height, width, radius) in [(8, 8, 3), (5, 12, 7), (9, 4, 100), (2, 2, 2)] {
            let plane = plane(height * width);
            let found = DctCorner::new(height, width, radius)?.coefficients(&plane)?;
            let kept = radius.min(width);
            assert_eq!(found.len(), radius.min(height) * kept);
            for (at, found) in found.iter().enumerate() {
                let expected = coefficient(&plane, [height, width], [at / kept, at % kept]);
                assert!((found - expected).abs() < 1e-9, "{height}×{width} at {at}: {found} {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn the_whole_corner_is_the_plane_and_none_is_nothing() -> Result<(), Error> {
        let plane = plane(32 * 20);
        let whole = DctCorner::new(32, 20, 32)?.low_pass(&plane)?;
        assert!(whole.iter().zip(&plane).all(|(a, b)| (a - b).abs() < 1e-10));
        assert!(DctCorner::new(32, 20, 0)?.low_pass(&plane)?.iter().all(|value| *value == 0.0));
        // A projection: a second time changes nothing.
        let corner = DctCorner::new(32, 20, 9)?;
        let once = corner.low_pass(&plane)?;
        assert!(corner.low_pass(&once)?.iter().zip(&once).all(|(a, b)| (a - b).abs() < 1e-10));
        Ok(())
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let (left, right) = (plane(13 * 11), plane(11 * 21));
        let of = |arch: pulp::Arch| {
            let mut out = vec![0.0; 13 * 21];
            arch.dispatch(Product { left: &left, right: &right, inner: 11, out: &mut out });
            out
        };
        let all: Vec<Vec<f64>> = everywhere().into_iter().map(of).collect();
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn planes_of_another_size_are_refused() -> Result<(), Error> {
        let corner = DctCorner::new(4, 4, 2)?;
        assert!(corner.low_pass(&[0.0; 15]).is_err() && corner.coefficients(&[0.0; 17]).is_err());
        assert!(DctCorner::new(1, 4, 2).is_err());
        Ok(())
    }
}
