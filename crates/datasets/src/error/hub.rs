//! What can go wrong with a data set of the Hugging Face Hub.

use std::path::PathBuf;

use crate::one_line::{one_line, shown};

/// Why a data set of the Hub cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// A data set of the Hugging Face Hub that is not in its cache folder.
    #[error("{repository} is not in the cache of the Hugging Face Hub: there is no {}", shown(.looked))]
    NotInCache {
        /// The data set.
        repository: String,
        /// What was looked for.
        looked: PathBuf,
    },

    /// A data set of the Hugging Face Hub whose files are not those of a set of images.
    #[error("{}: found {}, expected Parquet files of a split train, validation or test", shown(.folder), one_line(.found))]
    Files {
        /// The folder of the files.
        folder: PathBuf,
        /// What it holds.
        found: String,
    },

    /// A data set of the Hugging Face Hub that cannot be fetched.
    #[error("{repository} cannot be fetched: {}", one_line(.problem))]
    Fetch {
        /// The data set.
        repository: String,
        /// Why.
        problem: String,
    },
}
