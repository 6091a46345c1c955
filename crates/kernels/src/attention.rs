//! Which tokens attend to which.

/// How attention divides a plane of tokens into groups that attend to themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// One group of all tokens.
    Whole,
    /// Windows of neighbours, after the plane was rolled up and left by `shift`; tokens that only rolling brought together do not see
    /// each other (Liu et al. 2021). A plane that is no multiple of a window has tokens of padding below and on the right.
    Windows {
        /// Rows and columns of a window.
        size: [usize; 2],
        /// Rows and columns that the plane is rolled by.
        shift: [usize; 2],
    },
    /// As many groups as a cell of this grid has tokens: each has one token of every cell, at the same place (Tu et al. 2022).
    Grid {
        /// Rows and columns of cells.
        size: [usize; 2],
    },
}

/// Tokens that attend to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their places in the plane, row by row; the number of places where the plane has none, for a token of padding.
    pub tokens: Vec<usize>,
    /// The part of the rolled plane that each is of; empty where all see each other.
    pub regions: Vec<usize>,
}

impl Group {
    /// What is added to the weight that token `i` of the group gives to token `j`, before softmax: −100 where they do not see each
    /// other, as the authors of shifted windows have it.
    pub fn mask(&self, i: usize, j: usize) -> f32 {
        if self.regions.is_empty() || self.regions[i] == self.regions[j] { 0.0 } else { -100.0 }
    }
}

impl Partition {
    /// The groups of a plane of so many rows and columns, all of one size; none if the plane is empty or no multiple of the grid.
    ///
    /// ```
    /// use kernels::Partition;
    ///
    /// let windows = Partition::Windows { size: [2, 2], shift: [0, 0] };
    /// let groups = windows.groups([2, 4]).unwrap();
    /// assert_eq!(groups[1].tokens, [2, 3, 6, 7]);
    /// assert_eq!(Partition::Grid { size: [2, 2] }.groups([2, 4]).unwrap()[1].tokens, [1, 3, 5, 7]);
    /// let shifted = Partition::Windows { size: [2, 2], shift: [0, 1] };
    /// assert_eq!(shifted.groups([2, 4]).unwrap()[1].tokens, [3, 0, 7, 4]);
    /// assert_eq!(shifted.groups([2, 4]).unwrap()[1].mask(0, 1), -100.0);
    /// // The sixth column is of padding.
    /// assert_eq!(windows.groups([2, 5]).unwrap()[2].tokens, [4, 10, 9, 10]);
    /// ```
    pub fn groups(self, [height, width]: [usize; 2]) -> Option<Vec<Group>> {
        match self {
            Self::Whole => Some(vec![Group { tokens: (0..height * width).collect(), regions: Vec::new() }]),
            Self::Windows { size, shift } => {
                if height * width == 0 {
                    return None;
                }
                let counts = [height.div_ceil(size[0]), width.div_ceil(size[1])];
                // A window as large as the plane has nothing to be rolled into.
                let shift = [0, 1].map(|axis| if counts[axis] > 1 { shift[axis] } else { 0 });
                Some(windows([height, width], size, counts, shift))
            }
            Self::Grid { size } => {
                let steps = divided([height, width], size)?;
                let group = |place: usize| {
                    let (row, column) = (place / steps[1], place % steps[1]);
                    let token = |cell: usize| {
                        (cell / size[1] * steps[0] + row) * width + cell % size[1] * steps[1] + column
                    };
                    Group { tokens: (0..size[0] * size[1]).map(token).collect(), regions: Vec::new() }
                };
                Some((0..steps[0] * steps[1]).map(group).collect())
            }
        }
    }
}

/// How often a size fits, if it does so exactly.
fn divided(plane: [usize; 2], size: [usize; 2]) -> Option<[usize; 2]> {
    let fits = (0..2).all(|axis| plane[axis] > 0 && plane[axis].is_multiple_of(size[axis]));
    fits.then(|| [plane[0] / size[0], plane[1] / size[1]])
}

fn windows(own: [usize; 2], size: [usize; 2], counts: [usize; 2], shift: [usize; 2]) -> Vec<Group> {
    let plane = [size[0] * counts[0], size[1] * counts[1]];
    let is_rolled = shift != [0, 0];
    // Along an axis of the rolled plane: before the last window, in it, and what came round.
    let part = |axis: usize, at: usize| match shift[axis] {
        0 => 0,
        shift => usize::from(at + size[axis] >= plane[axis]) + usize::from(at + shift >= plane[axis]),
    };
    let group = |window: usize| {
        let first = [window / counts[1] * size[0], window % counts[1] * size[1]];
        let places = (0..size[0] * size[1]).map(|i| [first[0] + i / size[1], first[1] + i % size[1]]);
        let token = |[row, column]: [usize; 2]| {
            let [row, column] = [(row + shift[0]) % plane[0], (column + shift[1]) % plane[1]];
            if row < own[0] && column < own[1] { row * own[1] + column } else { own[0] * own[1] }
        };
        let region = |[row, column]: [usize; 2]| 3 * part(0, row) + part(1, column);
        let regions = if is_rolled { places.clone().map(region).collect() } else { Vec::new() };
        Group { tokens: places.map(token).collect(), regions }
    };
    (0..counts[0] * counts[1]).map(group).collect()
}
