//! What networks get right on frequency components of images, and how their features separate classes.

mod component;
mod densities;
mod figures;
mod mask;
mod measure;
mod numbers;
mod report;

pub use component::{Component, ComponentPlan, ComponentRequest, Side};
pub use densities::Densities;
pub use measure::{EvaluatedCheckpoint, EvaluatedComponent, EvaluationSettings, Evaluator, Projection};
pub use numbers::{interval, percent};
pub use report::EvaluationReport;
