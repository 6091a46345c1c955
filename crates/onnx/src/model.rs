//! An ONNX file of an image classifier, and the network that it is for images of a size.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use candle_core::Tensor;
use models::{Graph, View};

use crate::{
    error::Error,
    file,
    importer::{Importer, of_live},
    normaliser::OwnNormaliser,
    operations::before_softmax,
    problem::short,
    proto,
    value::{Origin, Value},
    walk::{Walk, opset},
};

/// The first version of ONNX's operations that is read.
const OLDEST: i64 = 9;

/// An ONNX file that has been read, but for its weights.
#[derive(Debug)]
pub struct Model {
    path: PathBuf,
    proto: proto::Model,
    checksum: u32,
    input: Input,
}

/// The pixels as a graph takes them.
#[derive(Debug, Clone)]
struct Input {
    name: String,
    batch: usize,
    size: [Option<usize>; 2],
    /// Whether channels come last.
    is_nhwc: bool,
    /// Whether they are bytes.
    is_bytes: bool,
}

/// The network that a file is for images of a size.
#[derive(Debug)]
pub struct Network {
    /// Its operations.
    pub graph: Graph,
    /// All parameters and buffers of the graph, on the CPU.
    pub weights: BTreeMap<String, Tensor>,
    /// How many classes it has.
    pub classes: usize,
    /// What the graph itself makes of the pixels first.
    pub own_normaliser: Option<OwnNormaliser>,
    /// The brightest pixel that the graph expects: 1 or 255.
    pub brightest: f32,
    /// What was found and done, a sentence each.
    pub notes: Vec<String>,
}

impl Model {
    /// Reads a file; weights are read later.
    ///
    /// # Errors
    /// If it is no ONNX file, is damaged, or does not take images.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::from_bytes(files::read(path)?, path)
    }

    /// The same of the bytes of a file; numbers in other files are looked for beside `path`.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, Error> {
        let (proto, checksum) = file::read(bytes, path)?;
        let found = opset(&proto.opset_import);
        if found < OLDEST {
            return Err(Error::OldOperations { path: path.to_owned(), found, oldest: OLDEST });
        }
        let input = input(path, &proto)?;
        Ok(Self { path: path.to_owned(), proto, checksum, input })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A checksum of the file (CRC-32C), without what it has in others.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// The program that wrote it, with its version where it says one.
    pub fn producer(&self) -> String {
        let all = format!("{} {}", self.proto.producer_name, self.proto.producer_version);
        all.trim().chars().filter(|sign| !sign.is_control()).take(80).collect()
    }

    /// The version of ONNX's operations.
    pub fn opset(&self) -> i64 {
        opset(&self.proto.opset_import)
    }

    /// How many nodes the graph has.
    pub fn nodes(&self) -> usize {
        self.graph().node.len()
    }

    /// How often each operation is there, by its name.
    pub fn operations(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for node in &self.graph().node {
            let name = node.op_type.chars().filter(|sign| !sign.is_control()).take(80).collect();
            *found.entry(name).or_default() += 1;
        }
        found
    }

    /// Rows and columns of the images that it takes; none where any will do.
    pub fn image_size(&self) -> [Option<usize>; 2] {
        self.input.size
    }

    fn graph(&self) -> &proto::Graph {
        self.proto.graph.as_ref().expect("a model that was read has a graph")
    }

    /// The network for images of these rows and columns.
    ///
    /// # Errors
    /// [`Error::ImageSize`] if it takes no such images; [`Error::Unknown`] if an operation is not known here; or if the graph contradicts
    /// itself, or its weights cannot be read.
    pub fn network(&self, size: [usize; 2]) -> Result<Network, Error> {
        let takes = [0, 1].map(|axis| self.input.size[axis].unwrap_or(size[axis]));
        if takes != size {
            return Err(Error::ImageSize { path: self.path.clone(), takes, found: size });
        }
        let mut first = None;
        for output in &self.graph().output {
            match self.of_output(&output.name, size) {
                Ok(network) => return Ok(network),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| self.no_classifier("the graph has no output".to_owned())))
    }

    fn no_classifier(&self, problem: String) -> Error {
        Error::NotAClassifier { path: self.path.clone(), problem }
    }

    /// The network whose logits are an output of the graph.
    fn of_output(&self, name: &str, [height, width]: [usize; 2]) -> Result<Network, Error> {
        let (importer, pixels) = Importer::new([height, width], self.input.batch);
        let view = match self.input.is_nhwc {
            true => View {
                shape: vec![1, height, width, 3],
                strides: vec![0, width as isize, 1, (height * width) as isize],
                offset: 0,
            },
            false => View::rows(&[1, 3, height, width]),
        };
        let origin = Some(Origin::Pixels { factor: [1.0; 3], added: [0.0; 3], order: [0, 1, 2] });
        let pixels = Value { origin, ..of_live(pixels, view) };
        let mut walk = Walk::new(&self.proto, &self.path, importer);
        let found = walk.output(name, HashMap::from([(self.input.name.clone(), pixels)]))?;
        let own_normaliser = walk.pixels.and_then(|(factor, added)| OwnNormaliser::new(factor, added));
        let mut to = walk.to;
        let logits = match before_softmax(&found) {
            Some(logits) if logits.count() == found.count() => {
                to.note("the graph ends with softmax; logits are what it is of");
                logits
            }
            _ => found,
        };
        let classes = logits.count();
        let is_row = logits.shape().iter().filter(|&&size| size != 1).count() <= 1;
        if logits.is_known() {
            return Err(
                self.no_classifier(format!("its output `{}` does not depend on the pixels", short(name)))
            );
        }
        if !is_row || classes < 2 {
            let shape = logits.shape();
            return Err(self.no_classifier(format!(
                "its output `{}` is {shape:?}, expected one number a class",
                short(name)
            )));
        }
        let order: Vec<usize> = (0..logits.shape().len()).collect();
        let told =
            |_| self.no_classifier(format!("its output `{}` cannot be brought into a row", short(name)));
        let live = to.planes(&logits, &order, [classes, 1, 1]).map_err(told)?;
        let latent = to.read_by.get(&live.value).map_or(live, |read| *read);
        let brightest = match own_normaliser {
            Some(own) => own.brightest,
            None if self.input.is_bytes => 255.0,
            None => 1.0,
        };
        if self.input.is_nhwc {
            to.note("the graph takes images with channels last; they are read so");
        }
        let graph = to.builder.finish(latent.value, live.value).for_images_of([height, width]);
        Ok(Network { graph, weights: to.weights, classes, own_normaliser, brightest, notes: to.notes })
    }
}

