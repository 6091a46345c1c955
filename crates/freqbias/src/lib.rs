//! Which image frequencies does a neural network learn, when, and why?
//!
//! This crate is the one surface of freqbias for Rust: what everybody needs stands at its root, everything else in the modules, which
//! are crates of their own. Pixels are f32 in [0, 1], images (B, 3, H, W), losses in nats, accuracies in percent.
//!
//! # The gradient spectrum of a checkpoint
//!
//! ```
//! use freqbias::{DatasetProfile, GradientSpectrum, Request, Session, StoredCheckpoint};
//! # use freqbias::{Limits, TrainingRun};
//! # let folder = tempfile::tempdir()?;
//! # let request = Request { limits: Limits { train: Some(64), test: Some(32) }, ..Request::default() };
//! # let dataset = request.open(&Default::default())?;
//! # let profile = DatasetProfile::from(&request);
//! # let run = TrainingRun { epochs: 1, ..TrainingRun::new("resnet20".parse()?, &dataset, &profile, folder.path()) };
//! # run.train(&Session::default())?;
//! # let path = folder.path().join("0_checkpoint.safetensors");
//! // let path = "resnet20.pt"; ours or PyTorch's
//! let session = Session::default();
//! let images = request.open(&session.progress)?.test;
//! let spectrum = GradientSpectrum::new(&images, &profile, "resnet20".parse()?, &session)?;
//! let row = spectrum.of_checkpoint(&StoredCheckpoint::at(path))?;
//! assert_eq!(row.mean.len(), 20); // bands of radius ρ = 1 … 20, each in [0, 1]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Training with a live spectrum
//!
//! ```
//! use freqbias::{DatasetProfile, Limits, Recording, Request, Session, TrainingRun, train_recording};
//!
//! let request = Request { limits: Limits { train: Some(64), test: Some(32) }, ..Request::default() };
//! let session = Session::default();
//! let (dataset, profile) = (request.open(&session.progress)?, DatasetProfile::from(&request));
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let run = TrainingRun { epochs: 1, ..TrainingRun::new("resnet20".parse()?, &dataset, &profile, folder) };
//! let recording = Recording { spectrum_every: Some(1), ..Recording::default() };
//! let trained = train_recording(run, recording, &session)?;
//! assert!(trained.folder.join("spectrum/gradient_spectrum.png").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Accuracy on frequency bands
//!
//! ```
//! use freqbias::{ComponentRequest, DatasetProfile, EvaluationSettings, Evaluator, Request, Session, percent};
//! # use freqbias::Limits;
//! # let request = Request { limits: Limits { train: Some(0), test: Some(20) }, ..Request::default() };
//! let session = Session::default();
//! let images = request.open(&session.progress)?.test;
//! let profile = DatasetProfile::from(&request);
//! let components = ComponentRequest { bands: vec![(0, 4), (4, 8)], ..ComponentRequest::default() };
//! let settings = EvaluationSettings { components, ..EvaluationSettings::default() };
//! # let network = freqbias::pipeline::fresh_network("resnet20".parse()?, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
//! let evaluator = Evaluator::new(&settings, &images, &profile, "resnet20".parse()?, &session)?;
//! for part in evaluator.of_network(&network)? {
//!     println!("{:12} {:.1} %", part.component.name(), percent(part.scores.accuracy()));
//! }
//! # assert_eq!(evaluator.plan().components.len(), 4); // and rescaled only
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Which images
pub use datasets::{
    Dataset, ImageSet, Limits,
    catalog::{Name, Request},
};
pub use pipeline::DatasetProfile;

// Which network, on what
pub use models::{Architecture, Backend, Classifier, Frozen, Normaliser};
pub use pipeline::{NetworkDescription, NetworkSpec, Session, open_network};
pub use progress::{Interrupted, Progress};
pub use runs::{StoredCheckpoint, checkpoints_matching, checkpoints_of_run};

// Training
pub use analysis::{Recording, train_recording};
pub use pipeline::{Adversary, Recipe, RecipeName, Trained, TrainingRun};

// Measuring
pub use analysis::{
    Component, ComponentRequest, EvaluationReport, EvaluationSettings, Evaluator, GradientSpectrum, Side,
    SpectrumGroups, SpectrumReport, image_density, percent, spectrum_of_module,
};
pub use reports::save_run_page;
pub use spectral::{MeanSpectrum, Outcome, Outcomes, SpectrumDetails, SpectrumRow, SpectrumTable};

// Everything else, by its crate
pub use {
    analysis, cdes, checkpoints, datasets, derived, evaluation, models, mpi_ranks, pages, pipeline, plots,
    progress, ranks, reports, reproduction, runs, spectral, training,
};
