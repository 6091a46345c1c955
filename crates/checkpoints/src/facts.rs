//! What a file says of itself beside its tensors.

/// What a file of another program says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts {
    /// The epoch after which it was taken, 0-based.
    pub epoch: Option<usize>,
    /// The number that stands there: one more where programs note how many epochs are done.
    pub noted_epoch: Option<usize>,
    /// Accuracy on the test images, in percent.
    pub accuracy: Option<f64>,
    /// The best accuracy up to then, in percent, which may be another epoch's.
    pub best_accuracy: Option<f64>,
    /// The normaliser's mean and standard deviation, of files that [`TorchStyle::Plain`](crate::TorchStyle::Plain) writes.
    pub normaliser: Option<[[f32; 3]; 2]>,
}
