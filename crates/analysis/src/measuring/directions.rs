//! The Fourier basis of real images: a direction for each pair of frequencies ±k.

use std::f64::consts::TAU;

/// Frequencies of images (H, W) within a window, and the directions that they are.
///
/// U_k(y, x) ∝ cos(2π(u·y/H + v·x/W)), of length 1: the inverse transform of a real image whose spectrum is non-zero at ±k alone. ±k
/// are one direction.
#[derive(Debug, Clone)]
pub(crate) struct Directions {
    image: [usize; 2],
    /// Sides of the map of frequencies, zero at (⌊rows/2⌋, ⌊columns/2⌋).
    map: [usize; 2],
    /// A frequency (u, v) of each direction.
    frequencies: Vec<[i64; 2]>,
    /// By place in the map: the direction.
    of_place: Vec<usize>,
}

impl Directions {
    /// Of all frequencies, or of those whose parts are `window` at most.
    pub(crate) fn new(image: [usize; 2], window: Option<usize>) -> Self {
        let side = |length: usize| match window {
            // With all of an even side there is no positive partner of the most negative frequency.
            Some(window) if 2 * window < length => 2 * window + 1,
            _ => length,
        };
        let map = image.map(side);
        let [rows, columns] = map;
        let mut frequencies: Vec<[i64; 2]> = Vec::new();
        let mut of_place: Vec<usize> = Vec::with_capacity(rows * columns);
        for at in 0..rows * columns {
            let place = |frequency: [i64; 2]| place_of(frequency, map);
            let frequency = [(at / columns, rows), (at % columns, columns)]
                .map(|(place, side)| place as i64 - (side / 2) as i64);
            let direction = match place(mirrored(frequency, image)) {
                Some(partner) if partner < at => of_place[partner],
                _ => {
                    frequencies.push(frequency);
                    frequencies.len() - 1
                }
            };
            of_place.push(direction);
        }
        Self { image, map, frequencies, of_place }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.frequencies.len()
    }

    /// A frequency of a direction: of ±k the one with the fewer rows, and of these the one with the fewer columns.
    pub(crate) fn frequency(&self, direction: usize) -> [i64; 2] {
        self.frequencies[direction]
    }

    /// Rows and columns of the map.
    pub(crate) fn map(&self) -> [usize; 2] {
        self.map
    }

    /// The place of a direction's frequency in the unshifted spectrum (H, W).
    pub(crate) fn coefficient(&self, direction: usize) -> usize {
        let [row, column] = std::array::from_fn(|side| {
            self.frequencies[direction][side].rem_euclid(self.image[side] as i64) as usize
        });
        row * self.image[1] + column
    }

    /// The number of a direction whatever the window is: random signs are keyed by it.
    pub(crate) fn key(&self, direction: usize) -> u64 {
        self.coefficient(direction) as u64
    }

    /// |k|² of a direction.
    pub(crate) fn squared_radius(&self, direction: usize) -> u64 {
        self.frequencies[direction].iter().map(|part| part.unsigned_abs().pow(2)).sum()
    }

    /// How much of the spectrum's real part at k is ⟨image, U_k⟩: √(2 / HW), or √(1 / HW) where −k is k.
    pub(crate) fn amplitude(&self, direction: usize) -> f64 {
        let frequency = self.frequencies[direction];
        let is_own_mirror = (0..2).all(|side| (2 * frequency[side]).rem_euclid(self.image[side] as i64) == 0);
        let pixels = (self.image[0] * self.image[1]) as f64;
        ((if is_own_mirror { 1.0 } else { 2.0 }) / pixels).sqrt()
    }

    /// U_k, (H, W).
    pub(crate) fn basis(&self, direction: usize) -> Vec<f64> {
        let ([height, width], [u, v]) = (self.image, self.frequencies[direction]);
        let amplitude = self.amplitude(direction);
        let wave = |at: usize| {
            let (y, x) = ((at / width) as i64, (at % width) as i64);
            // Whole turns are left out before they are rounded.
            let turn = |frequency: i64, place: i64, side: usize| {
                (frequency * place).rem_euclid(side as i64) as f64 / side as f64
            };
            amplitude * (TAU * (turn(u, y, height) + turn(v, x, width))).cos()
        };
        (0..height * width).map(wave).collect()
    }

    /// Values of directions as a map, row by row.
    pub(crate) fn spread<T: Copy>(&self, values: &[T]) -> Vec<T> {
        self.of_place.iter().map(|&direction| values[direction]).collect()
    }
}

/// −k, as a frequency of images of these sides.
fn mirrored(frequency: [i64; 2], image: [usize; 2]) -> [i64; 2] {
    std::array::from_fn(|side| {
        let (length, half) = (image[side] as i64, (image[side] / 2) as i64);
        (half - frequency[side]).rem_euclid(length) - half
    })
}

/// Where a frequency is in a map, if it is in it.
fn place_of(frequency: [i64; 2], map: [usize; 2]) -> Option<usize> {
    let [row, column] = std::array::from_fn(|side| frequency[side] + (map[side] / 2) as i64);
    let inside = (0..map[0] as i64).contains(&row) && (0..map[1] as i64).contains(&column);
    inside.then(|| row as usize * map[1] + column as usize)
}

#[cfg(test)]
mod tests {
    use spectral::RealFft2;

    use super::*;

    #[test]
    fn each_pair_of_frequencies_is_one_direction() {
        // Half of 1024, and a half of the four that are their own partners.
        assert_eq!(Directions::new([32, 32], None).len(), 514);
        let inner = Directions::new([224, 224], Some(31));
        assert_eq!((inner.len(), inner.map()), (1985, [63, 63]), "half of 63², and zero");
        assert_eq!(Directions::new([5, 7], None).len(), 18);
        assert_eq!(Directions::new([4, 4], Some(9)).map(), [4, 4], "a window beyond all");
    }

    #[test]
    fn directions_are_waves_of_length_one_at_their_frequencies() -> Result<(), spectral::Error> {
        for (image, window) in [([8, 8], None), ([5, 6], None), ([8, 12], Some(2))] {
            let directions = Directions::new(image, window);
            let plan = RealFft2::<f64>::new(image[0], image[1])?;
            let all: Vec<Vec<f64>> = (0..directions.len()).map(|at| directions.basis(at)).collect();
            for (at, wave) in all.iter().enumerate() {
                for (other, second) in all.iter().enumerate() {
                    let product: f64 = wave.iter().zip(second).map(|(a, b)| a * b).sum();
                    assert!((product - f64::from(u8::from(at == other))).abs() < 1e-12, "{at} {other}");
                }
                let spectrum = plan.full(wave);
                let strong = spectrum.iter().filter(|value| value.norm() > 1e-9).count();
                assert!(strong <= 2 && spectrum[directions.coefficient(at)].re > 1e-9);
                // ⟨U_k, U_k⟩ by the spectrum.
                let own = directions.amplitude(at) * spectrum[directions.coefficient(at)].re;
                assert!((own - 1.0).abs() < 1e-12);
            }
        }
        Ok(())
    }

    #[test]
    fn a_map_has_both_partners() {
        let directions = Directions::new([4, 4], None);
        let numbers: Vec<usize> = (0..directions.len()).collect();
        let map = directions.spread(&numbers);
        // Rows −2 … 1: (−1, −1) and (1, 1), (0, −1) and (0, 1), (−2, −1) and (−2, 1).
        assert_eq!(map[5], map[15]);
        assert_eq!(map[9], map[11]);
        assert_eq!(map[1], map[3]);
        assert_ne!(map[5], map[7]);
        assert_eq!(directions.squared_radius(map[5]), 2);
    }
}
