//! Which image lends a part of itself to which.

use rand::Rng;

use crate::{
    Error,
    random::{Purpose, permutation, stream},
};

/// Draws attempted before the others are gone through one by one.
const DRAWS: usize = 1000;

/// A donor of another class for each image, every image being the donor of one: `labels[donors[i]] != labels[i]`, and the
/// donors (N), places in the set, are a permutation. The same seed gives the same donors.
///
/// A random permutation whose conflicts, images with a donor of their own class, are resolved one by one: two images of which
/// one is in conflict change donors. That always ends. If image i of class c has a donor of class c and c has n ≤ N/2
/// images, then n images are of class c and n have a donor of class c; i is in both groups, so they hold fewer than N images
/// together, and any other image can change donors with i: both then have one of another class.
///
/// ```
/// let labels = [0, 0, 1, 2, 1, 2];
/// let donors = datasets::donors(&labels, 7)?;
/// assert!((0..6).all(|image| labels[donors[image]] != labels[image]));
/// assert_eq!(donors.iter().sum::<usize>(), 0 + 1 + 2 + 3 + 4 + 5);
/// // Three of four images of a class find one of another class between them.
/// let error = datasets::donors(&[0, 5, 5, 5], 7).unwrap_err();
/// assert!(error.to_string().starts_with("class 5 has 3 of 4 images"));
/// # Ok::<(), datasets::Error>(())
/// ```
///
/// # Errors
/// [`Error::NoDonors`] if a class has more than half of the images: no such pairing exists.
pub fn donors(labels: &[u32], seed: u64) -> Result<Vec<usize>, Error> {
    check(labels)?;
    let count = labels.len();
    let mut rng = stream(seed, Purpose::Pairing, 0, 0);
    let mut donors = permutation(count, &mut rng);
    for image in 0..count {
        let class = labels[image];
        if labels[donors[image]] != class {
            continue;
        }
        let fits = |other: usize| labels[other] != class && labels[donors[other]] != class;
        let mut draw = || rng.random_range(0..count as u64) as usize; // u64: the same on every machine
        let drawn = (0..DRAWS).map(|_| draw()).find(|&other| fits(other));
        // Where few fit, draws may all miss them.
        let start = if drawn.is_some() { 0 } else { draw() };
        let other = drawn.or_else(|| (start..count).chain(0..start).find(|&other| fits(other)));
        donors.swap(image, other.expect("no class has more than half of the images"));
    }
    Ok(donors)
}

fn check(labels: &[u32]) -> Result<(), Error> {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    let largest = sorted.chunk_by(|a, b| a == b).max_by_key(|class| class.len());
    match largest {
        Some(class) if class.len() > labels.len() / 2 => {
            Err(Error::NoDonors { class: class[0], found: class.len(), images: labels.len() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_pairing(labels: &[u32], donors: &[usize]) -> bool {
        let mut used = donors.to_vec();
        used.sort_unstable();
        used.iter().copied().eq(0..labels.len())
            && donors.iter().zip(labels).all(|(&donor, label)| labels[donor] != *label)
    }

    proptest! {
        /// Classes of any sizes: paired if and only if none has more than half of the images.
        #[test]
        fn each_image_has_a_donor_of_another_class_of_its_own(
            sizes in prop::collection::vec(0usize..40, 1..6),
            seed: u64,
            is_mixed: bool,
        ) {
            let each = sizes.iter().enumerate();
            let mut labels: Vec<u32> = each.flat_map(|(class, &size)| vec![class as u32; size]).collect();
            if is_mixed {
                let order = permutation(labels.len(), &mut stream(seed, Purpose::Order, 1, 0));
                labels = order.iter().map(|&at| labels[at]).collect();
            }
            let largest = sizes.iter().copied().max().unwrap_or(0);
            match donors(&labels, seed) {
                Ok(donors) => {
                    prop_assert!(2 * largest <= labels.len());
                    prop_assert!(is_pairing(&labels, &donors));
                }
                Err(Error::NoDonors { found, images, .. }) => {
                    prop_assert!(2 * largest > labels.len());
                    prop_assert_eq!((found, images), (largest, labels.len()));
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            }
        }

        /// The hardest case: a class has exactly half of the images.
        #[test]
        fn half_of_the_images_may_be_of_one_class(half in 1usize..300, seed: u64) {
            let labels: Vec<u32> = (0..2 * half).map(|at| if at < half { 9 } else { at as u32 + 10 }).collect();
            prop_assert!(is_pairing(&labels, &donors(&labels, seed).expect("half are enough")));
        }
    }

    #[test]
    fn a_large_set_half_of_one_class_is_paired() -> Result<(), Error> {
        let labels: Vec<u32> = (0..20_000).map(|at| if at % 2 == 0 { 0 } else { 1 + at % 7 }).collect();
        assert!(is_pairing(&labels, &donors(&labels, 3)?));
        Ok(())
    }

    /// A class's low parts must not tell the class: its donors are of all other classes alike.
    #[test]
    fn donors_are_of_all_other_classes_alike() -> Result<(), Error> {
        let labels: Vec<u32> = (0..10_000).map(|at| at % 10).collect();
        let donors = donors(&labels, 0)?;
        let mut counts = [[0usize; 10]; 10];
        donors.iter().zip(&labels).for_each(|(&donor, &label)| {
            counts[label as usize][labels[donor] as usize] += 1;
        });
        // 111 expected with a standard deviation of about 10
        let off = (0..10).flat_map(|a| (0..10).map(move |b| (a, b))).filter(|(a, b)| a != b);
        assert!(off.into_iter().all(|(a, b)| (60..170).contains(&counts[a][b])), "{counts:?}");
        Ok(())
    }

    #[test]
    fn the_seed_decides() -> Result<(), Error> {
        let labels: Vec<u32> = (0..100).map(|at| at % 10).collect();
        assert_eq!(donors(&labels, 1)?, donors(&labels, 1)?);
        assert_ne!(donors(&labels, 1)?, donors(&labels, 2)?);
        assert!(donors(&[], 0)?.is_empty());
        assert!(matches!(donors(&[4], 0), Err(Error::NoDonors { class: 4, found: 1, images: 1 })));
        Ok(())
    }
}
