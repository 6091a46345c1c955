//! Convolutions and batch normalisation at the sizes of ResNet-18 on CIFAR (batches of 128) and of the fitted
//! 7×7 kernels (batches of 100).
//!
//! Throughput is in operations of the direct convolution (a product and a sum are two), so that Gelem/s reads
//! as GFLOP/s; for batch normalisation it is in values. Gradients are timed as autograd pays for them: with
//! candle's own zeros and sums around each operation.

use std::{hint::black_box, time::Duration};

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, Var};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kernels::{Activation, Conv2d, batch_norm, conv2d};

/// A convolution: channels in and out, side of the image and of the kernel.
struct Layer {
    name: &'static str,
    images: usize,
    channels: [usize; 2],
    size: usize,
    kernel: usize,
    stride: usize,
}

const fn layer(name: &'static str, channels: [usize; 2], size: usize, kernel: usize, stride: usize) -> Layer {
    Layer { name, images: 128, channels, size, kernel, stride }
}

/// Every distinct convolution of ResNet-18 for 32×32 pixels, and the two of the fitted kernels.
const LAYERS: [Layer; 13] = [
    layer("3→64 @32", [3, 64], 32, 3, 1),
    layer("64→64 @32", [64, 64], 32, 3, 1),
    layer("64→128 @32 stride 2", [64, 128], 32, 3, 2),
    layer("128→128 @16", [128, 128], 16, 3, 1),
    layer("128→256 @16 stride 2", [128, 256], 16, 3, 2),
    layer("256→256 @8", [256, 256], 8, 3, 1),
    layer("256→512 @8 stride 2", [256, 512], 8, 3, 2),
    layer("512→512 @4", [512, 512], 4, 3, 1),
    layer("64→128 @32 1x1 stride 2", [64, 128], 32, 1, 2),
    layer("128→256 @16 1x1 stride 2", [128, 256], 16, 1, 2),
    layer("256→512 @8 1x1 stride 2", [256, 512], 8, 1, 2),
    Layer { images: 100, ..layer("3→16 @32 7x7", [3, 16], 32, 7, 1) },
    Layer { images: 100, ..layer("16→3 @32 7x7", [16, 3], 32, 7, 1) },
];

/// (channels, side) of the normalised activations.
const ACTIVATIONS: [(usize, usize); 4] = [(64, 32), (128, 16), (256, 8), (512, 4)];

impl Layer {
    fn geometry(&self) -> Conv2d {
        Conv2d { stride: self.stride, padding: self.kernel / 2, groups: 1 }
    }

    fn arguments(&self) -> Result<(Var, Var)> {
        let [inputs, outputs] = self.channels;
        Ok((
            Var::rand(-1f32, 1.0, (self.images, inputs, self.size, self.size), &Device::Cpu)?,
            Var::rand(-0.1f32, 0.1, (outputs, inputs, self.kernel, self.kernel), &Device::Cpu)?,
        ))
    }

    fn operations(&self) -> u64 {
        let pixels = (self.size / self.stride).pow(2);
        let depth = self.channels[0] * self.kernel * self.kernel;
        (2 * self.images * self.channels[1] * pixels * depth) as u64
    }
}

/// A loss whose gradient is a ready tensor, so that its own cost is not measured.
struct Given(Tensor);

impl CustomOp1 for Given {
    fn name(&self) -> &'static str {
        "given gradient"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.clone()))
    }
}

fn loss(y: &Tensor) -> Result<Tensor> {
    y.apply_op1(Given(Tensor::rand(-1f32, 1.0, y.shape(), &Device::Cpu)?))
}

fn convolutions(criterion: &mut Criterion) {
    LAYERS.iter().for_each(|layer| convolution(criterion, layer).expect("the layers of the table fit"));
}

fn convolution(criterion: &mut Criterion, layer: &Layer) -> Result<()> {
    let (x_var, weight_var) = layer.arguments()?;
    let (x, weight, geometry) =
        (x_var.as_detached_tensor(), weight_var.as_detached_tensor(), layer.geometry());
    let mut group = criterion.benchmark_group(layer.name);
    group.throughput(Throughput::Elements(layer.operations()));
    group.bench_function("forward", |bench| bench.iter(|| conv2d(black_box(&x), &weight, None, geometry)));
    let for_input = loss(&conv2d(&x_var, &weight, None, geometry)?)?;
    group.bench_function("input gradient", |bench| bench.iter(|| for_input.backward()));
    let for_weight = loss(&conv2d(&x, &weight_var, None, geometry)?)?;
    group.bench_function("weight gradient", |bench| bench.iter(|| for_weight.backward()));
    group.finish();
    Ok(())
}

fn normalisations(criterion: &mut Criterion) {
    for (channels, size) in ACTIVATIONS {
        normalisation(criterion, channels, size).expect("the activations of the table fit");
    }
}

fn normalisation(criterion: &mut Criterion, channels: usize, size: usize) -> Result<()> {
    let x = Var::rand(-1f32, 1.0, (128, channels, size, size), &Device::Cpu)?;
    let weight = Var::ones(channels, DType::F32, &Device::Cpu)?;
    let bias = Var::zeros(channels, DType::F32, &Device::Cpu)?;
    let forward = || batch_norm(&x, &weight, &bias, 1e-5, Activation::Relu);
    let mut group = criterion.benchmark_group(format!("batch-norm + ReLU, {channels} @{size}"));
    group.throughput(Throughput::Elements(x.elem_count() as u64));
    group.bench_function("forward", |bench| bench.iter(forward));
    let loss = loss(&forward()?.0)?;
    group.bench_function("backward", |bench| bench.iter(|| loss.backward()));
    group.finish();
    Ok(())
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    targets = convolutions, normalisations
}
criterion_main!(benches);
