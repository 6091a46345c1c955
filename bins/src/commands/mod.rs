//! One file per program: its flags → options → one library call → what is printed.

pub mod compare;
pub mod easy_train;
pub mod evaluate;
pub mod generate_freq_dataset;
pub mod generate_toy_dataset;
pub mod grad;
mod images;
pub mod inspect;
mod inspect_checkpoint;
mod inspect_dataset;
mod inspect_onnx;
pub mod measure;
pub mod reproduce;
pub mod train_toy_models;
