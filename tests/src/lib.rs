//! The rules of the house, in `tests/`: who may know whom, and no circles of modules. What the programs do is tested in `bins/tests`,
//! what a crate does in its own `tests`.
