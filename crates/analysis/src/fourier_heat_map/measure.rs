//! The Fourier heat map of a network.
//!
//! x̃ = x + v·r·U_k: a direction of the Fourier basis of length v is added to the pixels, before the normaliser, with a sign r = ±1
//! drawn for each image, channel and direction; x̃ is clipped to [0, 1] unless that is not wanted. H(k) is the share of images that the
//! network then takes for another class than their own. v is published for two sizes of images: 4 at 32×32 and 15.7 at 224×224.
//!
//! Beside it is what a single gradient of each image says of all directions: E Σ_c ⟨∂ℓ/∂x_c, v·U_k⟩², the mean square of the change of
//! the loss to first order, in nats², and how well it ranks them.
//!
//! With a goal of precision images are drawn without replacement, in an order that the seed says, the same for all directions. A
//! direction is left once its share of errors among *all* images is known to ± the goal, by an interval that keeps its coverage although
//! it says itself when to stop ([`PrecisionGoal`]).

use datasets::{Batch, ImageShape, Order};
use evaluation::{Accuracy, PrecisionGoal, spearman};
use models::Frozen;
use pipeline::out_of_memory;
use rand::Rng;
use random::Stream;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spectral::{RealFft2, RunningBands};

use super::{
    findings::{self, Waves},
    rings::Rings,
    row::FourierHeatMapRow,
};
use crate::{
    Error,
    measuring::{Directions, Findings, Measure, Subject, guesses, labels_differ, tensor},
};

/// The error rate of networks by direction of the Fourier basis.
///
/// ```
/// use analysis::{FourierHeatMap, Subject, measure_network};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let images = Synthetic { seed: 0, train: 0, test: 4 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let architecture: models::Architecture = "resnet20".parse()?;
/// let subject = Subject { images: &images, profile: &profile, network: architecture.into(), session: &session };
/// let network = fresh_network(architecture, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let measure = FourierHeatMap::new(&subject)?.within(1)?; // the inner 3×3 frequencies
/// let row = measure_network(&measure, &subject, &network)?;
/// assert_eq!(row.errors.len(), 5); // zero, and four pairs ±k
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FourierHeatMap {
    shape: ImageShape,
    batch_size: usize,
    norm: f32,
    window: Option<usize>,
    clip: bool,
    seed: u64,
    directions: Directions,
    rings: Rings,
    /// Images of the set.
    images: usize,
    /// When enough of them are drawn; absent where all are measured.
    goal: Option<PrecisionGoal>,
}

/// By image the class that it is taken for; and of images as they are, by image and direction, the first order.
type Found = (Vec<u32>, Vec<Vec<f64>>);

/// What is summed over images.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sums {
    pass: usize,
    images: u64,
    clean_errors: u64,
    errors: Vec<u64>,
    /// By direction: how many images were measured.
    seen: Vec<u64>,
    /// Images that were drawn for the directions which are not known, and the directions that are.
    drawn: u64,
    known: Vec<bool>,
    first_order: Vec<f64>,
    rings: RunningBands,
    /// By image of the batch and ring: directions with an error.
    in_batch: Vec<u32>,
}

/// The published lengths of the direction, and the sides of the images that they are for.
const SMALL: (f64, f64) = (4.0, 32.0);
const LARGE: (f64, f64) = (15.7, 224.0);
/// Up to this side images are small: all of their frequencies are measured.
const MOST_SMALL: usize = 64;
/// Of larger ones the inner 63×63, as published.
const WINDOW: usize = 31;

