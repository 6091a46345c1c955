//! Which images belong together.

use cdes::ImageSource;
use datasets::{Dataset, ImageSet, Look};

use super::Experiment;
use crate::launch::UnusableFlags;

/// Whose images a kernel set is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One class.
    Class(usize),
    /// All of them.
    All,
}

impl Scope {
    /// The folder of its kernels.
    pub(crate) fn folder(self) -> String {
        match self {
            Self::Class(class) => format!("class{class}"),
            Self::All => "all_class".to_owned(),
        }
    }

    /// What people read.
    pub(crate) fn label(self, classes: &[String]) -> String {
        match self {
            Self::Class(class) => format!("class {class} ({})", classes[class]),
            Self::All => "all classes".to_owned(),
        }
    }

    fn holds(self, label: u32) -> bool {
        match self {
            Self::Class(class) => class == label as usize,
            Self::All => true,
        }
    }

    /// The places of its images in a set, in the set's own order.
    pub(crate) fn of(self, set: &ImageSet) -> Vec<usize> {
        (0..set.len()).filter(|&index| self.holds(set.labels()[index])).collect()
    }

    /// Classes are told apart by it where something random is drawn for each.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Class(class) => class as u64,
            Self::All => 0,
        }
    }

    /// A seed of its own.
    pub(crate) fn seed(self, seed: u64) -> u64 {
        seed.wrapping_add(self.number())
    }
}

/// The kernel sets of an experiment.
pub(crate) fn scopes(experiment: Experiment, classes: usize) -> Vec<Scope> {
    match experiment {
        Experiment::Scr => (0..classes).map(Scope::Class).collect(),
        Experiment::Wcr => vec![Scope::All],
    }
}

/// Which images kernels are fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Training and test images, as published.
    All,
    /// Training images alone.
    Train,
}

/// The images of a scope, out of a data set in memory.
#[derive(Debug)]
pub(crate) struct Images<'a> {
    dataset: &'a Dataset,
    /// Places in the training set, and beyond it in the test set.
    places: Vec<usize>,
}

impl<'a> Images<'a> {
    /// # Errors
    /// If there are none.
    pub(crate) fn new(dataset: &'a Dataset, scope: Scope, part: Part) -> anyhow::Result<Self> {
        let mut places = scope.of(&dataset.train);
        if part == Part::All {
            places.extend(scope.of(&dataset.test).into_iter().map(|place| dataset.train.len() + place));
        }
        if places.is_empty() {
            let label = scope.label(dataset.train.classes());
            return Err(UnusableFlags(format!(
                "{label} has no images among the {} of {}: raise --limit-train, or fit one kernel set for all classes with \
                 --exp_name WCR",
                dataset.train.len() + dataset.test.len(),
                dataset.name
            ))
            .into());
        }
        Ok(Self { dataset, places })
    }

    /// The first of them, (N, 3, H, W).
    pub(crate) fn first(&self, count: usize) -> (usize, Vec<f32>) {
        let (count, size) = (count.min(self.places.len()), self.dataset.train.shape().len());
        let mut pixels = vec![0.0; count * size];
        pixels.chunks_exact_mut(size).enumerate().for_each(|(index, pixels)| self.write(index, pixels));
        (count, pixels)
    }
}

impl ImageSource for Images<'_> {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn size(&self) -> [usize; 2] {
        let shape = self.dataset.train.shape();
        [shape.height, shape.width]
    }

    fn write(&self, index: usize, pixels: &mut [f32]) {
        let (place, train) = (self.places[index], self.dataset.train.len());
        let written = match place.checked_sub(train) {
            None => self.dataset.train.write(place, Look::Plain, pixels),
            Some(place) => self.dataset.test.write(place, Look::Plain, pixels),
        };
        written.expect("images in memory can be read");
    }
}

#[cfg(test)]
mod tests {
    use datasets::synthetic::Synthetic;

    use super::*;

    #[test]
    fn a_class_has_its_images_of_both_parts() -> anyhow::Result<()> {
        let data = Synthetic { seed: 0, train: 40, test: 20 }.generate();
        let images = Images::new(&data, Scope::Class(3), Part::All)?;
        let (train, test) = (Scope::Class(3).of(&data.train), Scope::Class(3).of(&data.test));
        assert_eq!(images.len(), train.len() + test.len());
        let mut pixels = vec![0.0; 3072];
        images.write(images.len() - 1, &mut pixels);
        let last = *test.last().expect("a test image");
        let expected: Vec<f32> =
            data.test.bytes(last).expect("in memory").iter().map(|&byte| f32::from(byte) / 255.0).collect();
        assert_eq!(pixels, expected);
        assert_eq!(Images::new(&data, Scope::All, Part::Train)?.len(), 40);
        Ok(())
    }

    #[test]
    fn a_class_without_images_is_told() {
        let data = Synthetic { seed: 0, train: 1, test: 1 }.generate();
        let missing = (0..10).find_map(|class| Images::new(&data, Scope::Class(class), Part::All).err());
        let message = missing.expect("nine classes have none").to_string();
        assert!(message.contains("has no images") && message.contains("WCR"), "{message}");
    }
}
