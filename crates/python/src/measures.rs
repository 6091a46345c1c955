//! The measures of `analysis` for a model of another library.

use std::path::Path;

use freqbias::{
    ComponentRequest, DatasetProfile, EvaluationReport, EvaluationSettings, Evaluator, Frozen, ImageSet,
    Normaliser, Progress, Session, Side, StoredCheckpoint,
    analysis::{
        AttackSpectrum, CorruptionSource, Corruptions, CriticalBands, EvaluatedCheckpoint,
        EvaluatedComponent, FourierHeatMap, Measure, MeasureReport, MeasuredRow, PhaseAmplitude, Sensitivity,
        Shortcuts, Subject, measure_network,
    },
    models::{Attack, Ball},
    percent,
    pipeline::{GivenNetwork, MeasuredNetwork, NetworkSpec, describe_networks},
};
use numpy::PyReadonlyArray4;
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    error::reported,
    filters,
    images::image_set,
    network::{Functions, PythonNetwork},
    results::{Found, PyFound},
    work::{Caller, drive},
};

/// What every measure takes: images, labels, names of classes, the model's functions, images a batch, what results call the model, progress.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Request<'py> {
    images: PyReadonlyArray4<'py, f32>,
    labels: Vec<u32>,
    classes: Vec<String>,
    model_fn: Py<PyAny>,
    gradient_fn: Option<Py<PyAny>>,
    batch_size: usize,
    name: String,
    dataset: String,
    progress: Option<Py<PyAny>>,
}

/// The same, out of Python's hands.
struct Given {
    images: ImageSet,
    profile: DatasetProfile,
    functions: Functions,
    classes: usize,
    name: String,
}

/// A request at work: the network at hand, and what it is measured on.
struct AtWork<'a> {
    given: &'a Given,
    session: Session,
    network: Frozen,
}

impl Given {
    fn new(request: &Request<'_>, py: Python<'_>) -> PyResult<Self> {
        let plain = Normaliser::new([0.0; 3], [1.0; 3]).map_err(reported)?;
        let batch_size = request.batch_size.max(1);
        let profile = DatasetProfile {
            batch_size,
            gradient_batch_size: batch_size,
            ..DatasetProfile::new(&request.dataset, plain)
        };
        let gradient = request.gradient_fn.as_ref().map(|function| function.clone_ref(py));
        Ok(Self {
            images: image_set(&request.images, request.labels.clone(), request.classes.clone())?,
            profile,
            functions: Functions::new(request.model_fn.clone_ref(py), gradient),
            classes: request.classes.len(),
            name: request.name.clone(),
        })
    }
}

impl<'a> AtWork<'a> {
    fn new(given: &'a Given, caller: &Caller, progress: Progress) -> Self {
        let functions = given.functions.clone();
        let network = PythonNetwork { caller: caller.clone(), functions, classes: given.classes };
        let session = Session { progress, ..Session::default() };
        Self { given, session, network: Frozen::of_foreign(network) }
    }

    fn measured(&self) -> MeasuredNetwork {
        MeasuredNetwork::Given(GivenNetwork { name: self.given.name.clone(), network: self.network.clone() })
    }

    fn subject(&self) -> Subject<'_> {
        let Given { images, profile, .. } = self.given;
        Subject { images, profile, network: self.measured(), session: &self.session }
    }
}

/// A stand-in for the file that a network at hand is not out of.
fn at_hand(name: &str) -> StoredCheckpoint {
    StoredCheckpoint::new(0, name.into())
}

/// Measures on the library's threads; the model's functions are called on this one.
fn measured<'py>(
    py: Python<'py>,
    request: &Request<'py>,
    work: impl FnOnce(&AtWork<'_>) -> PyResult<Found> + Send,
) -> PyResult<PyFound<'py>> {
    let given = Given::new(request, py)?;
    let report = request.progress.as_ref().map(|report| report.clone_ref(py));
    let found = drive(py, report, |caller, progress| work(&AtWork::new(&given, caller, progress)));
    Ok(found??.into_python(py))
}

/// A Fourier heat map, as Python asks for it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct HeatMapSettings {
    norm: Option<f32>,
    window: Option<usize>,
    clip: bool,
    seed: u64,
    precision_goal: Option<f64>,
}

