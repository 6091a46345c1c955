//! Live spectra of anybody's training, in the run folder that the programs know.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use candle_core::{Device, Tensor};
use freqbias::{
    SpectrumDetails, SpectrumRow, SpectrumTable,
    analysis::RecordedSpectrum,
    runs::{Provenance, RunConfig, Settings, results},
    spectral::{Convention, MeanSpectrum, Profiler, Recipe, RunningBands},
    training::{Checkpoint, CheckpointInfo, RunFolder},
};
use numpy::{PyReadonlyArray4, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::{exceptions::PyValueError, prelude::*, sync::MutexExt};
use serde_json::{Map, Value, json};

use crate::{
    arrays::{dims, image_shape, slice},
    error::reported,
    gradient::GradientSpectrum,
    pool::{attached, detached},
};

/// What is recorded of a run: `freqbias.recording` is what is public.
#[pyclass(frozen, module = "freqbias._freqbias")]
pub(crate) struct Recorder {
    run: PathBuf,
    dataset: String,
    arch: String,
    normaliser: Option<Numbers>,
    /// Height and width of the images.
    size: [usize; 2],
    /// From which epoch on rows of the folder are of a run that was given up.
    forget_from: Option<usize>,
    profiler: Profiler,
    state: Mutex<State>,
}

/// What changes while it is recorded.
struct State {
    /// The density of the images, complete once the first row is there.
    images: RunningBands,
    recorded: Option<RecordedSpectrum>,
}

/// Mean and standard deviation per channel.
type Numbers = ([f32; 3], [f32; 3]);
/// Data set and architecture of a run folder, its normaliser, the epochs of its spectra, and those of its checkpoints.
type Recorded = (Option<(String, String)>, Option<Numbers>, Vec<usize>, Vec<usize>);
/// Weights by name.
type Weights<'py> = Vec<(String, PyReadonlyArrayDyn<'py, f32>)>;

/// What a run folder holds already.
#[pyfunction]
pub(crate) fn recorded(run: PathBuf) -> PyResult<Recorded> {
    if !run.exists() {
        return Ok((None, None, Vec::new(), Vec::new()));
    }
    let path = results::live_folder(&run).join(results::SPECTRUM).with_extension("json");
    let table = path.exists().then(|| SpectrumTable::load_json(&path)).transpose().map_err(reported)?;
    let checkpoints = RunFolder::at(&run).checkpoints().map_err(reported)?;
    let config = RunConfig::read(&run).map_err(reported)?;
    let epochs = table.iter().flat_map(|table| &table.rows).map(|row| row.epoch).collect();
    let normaliser = config.as_ref().and_then(|config| config.mean.zip(config.std));
    let of_run = config.and_then(|config| config.settings.dataset.clone().zip(config.settings.arch.clone()));
    let named = table.map(|table| (table.dataset, table.arch)).or(of_run);
    Ok((named, normaliser, epochs, checkpoints.into_iter().map(|(epoch, _)| epoch).collect()))
}

/// That a run folder is of images of this size, where it says of which: other sizes may have as many bands.
fn check_size(run: &Path, [height, width]: [usize; 2]) -> PyResult<()> {
    let Some(config) = RunConfig::read(run).map_err(reported)? else { return Ok(()) };
    let settings = Map::from(config.settings);
    let side = |name: &str| settings.get(name).and_then(Value::as_u64);
    match (side("height"), side("width")) {
        (Some(rows), Some(columns)) if (rows, columns) != (height as u64, width as u64) => {
            Err(PyValueError::new_err(format!(
                "{}: this is the run of images of {rows}×{columns}, and these are {height}×{width}; name another folder",
                run.display()
            )))
        }
        _ => Ok(()),
    }
}

#[pymethods]
impl Recorder {
    #[new]
    fn new(
        run: PathBuf,
        dataset: String,
        arch: String,
        normaliser: Option<Numbers>,
        size: [usize; 2],
        forget_from: Option<usize>,
    ) -> PyResult<Self> {
        let [height, width] = size;
        image_shape([3, height, width])?;
        check_size(&run, size)?;
        let profiler = Profiler::new(Recipe::Density, 3, height, width, Convention::Reference);
        let profiler = profiler.map_err(reported)?;
        let images = RunningBands::new(profiler.radii().len());
        let state = Mutex::new(State { images, recorded: None });
        Ok(Self { run, dataset, arch, normaliser, size, forget_from, profiler, state })
    }

