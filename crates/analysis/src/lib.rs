//! What a network looks at, and what it gets right.
//!
//! * [`GradientSpectrum`]: which image frequencies the loss depends on, checkpoint by checkpoint; [`train_recording`] measures it while a
//!   network is trained, [`spectrum_of_module`] measures any [`candle_nn::Module`], [`GradientStatistics`] takes gradients of anybody.
//! * [`Evaluator`]: what is right on images, on their low- and high-frequency components and on adversarial ones, and how features
//!   separate classes.
//! * Measures of the field beside these two, each a [`Measure`] of a [`Subject`]: [`FourierHeatMap`], [`Sensitivity`],
//!   [`PhaseAmplitude`], [`CriticalBands`], [`AttackSpectrum`], [`LayerSpectra`],
//!   [`Shortcuts`], [`Corruptions`].
//! * [`inspect_dataset`]: what a data set holds, class by class.
//!
//! A measurement is a definition, a struct of results, the files made of it ([`SpectrumReport`], [`EvaluationReport`]); each stands in a
//! folder of its own here, and the next one beside them.
//!
//! ```
//! use analysis::{GradientSpectrum, image_density};
//! use datasets::synthetic::Synthetic;
//! use pipeline::{DatasetProfile, Session, fresh_network};
//!
//! let test = Synthetic { seed: 0, train: 0, test: 16 }.generate().test;
//! let (profile, session) = (DatasetProfile::synthetic(), Session::default());
//! let network = fresh_network("resnet20".parse()?, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
//! let row = GradientSpectrum::new(&test, &profile, "resnet20".parse()?, &session)?.of_network(&network, 0)?;
//! assert_eq!((row.mean.len(), image_density(&test)?.mean().len()), (20, 20));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attack_spectrum;
mod comparison;
mod components;
mod corruptions;
mod critical_bands;
mod error;
mod fourier_heat_map;
mod gradient;
mod inspection;
mod layer_spectra;
mod measuring;
mod network;
mod partial;
mod phase_amplitude;
mod sensitivity;
mod sharing;
mod shortcuts;

// Which frequencies a network looks at
pub use gradient::{
    BandStatistics, GradientProfiler, GradientSpectrum, GradientStatistics, GradientSums, RecordedSpectrum,
    Recording, SpectrumGroups, SpectrumReport, difference_words, image_density, logit_gradient,
    module_gradient, spectrum_of_module, train_recording,
};

// What it gets right
pub use components::{
    Component, ComponentPlan, ComponentRequest, Densities, EvaluatedCheckpoint, EvaluatedComponent,
    EvaluationReport, EvaluationSettings, Evaluator, Projection, Side, interval, percent,
};

// What else is measured of networks
pub use attack_spectrum::{AttackSpectrum, AttackSpectrumRow};
pub use corruptions::{CorruptedRates, CorruptionSource, Corruptions, CorruptionsRow};
pub use critical_bands::{Channel, CriticalBands, CriticalBandsRow};
pub use fourier_heat_map::{FourierHeatMap, FourierHeatMapRow};
pub use layer_spectra::{BlockSpectrum, LayerSpectra, LayerSpectraRow};
pub use phase_amplitude::{PhaseAmplitude, PhaseAmplitudeRow};
pub use sensitivity::{Sensitivity, SensitivityRow};
pub use shortcuts::{ClassShortcut, Shortcuts, ShortcutsRow};

// How a measure is run, and what it leaves
pub use measuring::{
    Findings, Measure, MeasureReport, MeasuredRow, Picture, Subject, help_measure, measure_network,
    resume_measure,
};

// What is kept of a measurement that is stopped
pub use partial::PartialMeasure;

// What differs between networks
pub use comparison::{
    CellAxis, Comparison, ComparisonReport, Difference, MeasuredResults, Quantity, difference,
};

// What was measured
pub use network::network_words;

// What data sets hold
pub use inspection::{Inspection, PartFound, inspect_dataset};

// What can go wrong
pub use error::Error;