/// The Fourier heat map: `analysis::FourierHeatMap`.
#[pyfunction]
pub(crate) fn fourier_heat_map<'py>(
    py: Python<'py>,
    request: Request<'py>,
    settings: HeatMapSettings,
) -> PyResult<PyFound<'py>> {
    let HeatMapSettings { norm, window, clip, seed, precision_goal } = settings;
    measured(py, &request, |at_work| {
        let subject = at_work.subject();
        let mut measure = FourierHeatMap::new(&subject).map_err(reported)?.clipped(clip).seeded(seed);
        if let Some(norm) = norm {
            measure = measure.with_norm(norm).map_err(reported)?;
        }
        if let Some(window) = window {
            measure = measure.within(window).map_err(reported)?;
        }
        if let Some(half) = precision_goal {
            measure = measure.with_precision(half).map_err(reported)?;
        }
        at_work.found(&measure, &subject)
    })
}

/// The Fourier sensitivity: `analysis::Sensitivity`.
#[pyfunction]
pub(crate) fn sensitivity<'py>(py: Python<'py>, request: Request<'py>) -> PyResult<PyFound<'py>> {
    measured(py, &request, |at_work| {
        let subject = at_work.subject();
        at_work.found(&Sensitivity::new(&subject).map_err(reported)?, &subject)
    })
}

/// Phase or amplitude: `analysis::PhaseAmplitude`.
#[pyfunction]
pub(crate) fn phase_amplitude<'py>(
    py: Python<'py>,
    request: Request<'py>,
    clip: bool,
    seed: u64,
) -> PyResult<PyFound<'py>> {
    measured(py, &request, |at_work| {
        let subject = at_work.subject();
        at_work.found(&PhaseAmplitude::new(&subject, seed).map_err(reported)?.clipped(clip), &subject)
    })
}

/// Projected gradient ascent, as Python asks for it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct AttackSettings {
    constraint: String,
    eps: f32,
    step: f32,
    steps: usize,
    random_start: bool,
}

/// The spectrum of attacks: `analysis::AttackSpectrum`.
#[pyfunction]
pub(crate) fn attack_spectrum<'py>(
    py: Python<'py>,
    request: Request<'py>,
    settings: AttackSettings,
) -> PyResult<PyFound<'py>> {
    let attack = settings.attack()?;
    measured(py, &request, |at_work| {
        let subject = at_work.subject();
        at_work.found(&AttackSpectrum::new(&subject, attack).map_err(reported)?, &subject)
    })
}

impl AttackSettings {
    fn attack(&self) -> PyResult<Attack> {
        let refused = |what: &str, found: String, expected: &str| {
            Err(PyValueError::new_err(format!("{what} {found}: expected {expected}")))
        };
        let is_positive = |value: f32| value.is_finite() && value > 0.0;
        let ball = match self.constraint.as_str() {
            "2" => Ball::L2,
            "inf" => Ball::Linf,
            other => return refused("constraint", format!("{other:?}"), "\"2\" or \"inf\""),
        };
        let lengths = [("eps", self.eps), ("step", self.step)];
        let Self { eps: radius, step, steps, random_start, .. } = *self;
        match lengths.into_iter().find(|(_, value)| !is_positive(*value)) {
            Some((what, value)) => refused(what, value.to_string(), "a number above 0"),
            None if steps == 0 => refused("steps", "0".to_owned(), "1 or more"),
            None => Ok(Attack { ball, radius, step, steps, random_start }),
        }
    }
}

/// Critical bands: `analysis::CriticalBands`.
#[pyfunction]
pub(crate) fn critical_bands<'py>(
    py: Python<'py>,
    request: Request<'py>,
    criterion: f64,
    contrast: Option<f64>,
    seed: u64,
) -> PyResult<PyFound<'py>> {
    measured(py, &request, |at_work| {
        let subject = at_work.subject();
        let measure = CriticalBands::new(&subject, seed).map_err(reported)?;
        let mut measure = measure.with_criterion(criterion).map_err(reported)?;
        if let Some(contrast) = contrast {
            measure = measure.with_contrast(contrast).map_err(reported)?;
        }
        at_work.found(&measure, &subject)
    })
}

/// Frequency shortcuts: `analysis::Shortcuts`.
#[pyfunction]
pub(crate) fn shortcuts<'py>(
    py: Python<'py>,
    request: Request<'py>,
    of_classes: Option<Vec<u32>>,
) -> PyResult<PyFound<'py>> {
    measured(py, &request, |at_work| {
        let subject = at_work.subject();
        let mut measure = Shortcuts::new(&subject).map_err(reported)?;
        if let Some(classes) = &of_classes {
            measure = measure.of_classes(classes).map_err(reported)?;
        }
        at_work.found(&measure, &subject)
    })
}

/// Corrupted images by the name of the corruption, one array a severity.
type Corrupted<'py> = Vec<(String, Vec<PyReadonlyArray4<'py, f32>>)>;