impl FourierHeatMap {
    /// As published for the subject's size of images: v in proportion to their side, clipped, seed 0; of images of more than 64 pixels
    /// the inner 63×63 frequencies.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub fn new(subject: &Subject<'_>) -> Result<Self, Error> {
        let shape = subject.images.shape();
        let (sides, side) = ([shape.height, shape.width], ((shape.height * shape.width) as f64).sqrt());
        RealFft2::<f64>::new(shape.height, shape.width)?;
        let is_small = sides.iter().all(|&side| side <= MOST_SMALL);
        let (norm, of_side) = if is_small { SMALL } else { LARGE };
        let window = (!is_small).then_some(WINDOW);
        let directions = Directions::new(sides, window);
        let rings = Rings::new(&directions, sides, window);
        let norm = (norm * side / of_side) as f32;
        let batch_size = subject.profile.batch_size.max(1);
        let images = subject.images.len();
        Ok(Self {
            shape,
            batch_size,
            norm,
            window,
            clip: true,
            seed: 0,
            directions,
            rings,
            images,
            goal: None,
        })
    }

    /// With as few images for each direction as it takes to know its error rate among all images to ±`half`, at 95 %: looked at after each
    /// batch.
    ///
    /// # Errors
    /// [`Error::Setting`] if that is not between 0 and ½.
    pub fn with_precision(self, half: f64) -> Result<Self, Error> {
        let goal = PrecisionGoal::new(half, self.images.max(1) as u64, self.batch_size as u64);
        let goal = goal.map_err(|_| Error::Setting {
            what: "precision goal",
            found: half.to_string(),
            expected: "a number from 0.002 to below 0.5".to_owned(),
        })?;
        Ok(Self { goal: Some(goal), ..self })
    }

    /// With directions of another length v, in units of pixels in [0, 1].
    ///
    /// # Errors
    /// [`Error::Setting`] if it is no positive number.
    pub fn with_norm(self, norm: f32) -> Result<Self, Error> {
        if norm.is_finite() && norm > 0.0 {
            return Ok(Self { norm, ..self });
        }
        let expected = "a number above 0".to_owned();
        Err(Error::Setting { what: "norm", found: norm.to_string(), expected })
    }

    /// Of frequencies whose parts are `window` at most.
    ///
    /// # Errors
    /// [`Error::Setting`] if that is zero, which is no frequency but the mean.
    pub fn within(self, window: usize) -> Result<Self, Error> {
        if window == 0 {
            let expected = "1 or more".to_owned();
            return Err(Error::Setting { what: "window", found: "0".to_owned(), expected });
        }
        let sides = [self.shape.height, self.shape.width];
        let directions = Directions::new(sides, Some(window));
        let rings = Rings::new(&directions, sides, Some(window));
        Ok(Self { window: Some(window), directions, rings, ..self })
    }

    /// With or without clipping to [0, 1].
    pub fn clipped(self, clip: bool) -> Self {
        Self { clip, ..self }
    }

    /// With signs of another seed.
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The length of the directions.
    pub fn norm(&self) -> f32 {
        self.norm
    }

    /// The pixels of a batch with a direction added.
    fn perturbed(&self, batch: &Batch, direction: usize) -> Vec<f32> {
        let wave = self.directions.basis(direction);
        let wave: Vec<f32> = wave.iter().map(|value| (f64::from(self.norm) * value) as f32).collect();
        let plane = wave.len();
        let mut pixels = batch.images.clone();
        let images = pixels.par_chunks_mut(plane * self.shape.channels).zip(&batch.indices);
        images.for_each(|(image, &index)| {
            let mut random = self.stream(direction, index).generator();
            for channel in image.chunks_mut(plane) {
                let sign = if random.random::<bool>() { 1.0 } else { -1.0 };
                for (pixel, wave) in channel.iter_mut().zip(&wave) {
                    *pixel += sign * wave;
                    if self.clip {
                        *pixel = pixel.clamp(0.0, 1.0);
                    }
                }
            }
        });
        pixels
    }

    fn stream(&self, direction: usize, image: usize) -> Stream {
        let (purpose, epoch) = (1, self.directions.key(direction));
        Stream { domain: *b"four", seed: self.seed, purpose, epoch, index: image as u64 }
    }

    /// The images as they are, and the first order of all directions.
    fn clean(&self, network: &Frozen, batch: &Batch) -> Result<Found, Error> {
        let clean = guesses(network, batch, batch.images.clone())?;
        let found = network.input_gradient(&tensor(batch, batch.images.clone())?, &batch.labels);
        let found = found.map_err(|error| out_of_memory(error, batch.len()))?;
        let gradient = found.gradient.flatten_all()?.to_vec1::<f32>()?;
        let plan = RealFft2::<f64>::new(self.shape.height, self.shape.width)?;
        // The gradient is that of the batch's mean.
        let scale = batch.len() as f64 * f64::from(self.norm);
        let of_image = |image: &[f32]| {
            let mut squares = vec![0.0; self.directions.len()];
            for channel in image.chunks(self.shape.height * self.shape.width) {
                let channel: Vec<f64> = channel.iter().map(|&value| scale * f64::from(value)).collect();
                let spectrum = plan.full(&channel);
                for (direction, square) in squares.iter_mut().enumerate() {
                    let real = spectrum[self.directions.coefficient(direction)].re;
                    *square += (self.directions.amplitude(direction) * real).powi(2);
                }
            }
            squares
        };
        Ok((clean, gradient.par_chunks(self.shape.len()).map(of_image).collect()))
    }

    fn add_clean(batch: &Batch, (clean, images): Found, sums: &mut Sums) {
        for squares in images {
            sums.first_order.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
        }
        sums.images += batch.len() as u64;
        sums.clean_errors += labels_differ(&clean, &batch.labels);
    }

    fn add_noisy(&self, batch: &Batch, direction: usize, found: &[u32], sums: &mut Sums) {
        let is_last = direction + 1 == self.directions.len();
        if !sums.known[direction] {
            sums.seen[direction] += batch.len() as u64;
            sums.errors[direction] += labels_differ(found, &batch.labels);
        }
        if self.goal.is_some() {
            if is_last {
                self.look(batch.len(), sums);
            }
            return;
        }
        let rings = self.rings.radii.len();
        if let Some(ring) = self.rings.of_direction[direction] {
            let wrong = found.iter().zip(&batch.labels).map(|(guess, label)| u32::from(guess != label));
            let rows = sums.in_batch.chunks_exact_mut(rings.max(1));
            rows.zip(wrong).for_each(|(row, wrong)| row[ring] += wrong);
        }
        if is_last {
            self.close_batch(batch.len(), sums);
        }
    }

    /// Looks at what is known, where that is due after a batch.
    fn look(&self, images: usize, sums: &mut Sums) {
        let Some(goal) = &self.goal else { return };
        let before = sums.drawn;
        sums.drawn += images as u64;
        if before / goal.every() != sums.drawn / goal.every() {
            for (known, (&errors, &seen)) in sums.known.iter_mut().zip(sums.errors.iter().zip(&sums.seen)) {
                *known |= goal.is_reached(errors, seen);
            }
        }
    }

    /// Each image's share of errors by ring, once all directions are through.
    fn close_batch(&self, images: usize, sums: &mut Sums) {
        let rings = self.rings.radii.len();
        if rings > 0 {
            for row in sums.in_batch.chunks_exact(rings).take(images) {
                let share = |(&wrong, &count): (&u32, &usize)| f64::from(wrong) / count as f64;
                sums.rings.push(&row.iter().zip(&self.rings.counts).map(share).collect::<Vec<_>>());
            }
        }
        sums.in_batch.fill(0);
    }
}

