//! The embedded data set: pictures of leaves that fall on one another, nothing to download.
//!
//! Each image is a *dead leaves* picture (Lee, Mumford & Huang, *Occlusion models for natural images*, IJCV 41, 2001):
//! opaque shapes of all sizes at random places, later ones below earlier ones, with a density of sizes ∝ r⁻³. Such
//! pictures share the statistics of natural images: they look alike at every scale, and their power spectrum falls
//! roughly as 1/f².
//!
//! The class says what the leaves look like and how the picture is lit: one of five outlines, each with its light (a
//! coarse property: the lowest bands of a 32-pixel image tell it), and one of two textures, a fine one (stripes lie in
//! bands 8 to 11, checks in 11 to 16). A network tends to learn the coarse property first and the textures some epochs
//! later. Colours are drawn alike for all classes, so colour tells nothing.
//!
//! | | disc | square | diamond | beam | pillar |
//! |---|---|---|---|---|---|
//! | lit | in the middle | at the rim | from above | from below | at the sides |
//! | striped | 0 | 1 | 2 | 3 | 4 |
//! | checked | 5 | 6 | 7 | 8 | 9 |

mod leaf;
mod outline;
mod palette;
mod scene;
mod texture;

use std::{ops::Range, sync::Arc};

use rayon::prelude::*;

use self::{outline::Outline, texture::Texture};
use crate::{
    Dataset, ImageSet, ImageShape,
    random::{Purpose, stream},
};

/// Number of classes.
pub const CLASSES: usize = Outline::ALL.len() * Texture::ALL.len();

/// A seeded generator of 32×32 RGB images in ten classes.
///
/// Image i of a split is a function of (seed, split, i) alone: the first n images are the same whatever the number of
/// images, and the two splits share none. Image i is of class i mod 10. Only operations that IEEE 754 rounds exactly
/// are used (+ − × ÷ √), so the same seed gives the same bytes on every machine.
///
/// ```
/// use datasets::synthetic::Synthetic;
/// let data = Synthetic { seed: 0, train: 20, test: 10 }.generate();
/// assert_eq!((data.train.len(), data.test.len()), (20, 10));
/// assert_eq!(data.train.labels()[8..12], [8, 9, 0, 1]);
/// assert_eq!(data.train.classes()[0], "striped disc");
/// let more = Synthetic { seed: 0, train: 50, test: 0 }.generate();
/// assert_eq!(more.train.bytes(19).unwrap(), data.train.bytes(19).unwrap());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synthetic {
    /// Chooses the images.
    pub seed: u64,
    /// Number of training images.
    pub train: usize,
    /// Number of test images.
    pub test: usize,
}

impl Synthetic {
    /// Makes the images, in parallel.
    pub fn generate(&self) -> Dataset {
        let classes = classes();
        let set = |split, count| self.split(split, 0..count, Arc::clone(&classes));
        Dataset {
            name: "synthetic".into(),
            train: set(Purpose::SyntheticTrain, self.train),
            test: set(Purpose::SyntheticTest, self.test),
            notes: Vec::new(),
        }
    }

    /// Some of the test images, of which there are as many as one likes, in parallel.
    ///
    /// ```
    /// let set = datasets::synthetic::Synthetic { seed: 0, train: 0, test: 20 };
    /// let part = set.test_part(12..20);
    /// assert_eq!((part.len(), part.labels()[0]), (8, 2));
    /// assert_eq!(part.bytes(7).unwrap(), set.generate().test.bytes(19).unwrap());
    /// ```
    pub fn test_part(&self, images: Range<usize>) -> ImageSet {
        self.split(Purpose::SyntheticTest, images, classes())
    }

    fn split(&self, split: Purpose, images: Range<usize>, classes: Arc<[String]>) -> ImageSet {
        let shape = ImageShape::RGB32;
        let mut pixels = vec![0; images.len() * shape.len()];
        pixels.par_chunks_exact_mut(shape.len()).zip(images.clone()).for_each(|(out, index)| {
            let (outline, texture) = look(index % CLASSES);
            scene::paint(outline, texture, &mut stream(self.seed, split, 0, index as u64), out);
        });
        let labels = images.map(|index| (index % CLASSES) as u32).collect();
        ImageSet::new(pixels, labels, classes, shape).expect("as many pixels as the labels need")
    }
}

fn classes() -> Arc<[String]> {
    (0..CLASSES).map(name).collect()
}

/// What the leaves of a class look like.
fn look(class: usize) -> (Outline, Texture) {
    let outlines = Outline::ALL.len();
    (Outline::ALL[class % outlines], Texture::ALL[class / outlines])
}

fn name(class: usize) -> String {
    let (outline, texture) = look(class);
    format!("{} {}", texture.adjective(), outline.noun())
}
