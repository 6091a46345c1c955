//! A number for each head and each distance of two tokens of a window, by a perceptron of the distance (Liu et al., CVPR 2022): of
//! parameters alone, whatever the images. In f64 throughout; [`device`](crate::device) has the same for tensors.

/// The largest number, that of the sigmoid of infinity.
pub(crate) const LARGEST: f64 = 16.0;

/// A perceptron of two layers with ReLU between.
#[derive(Debug, Clone, Copy)]
pub struct DistancePerceptron<'a> {
    /// (hidden, 2): of rows and columns.
    pub first: &'a [f32],
    /// (hidden).
    pub shift: &'a [f32],
    /// (heads, hidden).
    pub second: &'a [f32],
}

/// How far two tokens of a window can be from each other, ((2 · rows − 1) · (2 · columns − 1), 2): from the farthest up and left to the
/// farthest down and right, as sign(d) · log₂(8 · |d| + 1) / 3 of the share d of the farthest.
pub fn distances([height, width]: [usize; 2]) -> Vec<[f64; 2]> {
    let along = |at: usize, side: usize| {
        let farthest = (side - 1).max(1) as f64;
        let share = (at as f64 - (side - 1) as f64) / farthest;
        share.signum() * (8.0 * share.abs() + 1.0).log2() / 3.0
    };
    let row =
        move |row: usize| (0..2 * width - 1).map(move |column| [along(row, height), along(column, width)]);
    (0..2 * height - 1).flat_map(row).collect()
}

/// 16 · sigmoid of the perceptron of each distance, (distances, heads).
///
/// ```
/// use kernels::{DistancePerceptron, distance_numbers};
///
/// // One hidden value, of the rows alone: the farthest up has −1, the farthest down 1 (log₂ 9 / 3 of it).
/// let of = DistancePerceptron { first: &[1.0, 0.0], shift: &[0.0], second: &[100.0] };
/// assert_eq!(distance_numbers([2, 1], of), [8.0, 8.0, 16.0]);
/// ```
///
/// # Panics
/// If the sizes do not fit each other.
pub fn distance_numbers(window: [usize; 2], of: DistancePerceptron<'_>) -> Vec<f32> {
    let number = |sum: f64| (LARGEST * sigmoid(sum)) as f32;
    distances(window).into_iter().flat_map(|distance| of.run(distance).1.into_iter().map(number)).collect()
}

/// The gradients of the perceptron's three parts from `g`, that of the numbers, (distances, heads).
///
/// # Panics
/// If the sizes do not fit each other.
pub fn distance_numbers_gradient(window: [usize; 2], of: DistancePerceptron<'_>, g: &[f32]) -> [Vec<f32>; 3] {
    let (hidden, heads) = (of.shift.len(), of.second.len() / of.shift.len());
    let mut found = [vec![0f64; 2 * hidden], vec![0f64; hidden], vec![0f64; heads * hidden]];
    let [first, shift, second] = &mut found;
    for (distance, g) in distances(window).into_iter().zip(g.chunks(heads)) {
        let (values, sums) = of.run(distance);
        let of_sum = |(sum, &g): (&f64, &f32)| LARGEST * sigmoid(*sum) * (1.0 - sigmoid(*sum)) * f64::from(g);
        let of_sums: Vec<f64> = sums.iter().zip(g).map(of_sum).collect();
        for (k, &value) in values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
            let of_head = |(head, g): (usize, &f64)| g * f64::from(of.second[head * hidden + k]);
            let of_value: f64 = of_sums.iter().enumerate().map(of_head).sum();
            of_sums.iter().enumerate().for_each(|(head, g)| second[head * hidden + k] += g * value);
            shift[k] += of_value;
            (0..2).for_each(|axis| first[2 * k + axis] += of_value * distance[axis]);
        }
    }
    found.map(|part| part.into_iter().map(|value| value as f32).collect())
}

impl DistancePerceptron<'_> {
    /// The hidden values after ReLU, and a sum a head.
    fn run(&self, [down, right]: [f64; 2]) -> (Vec<f64>, Vec<f64>) {
        let hidden = self.shift.len();
        assert_eq!(self.first.len(), 2 * hidden, "two weights a hidden value");
        assert!(self.second.len().is_multiple_of(hidden), "a weight a hidden value and head");
        let value = |(weights, shift): (&[f32], &f32)| {
            let sum = f64::from(weights[0]) * down + f64::from(weights[1]) * right + f64::from(*shift);
            sum.max(0.0)
        };
        let values: Vec<f64> = self.first.chunks(2).zip(self.shift).map(value).collect();
        let sum = |weights: &[f32]| weights.iter().zip(&values).map(|(w, x)| f64::from(*w) * x).sum();
        let sums = self.second.chunks(hidden).map(sum).collect();
        (values, sums)
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
