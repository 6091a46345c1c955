//! One short program per thing that an outsider would do with the library crates, in `examples/`:
//!
//! | `cargo run -p examples --example …` | shows | crates |
//! |---|---|---|
//! | `gradient_spectrum` | which image frequencies a checkpoint uses, as numbers and heat map | freqbias |
//! | `train_with_spectrum` | a network trained, with its spectrum recorded on the way | freqbias |
//! | `accuracy_on_bands` | what a checkpoint gets right on low, middle and high frequencies | freqbias |
//! | `candle_network` | the spectrum of a network of your own, a `candle_nn::Module` | freqbias, candle-nn |
//! | `image_density` | how strong each band of a set of images is | datasets, spectral, plots |
//! | `frequency_split` | an image as the sum of its low and high frequencies | spectral, plots |
//! | `fit_kernels` | kernels that give images another spectral density | cdes |
//! | `load_torch_checkpoint` | names, shapes and logits out of a PyTorch file | models, runs |
//! | `synthetic_images` | the synthetic data set, as a contact sheet | datasets, plots |
//! | `photographs_to_array` | photographs as networks see them, as a NumPy array | datasets |
//! | `device_speed` | how fast a device trains and differentiates | models |
//!
//! Each asserts what it shows. Those that read or write files take their names as arguments.

/// The arguments of this process; those that are not given are the defaults.
pub fn arguments<const N: usize>(defaults: [&str; N]) -> [String; N] {
    let mut given = std::env::args().skip(1);
    defaults.map(|default| given.next().unwrap_or_else(|| default.to_owned()))
}
