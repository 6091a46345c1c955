//! How the images of a data set are used.

use std::path::PathBuf;

use datasets::catalog::Request;
use models::Normaliser;

/// What a data set is called, the normaliser of its networks, and how its images come in batches.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetProfile {
    /// Its name, as checkpoints and folders carry it.
    pub name: String,
    /// What people call it: of a kind of which they have many, the name of its folder.
    pub label: String,
    /// The folder or archive that holds it, where it is on disk.
    pub root: Option<PathBuf>,
    /// The normaliser of networks trained on it.
    pub normaliser: Normaliser,
    /// The normaliser of the networks that are measured on it, whatever their files say.
    pub given_normaliser: Option<Normaliser>,
    /// Images per batch in training and evaluation.
    pub batch_size: usize,
    /// Images per batch of pixel gradients.
    pub gradient_batch_size: usize,
    /// Threads that prepare batches ahead of the network.
    pub workers: usize,
}

impl From<&Request> for DatasetProfile {
    /// What is usual for a data set of the catalogue.
    ///
    /// ```
    /// use datasets::catalog::Request;
    /// use pipeline::DatasetProfile;
    /// let profile = DatasetProfile::from(&Request { name: "cifar10".parse()?, ..Request::default() });
    /// assert_eq!((profile.name.as_str(), profile.batch_size, profile.gradient_batch_size), ("cifar10", 128, 64));
    /// # Ok::<(), datasets::Error>(())
    /// ```
    fn from(request: &Request) -> Self {
        let usual = request.name.normalisation();
        Self {
            name: request.name.to_string(),
            label: request.label(),
            root: request.root.clone(),
            normaliser: Normaliser::new(usual.mean, usual.std)
                .expect("the constants of the catalogue are sound"),
            given_normaliser: None,
            batch_size: request.name.training_batch_size(),
            gradient_batch_size: request.name.gradient_batch_size(),
            workers: 1,
        }
    }
}

impl DatasetProfile {
    /// Of the synthetic set.
    pub fn synthetic() -> Self {
        Self::from(&Request::default())
    }

    /// Of images of one's own: what is usual for a folder of photographs, under another name and with another normaliser.
    pub fn new(name: impl Into<String>, normaliser: Normaliser) -> Self {
        let name = name.into();
        Self {
            label: name.clone(),
            root: None,
            name,
            normaliser,
            given_normaliser: None,
            batch_size: 128,
            gradient_batch_size: 64,
            workers: 1,
        }
    }
}
