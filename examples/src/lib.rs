//! One short program per thing that an outsider would do with the library crates, in `examples/`:
//!
//! | `cargo run -p examples --example …` | shows | crates |
//! |---|---|---|
//! | `gradient_spectrum` | the spectrum of your own gradients, as a heat map | spectral, plots |
//! | `image_density` | how strong each band of a set of images is | datasets, spectral, plots |
//! | `frequency_split` | an image as the sum of its low and high frequencies | spectral, plots |
//! | `train_classifier` | a network trained, with the batches and the network as traits | models, training, datasets |
//! | `load_torch_checkpoint` | names, shapes and logits out of a PyTorch file | models |
//! | `synthetic_images` | the synthetic data set, as a contact sheet | datasets, plots |
//!
//! Each asserts what it shows. Those that write a file take its name as an argument.
