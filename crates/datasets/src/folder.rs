//! Folders and archives of images, as people have them.
//!
//! ```text
//! {root}/train/{class}/…/image.jpg          jpg, jpeg, png, bmp, ppm, pgm, webp, tif, tiff or gif
//! {root}/val/{class}/…                      or valid/, validation/, test/, testing/; Train/ and training/ too
//! {root}/val/image.jpg                      flat, with a list of labels: Tiny-ImageNet, ImageNet as Kaggle has it, or Layout::val_labels
//! {root}/train.tar, {root}/val.tar          an archive a part: ImageNet as it is published, an archive a class in the one of train
//! {root}/imagenet-train-000017.tar          shards of WebDataset: key.jpg, key.cls or key.json
//! {root}/{class}/…                          no parts: all are test images, or Layout::val_fraction of them
//! ```
//!
//! `root` is such a folder, or an archive of one: zip, or tar, plain or compressed by gzip, bzip2, xz or zstd. Images in a plain tar or a
//! zip archive are read from where they are; what is in a compressed tar is kept in memory. Classes are the folders of `train/`, sorted by
//! name (those of `val/` where there is nothing to train on). The set's own order takes the first image of each class, then the second of
//! each, and so on, so that the first n are of all classes.
//!
//! A folder of tables, or a table, may stand for one of images: Parquet or Arrow files with a column of images and one of labels, as the
//! Hugging Face Hub has them and Python's `datasets` saves them:
//!
//! ```text
//! {root}/…/train-00000-of-00005.parquet, {root}/…/train/0000.parquet     and the same of validation, valid, val, dev or test
//! {root}/train/data-00000-of-00001.arrow                                 save_to_disk
//! {root}/….parquet, {root}/….arrow, or {root} itself                     no split: all are test images, or Layout::val_fraction of them
//! ```
//!
//! The images are in `img` or `image` (bytes, or a structure with `bytes`), the labels in `label`, `labels` or `fine_label`, or as
//! [`Layout::labels`] says. Their order is that of the rows. Of Arrow files only places and labels are in memory; of Parquet files the
//! images are, as far as the limits reach.
//!
//! Where most images are squares of the side that is asked for, these are taken as they are, the others resized, and all decoded once if that
//! takes no more than [`IN_MEMORY`]. Otherwise they stay in their files and are decoded when a batch is made of them: test images by
//! torchvision's `Resize(256)` and `CenterCrop(224)`, training images by `RandomResizedCrop(224)` and a flip (other sides in the same
//! proportion; [`Options`] names another size to resize to, and another filter). Which decoders and what becomes of grey, CMYK and 16-bit images: RGB of 8 bits, as described at [`load`].

mod assemble;
mod corrupted;
mod devkit;
mod find;
mod imagenet;
mod labels;
mod layout;
mod listing;
mod load;
mod names;
mod options;
mod parts;
mod shards;
mod sizes;
mod split;
pub(crate) mod tables;
mod tree;

// Reading
pub use self::{
    imagenet::{imagenet_classes, load_imagenet, load_restricted_imagenet},
    load::load,
    options::{IN_MEMORY, Layout, Options, SIDE},
};

// What other readers make data sets of
#[cfg(feature = "hub")]
pub(crate) use self::assemble::from_listing;
pub(crate) use self::listing::nearby;
