//! Images as other programs lay them out in memory, and as networks take them: (N, 3, H, W).

/// How the values of an image of H rows and W columns stand one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// (H, W): one grey plane, which becomes three equal ones, as torchvision's `Grayscale(3)` does it.
    Grey,
    /// (H, W, 3): the three values of a pixel together.
    Interleaved,
    /// (3, H, W), as it is to be.
    Planar,
    /// (3, W, H): planes whose columns come one after the other, as MATLAB writes them.
    Columns,
}

/// Planes of an image as networks take it.
const PLANES: usize = 3;

impl Layout {
    /// The same images as (N, 3, H, W); `[rows, columns]` are those of each.
    pub(crate) fn arranged<T: Copy + Default>(self, mut values: Vec<T>, side: [usize; 2]) -> Vec<T> {
        let [rows, columns] = side;
        let plane = (rows * columns).max(1);
        let mut last = vec![T::default(); PLANES * plane];
        match self {
            Self::Planar => {}
            Self::Grey => {
                let grey = values.chunks_exact(plane);
                return grey.flat_map(|plane| [plane; PLANES].into_iter().flatten().copied()).collect();
            }
            Self::Interleaved => {
                for image in values.chunks_exact_mut(PLANES * plane) {
                    last.copy_from_slice(image);
                    strided(&last, image, PLANES, plane);
                }
            }
            Self::Columns => {
                for image in values.chunks_exact_mut(plane) {
                    last[..plane].copy_from_slice(image);
                    strided(&last[..plane], image, rows.max(1), columns);
                }
            }
        }
        values
    }
}

/// The transpose of a matrix of `count` rows of `stride` values.
fn strided<T: Copy>(from: &[T], to: &mut [T], stride: usize, count: usize) {
    for (first, to) in to.chunks_exact_mut(count.max(1)).enumerate() {
        to.iter_mut().zip(from[first..].iter().step_by(stride)).for_each(|(to, from)| *to = *from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images of two rows and three columns; a value says its image, plane, row and column.
    #[test]
    fn each_layout_gives_the_same_images() {
        let value = |n: u16, plane: u16, row: u16, column: u16| 1000 * n + 100 * plane + 10 * row + column;
        let images = |order: fn([u16; 3]) -> [u16; 3], sides: [u16; 3]| {
            let [a, b, c] = sides;
            let places = move |n| {
                (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (n, order([i, j, k])))))
            };
            (0..2)
                .flat_map(places)
                .map(|(n, [plane, row, column])| value(n, plane, row, column))
                .collect::<Vec<_>>()
        };
        let planar = images(|place| place, [3, 2, 3]);
        let interleaved = images(|[row, column, plane]| [plane, row, column], [2, 3, 3]);
        let columns = images(|[plane, column, row]| [plane, row, column], [3, 3, 2]);
        assert_eq!(interleaved[..4], [0, 100, 200, 1]);
        assert_eq!(columns[..4], [0, 10, 1, 11]);
        assert_eq!(Layout::Interleaved.arranged(interleaved, [2, 3]), planar);
        assert_eq!(Layout::Columns.arranged(columns, [2, 3]), planar);
        assert_eq!(Layout::Planar.arranged(planar.clone(), [2, 3]), planar);
        assert_eq!(Layout::Grey.arranged(vec![1, 2, 3, 4], [1, 2]), [1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4]);
    }
}
