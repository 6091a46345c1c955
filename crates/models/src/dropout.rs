//! Which values dropout keeps: one rule for every engine.
//!
//! Sixteen random bits decide about a value: it is kept if they make a number of at least rate · 65536. The bits follow from the
//! seed, the training step, the layer, the image's place in the batch and the value's place in the image, by SplitMix64's
//! finaliser; not from the device, the engine, or the number of threads.
//!
//! Four calls give the bits of sixteen images at one place, which is how the CPU engine lays values out.

/// Images whose bits are drawn together.
const TOGETHER: usize = 16;

/// What the random bits of one training step follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StepKey(u64);

impl StepKey {
    /// The key of a training step.
    pub(crate) fn new(seed: u64, step: u64) -> Self {
        Self(
            seed.wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(32)
                ^ step.wrapping_mul(0x94D0_49BB_1331_11EB),
        )
    }
}

/// Which values one dropout layer keeps in one training step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    key: u64,
    /// The smallest number that is kept.
    least: u64,
}

impl Kept {
    /// Of the layer with this number in the graph, which drops this share of its values.
    pub(crate) fn new(StepKey(step): StepKey, layer: usize, rate: f32) -> Self {
        let key = step ^ (layer as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Self { key, least: (rate * 65536.0).round() as u64 }
    }

    /// Of sixteen images, a bit each. Of F values an image, `place` is that of value f in the images 16 b to 16 b + 15: b · F + f.
    pub(crate) fn of_sixteen(self, place: u64) -> u16 {
        let word = |index: usize| mixed(self.key ^ mixed(place * 4 + index as u64));
        let words: [u64; 4] = std::array::from_fn(word);
        (0..TOGETHER).fold(0, |bits, image| {
            let number = words[image / 4] >> (image % 4 * 16) & 0xFFFF;
            bits | u16::from(number >= self.least) << image
        })
    }

    /// For each of `features` values of each image, image by image, whether it is kept. The images are those from a block of sixteen of
    /// the batch on.
    pub(crate) fn of_images(self, first_block: usize, images: usize, features: usize) -> Vec<bool> {
        let mut kept = vec![false; images * features];
        for (block, kept) in kept.chunks_mut(TOGETHER * features.max(1)).enumerate() {
            for feature in 0..features {
                let bits = self.of_sixteen(((first_block + block) * features + feature) as u64);
                let of_feature = kept[feature..].iter_mut().step_by(features);
                of_feature.enumerate().for_each(|(image, kept)| *kept = bits >> image & 1 == 1);
            }
        }
        kept
    }
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of the argument.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use kernels::blocked::{Arena, Blocked, Dims, InstructionSet, dropout};

    use super::*;

    const DIMS: Dims = Dims { images: 37, channels: 11, height: 9, width: 13 };
    const FEATURES: usize = 11 * 9 * 13;

    fn kept(step: u64, layer: usize, rate: f32) -> Vec<bool> {
        Kept::new(StepKey::new(3, step), layer, rate).of_images(0, DIMS.images, FEATURES)
    }

    fn share(kept: &[bool]) -> f64 {
        kept.iter().filter(|&&kept| kept).count() as f64 / kept.len() as f64
    }

    /// To four standard deviations.
    #[test]
    fn as_many_are_kept_as_the_rate_says() {
        assert!(kept(0, 1, 0.0).iter().all(|&kept| kept));
        for rate in [0.2, 0.5, 0.9f32] {
            let found = share(&kept(0, 1, rate));
            let (rate, count) = (f64::from(rate), (DIMS.images * FEATURES) as f64);
            let deviation = (rate * (1.0 - rate) / count).sqrt();
            assert!((found - (1.0 - rate)).abs() <= 4.0 * deviation, "{found} kept at a rate of {rate}");
        }
    }

    #[test]
    fn steps_layers_and_images_are_independent() {
        let first = kept(0, 1, 0.5);
        assert_eq!(first, kept(0, 1, 0.5));
        let same = |a: &[bool], b: &[bool]| share(&a.iter().zip(b).map(|(a, b)| a == b).collect::<Vec<_>>());
        for (other, name) in [(kept(1, 1, 0.5), "step"), (kept(0, 2, 0.5), "layer")] {
            let common = same(&first, &other);
            assert!((common - 0.5).abs() < 0.02, "the next {name} has {common} in common");
        }
        let images: Vec<&[bool]> = first.chunks(FEATURES).collect();
        for (one, other) in [(0, 1), (0, 16), (3, 4), (15, 16)] {
            let common = same(images[one], images[other]);
            assert!((common - 0.5).abs() < 0.08, "images {one} and {other} have {common} in common");
        }
    }

    /// More images change nothing for those before them.
    #[test]
    fn an_image_keeps_the_same_in_a_larger_batch() {
        let rule = Kept::new(StepKey::new(3, 0), 1, 0.5);
        assert_eq!(rule.of_images(0, 5, FEATURES), kept(0, 1, 0.5)[..5 * FEATURES]);
        assert_eq!(rule.of_images(1, 5, FEATURES), kept(0, 1, 0.5)[16 * FEATURES..21 * FEATURES]);
    }

    /// The CPU engine's layout drops what the list says.
    #[test]
    fn vectors_of_sixteen_images_are_the_same_rule() {
        let (arena, rule) = (Arena::default(), Kept::new(StepKey::new(3, 7), 2, 0.4));
        let ones = Blocked::from_nchw(&vec![1.0; DIMS.images * FEATURES], DIMS, &arena);
        let (y, _) = dropout(&ones, 0.4, |place| rule.of_sixteen(place), InstructionSet::current(), &arena);
        let found: Vec<bool> = y.to_nchw().iter().map(|&value| value > 0.0).collect();
        assert_eq!(found, rule.of_images(0, DIMS.images, FEATURES));
    }
}