impl Measure for FourierHeatMap {
    const NAME: &'static str = "fourier-heat-map";
    type Sums = Sums;
    type Found = Found;
    type Row = FourierHeatMapRow;

    fn settings(&self) -> Value {
        let mut settings = json!({
            "norm": self.norm,
            "window": self.window,
            "clip": self.clip,
            "seed": self.seed,
            "sign": "±1 for each image, channel and direction",
            "added": "to pixels in [0, 1], before the normaliser",
        });
        if let Some(goal) = &self.goal {
            settings["precision_goal"] = json!(goal.half());
            settings["drawn"] = json!(format!(
                "images without replacement, the same order for all directions; intervals of the share of all {} images, Agresti & Coull's with z = {:.2}, by which 95 % hold it when drawing has stopped",
                self.images,
                goal.quantile()
            ));
        }
        settings
    }

    fn steps(&self) -> usize {
        1 + self.directions.len()
    }

    fn passes(&self) -> Vec<usize> {
        match self.goal {
            None => vec![self.steps()],
            Some(_) => vec![1, self.directions.len()],
        }
    }

    fn next_pass(&self, sums: &mut Sums) {
        sums.pass += 1;
    }

    fn order(&self, pass: usize) -> Order {
        if pass == 0 { Order::Sequential } else { Order::Shuffled { seed: self.seed, epoch: 0 } }
    }

