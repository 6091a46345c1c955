//! One file per workflow; each reads its flags, builds library objects and runs them.

pub mod easy_train;
pub mod grad;
mod grad_report;
