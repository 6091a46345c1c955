//! Bands of spatial frequency: rings around the centre of a shifted spectrum.

/// Which coefficients make a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Convention {
    /// Of Lin, Gao & Sang's code: rings around ((H−1)/2, (W−1)/2), which for even sizes is half a pixel from DC;
    /// the innermost ring (with DC) and the outermost one are dropped. 32×32 gives 20 bands, ρ = 1…20.
    #[default]
    Reference,
    /// Rings around DC, none dropped: ρ = 0 is DC itself.
    Textbook,
    /// Rings around DC of the nearest whole distance, DC left out: ρ − ½ < |k| < ρ + ½.
    Nearest,
}

/// The bands of (H, W) spectra: which coefficient belongs to which.
///
/// ρ(i, j) = ⌊distance of (i, j) to the centre⌋ in the shifted spectrum (of [`Convention::Nearest`] the nearest whole number); a band's value is the plain mean over its
/// coefficients. Distances are compared as integers, so no rounding can move a coefficient to a neighbour.
///
/// ```
/// use spectral::{Convention, RadialBins};
/// let bins = RadialBins::new(32, 32, Convention::Reference);
/// assert_eq!(bins.radii(), (1..=20).collect::<Vec<_>>());
/// assert_eq!(bins.counts()[0], 8);
/// // White noise is flat: a constant magnitude has a constant average.
/// assert_eq!(bins.average(&[3.0; 32 * 32]), [3.0; 20]);
/// ```
#[derive(Debug, Clone)]
pub struct RadialBins {
    width: usize,
    radii: Vec<usize>,
    counts: Vec<usize>,
    /// By shifted position: the band's index, or `OUTSIDE`.
    bands: Vec<u32>,
}

/// The band of coefficients that are in none.
pub(crate) const OUTSIDE: u32 = u32::MAX;

impl RadialBins {
    /// The bands of (H, W) spectra.
    pub fn new(height: usize, width: usize, convention: Convention) -> Self {
        let radius = |at: usize| ring(at / width, at % width, height, width, convention);
        let rings: Vec<usize> = (0..height * width).map(radius).collect();
        let mut counts = vec![0; rings.iter().max().map_or(0, |most| most + 1)];
        rings.iter().for_each(|&ring| counts[ring] += 1);
        let present: Vec<usize> = (0..counts.len()).filter(|&ring| counts[ring] > 0).collect();
        let kept = match convention {
            Convention::Reference => 1..present.len().saturating_sub(1),
            Convention::Textbook => 0..present.len(),
            Convention::Nearest => 1..present.len(),
        };
        let radii = present.get(kept).unwrap_or_default().to_vec();
        let mut index = vec![OUTSIDE; counts.len()];
        radii.iter().zip(0..).for_each(|(&ring, band)| index[ring] = band);
        let bands = rings.into_iter().map(|ring| index[ring]).collect();
        Self { width, counts: radii.iter().map(|&ring| counts[ring]).collect(), radii, bands }
    }

    /// The radius ρ of each band.
    pub fn radii(&self) -> &[usize] {
        &self.radii
    }

    /// The number of bands.
    pub fn len(&self) -> usize {
        self.radii.len()
    }

    /// Whether there are no bands: planes too small to have a ring between the innermost and the outermost.
    pub fn is_empty(&self) -> bool {
        self.radii.is_empty()
    }

    /// W.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// H · W.
    pub(crate) fn pixels(&self) -> usize {
        self.bands.len()
    }

    /// How many coefficients each band has.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// The band of a coefficient of the shifted spectrum, if it is in one.
    ///
    /// ```
    /// use spectral::{Convention, RadialBins};
    /// let bins = RadialBins::new(8, 8, Convention::Nearest);
    /// assert_eq!((bins.radii()[0], bins.counts()[0]), (1, 8)); // 1 and √2 from DC
    /// assert_eq!((bins.band(4, 4), bins.band(4, 6)), (None, Some(1)));
    /// ```
    pub fn band(&self, row: usize, column: usize) -> Option<usize> {
        let band = self.bands[row * self.width + column];
        (band != OUTSIDE).then_some(band as usize)
    }

    /// The mean over each band of a shifted plane (H, W).
    ///
    /// # Panics
    /// If the plane has another size.
    pub fn average(&self, plane: &[f64]) -> Vec<f64> {
        assert_eq!(plane.len(), self.bands.len(), "a shifted plane of the bins' size");
        let mut sums = vec![0.0; self.len()];
        for (value, &band) in plane.iter().zip(&self.bands).filter(|(_, band)| **band != OUTSIDE) {
            sums[band as usize] += value;
        }
        sums.iter().zip(&self.counts).map(|(sum, &count)| sum / count as f64).collect()
    }

    /// The adjoint of [`RadialBins::average`]: each coefficient gets its band's value over the band's count.
    ///
    /// # Panics
    /// If there are not as many values as bands.
    pub fn adjoint(&self, bands: &[f64]) -> Vec<f64> {
        assert_eq!(bands.len(), self.len(), "one value a band");
        let share = |&band: &u32| {
            if band == OUTSIDE { 0.0 } else { bands[band as usize] / self.counts[band as usize] as f64 }
        };
        self.bands.iter().map(share).collect()
    }

