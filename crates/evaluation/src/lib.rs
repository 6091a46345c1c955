//! What a classifier gets right, and how well its features tell classes apart.
//!
//! * **Scores** ([`Scores`]): loss, top-1 and top-5, a confusion matrix, each accuracy with Wilson's 95 % interval.
//! * **Features** ([`Features`]): variance between and within classes, the first principal axis.
//! * **Densities** ([`Kde`]): Gaussian kernels, bandwidth by Scott's rule.
//! * **Numbers** come as f32 and are summed in f64, in an order that depends on their number alone: the same bits for any number
//!   of threads. What is not finite is refused, never counted.
//! * **Units**: losses in nats, accuracies as fractions of 1, variances in squared units of the features.
//!
//! ```
//! let mut scores = evaluation::Scores::new(2)?;
//! scores.push(&[2.0, 0.0, 0.0, 1.0, 3.0, 1.0], &[0, 1, 1])?; // three images, two classes
//! assert_eq!((scores.accuracy().correct, scores.accuracy().of), (2, 3));
//! assert_eq!(scores.confusion(), [1, 0, 1, 1]); // a row a true class
//! # Ok::<(), evaluation::Error>(())
//! ```

mod accuracy;
mod chance;
mod correlation;
mod error;
mod features;
mod kde;
mod mean;
mod pca;
mod ranks;
mod scores;
mod sequential;

// What is right
pub use accuracy::Accuracy;
pub use ranks::predictions;
pub use scores::{ScoreCounts, Scores};

// How features separate classes
pub use correlation::{correlation_interval, pearson, spearman};
pub use features::{Features, Separation};
pub use kde::Kde;
pub use pca::Axis;

// How sure a mean or a share is, and what is chance
pub use chance::{chance, discoveries};
pub use mean::{Sample, mean_difference_interval, mean_interval};
pub use sequential::PrecisionGoal;

// What can go wrong
pub use error::Error;