    fn is_known(&self, sums: &Sums) -> bool {
        sums.pass > 0 && sums.known.iter().all(|&known| known)
    }

    fn start(&self) -> Sums {
        let (directions, rings) = (self.directions.len(), self.rings.radii.len());
        Sums {
            pass: 0,
            images: 0,
            clean_errors: 0,
            errors: vec![0; directions],
            seen: vec![0; directions],
            drawn: 0,
            known: vec![false; directions],
            first_order: vec![0.0; directions],
            rings: RunningBands::new(rings),
            in_batch: vec![0; self.batch_size * rings],
        }
    }

    fn is_shared(&self, pass: usize) -> bool {
        pass == 0
    }

    fn find(&self, network: &Frozen, batch: &Batch, step: usize, sums: &Sums) -> Result<Found, Error> {
        match direction(step, sums) {
            None => self.clean(network, batch),
            Some(direction) if sums.known[direction] => Ok(Found::default()),
            Some(direction) => Ok((guesses(network, batch, self.perturbed(batch, direction))?, Vec::new())),
        }
    }

    fn add(&self, batch: &Batch, step: usize, found: Found, sums: &mut Sums) {
        match direction(step, sums) {
            None => Self::add_clean(batch, found, sums),
            Some(direction) => self.add_noisy(batch, direction, &found.0, sums),
        }
    }

    fn row(&self, sums: Sums, _what: &str) -> Result<FourierHeatMapRow, Error> {
        let Sums { images, clean_errors, errors, seen, first_order, rings, .. } = sums;
        let first_order: Vec<f64> = first_order.iter().map(|sum| sum / images.max(1) as f64).collect();
        let of_direction = |(&wrong, &of): (&u64, &u64)| Accuracy { correct: wrong, of };
        let shares: Vec<Accuracy> = errors.iter().zip(&seen).map(of_direction).collect();
        let rates: Vec<f64> = shares.iter().map(|share| share.fraction().unwrap_or(0.0)).collect();
        let (ring_mean, ring_interval, intervals) = match &self.goal {
            None => {
                let (mean, interval) = Rings::measured(&rings);
                (mean, interval, Vec::new())
            }
            Some(goal) => {
                let ends: Vec<[f64; 2]> = shares.iter().map(|of| goal.interval(of.correct, of.of)).collect();
                let (mean, interval) = self.rings.drawn(&shares, &ends);
                (mean, interval, ends)
            }
        };
        Ok(FourierHeatMapRow {
            images,
            clean_errors,
            rank_correlation: spearman(&rates, &first_order),
            errors,
            seen: if self.goal.is_some() { seen } else { Vec::new() },
            intervals,
            first_order,
            ring_interval,
            ring_mean,
        })
    }

    fn head(&self) -> String {
        let drawn = if self.goal.is_some() { "  % of all evaluations" } else { "" };
        format!(
            "clean error %  mean error %  lowest %  highest %  rank correlation with the first order{drawn}"
        )
    }

    fn line(&self, row: &FourierHeatMapRow) -> String {
        let FourierHeatMapRow { images, clean_errors, errors, rank_correlation, .. } = row;
        let percent = |errors: f64| 100.0 * errors / (*images).max(1) as f64;
        let rates: Vec<f64> = (0..errors.len()).map(|at| 100.0 * row.rate(at)).collect();
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = rates.iter().copied().fold(0.0, f64::max);
        let correlation = rank_correlation.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
        let clean = percent(*clean_errors as f64);
        let drawn = row.drawn_share().map_or_else(String::new, |share| format!("  {:20.1}", 100.0 * share));
        format!("{clean:13.2}  {mean:12.2}  {lowest:8.2}  {highest:9.2}  {correlation:>38}{drawn}")
    }

    fn findings(
        &self,
        rows: &[&FourierHeatMapRow],
        epochs: &[usize],
        subject: &str,
    ) -> Result<Findings, Error> {
        let waves = Waves { directions: &self.directions, radii: &self.rings.radii, norm: self.norm };
        findings::of(waves, rows, epochs, subject)
    }
}

/// The direction of a step; absent where it is of the images as they are, which a pass of its own has not.
fn direction(step: usize, sums: &Sums) -> Option<usize> {
    if sums.pass > 0 { Some(step) } else { step.checked_sub(1) }
}
