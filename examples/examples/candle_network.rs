//! The gradient spectrum of a network of your own, written with `candle-nn`: anything that is a `Module` from pixels to logits.
//!
//! Its gradients are those of candle's autograd; the module `analysis::gradient::module` says where they differ from PyTorch's. This
//! network has average pooling and GELU, which are right.
//!
//! `cargo run -p examples --example candle_network`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Linear, Module, VarBuilder, VarMap};
use freqbias::{DatasetProfile, Limits, Request, Session, spectrum_of_module};

struct Network {
    convolution: Conv2d,
    linear: Linear,
}

impl Network {
    fn new(weights: VarBuilder<'_>) -> Result<Self> {
        let padded = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
        let convolution = candle_nn::conv2d(3, 16, 3, padded, weights.pp("convolution"))?;
        Ok(Self { convolution, linear: candle_nn::linear(16 * 8 * 8, 10, weights.pp("linear"))? })
    }
}

impl Module for Network {
    fn forward(&self, pixels: &Tensor) -> Result<Tensor> {
        let normalised = ((pixels - 0.5)? / 0.25)?;
        let features = self.convolution.forward(&normalised)?.gelu()?.avg_pool2d(4)?;
        self.linear.forward(&features.flatten_from(1)?)
    }
}

fn main() -> anyhow::Result<()> {
    let weights = VarMap::new();
    let network = Network::new(VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu))?;
    let session = Session::default();
    let request = Request { limits: Limits { train: Some(0), test: Some(100) }, ..Request::default() };
    let images = request.open(&session.progress)?.test;
    let row = spectrum_of_module(&network, &images, &DatasetProfile::from(&request), 0, &session)?;
    let radii: Vec<usize> = (1..=20).collect();
    println!("strongest band ρ = {}, centre of mass ρ = {:.2}", row.peak(&radii), row.centre_of_mass(&radii));
    assert!(row.skipped == 0 && row.mean.iter().all(|value| (0.0..=1.0).contains(value)));
    Ok(())
}
