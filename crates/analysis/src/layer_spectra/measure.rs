//! Layer spectra: how much of high frequencies each block of a network leaves.
//!
//! z is what a block leaves of an image: planes, or tokens as the pixels of their grid, learned tokens left out. A(ω) = log E|F z| along the
//! diagonal from the centre of the spectrum (ω = 0) to its corner (ω = π), E over images and channels, F unitary. Results are A(ω) − A(0), and
//! Δ = A(π) − A(0) of each block, in nats: the lower, the less of the highest frequencies is left. On planes of odd sides the last
//! frequency is the highest that they have. Intervals are by a Poisson bootstrap over images.

use datasets::Batch;
use models::Frozen;
use pipeline::out_of_memory;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    diagonal::{Planes, amplitudes, frequencies},
    findings,
    row::{BlockSpectrum, LayerSpectraRow},
};
use crate::{
    Error,
    measuring::{Findings, Measure, Resampled, tensor},
};

/// How much of high frequencies each block of a network leaves.
///
/// ```
/// use analysis::{LayerSpectra, Subject, measure_network};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let images = Synthetic { seed: 0, train: 0, test: 4 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let architecture: models::Architecture = "resnet20".parse()?;
/// let subject = Subject { images: &images, profile: &profile, network: architecture.into(), session: &session };
/// let network = fresh_network(architecture, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let row = measure_network(&LayerSpectra::new(0), &subject, &network)?;
/// assert_eq!((row.blocks.len(), row.blocks[8].size), (9, [8, 8]));
/// assert_eq!(row.blocks[8].log_amplitude.len(), 5); // 0, π/4, … π
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LayerSpectra {
    seed: u64,
}

/// What is summed over images.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sums {
    images: u64,
    /// Known after the first batch.
    found: Option<Blocks>,
}

/// What the network's blocks are, and the sums of their amplitudes one after the other.
#[derive(Debug, Serialize, Deserialize)]
struct Blocks {
    names: Vec<String>,
    sizes: Vec<[usize; 2]>,
    sums: Vec<f64>,
    resampled: Resampled,
}

/// What blocks leave of a batch: their names, rows and columns; and by image the amplitudes of all.
type Left = (Vec<String>, Vec<(usize, usize)>, Vec<Vec<f64>>);

impl LayerSpectra {
    /// With intervals of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// What blocks leave of a batch.
    fn of_batch(network: &Frozen, batch: &Batch) -> Result<Left, Error> {
        let (all_names, mut names, mut sizes) = (network.blocks(), Vec::new(), Vec::new());
        let (mut numbers, mut failed) = (vec![Vec::new(); batch.len()], None);
        let outcome = network.visit_blocks(&tensor(batch, batch.images.clone())?, |block, values| {
            let (images, _, rows, columns) = values.dims4()?;
            let (values, size) = (values.flatten_all()?.to_vec1::<f32>()?, [rows, columns]);
            if frequencies(size).is_none() {
                return Ok(());
            }
            match amplitudes(Planes { values: &values, images, size }) {
                Ok(all) => numbers.iter_mut().zip(all).for_each(|(own, more)| own.extend(more)),
                Err(error) => failed = Some(error),
            }
            names.push(all_names[block].clone());
            sizes.push((rows, columns));
            Ok(())
        });
        outcome.map_err(|error| out_of_memory(error, batch.len()))?;
        failed.map_or(Ok((names, sizes, numbers)), Err)
    }
}

impl Measure for LayerSpectra {
    const NAME: &'static str = "layer-spectra";
    type Sums = Sums;
    type Found = Left;
    type Row = LayerSpectraRow;

    fn settings(&self) -> Value {
        json!({
            "seed": self.seed,
            "blocks": "sums of residual blocks; where there are none, concatenations of dense ones; else rectified layers",
            "quantity": "log of the mean of |F z| over images and channels, F unitary, along the diagonal, less its value at zero",
        })
    }

    fn start(&self) -> Sums {
        Sums { images: 0, found: None }
    }

    fn find(&self, network: &Frozen, batch: &Batch, _step: usize, _sums: &Sums) -> Result<Left, Error> {
        Self::of_batch(network, batch)
    }

    fn add(&self, batch: &Batch, _step: usize, (names, sizes, numbers): Left, sums: &mut Sums) {
        let sizes: Vec<[usize; 2]> = sizes.into_iter().map(<[usize; 2]>::from).collect();
        let count = sizes.iter().filter_map(|&size| frequencies(size)).sum::<usize>();
        let found = sums.found.get_or_insert_with(|| {
            let resampled = Resampled::new(count, self.seed);
            Blocks { names, sizes, sums: vec![0.0; count], resampled }
        });
        for (own, &image) in numbers.iter().zip(&batch.indices) {
            found.sums.iter_mut().zip(own).for_each(|(sum, value)| *sum += value);
            found.resampled.push(image, own);
        }
        sums.images += batch.len() as u64;
    }

    fn row(&self, sums: Sums, what: &str) -> Result<LayerSpectraRow, Error> {
        let Sums { images, found } = sums;
        let Some(found) = found.filter(|found| !found.names.is_empty()) else {
            return Err(Error::NoBlocks { what: what.to_owned() });
        };
        let mut first = 0;
        let blocks = found.names.iter().zip(&found.sizes).map(|(name, &size)| {
            let (from, count) = (first, frequencies(size).unwrap_or(0));
            first += count;
            let ratio = |sums: &[f64], at: usize| {
                let ratio = (sums.get(from + at)? / sums.get(from)?).ln();
                ratio.is_finite().then_some(ratio)
            };
            let log_amplitude: Vec<Option<f64>> = (0..count).map(|at| ratio(&found.sums, at)).collect();
            let delta = log_amplitude.last().copied().flatten();
            let delta_interval = delta.and_then(|_| found.resampled.interval(|sums| ratio(sums, count - 1)));
            BlockSpectrum { name: name.clone(), size, log_amplitude, delta, delta_interval }
        });
        Ok(LayerSpectraRow { images, blocks: blocks.collect() })
    }

    fn head(&self) -> String {
        "blocks  Δ of the first  of the last  lowest Δ, in nats, of".to_owned()
    }

    fn line(&self, row: &LayerSpectraRow) -> String {
        let number = |delta: Option<f64>| delta.map_or_else(|| "–".to_owned(), |delta| format!("{delta:.2}"));
        let delta = |block: Option<&BlockSpectrum>| number(block.and_then(|block| block.delta));
        let known = row.blocks.iter().filter(|block| block.delta.is_some());
        let lowest = known.min_by(|a, b| a.delta.unwrap_or(0.0).total_cmp(&b.delta.unwrap_or(0.0)));
        let name = lowest.map_or("", |block| block.name.as_str());
        let [first, last] = [row.blocks.first(), row.blocks.last()].map(delta);
        format!("{:6}  {first:>14}  {last:>11}  {:>8}  {name}", row.blocks.len(), delta(lowest))
    }

    fn findings(
        &self,
        rows: &[&LayerSpectraRow],
        epochs: &[usize],
        subject: &str,
    ) -> Result<Findings, Error> {
        findings::of(rows, epochs, subject)
    }
}
