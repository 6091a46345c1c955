//! What a data set must be to be made into another one.

use datasets::Dataset;

use crate::Error;

/// Colour planes of images that kernels and hybrids are made for.
const CHANNELS: usize = 3;

/// RGB images, all of one size; an empty part has no size.
///
/// # Errors
/// If they are not.
pub(crate) fn check(dataset: &Dataset) -> Result<(), Error> {
    let (train, test) = (dataset.train.shape(), dataset.test.shape());
    if train.channels == CHANNELS && (dataset.test.is_empty() || test == train) {
        return Ok(());
    }
    let (train, test) = (train.to_string(), test.to_string());
    Err(Error::Shapes { dataset: dataset.name.clone(), train, test })
}

/// The same images, decoded into memory where they are still in files: from then on each can be read.
///
/// # Errors
/// If they are not as [`check`] wants them, or one cannot be decoded.
pub(crate) fn in_memory(dataset: &Dataset) -> Result<Dataset, Error> {
    check(dataset)?;
    let (train, test) = (dataset.train.decoded()?, dataset.test.decoded()?);
    Ok(Dataset { name: dataset.name.clone(), train, test, notes: Vec::new() })
}

#[cfg(test)]
mod tests {
    use datasets::{ImageSet, ImageShape};

    use super::*;

    fn set(count: usize, channels: usize, side: usize) -> ImageSet {
        let shape = ImageShape { channels, height: side, width: side };
        let classes = vec!["all".to_owned()].into();
        ImageSet::new(vec![0u8; count * shape.len()], vec![0; count], classes, shape)
            .expect("images that fit")
    }

    #[test]
    fn images_of_one_size_in_colour_are_taken() {
        let check = |train: ImageSet, test: ImageSet| {
            check(&Dataset { name: "mine".into(), train, test, notes: Vec::new() })
        };
        assert!(check(set(2, 3, 8), set(1, 3, 8)).is_ok());
        assert!(check(set(2, 3, 8), set(0, 3, 9)).is_ok());
        let error = check(set(2, 3, 8), set(1, 3, 9)).expect_err("two sizes").to_string();
        assert_eq!(
            error,
            "mine: training images of 3×8×8, test images of 3×9×9, expected RGB images of one size"
        );
        assert!(check(set(2, 1, 8), set(1, 1, 8)).is_err());
    }
}
