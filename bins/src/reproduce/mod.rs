//! The paper's experiments, one after the other, and what comes of them: a plan of steps, each a command line that could be
//! typed; findings out of the files that they leave; the paper's claims, tested on the findings; and a report.

mod claims;
mod figures;
mod findings;
mod page;
mod plan;
mod progress;
mod report;
mod study;

pub(crate) use progress::Progress;
pub(crate) use report::Report;
pub(crate) use study::StudyFlags;
