//! Sums over a batch that are made block by block.

/// Some sums over the images of each block of a batch. Their totals are added up in the order of the blocks, and have the same bits
/// wherever each block was summed: on another thread, or by another process that has a part of the batch.
///
/// ```
/// use kernels::blocked::BlockSums;
///
/// let mut both = BlockSums::new(2, vec![1.0, 10.0]); // a block of two sums
/// both.append(BlockSums::new(2, vec![2.0, 20.0]));
/// assert_eq!(both.totals(), [3.0, 30.0]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BlockSums {
    each: usize,
    values: Vec<f64>,
}

impl BlockSums {
    /// `each` sums of every block, one block after the other.
    ///
    /// # Panics
    /// If the values are not of whole blocks.
    pub fn new(each: usize, values: Vec<f64>) -> Self {
        assert!(values.len().is_multiple_of(each.max(1)), "{} values, {each} a block", values.len());
        Self { each, values }
    }

    /// How many sums a block has.
    pub fn each(&self) -> usize {
        self.each
    }

    /// All values, one block after the other.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Appends later blocks.
    ///
    /// # Panics
    /// If they have other sums.
    pub fn append(&mut self, later: Self) {
        assert_eq!(self.each, later.each, "sums a block");
        self.values.extend(later.values);
    }

    /// The sums over all blocks.
    pub fn totals(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.each];
        for block in self.values.chunks_exact(self.each.max(1)) {
            totals.iter_mut().zip(block).for_each(|(total, value)| *total += value);
        }
        totals
    }

    /// [`BlockSums::totals`] in pairs.
    pub fn pairs(&self) -> Vec<(f64, f64)> {
        self.totals().chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// [`BlockSums::totals`], rounded.
    pub fn singles(&self) -> Vec<f32> {
        self.totals().into_iter().map(|total| total as f32).collect()
    }

    /// The firsts and the seconds of [`BlockSums::pairs`], rounded.
    pub fn single_pairs(&self) -> (Vec<f32>, Vec<f32>) {
        self.pairs().into_iter().map(|(first, second)| (first as f32, second as f32)).unzip()
    }
}