/// The one input that is no initialiser.
fn input(path: &Path, model: &proto::Model) -> Result<Input, Error> {
    let graph = model.graph.as_ref().expect("a model that was read has a graph");
    let refused = |problem: String| Error::NotAClassifier { path: path.to_owned(), problem };
    let is_weight = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs: Vec<&proto::ValueInfo> = graph.input.iter().filter(|input| !is_weight(&input.name)).collect();
    let [input] = inputs[..] else {
        return Err(refused(format!("it has {} inputs, expected one, of pixels", inputs.len())));
    };
    let tensor = input.r#type.as_ref().and_then(|of| of.tensor_type.as_ref());
    let dims =
        tensor.and_then(|tensor| tensor.shape.as_ref()).map(|shape| &shape.dim[..]).unwrap_or_default();
    let size = |dim: &proto::Dimension| {
        dim.dim_value.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0)
    };
    let sizes: Vec<Option<usize>> = dims.iter().map(size).collect();
    let &[batch, second, third, fourth] = &sizes[..] else {
        return Err(refused(format!(
            "its input `{}` has {} axes, expected four: (images, 3, rows, columns)",
            short(&input.name),
            sizes.len()
        )));
    };
    let is_nhwc = second != Some(3) && fourth == Some(3);
    if !is_nhwc && second.is_some_and(|channels| channels != 3) {
        return Err(refused(format!("its input has {} channels, expected 3", second.unwrap_or(0))));
    }
    Ok(Input {
        name: input.name.clone(),
        batch: batch.unwrap_or(1),
        size: if is_nhwc { [second, third] } else { [third, fourth] },
        is_nhwc,
        is_bytes: tensor.is_some_and(|tensor| tensor.elem_type == 2),
    })
}
