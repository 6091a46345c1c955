//! The tensors of candle-datasets as images.

use std::sync::Arc;

use candle_core::{DType, Tensor};
use candle_datasets::vision;

use crate::{Dataset, Error, ImageSet, ImageShape, Pixels};

/// The order of the last two axes of candle-datasets' tensors of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Axes {
    /// (N, C, H, W), or (N, H · W) of grey squares: what `load_dir` and the loaders of MNIST give.
    RowsColumns,
    /// (N, C, W, H): what `vision::cifar::load` of candle-datasets 0.11.1 gives.
    ColumnsRows,
}

/// How far from a byte, in bytes, a pixel may be that was one.
const NEAR: f32 = 1e-3;

/// Tensors of one part, with their names.
struct Tensors<'a> {
    images: (&'static str, &'a Tensor),
    labels: (&'static str, &'a Tensor),
}

impl Dataset {
    /// The images of a data set of candle-datasets, copied.
    ///
    /// Pixels are in [0, 1]. If all of them are bytes divided by 255, they are stored as bytes. `classes[label]` is the name of
    /// a class.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use candle_datasets::vision;
    /// use datasets::{Dataset, hub::Axes};
    ///
    /// let image = Tensor::new(&[0.0f32, 0.2, 0.4, 0.6, 0.8, 1.0], &Device::Cpu)?.reshape((1, 1, 2, 3))?;
    /// let label = Tensor::new(&[1u8], &Device::Cpu)?;
    /// let data = vision::Dataset {
    ///     train_images: image.clone(),
    ///     train_labels: label.clone(),
    ///     test_images: image,
    ///     test_labels: label,
    ///     labels: 2,
    /// };
    /// let classes = ["dark", "light"].map(String::from);
    /// let rows = Dataset::from_candle(&data, Axes::RowsColumns, classes.to_vec())?;
    /// assert_eq!(*rows.train.bytes(0)?, [0, 51, 102, 153, 204, 255]);
    /// // The same numbers as two columns of three rows are three rows of two.
    /// let columns = Dataset::from_candle(&data, Axes::ColumnsRows, classes.to_vec())?;
    /// assert_eq!((columns.train.shape().height, columns.train.shape().width), (3, 2));
    /// assert_eq!(*columns.train.bytes(0)?, [0, 153, 51, 204, 102, 255]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Tensor`] if a tensor has another shape or values, or there are not as many names as `data` has labels;
    /// [`Error::PixelCount`] or [`Error::Label`] if images and labels do not fit.
    pub fn from_candle(data: &vision::Dataset, axes: Axes, classes: Vec<String>) -> Result<Self, Error> {
        if classes.len() != data.labels {
            let (found, expected) = (format!("{} names", classes.len()), format!("{} of them", data.labels));
            return Err(Error::Tensor { name: "classes", found, expected });
        }
        let classes: Arc<[String]> = classes.into();
        let train = Tensors {
            images: ("train_images", &data.train_images),
            labels: ("train_labels", &data.train_labels),
        };
        let test = Tensors {
            images: ("test_images", &data.test_images),
            labels: ("test_labels", &data.test_labels),
        };
        Ok(Self {
            name: "candle".to_owned(),
            train: train.set(axes, Arc::clone(&classes))?,
            test: test.set(axes, classes)?,
            notes: Vec::new(),
        })
    }
}

impl Tensors<'_> {
    fn set(&self, axes: Axes, classes: Arc<[String]>) -> Result<ImageSet, Error> {
        let (shape, values) = self.pixels(axes)?;
        let (name, labels) = self.labels;
        let numbers = labels.to_dtype(DType::U32).and_then(|labels| labels.to_vec1::<u32>());
        let numbers = numbers.map_err(|_| unexpected(name, labels, "a tensor (N) of class numbers"))?;
        ImageSet::new(stored(values), numbers, classes, shape)
    }

    /// Shape and values of the images, (N, C, H, W) in [0, 1].
    fn pixels(&self, axes: Axes) -> Result<(ImageShape, Vec<f32>), Error> {
        let (name, tensor) = self.images;
        let wrong = || unexpected(name, tensor, "a tensor (N, C, H, W) or (N, H · W) of numbers in [0, 1]");
        let side = |values: usize| (values as f64).sqrt().round() as usize;
        let dims = match *tensor.dims() {
            [count, channels, rows, columns] => (count, channels, rows, columns),
            [count, values] if side(values).pow(2) == values => (count, 1, side(values), side(values)),
            _ => return Err(wrong()),
        };
        let images = tensor.to_dtype(DType::F32).and_then(|images| images.reshape(dims));
        let images = match axes {
            Axes::RowsColumns => images,
            Axes::ColumnsRows => images.and_then(|images| images.transpose(2, 3)),
        };
        let images = images.map_err(|_| wrong())?;
        let (_, channels, height, width) = images.dims4().map_err(|_| wrong())?;
        let values: Vec<f32> =
            images.flatten_all().and_then(|images| images.to_vec1()).map_err(|_| wrong())?;
        match values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            Some(value) => {
                let (found, expected) = (format!("the value {value}"), "numbers in [0, 1]".to_owned());
                Err(Error::Tensor { name, found, expected })
            }
            None => Ok((ImageShape { channels, height, width }, values)),
        }
    }
}

/// Pixels as bytes if they were bytes. candle's quotient by 255 may be off by its last bit.
fn stored(values: Vec<f32>) -> Pixels {
    let is_byte = |value: &f32| (255.0 * value - (255.0 * value).round()).abs() < NEAR;
    match values.iter().all(is_byte) {
        true => values.iter().map(|value| (255.0 * value).round() as u8).collect::<Vec<_>>().into(),
        false => values.into(),
    }
}

fn unexpected(name: &'static str, tensor: &Tensor, expected: &str) -> Error {
    let found = format!("a tensor {:?} of {}", tensor.dims(), tensor.dtype().as_str());
    Error::Tensor { name, found, expected: expected.to_owned() }
}
