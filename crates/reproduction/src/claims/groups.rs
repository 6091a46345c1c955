//! Groups of bands as the paper names them.

use spectral::SpectrumTable;

/// Groups of bands as the paper speaks of them, for 20 bands and in proportion for others: places in the list of bands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups {
    bands: usize,
}

impl Groups {
    /// For so many bands.
    pub(super) fn of_bands(bands: usize) -> Self {
        Self { bands }
    }

    /// For the bands of a spectrum.
    pub(super) fn of_table(table: &SpectrumTable) -> Self {
        Self::of_bands(table.radii.len())
    }

    /// Bands 0 to 5.
    pub(super) fn low(self) -> Vec<usize> {
        self.range(0, 6)
    }

    /// Bands 7 to 17, to which the energy moves.
    pub(super) fn middle(self) -> Vec<usize> {
        self.range(7, 18)
    }

    /// Bands from 15 on, which networks trained on WCR images leave dark and those trained on SCR images do not.
    pub(super) fn high(self) -> Vec<usize> {
        self.range(15, 20)
    }

    /// All below them.
    pub(super) fn below_high(self) -> Vec<usize> {
        self.range(0, 15)
    }

    /// Bands 18 and 19, which stay dark.
    pub(super) fn finest(self) -> Vec<usize> {
        self.range(18, 20)
    }

    /// Bands 7 to 11, where densities of SCR and WCR images are lowest.
    pub(super) fn valley(self) -> Vec<usize> {
        self.range(7, 12)
    }

    fn range(self, from: usize, to: usize) -> Vec<usize> {
        let place = |of_twenty: usize| (of_twenty * self.bands + 10) / 20;
        (place(from)..place(to)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_bands_are_those_of_the_paper_in_proportion() {
        assert_eq!(Groups::of_bands(20).low(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Groups::of_bands(20).finest(), [18, 19]);
        assert_eq!(Groups::of_bands(43).finest(), (39..43).collect::<Vec<_>>());
        assert_eq!(Groups::of_bands(156).low().len(), 47);
    }
}
