//! Images as they come in: checked once, then slices.

use candle_core::{DType, Device, Tensor};

use crate::{Error, reduce::are_finite};

/// Colours of an image.
pub(crate) const CHANNELS: usize = 3;

/// Size of a batch of images, (images, 3, height, width).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dims {
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Dims {
    /// Values of an image.
    pub(crate) fn image(&self) -> usize {
        CHANNELS * self.height * self.width
    }

    pub(crate) fn shape(&self) -> [usize; 4] {
        [self.images, CHANNELS, self.height, self.width]
    }
}

/// The values of a batch (B, 3, H, W) f32 that is not empty and has finite values alone; `what` names it in errors.
pub(crate) fn pixels(tensor: &Tensor, what: &'static str) -> Result<(Vec<f32>, Dims), Error> {
    let expected = "at least one image (B, 3, H, W)";
    let &[images, CHANNELS, height, width] = tensor.dims() else {
        return Err(refused(tensor, what, expected));
    };
    if tensor.elem_count() == 0 || tensor.dtype() != DType::F32 {
        return Err(refused(tensor, what, expected));
    }
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    let dims = Dims { images, height, width };
    check_finite(&values, dims, what)?;
    Ok((values, dims))
}

/// The values of a batch that must be as large as another one.
pub(crate) fn pixels_like(tensor: &Tensor, what: &'static str, dims: Dims) -> Result<Vec<f32>, Error> {
    let (values, found) = pixels(tensor, what)?;
    if found == dims { Ok(values) } else { Err(refused(tensor, what, &format!("{:?}", dims.shape()))) }
}

pub(crate) fn refused(tensor: &Tensor, what: &'static str, expected: &str) -> Error {
    let (found, dtype) = (tensor.dims().to_vec(), tensor.dtype());
    Error::Images { what, found, dtype, expected: expected.to_owned() }
}

/// Refuses values that are not finite and says where the first one is.
pub(crate) fn check_finite(values: &[f32], dims: Dims, what: &str) -> Result<(), Error> {
    if are_finite(values) {
        return Ok(());
    }
    let Some(at) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let (image, rest) = (at / dims.image(), at % dims.image());
    let (channel, pixel) = (rest / (dims.height * dims.width), rest % (dims.height * dims.width));
    let place = [image, channel, pixel / dims.width, pixel % dims.width];
    Err(Error::NotFinite { what: what.to_owned(), value: values[at].into(), place: format!("{place:?}") })
}

pub(crate) fn tensor(values: Vec<f32>, dims: Dims) -> Result<Tensor, Error> {
    Ok(Tensor::from_vec(values, &dims.shape(), &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_images_is_refused() -> Result<(), Error> {
        let refused = |dims: &[usize], dtype| -> Result<String, Error> {
            let tensor = Tensor::zeros(dims, dtype, &Device::Cpu)?;
            Ok(pixels(&tensor, "the batch").expect_err("no images").to_string())
        };
        let message = refused(&[2, 1, 4, 4], DType::F32)?;
        assert_eq!(
            message,
            "the batch: found [2, 1, 4, 4] F32, expected at least one image (B, 3, H, W) F32"
        );
        assert!(refused(&[0, 3, 4, 4], DType::F32)?.contains("[0, 3, 4, 4]"));
        assert!(refused(&[3, 4, 4], DType::F32)?.contains("[3, 4, 4]"));
        assert!(refused(&[2, 3, 4, 4], DType::F64)?.contains("F64"));
        Ok(())
    }

    #[test]
    fn a_value_that_is_no_number_is_named() -> Result<(), Error> {
        let mut values = vec![0.5; 2 * 3 * 4 * 5];
        values[60 + 20 + 5 + 2] = f32::NAN;
        let dims = Dims { images: 2, height: 4, width: 5 };
        let message = pixels(&tensor(values, dims)?, "images").expect_err("a NaN").to_string();
        assert!(message.contains("NaN") && message.contains("[1, 1, 1, 2]"), "{message}");
        Ok(())
    }
}
