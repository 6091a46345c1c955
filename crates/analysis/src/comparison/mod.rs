//! Two networks, or one at two epochs, by what was measured of them: what differs, and how sure that is.

mod axes;
mod compared;
mod difference;
mod figures;
mod page;
mod quantity;
mod report;
mod results;

pub use axes::CellAxis;
pub use compared::Comparison;
pub use difference::{Difference, difference};
pub use quantity::Quantity;
pub use report::ComparisonReport;
pub use results::MeasuredResults;
