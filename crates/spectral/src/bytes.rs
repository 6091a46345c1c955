//! Planes of numbers as bytes, the way the published tool writes images.

/// A value that is a whole number but for rounding counts as that number: truncation would show the last bit of a
/// transform, which differs between instruction sets, as a whole step of brightness.
const ROUNDING: f64 = 1e-9;

/// Writes ⌊255 · (x − min) / (max − min)⌋ for each value; zeros if the plane's range is not above `contrast`, which is
/// what the caller's rounding can make of a constant.
///
/// Values that are not finite give bytes without meaning.
pub(crate) fn scale_to_bytes(plane: &[f64], contrast: f64, bytes: &mut [u8]) {
    let [low, high] = extremes(plane);
    let range = high - low;
    if range <= contrast {
        return bytes.fill(0);
    }
    let factor = 255.0 / range;
    for (byte, value) in bytes.iter_mut().zip(plane) {
        // From a float to a byte the way leads through i32, for which there are vectors.
        *byte = ((value - low) * factor + ROUNDING) as i32 as u8;
    }
}

/// Values whose extremes are searched side by side.
const LANES: usize = 8;

fn extremes(plane: &[f64]) -> [f64; 2] {
    let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let (chunks, rest) = plane.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            low[lane] = if chunk[lane] < low[lane] { chunk[lane] } else { low[lane] };
            high[lane] = if chunk[lane] > high[lane] { chunk[lane] } else { high[lane] };
        }
    }
    let low = low.iter().chain(rest).copied().fold(f64::INFINITY, f64::min);
    [low, high.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(plane: &[f64], contrast: f64) -> Vec<u8> {
        let mut bytes = vec![9; plane.len()];
        scale_to_bytes(plane, contrast, &mut bytes);
        bytes
    }

    #[test]
    fn extremes_are_found_in_whole_vectors_and_in_what_is_left() {
        for length in 1..40 {
            for at in 0..length {
                let mut plane = vec![1.0; length];
                plane[at] = 2.0;
                assert_eq!(extremes(&plane)[1], 2.0);
                plane[at] = -3.0;
                assert_eq!(extremes(&plane)[0], -3.0);
            }
        }
    }

    #[test]
    fn values_are_truncated_but_rounding_does_not_show() {
        let bits = f64::EPSILON;
        assert_eq!(bytes(&[0.0, 255.0, 17.0 - 16.0 * bits, 16.9, 16.999_999], 0.0), [0, 255, 17, 16, 16]);
        assert_eq!(bytes(&[1.0, 1.0 - bits, 0.0], 0.0), [255, 255, 0], "two equal maxima");
    }

    #[test]
    fn what_is_constant_but_for_rounding_is_black() {
        assert_eq!(bytes(&[7.0, 7.0 + 1e-13, 7.0], 1e-9), [0, 0, 0]);
        assert_eq!(bytes(&[7.0; 3], 0.0), [0, 0, 0]);
        assert_eq!(bytes(&[7.0, 7.5, 8.0], 1e-9), [0, 127, 255]);
    }
}
