//! The images of one kernel set.

use cdes::ImageSource;
use datasets::{Dataset, Look};

use super::settings::FitOn;
use crate::{Error, experiment::Scope};

/// The images of a scope, out of a data set in memory.
#[derive(Debug)]
pub(super) struct ScopeImages<'a> {
    dataset: &'a Dataset,
    /// Positions in the training set, and beyond it in the test set.
    positions: Vec<usize>,
}

impl<'a> ScopeImages<'a> {
    /// # Errors
    /// [`Error::NoImages`] if there are none.
    pub(super) fn new(dataset: &'a Dataset, scope: Scope, fit_on: FitOn) -> Result<Self, Error> {
        let mut positions = scope.positions(&dataset.train);
        if fit_on == FitOn::All {
            let test = scope.positions(&dataset.test).into_iter();
            positions.extend(test.map(|position| dataset.train.len() + position));
        }
        if positions.is_empty() {
            let label = scope.label(dataset.train.classes());
            let images = dataset.train.len() + dataset.test.len();
            return Err(Error::NoImages { label, images, dataset: dataset.name.clone() });
        }
        Ok(Self { dataset, positions })
    }

    /// The first of them, (N, 3, H, W).
    pub(super) fn first(&self, count: usize) -> (usize, Vec<f32>) {
        let (count, size) = (count.min(self.positions.len()), self.dataset.train.shape().len());
        let mut pixels = vec![0.0; count * size];
        pixels.chunks_exact_mut(size).enumerate().for_each(|(index, pixels)| self.write(index, pixels));
        (count, pixels)
    }
}

impl ImageSource for ScopeImages<'_> {
    fn len(&self) -> usize {
        self.positions.len()
    }

    fn size(&self) -> [usize; 2] {
        let shape = self.dataset.train.shape();
        [shape.height, shape.width]
    }

    fn write(&self, index: usize, pixels: &mut [f32]) {
        let (position, train) = (self.positions[index], self.dataset.train.len());
        let written = match position.checked_sub(train) {
            None => self.dataset.train.write(position, Look::Plain, pixels),
            Some(position) => self.dataset.test.write(position, Look::Plain, pixels),
        };
        written.expect("images in memory can be read");
    }
}

#[cfg(test)]
mod tests {
    use datasets::synthetic::Synthetic;

    use super::*;

    #[test]
    fn a_class_has_its_images_of_both_parts() -> Result<(), Error> {
        let data = Synthetic { seed: 0, train: 40, test: 20 }.generate();
        let images = ScopeImages::new(&data, Scope::Class(3), FitOn::All)?;
        let (train, test) = (Scope::Class(3).positions(&data.train), Scope::Class(3).positions(&data.test));
        assert_eq!(images.len(), train.len() + test.len());
        let mut pixels = vec![0.0; 3072];
        images.write(images.len() - 1, &mut pixels);
        let last = *test.last().expect("a test image");
        let expected: Vec<f32> =
            data.test.bytes(last).expect("in memory").iter().map(|&byte| f32::from(byte) / 255.0).collect();
        assert_eq!(pixels, expected);
        assert_eq!(ScopeImages::new(&data, Scope::All, FitOn::Train)?.len(), 40);
        Ok(())
    }

    #[test]
    fn a_class_without_images_is_an_error() {
        let data = Synthetic { seed: 0, train: 1, test: 1 }.generate();
        let missing =
            (0..10).find_map(|class| ScopeImages::new(&data, Scope::Class(class), FitOn::All).err());
        let message = missing.expect("eight classes have none").to_string();
        assert!(message.contains(") has no images among the 2 of synthetic"), "{message}");
    }
}
