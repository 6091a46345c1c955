//! ONNX files of image classifiers, read at run time into networks of the `models` crate, which are evaluated and differentiated with
//! respect to their pixels.
//!
//! A [`Model`] is a file; [`Model::network`] makes of it a [`Network`] for images of a size. Each image is run by itself, as a batch of
//! one: shapes are numbers then, and whatever depends on no pixel is computed when the graph is read. Convolutions, linear layers and
//! what else networks are mostly made of become the operations that the engines are fast at; everything else runs on arrays, element by
//! element.
//!
//! Files are hostile: no code in them is run, memory is taken by what they hold, and numbers in other files are read from the folder of
//! the graph alone.

mod call;
mod error;
mod file;
mod importer;
mod model;
mod normaliser;
mod numbers;
mod operations;
mod problem;
mod proto;
mod value;
mod walk;

pub use error::Error;
pub use model::{Model, Network};
pub use normaliser::OwnNormaliser;
