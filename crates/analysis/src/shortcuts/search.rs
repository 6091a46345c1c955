//! Which frequencies are left out, one at a time or square by square.

use crate::measuring::Directions;

/// Up to this side of images each direction is left out by itself.
const MOST_SINGLE: usize = 64;
/// The side of the first squares of larger images, in frequencies.
const FIRST_SIDE: usize = 16;
/// Squares that are cut into four, at each level.
const KEPT: usize = 64;

/// The units of frequencies that are left out, level by level. A unit is a square of the half plane of directions ±k; on the last level a
/// single direction.
///
/// Small images have one level, of all directions. Of larger ones the squares of 16×16 come first; the 64 that matter most to a class
/// are cut into four, down to single directions.
#[derive(Debug, Clone)]
pub(super) struct Search {
    levels: Vec<Level>,
    /// By direction: its place in the half plane.
    places: Vec<[usize; 2]>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    side: usize,
    units: usize,
}

/// The squares of a level, and what leaving them out does to each class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured<'a> {
    /// Row and column among squares of the level's side.
    pub(super) squares: &'a [[usize; 2]],
    /// By class: the rise of the loss for each square and direction in it.
    pub(super) rises: &'a [Vec<f64>],
}

impl Search {
    /// Of images of these sides.
    pub(super) fn new(image: [usize; 2], directions: &Directions) -> Self {
        let columns = image[1];
        let place = |direction: usize| {
            // Of ±k the one with the fewer rows is kept: rows are 0 and below.
            let [u, v] = directions.frequency(direction);
            [u.unsigned_abs() as usize, (v + (columns / 2) as i64) as usize]
        };
        let places: Vec<[usize; 2]> = (0..directions.len()).map(place).collect();
        if image.iter().all(|&side| side <= MOST_SINGLE) {
            return Self { levels: vec![Level { side: 1, units: places.len() }], places };
        }
        let first = squares(&places, FIRST_SIDE).len();
        let finer = (0..FIRST_SIDE.ilog2()).map(|level| Level {
            side: FIRST_SIDE >> (level + 1),
            units: 4 * KEPT.min(first << (2 * level)),
        });
        let levels = std::iter::once(Level { side: FIRST_SIDE, units: first }).chain(finer).collect();
        Self { levels, places }
    }

    /// How many units each level has.
    pub(super) fn units(&self) -> Vec<usize> {
        self.levels.iter().map(|level| level.units).collect()
    }

    /// The squares of the first level.
    pub(super) fn first(&self) -> Vec<[usize; 2]> {
        let side = self.levels[0].side;
        if side == 1 { self.places.clone() } else { squares(&self.places, side) }
    }

    /// The directions within a square of a level.
    pub(super) fn directions(&self, level: usize, square: [usize; 2]) -> Vec<usize> {
        let side = self.levels[level].side;
        let is_in = |place: &[usize; 2]| place.map(|at| at / side) == square;
        (0..self.places.len()).filter(|&direction| is_in(&self.places[direction])).collect()
    }

    /// The squares of the next level: quarters of those that come first for a class, the first of each class before the second of any.
    pub(super) fn next(&self, level: usize, measured: Measured<'_>) -> Vec<[usize; 2]> {
        let Measured { squares, rises } = measured;
        let mut best = vec![usize::MAX; squares.len()];
        for rises in rises {
            for (rank, at) in ranked(rises).into_iter().enumerate() {
                best[at] = best[at].min(rank);
            }
        }
        let mut order: Vec<usize> = (0..squares.len()).collect();
        order.sort_by_key(|&at| (best[at], at));
        let wanted = self.levels[level + 1].units;
        let quarters = |[row, column]: [usize; 2]| {
            [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[down, right]| [2 * row + down, 2 * column + right])
        };
        order.into_iter().flat_map(|at| quarters(squares[at])).take(wanted).collect()
    }
}

/// Places of values, the highest first; of equal ones the first.
pub(super) fn ranked(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    order
}

/// The squares of a side that hold any of these places, in order.
fn squares(places: &[[usize; 2]], side: usize) -> Vec<[usize; 2]> {
    let mut found: Vec<[usize; 2]> = places.iter().map(|place| place.map(|at| at / side)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(side: usize) -> (Directions, Search) {
        let directions = Directions::new([side, side], None);
        let search = Search::new([side, side], &directions);
        (directions, search)
    }

    #[test]
    fn small_images_lose_each_direction_by_itself() {
        let (directions, search) = search(32);
        assert_eq!(search.units(), [514]);
        let all = search.first();
        assert!((0..514).all(|at| search.directions(0, all[at]) == [at]) && directions.len() == 514);
    }

    #[test]
    fn squares_hold_each_direction_once_and_are_cut_down_to_it() {
        let (directions, search) = search(224);
        // 112 rows by 224 columns, and half of the last row, whose mirror image it is itself.
        assert_eq!(search.units(), [7 * 14 + 8, 256, 256, 256, 256]);
        let mut seen = vec![0; directions.len()];
        for square in search.first() {
            search.directions(0, square).into_iter().for_each(|direction| seen[direction] += 1);
        }
        assert!(seen.iter().all(|&times| times == 1));
        // A class that needs one direction alone: the square that holds it comes first on each level.
        let wanted = directions.len() / 3;
        let mut squares = search.first();
        for level in 0..4 {
            let rise = |square: &[usize; 2]| {
                f64::from(u8::from(search.directions(level, *square).contains(&wanted)))
            };
            let rises = [squares.iter().map(rise).collect::<Vec<_>>()];
            squares = search.next(level, Measured { squares: &squares, rises: &rises });
        }
        let last: Vec<Vec<usize>> =
            squares.iter().map(|&square| search.directions(4, square)).take(4).collect();
        assert!(last.contains(&vec![wanted]), "{last:?}");
        assert_eq!(search.levels[4].side, 1);
    }
}
