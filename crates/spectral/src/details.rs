//! What a row of a gradient spectrum has beside the mean profile of all images.

use evaluation::{Sample, mean_difference_interval, mean_interval};
use serde::{Deserialize, Serialize};

use crate::RunningBands;

/// Mean and spread over some images by band.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeanSpectrum {
    /// How many images there are.
    pub images: usize,
    /// Their mean; zeros of no images.
    pub mean: Vec<f64>,
    /// The population standard deviation over images.
    pub std: Vec<f64>,
}

/// What else the gradients of a row were asked; what was not is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SpectrumDetails {
    /// The share of each ring in the energy of a gradient, Σ 1 over rings: of the same images as the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<MeanSpectrum>,
    /// The profiles of images that are taken for their own class, and of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Outcomes>,
    /// The profiles of each class's images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<MeanSpectrum>,
}

/// Profiles by what the network makes of an image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Of images that are taken for their own class.
    pub correct: MeanSpectrum,
    /// Of images that are taken for another.
    pub wrong: MeanSpectrum,
}

/// What a network makes of an image; as a difference, what the other is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Correct less wrong.
    Correct,
    /// Wrong less correct.
    Wrong,
}

impl MeanSpectrum {
    /// Of what a stream has seen.
    pub fn new(bands: &RunningBands) -> Self {
        Self { images: bands.count(), mean: bands.mean(), std: bands.std() }
    }

    /// The 95 % interval of each mean (Student's); absent of fewer than two images.
    ///
    /// ```
    /// let mut bands = spectral::RunningBands::new(1);
    /// [1.0, 2.0, 6.0].iter().for_each(|&value| bands.push(&[value]));
    /// let interval = spectral::MeanSpectrum::new(&bands).interval().expect("three images");
    /// // 3 ± 4.3027·√(7/3)
    /// assert!((interval[0][0] + 3.5724).abs() < 5e-5 && (interval[0][1] - 9.5724).abs() < 5e-5);
    /// ```
    pub fn interval(&self) -> Option<Vec<[f64; 2]>> {
        intervals(&self.mean, &self.std, self.images)
    }

    fn sample(&self, band: usize) -> Sample {
        Sample { mean: self.mean[band], std: self.std[band], count: self.images }
    }
}

impl Outcomes {
    /// The difference of the two means by band; absent where either has no images.
    pub fn difference(&self, from: Outcome) -> Option<Vec<f64>> {
        let (first, second) = self.in_order(from);
        let is_known = first.images > 0 && second.images > 0;
        is_known.then(|| first.mean.iter().zip(&second.mean).map(|(a, b)| a - b).collect())
    }

    /// Its 95 % interval (Welch's); absent where either has fewer than two images.
    ///
    /// ```
    /// use spectral::{MeanSpectrum, Outcome, Outcomes, RunningBands};
    /// let of = |values: &[f64]| {
    ///     let mut bands = RunningBands::new(1);
    ///     values.iter().for_each(|&value| bands.push(&[value]));
    ///     MeanSpectrum::new(&bands)
    /// };
    /// let outcomes = Outcomes { correct: of(&[1.0, 2.0, 6.0]), wrong: of(&[1.0, 3.0]) };
    /// assert_eq!(outcomes.difference(Outcome::Wrong), Some(vec![-1.0]));
    /// let [low, high] = outcomes.difference_interval(Outcome::Wrong).expect("two images of each")[0];
    /// assert!((low + 8.8555).abs() < 5e-4 && (high - 6.8555).abs() < 5e-4);
    /// ```
    pub fn difference_interval(&self, from: Outcome) -> Option<Vec<[f64; 2]>> {
        let (first, second) = self.in_order(from);
        let of_band = |band| mean_difference_interval(first.sample(band), second.sample(band));
        (0..first.mean.len().min(second.mean.len())).map(of_band).collect()
    }

    /// In how many bands that interval is beyond 0; absent where there is none.
    pub fn bands_that_differ(&self, from: Outcome) -> Option<usize> {
        let ends = self.difference_interval(from)?;
        Some(ends.iter().filter(|[low, high]| *low > 0.0 || *high < 0.0).count())
    }

    fn in_order(&self, from: Outcome) -> (&MeanSpectrum, &MeanSpectrum) {
        match from {
            Outcome::Correct => (&self.correct, &self.wrong),
            Outcome::Wrong => (&self.wrong, &self.correct),
        }
    }
}

impl Outcome {
    /// The difference in words.
    pub fn difference(self) -> &'static str {
        match self {
            Self::Correct => "correct − wrong",
            Self::Wrong => "wrong − correct",
        }
    }
}

/// Student's interval of each mean of so many images.
pub(crate) fn intervals(mean: &[f64], std: &[f64], images: usize) -> Option<Vec<[f64; 2]>> {
    mean.iter().zip(std).map(|(&mean, &std)| mean_interval(mean, std, images)).collect()
}
