//! ONNX files against what they compute, and files that are damaged or made to do harm.

mod graphs;
mod hostile;
mod made;
