//! Data sets as people have them, sound, damaged and hostile. One test binary: each links the whole crate; what counts allocations has its own.

#[path = "../common/mod.rs"]
mod common;

mod arranged;
mod arrays;
mod batches;
mod catalog;
mod cifar;
mod cifar_forms;
mod folder;
mod frequency;
mod generated;
mod hostile;
#[cfg(feature = "hub")]
mod hub;
mod layouts;
mod meant;
mod pixels;
mod rand_augment;
mod synthetic;
mod tables;