    /// Whether the images are known already.
    fn is_begun(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.lock(py)?.recorded.is_some())
    }

    /// Forgets the images that were seen: a pass begins.
    fn forget(&self, py: Python<'_>) -> PyResult<()> {
        self.lock(py)?.images = RunningBands::new(self.profiler.radii().len());
        Ok(())
    }

    /// Adds images (N, 3, H, W) to their mean density.
    fn see(&self, py: Python<'_>, images: PyReadonlyArray4<'_, f32>) -> PyResult<()> {
        let [_, channels, height, width] = dims(&images);
        let values = slice(&images)?;
        let found = attached(py, || self.profiler.profiles(values).map_err(reported));
        let found = found.map_err(|error| {
            PyValueError::new_err(format!("images of {channels}×{height}×{width}: {}", error.value(py)))
        })?;
        let mut state = self.lock(py)?;
        found.rows().for_each(|row| state.images.push(row));
        Ok(())
    }

    /// Adds the spectrum of an epoch and writes all files; where they are. A spectrum of another number of images is refused.
    fn record(
        &self,
        py: Python<'_>,
        epoch: usize,
        spectrum: &GradientSpectrum,
        accuracy: f64,
    ) -> PyResult<Vec<PathBuf>> {
        let (row, rings, count) = {
            let found = spectrum.lock(py)?;
            let (profiles, skipped) = (found.profiles(), found.skipped());
            if found.convention() != Convention::Reference || profiles.radii != self.profiler.radii() {
                return Err(PyValueError::new_err(
                    "a spectrum of other bands: expected the reference convention and images of the recorder's size",
                ));
            }
            let (mean, std, shares) = (profiles.mean, profiles.std, found.shares());
            let rings = shares.radii;
            let shares = MeanSpectrum { images: found.count(), mean: shares.mean, std: shares.std };
            let details = SpectrumDetails { shares: Some(shares), ..SpectrumDetails::default() };
            let row = SpectrumRow { epoch, mean, std, nat_prec1: accuracy, skipped, details };
            (row, rings, found.count() + skipped)
        };
        let mut state = self.lock(py)?;
        if state.recorded.is_none() {
            state.recorded = Some(self.begin(state.images.clone(), rings, count)?);
        }
        let Some(recorded) = &mut state.recorded else { return Ok(Vec::new()) };
        let before = recorded.table().n_images;
        if before != count {
            let expected = format!("expected {before}, as for the epochs before");
            return Err(PyValueError::new_err(format!("a spectrum of {count} images: {expected}")));
        }
        recorded.insert(row);
        detached(py, || recorded.save().map_err(reported))
    }

    /// Writes the weights after an epoch, under PyTorch's names; where they are.
    fn save_checkpoint(
        &self,
        py: Python<'_>,
        epoch: usize,
        weights: Weights<'_>,
        accuracy: Option<f64>,
    ) -> PyResult<PathBuf> {
        let tensor = |(name, values): &(String, PyReadonlyArrayDyn<'_, f32>)| {
            let values: Vec<f32> = values.as_array().iter().copied().collect();
            Ok((name.clone(), values))
        };
        let values: Vec<(String, Vec<f32>)> = weights.iter().map(tensor).collect::<PyResult<_>>()?;
        let shapes: Vec<Vec<usize>> = weights.iter().map(|(_, array)| array.shape().to_vec()).collect();
        let info = CheckpointInfo {
            epoch: Some(epoch),
            arch: Some(self.arch.clone()),
            dataset: Some(self.dataset.clone()),
            mean: self.normaliser.map(|(mean, _)| mean),
            std: self.normaliser.map(|(_, std)| std),
            nat_prec1: accuracy,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..CheckpointInfo::default()
        };
        detached(py, || {
            let tensors = values.into_iter().zip(shapes);
            let tensors = tensors.map(|((name, values), shape)| {
                Ok((name, Tensor::from_vec(values, shape.as_slice(), &Device::Cpu).map_err(reported)?))
            });
            let tensors = tensors.collect::<PyResult<BTreeMap<_, _>>>()?;
            let checkpoint = Checkpoint { tensors, info: Some(info) };
            RunFolder::at(&self.run).save_checkpoint(epoch, &checkpoint, false).map_err(reported)
        })
    }

    /// Lets go of the folder: another program may write to it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.lock(py)?.recorded = None;
        Ok(())
    }
}

impl Recorder {
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, State>> {
        self.state.lock_py_attached(py).map_err(|_| {
            PyValueError::new_err("this recorder was left half-way by an earlier error; make a new one")
        })
    }

    /// Opens the folder, and says in it what the run is if nobody has.
    fn begin(&self, images: RunningBands, rings: Vec<usize>, count: usize) -> PyResult<RecordedSpectrum> {
        let radii = self.profiler.radii().to_vec();
        let table = SpectrumTable::new(self.dataset.clone(), self.arch.clone(), count, radii);
        let table = SpectrumTable { rings, ..table };
        let mut recorded = RecordedSpectrum::begin(&self.run, table, images).map_err(reported)?;
        if let Some(epoch) = self.forget_from {
            recorded.forget_from(epoch);
            let run = RunFolder::at(&self.run);
            for (of, _) in run.checkpoints().map_err(reported)?.iter().filter(|(of, _)| *of >= epoch) {
                run.remove_checkpoint(*of).map_err(reported)?;
            }
        }
        let run = RunFolder::at(&self.run);
        if run.config::<Value>().map_err(reported)?.is_none() {
            let Provenance { command, version, git_commit } = Provenance::library("python");
            let [height, width] = self.size;
            let settings =
                json!({ "arch": self.arch, "dataset": self.dataset, "height": height, "width": width });
            let settings: Settings = serde_json::from_value(settings).map_err(reported)?;
            let [mean, std] = [self.normaliser.map(|(mean, _)| mean), self.normaliser.map(|(_, std)| std)];
            let (test_images, config) = (Some(count), RunConfig::default());
            let config =
                RunConfig { command, version, git_commit, test_images, mean, std, settings, ..config };
            run.save_config(&config).map_err(reported)?;
        }
        Ok(recorded)
    }
}
