//! Frequencies that a network takes for a class (Wang et al., ICCV 2023; hierarchical search after CVPR 2025).

mod findings;
mod measure;
mod row;
mod search;
mod spectrum;

pub use measure::Shortcuts;
pub use row::{ClassShortcut, ShortcutsRow};
