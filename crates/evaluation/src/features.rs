//! Features of images, and how they separate classes.

use serde::{Deserialize, Serialize};

use crate::{Error, error::check_rows};

/// The features of images, one row each, with their labels.
///
/// ```
/// let mut features = evaluation::Features::new(2)?;
/// features.push(&[0.0, 0.0, 2.0, 0.0, 4.0, 6.0, 6.0, 6.0], &[0, 0, 1, 1])?;
/// let found = features.separation()?;
/// // Class means (1, 0) and (5, 6): variances 4 and 9. Within each class: variances 1 and 0.
/// assert_eq!((found.inter, found.intra), (6.5, 0.5));
/// assert_eq!(found.ratio(), Some(13.0));
/// # Ok::<(), evaluation::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    width: usize,
    values: Vec<f32>,
    labels: Vec<u32>,
}

/// How far apart classes are, and how wide; means over features.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Separation {
    /// Between classes: (1/D)·Σ_d of the variance of the class means, (1/C)·Σ_c (μ_cd − μ_d)², μ_d the mean of the class means.
    /// Classes weigh the same, however many images they have.
    pub inter: f64,
    /// Within classes: (1/D)·Σ_d (1/C)·Σ_c of the variance of class c, with divisor n_c.
    pub intra: f64,
}

impl Separation {
    /// inter / intra; absent where classes have no width.
    pub fn ratio(self) -> Option<f64> {
        let ratio = self.inter / self.intra;
        ratio.is_finite().then_some(ratio)
    }
}

impl Features {
    /// For rows of a width; there are none yet.
    ///
    /// # Errors
    /// If the width is zero.
    pub fn new(width: usize) -> Result<Self, Error> {
        if width == 0 {
            return Err(Error::TooFew { what: "features an image", found: 0, least: 1 });
        }
        Ok(Self { width, values: Vec::new(), labels: Vec::new() })
    }

    /// Adds a batch: (N, width) and a label each image.
    ///
    /// # Errors
    /// If the numbers are not a row an image, or one is not finite; then nothing is added.
    pub fn push(&mut self, values: &[f32], labels: &[u32]) -> Result<(), Error> {
        check_rows("features", values, self.width, labels.len())?;
        self.values.extend_from_slice(values);
        self.labels.extend_from_slice(labels);
        Ok(())
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Numbers a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All rows, (N, width).
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The label of each row.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The mean of each row: how active an image's features are. (N).
    ///
    /// ```
    /// let mut features = evaluation::Features::new(2)?;
    /// features.push(&[1.0, 2.0, 0.0, 5.0], &[0, 1])?;
    /// assert_eq!(features.mean_activation(), [1.5, 2.5]);
    /// # Ok::<(), evaluation::Error>(())
    /// ```
    pub fn mean_activation(&self) -> Vec<f64> {
        let sum = |row: &[f32]| row.iter().map(|&value| f64::from(value)).sum::<f64>();
        self.rows().map(|row| sum(row) / self.width as f64).collect()
    }

    /// The variance between and within the classes that have images.
    ///
    /// # Errors
    /// If fewer than two classes have.
    pub fn separation(&self) -> Result<Separation, Error> {
        let classes = self.classes();
        if classes.len() < 2 {
            return Err(Error::TooFew { what: "classes with images", found: classes.len(), least: 2 });
        }
        let means: Vec<Vec<f64>> = classes.iter().map(|rows| self.mean_of(rows)).collect();
        let centre = |at: usize| means.iter().map(|mean| mean[at]).sum::<f64>() / means.len() as f64;
        let between = |at: usize| {
            let centre = centre(at);
            means.iter().map(|mean| (mean[at] - centre).powi(2)).sum::<f64>()
        };
        let scale = (classes.len() * self.width) as f64;
        let inter = (0..self.width).map(between).sum::<f64>() / scale;
        let within = classes.iter().zip(&means).map(|(rows, mean)| self.squares_around(rows, mean));
        Ok(Separation { inter, intra: within.sum::<f64>() / scale })
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.width..][..self.width]
    }

    /// The rows of each class that has any, in the order of labels.
    fn classes(&self) -> Vec<Vec<usize>> {
        let mut by_label = std::collections::BTreeMap::<u32, Vec<usize>>::new();
        self.labels.iter().enumerate().for_each(|(row, &label)| by_label.entry(label).or_default().push(row));
        by_label.into_values().collect()
    }

    fn mean_of(&self, rows: &[usize]) -> Vec<f64> {
        let mut mean = vec![0.0; self.width];
        for &row in rows {
            mean.iter_mut().zip(self.row(row)).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        mean.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
        mean
    }

    /// The mean over rows of their squared distance to a point.
    fn squares_around(&self, rows: &[usize], point: &[f64]) -> f64 {
        let distance = |row: &usize| -> f64 {
            self.row(*row).iter().zip(point).map(|(&value, at)| (f64::from(value) - at).powi(2)).sum()
        };
        rows.iter().map(distance).sum::<f64>() / rows.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_weigh_the_same_however_many_images_they_have() -> Result<(), Error> {
        let mut features = Features::new(1)?;
        features.push(&[0.0, 0.0, 0.0, 0.0, 2.0, 4.0], &[5, 5, 5, 5, 1, 1])?;
        // Means 0 and 3 around 1.5; variances 0 and 1.
        assert_eq!(features.separation()?, Separation { inter: 2.25, intra: 0.5 });
        Ok(())
    }

    #[test]
    fn the_parts_sum_to_the_whole_where_classes_are_as_large() -> Result<(), Error> {
        let values: Vec<f32> = (0..60).map(|at| (at * 29 % 31) as f32 / 7.0).collect();
        let labels: Vec<u32> = (0..20).map(|at| at % 4).collect();
        let mut features = Features::new(3)?;
        features.push(&values, &labels)?;
        let Separation { inter, intra } = features.separation()?;
        let all: Vec<usize> = (0..20).collect();
        let whole = features.squares_around(&all, &features.mean_of(&all)) / 3.0;
        assert!((inter + intra - whole).abs() < 1e-12, "{inter} + {intra} = {whole}");
        Ok(())
    }

    #[test]
    fn what_does_not_separate_is_refused() -> Result<(), Error> {
        assert!(Features::new(0).is_err());
        let mut features = Features::new(1)?;
        features.push(&[1.0, 2.0], &[3, 3])?;
        assert!(matches!(features.separation(), Err(Error::TooFew { found: 1, least: 2, .. })));
        assert!(features.push(&[f32::INFINITY], &[0]).is_err() && features.push(&[1.0], &[]).is_err());
        assert_eq!((features.len(), Separation { inter: 1.0, intra: 0.0 }.ratio()), (2, None));
        Ok(())
    }
}
