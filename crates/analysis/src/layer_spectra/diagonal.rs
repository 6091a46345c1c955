//! Amplitudes along the diagonal of a spectrum.

use rayon::prelude::*;
use spectral::RealFft2;

use crate::Error;

/// What a block leaves of a batch: (N, C, rows, columns).
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes<'a> {
    pub(super) values: &'a [f32],
    pub(super) images: usize,
    pub(super) size: [usize; 2],
}

/// How many frequencies the diagonal of planes of a size has, zero and the highest among them; absent where there is but one.
pub(super) fn frequencies([rows, columns]: [usize; 2]) -> Option<usize> {
    let shorter = rows.min(columns);
    (shorter > 1).then_some(shorter / 2 + 1)
}

/// By image: |F z| of the unitary transform at the frequencies (t, t·columns/rows) of the diagonal, t = 0, 1, …, mean over channels.
pub(super) fn amplitudes(planes: Planes<'_>) -> Result<Vec<Vec<f64>>, Error> {
    let Planes { values, images, size: [rows, columns] } = planes;
    let Some(count) = frequencies([rows, columns]) else { return Ok(Vec::new()) };
    let (plan, plane) = (RealFft2::<f64>::new(rows, columns)?, rows * columns);
    let half = plan.half_width();
    // Whole numbers of cycles: along both sides in proportion to their lengths.
    let place = |t: usize| {
        let along = |side: usize| (t * side + rows.min(columns) / 2) / rows.min(columns);
        along(rows) * half + along(columns)
    };
    let places: Vec<usize> = (0..count).map(place).collect();
    let channels = values.len() / (images.max(1) * plane);
    let scale = 1.0 / (channels as f64 * (plane as f64).sqrt());
    let of_image = |image: &[f32]| {
        let mut sums = vec![0.0; count];
        for channel in image.chunks(plane) {
            let channel: Vec<f64> = channel.iter().map(|&value| f64::from(value)).collect();
            let spectrum = plan.transform(&channel);
            sums.iter_mut().zip(&places).for_each(|(sum, &place)| *sum += spectrum[place].norm());
        }
        sums.iter().map(|sum| sum * scale).collect()
    };
    Ok(values.par_chunks(channels * plane).map(of_image).collect())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn a_wave_along_the_diagonal_is_found_at_its_frequency() -> Result<(), Error> {
        // Two images of one channel; cos of (3, 3) cycles has the amplitude √(HW) / 2 there, a constant √(HW) at zero.
        let wave = |at: usize| (TAU * (3 * (at / 8 + at % 8)) as f64 / 8.0).cos() as f32;
        let values: Vec<f32> = (0..64).map(wave).chain([2.0; 64]).collect();
        let found = amplitudes(Planes { values: &values, images: 2, size: [8, 8] })?;
        for (image, expected) in [(0, [0.0, 0.0, 0.0, 4.0, 0.0]), (1, [16.0, 0.0, 0.0, 0.0, 0.0])] {
            assert!(found[image].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}");
        }
        Ok(())
    }

    #[test]
    fn a_point_is_white_on_any_planes() -> Result<(), Error> {
        for size in [[7, 7], [4, 8], [9, 6], [2, 2]] {
            let mut values = vec![0f32; 2 * size[0] * size[1]];
            (values[1], values[size[0] * size[1]]) = (1.0, -3.0);
            let found = amplitudes(Planes { values: &values, images: 1, size })?;
            let expected = 2.0 / ((size[0] * size[1]) as f64).sqrt();
            assert_eq!(Some(found[0].len()), frequencies(size));
            assert!(found[0].iter().all(|value| (value - expected).abs() < 1e-6), "{size:?}: {found:?}");
        }
        assert_eq!(frequencies([1, 9]), None);
        Ok(())
    }
}
