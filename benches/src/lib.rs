//! What the benchmarks share: the layers that are timed, reproducible numbers, and how long to measure.
//!
//! * `cdes`: a step of fitting toy kernels, and images made with them, in images a second.
//! * `convolution`: the blocked engine's convolutions and batch-norm passes, by pass, layer and instruction set.
//! * `data`: photographs decoded and resized, CIFAR-10 read, the time that a trainer waits for batches.
//! * `fft`: transforms and profiles of the spectra, by size.
//! * `layers`: where the time of a network goes, step by step.
//! * `layouts`: images listed and read out of folders and archives.
//! * `steps`: a training step and an input-gradient step of whole networks, in images a second.
//!
//! ```text
//! cargo bench -p benches                                    # everything, some minutes
//! cargo bench -p benches --bench convolution -- 512         # what has 512 in its name
//! ```
//!
//! ```
//! let layer = benches::LAYERS.iter().find(|layer| layer.name == "64-64 3x3 @32").unwrap();
//! // 128 images, 64 outputs of 32×32 pixels, sums of 9·64 products; a product and a sum are two operations.
//! assert_eq!(layer.operations(), 2 * 128 * 64 * 1024 * 576);
//! ```

use std::{io::Cursor, time::Duration};

use criterion::Criterion;
use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder};
use kernels::blocked::{ConvolutionShape, Dims};

/// The allocator of the programs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A convolution of a network, at the batch size it is trained with.
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    /// Channels in and out, kernel, side of the image, stride.
    pub name: &'static str,
    /// Images of a batch.
    pub images: usize,
    /// Channels, kernel, stride, padding.
    pub shape: ConvolutionShape,
    /// Side of the input.
    pub size: usize,
}

/// Every distinct convolution of ResNet-18 for 32×32 pixels in batches of 128; the two 7×7 layers of the network that changes the
/// spectra of images, in batches of 100; and of networks for 224×224 pixels the stem and convolutions in groups, of 4 and of 1 channel.
pub const LAYERS: [Layer; 16] = [
    layer("3-64 3x3 @32", 128, [3, 64], 3, 32, 1),
    layer("64-64 3x3 @32", 128, [64, 64], 3, 32, 1),
    layer("64-128 3x3 @32 stride 2", 128, [64, 128], 3, 32, 2),
    layer("128-128 3x3 @16", 128, [128, 128], 3, 16, 1),
    layer("128-256 3x3 @16 stride 2", 128, [128, 256], 3, 16, 2),
    layer("256-256 3x3 @8", 128, [256, 256], 3, 8, 1),
    layer("256-512 3x3 @8 stride 2", 128, [256, 512], 3, 8, 2),
    layer("512-512 3x3 @4", 128, [512, 512], 3, 4, 1),
    layer("64-128 1x1 @32 stride 2", 128, [64, 128], 1, 32, 2),
    layer("128-256 1x1 @16 stride 2", 128, [128, 256], 1, 16, 2),
    layer("256-512 1x1 @8 stride 2", 128, [256, 512], 1, 8, 2),
    layer("3-16 7x7 @32", 100, [3, 16], 7, 32, 1),
    layer("16-3 7x7 @32", 100, [16, 3], 7, 32, 1),
    layer("3-64 7x7 @224 stride 2", 16, [3, 64], 7, 224, 2),
    grouped("128-128 3x3 @56 32 groups", 16, 128, 56, 32),
    grouped("128-128 3x3 @56 128 groups", 16, 128, 56, 128),
];

const fn layer(
    name: &'static str,
    images: usize,
    channels: [usize; 2],
    kernel: usize,
    size: usize,
    stride: usize,
) -> Layer {
    Layer { name, images, shape: ConvolutionShape::same(channels, kernel, stride), size }
}

const fn grouped(name: &'static str, images: usize, channels: usize, size: usize, groups: usize) -> Layer {
    let shape = ConvolutionShape { groups, ..ConvolutionShape::same([channels; 2], 3, 1) };
    Layer { name, images, shape, size }
}

/// The activations that ResNet-18 normalises, in batches of 128.
pub const ACTIVATIONS: [Dims; 4] =
    [activation(64, 32), activation(128, 16), activation(256, 8), activation(512, 4)];

const fn activation(channels: usize, size: usize) -> Dims {
    Dims { images: 128, channels, height: size, width: size }
}

impl Layer {
    /// The size of the input.
    pub fn input(&self) -> Dims {
        Dims { images: self.images, channels: self.shape.inputs, height: self.size, width: self.size }
    }

    /// The size of the output.
    pub fn output(&self) -> Dims {
        self.shape.output_dims(self.input())
    }

    /// How many weights the layer has.
    pub fn weights(&self) -> usize {
        self.shape.weights()
    }

    /// Operations of the direct sum, a product and a sum being two: as throughput, they make giga-elements a second
    /// GFLOP/s. (Winograd's algorithm gets by with fewer.)
    pub fn operations(&self) -> u64 {
        (2 * self.images * self.output().pixels() * self.weights()) as u64
    }
}

/// Values of a batch of planes.
pub fn len(dims: Dims) -> usize {
    dims.images * dims.channels * dims.pixels()
}

/// Reproducible numbers in −1..1.
pub fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Ten samples in about half a second, so that all benchmarks together take minutes.
pub fn settings() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .without_plots()
}

/// A JPEG file of 500×375 pixels, as large as those of ImageNet (about 110 kB): waves of many lengths with some noise, different for each index.
///
/// ```
/// let file = benches::photograph(0);
/// assert!(file.starts_with(&[0xff, 0xd8]) && (60_000..160_000).contains(&file.len()), "{}", file.len());
/// ```
pub fn photograph(index: usize) -> Vec<u8> {
    let noise = numbers(index as u64, 500 * 375);
    let picture = RgbImage::from_fn(500, 375, |x, y| {
        let at = (y * 500 + x) as usize;
        let wave = |length: f32| ((x as f32 + 0.7 * y as f32 + 31.0 * index as f32) / length).sin();
        let level = 128.0 + 50.0 * wave(90.0) + 25.0 * wave(17.0) + 12.0 * wave(5.0) + 10.0 * noise[at];
        image::Rgb([level, 0.8 * level + 20.0, 200.0 - 0.6 * level].map(|value| value as u8))
    });
    let mut bytes = Cursor::new(Vec::new());
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 92);
    encoder.write_image(&picture, 500, 375, ExtendedColorType::Rgb8).expect("an image in memory");
    bytes.into_inner()
}
