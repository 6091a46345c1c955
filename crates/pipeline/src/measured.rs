//! Which networks are measured: those of an architecture, out of checkpoints, the one that an ONNX file is, or one at hand.

use std::{path::Path, sync::Arc};

use datasets::ImageSet;
use models::{Architecture, Backend, Frozen, Normaliser};
use onnx::{Model, Network, OwnNormaliser};
use runs::StoredCheckpoint;

use crate::{Error, restriction::Restriction};

/// Which networks are measured.
#[derive(Debug, Clone)]
pub enum MeasuredNetwork {
    /// Networks of an architecture, out of checkpoints.
    Of(Architecture),
    /// The network of an ONNX file.
    Onnx(Arc<OnnxNetwork>),
    /// A network at hand, as another library may compute it.
    Given(GivenNetwork),
}

/// A network at hand, and what results call it.
#[derive(Debug, Clone)]
pub struct GivenNetwork {
    /// What results call it.
    pub name: String,
    /// The network itself, which has a normaliser of its own.
    pub network: Frozen,
}

impl From<Architecture> for MeasuredNetwork {
    fn from(architecture: Architecture) -> Self {
        Self::Of(architecture)
    }
}

impl MeasuredNetwork {
    /// What results call it: the architecture, or the name of the file.
    pub fn name(&self) -> &str {
        match self {
            Self::Of(architecture) => architecture.name(),
            Self::Onnx(network) => network.name(),
            Self::Given(network) => &network.name,
        }
    }

    /// What tells a checkpoint's weights from others: the checksum of its file, or of the ONNX file that is measured.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn checksum(&self, checkpoint: &StoredCheckpoint) -> Result<u32, runs::Error> {
        match self {
            Self::Of(_) | Self::Given(_) => checkpoint.checksum(),
            Self::Onnx(network) => Ok(network.checksum()),
        }
    }
}

/// The network of an ONNX file, for images of a size.
#[derive(Debug)]
pub struct OnnxNetwork {
    name: String,
    /// What the file is.
    file: OnnxFile,
    checksum: u32,
    network: Network,
}

/// What an ONNX file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxFile {
    /// The file's name.
    pub file: String,
    /// The program that wrote it.
    pub producer: String,
    /// The version of ONNX's operations.
    pub opset: i64,
}

impl OnnxNetwork {
    /// Reads a file for images of these rows and columns.
    ///
    /// # Errors
    /// If it cannot be read, has operations that are not known, or takes other images; the message names it.
    pub fn open(path: &Path, size: [usize; 2]) -> Result<Self, Error> {
        Self::of_model(&Model::open(path)?, size)
    }

    /// The same of a file that has been read.
    ///
    /// # Errors
    /// As [`OnnxNetwork::open`].
    pub fn of_model(model: &Model, size: [usize; 2]) -> Result<Self, Error> {
        let path = model.path();
        let network = model.network(size)?;
        let mut checksum = model.checksum();
        for tensor in network.weights.values() {
            for value in tensor.flatten_all()?.to_vec1::<f32>()? {
                checksum = crc32c::crc32c_append(checksum, &value.to_le_bytes());
            }
        }
        let name = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let file =
            OnnxFile { file: name(path.file_name()), producer: model.producer(), opset: model.opset() };
        Ok(Self { name: name(path.file_stem()), file, checksum, network })
    }

    /// The name of the file without its extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A checksum of the graph and its weights.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// How many outputs the graph has.
    pub fn classes(&self) -> usize {
        self.network.classes
    }

    pub(crate) fn file(&self) -> &OnnxFile {
        &self.file
    }

    /// What was found and done, a sentence each.
    pub(crate) fn notes(&self) -> &[String] {
        &self.network.notes
    }

    /// How the outputs of the graph are the classes of the images.
    ///
    /// # Errors
    /// If they are not as many, and the images do not say which they are.
    pub(crate) fn restriction(&self, images: &ImageSet) -> Result<Option<Restriction>, Error> {
        let (outputs, classes) = (self.network.classes, images.classes());
        let found = Restriction::new(Some(outputs), classes.len(), images.outputs(), classes)?;
        if found.is_none() && outputs != classes.len() {
            return Err(Error::OtherOutputs {
                file: self.file.file.clone(),
                outputs,
                classes: classes.len(),
            });
        }
        Ok(found)
    }

    /// The normaliser that pixels go through, in numbers of pixels in [0, 1]; and where it is from, in words.
    pub(crate) fn normaliser(&self, profile: Usual<'_>) -> (Normaliser, String) {
        let own = self.network.own_normaliser.map(|own| in_range(&own));
        match (profile.given, own) {
            (Some(given), None) => (given, "given".to_owned()),
            (Some(given), Some(_)) => (given, "given, before the graph's own".to_owned()),
            (None, Some(own)) => {
                let of = if self.network.brightest > 1.0 { ", of pixels from 0 to 255" } else { "" };
                (own.unwrap_or_else(plain), format!("in the graph{of}"))
            }
            (None, None) if self.network.brightest > 1.0 => {
                (plain(), "none: the graph takes bytes, from 0 to 255".to_owned())
            }
            (None, None) => (
                profile.usual,
                format!("the usual one of {}, for none was found in the graph", profile.dataset),
            ),
        }
    }

    /// Whether neither the caller nor the graph has one, and it does not take bytes.
    pub(crate) fn has_no_normaliser(&self, profile: Usual<'_>) -> bool {
        profile.given.is_none() && self.network.own_normaliser.is_none() && self.network.brightest <= 1.0
    }

    /// The network on a backend, for evaluation and gradients.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn freeze(
        &self,
        backend: &Backend,
        profile: Usual<'_>,
        restriction: Option<&Restriction>,
    ) -> Result<Frozen, Error> {
        let takes_pixels = self.network.own_normaliser.is_some() || self.network.brightest > 1.0;
        let normaliser = match profile.given {
            None if takes_pixels => {
                Normaliser::new([0.0; 3], [1.0 / self.network.brightest; 3]).unwrap_or_else(|_| plain())
            }
            _ => self.normaliser(profile).0,
        };
        let (graph, classes) = match restriction {
            Some(of) => {
                let outputs = of.classes.indices();
                (self.network.graph.clone().with_outputs(outputs), outputs.len())
            }
            None => (self.network.graph.clone(), self.network.classes),
        };
        Ok(Frozen::of_graph(backend, &graph, classes, normaliser, &self.network.weights)?)
    }
}

/// Where a normaliser may be from but the graph.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usual<'a> {
    pub(crate) given: Option<Normaliser>,
    pub(crate) usual: Normaliser,
    pub(crate) dataset: &'a str,
}

/// A graph's own normaliser in numbers of pixels in [0, 1]; none if a deviation is negative.
fn in_range(own: &OwnNormaliser) -> Option<Normaliser> {
    let scaled = |values: [f32; 3]| values.map(|value| value / own.brightest);
    Normaliser::new(scaled(own.mean), scaled(own.std)).ok()
}

fn plain() -> Normaliser {
    Normaliser::new([0.0; 3], [1.0; 3]).expect("a normaliser that changes nothing")
}