/// Corruptions by frequency: `analysis::Corruptions`, of corrupted images by name, at five severities each, or made by a seed; beside
/// another model's results, as JSON.
#[pyfunction]
pub(crate) fn corruptions<'py>(
    py: Python<'py>,
    request: Request<'py>,
    corrupted: Option<Corrupted<'py>>,
    seed: u64,
    beside: Option<&str>,
) -> PyResult<PyFound<'py>> {
    let set = |images: &PyReadonlyArray4<'py, f32>| {
        image_set(images, request.labels.clone(), request.classes.clone())
    };
    let sets = |(name, images): &(String, Vec<PyReadonlyArray4<'py, f32>>)| {
        Ok((name.clone(), images.iter().map(set).collect::<PyResult<Vec<_>>>()?))
    };
    let source = match &corrupted {
        None => CorruptionSource::BuiltIn { seed },
        Some(all) => CorruptionSource::Given(all.iter().map(sets).collect::<PyResult<_>>()?),
    };
    measured(py, &request, |at_work| {
        let subject = at_work.subject();
        let mut measure = Corruptions::new(&subject, source).map_err(reported)?;
        if let Some(json) = beside {
            measure = measure.beside_json(json.as_bytes(), Path::new("beside")).map_err(reported)?;
        }
        at_work.found(&measure, &subject)
    })
}

/// Which components of images are asked for.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Components {
    sides: Vec<String>,
    radii: Vec<usize>,
    bands: Vec<(usize, usize)>,
    shape: String,
    rescale: String,
}

/// Accuracy on low- and high-pass images and on bands: `analysis::Evaluator`.
#[pyfunction]
pub(crate) fn band_accuracy<'py>(
    py: Python<'py>,
    request: Request<'py>,
    components: Components,
) -> PyResult<PyFound<'py>> {
    let Components { sides, radii, bands, shape, rescale } = components;
    let side = |name: &String| match name.as_str() {
        "low" => Ok(Side::Low),
        "high" => Ok(Side::High),
        other => Err(PyValueError::new_err(format!("side {other:?}: expected \"low\" or \"high\""))),
    };
    let components = ComponentRequest {
        sides: sides.iter().map(side).collect::<PyResult<_>>()?,
        radii,
        bands,
        shape: filters::shape(&shape)?,
        rescale: filters::rescale(&rescale)?,
    };
    let settings = EvaluationSettings { components, ..EvaluationSettings::default() };
    measured(py, &request, |at_work| at_work.evaluated(&settings))
}

impl AtWork<'_> {
    /// Measures, as a row of epoch 0, and draws.
    fn found<M: Measure>(&self, measure: &M, subject: &Subject<'_>) -> PyResult<Found> {
        let row = measure_network(measure, subject, &self.network).map_err(reported)?;
        let file = at_hand(&self.given.name);
        let networks = subject.describe(std::slice::from_ref(&file)).map_err(reported)?;
        let row = MeasuredRow { epoch: 0, checkpoint: file.path, images: self.given.images.len(), row };
        Found::of_report(&MeasureReport::new(measure, subject, &networks, &[row]).map_err(reported)?)
    }

    /// The same of the accuracy on components.
    fn evaluated(&self, settings: &EvaluationSettings) -> PyResult<Found> {
        let Given { images, profile, .. } = self.given;
        let evaluator = Evaluator::of_networks(settings, images, profile, self.measured(), &self.session);
        let evaluator = evaluator.map_err(reported)?;
        let parts = evaluator.of_network(&self.network).map_err(reported)?;
        let line = |part: &EvaluatedComponent| {
            format!("{:14} {:6.2} %", part.component.name(), percent(part.scores.accuracy()))
        };
        let table = parts.iter().map(line).collect();
        let names = parts.iter().map(|part| part.component.name()).collect();
        let accuracies = parts.iter().map(|part| percent(part.scores.accuracy())).collect();
        let losses = parts.iter().map(|part| part.scores.loss().unwrap_or(f64::NAN)).collect();
        let (checkpoint, label) = (at_hand(&self.given.name), self.given.name.clone());
        let spec = NetworkSpec::new(self.measured(), images, profile);
        let mut networks = describe_networks(std::slice::from_ref(&checkpoint), &spec).map_err(reported)?;
        let network = networks.remove(0);
        let measured = [EvaluatedCheckpoint { checkpoint, label, network, parts }];
        let report = EvaluationReport { evaluator: &evaluator, measured: &measured };
        let chart = report.accuracy_chart().map_err(reported)?;
        let pictures = chart.iter().map(|chart| Ok((String::new(), chart.png().map_err(reported)?)));
        let found = Found::new(&report.json(true), pictures.collect::<PyResult<_>>()?, table);
        Ok(found.of_parts(names, [("prec1", accuracies), ("loss", losses)]))
    }
}