    /// What each coefficient of an unshifted half spectrum counts in each band, by itself and for its mirror image, so that the sum
    /// over coefficients of count · magnitude is the band's mean: (W / 2 + 1, H, bands), column v after column v.
    ///
    /// ```
    /// use spectral::{Convention, RadialBins};
    /// let bins = RadialBins::new(8, 8, Convention::Reference);
    /// let weights = bins.half_weights();
    /// assert_eq!(weights.len(), 5 * 8 * bins.len());
    /// // The mean of a constant magnitude is the constant.
    /// let of_first_band: f32 = weights.iter().step_by(bins.len()).sum();
    /// assert!((of_first_band - 1.0).abs() < 1e-6);
    /// ```
    pub fn half_weights(&self) -> Vec<f32> {
        let (width, height) = (self.width, self.bands.len() / self.width);
        let mut weights = vec![0.0; (width / 2 + 1) * height * self.len()];
        for (at, row) in weights.chunks_exact_mut(self.len()).enumerate() {
            let (v, u) = (at / height, at % height);
            let [own, mirrored] = self.pair(u, v);
            // In a column that is its own mirror image the mirrored coefficient is there too.
            let mirrored = if (width - v) % width == v { OUTSIDE } else { mirrored };
            for band in [own, mirrored].into_iter().filter(|&band| band != OUTSIDE) {
                row[band as usize] += 1.0 / self.counts[band as usize] as f32;
            }
        }
        weights
    }

    /// The same for sums instead of means: the sum over coefficients of count · value is that of all values of the band.
    ///
    /// ```
    /// use spectral::{Convention, RadialBins};
    /// let bins = RadialBins::new(8, 8, Convention::Nearest);
    /// let of_first_ring: f32 = bins.half_counts().iter().step_by(bins.len()).sum();
    /// assert_eq!(of_first_ring, 8.0);
    /// ```
    pub fn half_counts(&self) -> Vec<f32> {
        let counts = self.counts.iter().cycle();
        // A weight is a whole number of times 1 / count.
        self.half_weights()
            .iter()
            .zip(counts)
            .map(|(weight, &count)| (weight * count as f32).round())
            .collect()
    }

    /// The bands of coefficient (u, v) of the unshifted spectrum and of its mirror image (H − u, W − v), or `OUTSIDE`; one
    /// that is its own mirror image counts once. Under the reference convention the two can differ.
    pub(crate) fn pair(&self, u: usize, v: usize) -> [u32; 2] {
        let (width, height) = (self.width, self.bands.len() / self.width);
        let band =
            |u: usize, v: usize| self.bands[(u + height / 2) % height * width + (v + width / 2) % width];
        let mirrored = ((height - u) % height, (width - v) % width);
        [band(u, v), if mirrored == (u, v) { OUTSIDE } else { band(mirrored.0, mirrored.1) }]
    }
}

/// ⌊distance⌋ from the centre, or the nearest whole number. Distances are doubled for the reference's, which lies between indices for even sizes.
fn ring(row: usize, column: usize, height: usize, width: usize, convention: Convention) -> usize {
    let twice = |at: usize, size: usize| match convention {
        Convention::Reference => (2 * at).abs_diff(size - 1),
        Convention::Textbook | Convention::Nearest => 2 * at.abs_diff(size / 2),
    };
    let (down, across) = (twice(row, height), twice(column, width));
    // ⌊√(s)/2⌋ = ⌊√⌊s/4⌋⌋ for whole s.
    let square = (down * down + across * across) / 4;
    let below = square.isqrt();
    // No whole number has a root of r + ½: its square is r² + r + ¼.
    let is_nearer_above = convention == Convention::Nearest && square > below * below + below;
    below + usize::from(is_nearer_above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_per_radius_are_the_references() {
        let bins = RadialBins::new(32, 32, Convention::Reference);
        assert_eq!(
            bins.counts(),
            [8, 20, 20, 28, 32, 44, 52, 48, 60, 68, 64, 92, 76, 100, 96, 68, 52, 32, 36, 12]
        );
        let sizes = [(28, 18), (33, 21), (64, 43), (224, 156)];
        assert!(
            sizes
                .iter()
                .all(|&(size, bands)| RadialBins::new(size, size, Convention::Reference).len() == bands)
        );
        assert_eq!(RadialBins::new(24, 40, Convention::Reference).len(), 21);
    }

    #[test]
    fn the_textbook_convention_starts_at_dc() {
        let bins = RadialBins::new(32, 32, Convention::Textbook);
        assert_eq!((bins.radii()[0], bins.counts()[0]), (0, 1));
        assert_eq!(bins.counts().iter().sum::<usize>(), 32 * 32);
    }

    #[test]
    fn nearest_rings_are_rounded_distances_without_dc() {
        for (height, width) in [(32, 32), (7, 7), (24, 40)] {
            let bins = RadialBins::new(height, width, Convention::Nearest);
            assert_eq!(bins.counts().iter().sum::<usize>(), height * width - 1);
            for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
                let (down, across) = (row as f64 - (height / 2) as f64, column as f64 - (width / 2) as f64);
                let radius = bins.band(row, column).map_or(0, |band| bins.radii()[band]);
                assert_eq!(radius, down.hypot(across).round() as usize, "{row} {column}");
            }
        }
        assert_eq!(RadialBins::new(32, 32, Convention::Nearest).radii().last(), Some(&23));
    }

    /// ⟨A x, y⟩ = ⟨x, Aᵀ y⟩.
    #[test]
    fn the_adjoint_is_the_transpose() {
        for convention in [Convention::Reference, Convention::Textbook, Convention::Nearest] {
            let bins = RadialBins::new(9, 12, convention);
            let x: Vec<f64> = (0..108).map(|i| f64::from(i * i % 37)).collect();
            let y: Vec<f64> = (0..bins.len()).map(|i| (i as f64).sin()).collect();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot(&bins.average(&x), &y) - dot(&x, &bins.adjoint(&y))).abs() < 1e-10);
        }
    }
}
