//! What networks get right on frequency components of images, and how their features separate classes.

mod component;
mod densities;
mod evaluated;
mod figures;
mod mask;
mod measure;
mod numbers;
mod report;
mod settings;

pub use component::{Component, ComponentPlan, ComponentRequest, Side};
pub use densities::Densities;
pub use evaluated::{EvaluatedCheckpoint, EvaluatedComponent};
pub use measure::Evaluator;
pub use numbers::{interval, percent};
pub use report::EvaluationReport;
pub use settings::{EvaluationSettings, Projection};
