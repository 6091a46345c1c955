//! The definition, term by term: the oracle of the fast transforms.

use rustfft::num_complex::Complex64;

/// The unnormalised 2-D discrete Fourier transform of a real plane, not shifted:
/// F(u, v) = Σ_y Σ_x p(y, x) · exp(−2πi (u·y/H + v·x/W)), for u < H, v < W.
///
/// `plane` is (H, W), row by row; so is the result. O((HW)²): for tests.
///
/// ```
/// let spectrum = spectral::naive_dft(&[1.0, 2.0, 3.0, 4.0], 2, 2);
/// assert!((spectrum[0].re - 10.0).abs() < 1e-12); // the sum
/// assert!((spectrum[2].re + 4.0).abs() < 1e-12); // upper row minus lower row
/// ```
pub fn naive_dft(plane: &[f64], height: usize, width: usize) -> Vec<Complex64> {
    let term = |u: usize, v: usize, y: usize, x: usize| {
        // Reduced before the division: large products would lose digits.
        let turns = (u * y % height) as f64 / height as f64 + (v * x % width) as f64 / width as f64;
        Complex64::from_polar(plane[y * width + x], -std::f64::consts::TAU * turns)
    };
    let sum = |u, v| (0..height * width).map(|at| term(u, v, at / width, at % width)).sum();
    (0..height * width).map(|at| sum(at / width, at % width)).collect()
}

/// Where a shifted index lies in the unshifted spectrum: DC, at `size / 2` when shifted, is at 0.
///
/// ```
/// assert_eq!(spectral::unshifted(16, 32), 0);
/// assert_eq!(spectral::unshifted(0, 32), 16);
/// assert_eq!(spectral::unshifted(1, 3), 0);
/// ```
pub fn unshifted(shifted: usize, size: usize) -> usize {
    (shifted + size - size / 2) % size
}
