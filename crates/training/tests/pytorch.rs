//! Optimisers, learning rates, clipping and averages against PyTorch's in float64; `tests/python/recipes.py` wrote the numbers.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};
use serde::Deserialize;
use training::{AdamW, Average, Decay, LearningRate, NoDecay, Sgd, clip};

type Values = BTreeMap<String, Vec<f64>>;

#[derive(Deserialize)]
struct Golden {
    shapes: BTreeMap<String, Vec<usize>>,
    start: Values,
    gradients: Vec<Values>,
    adamw: Vec<Adam>,
    schedules: Schedules,
    clipping: Vec<Clipped>,
    average: Averages,
}

#[derive(Deserialize)]
struct Adam {
    decaying: Vec<String>,
    betas: [f64; 2],
    epsilon: f64,
    after: Vec<Values>,
}

#[derive(Deserialize)]
struct Schedules {
    base: f64,
    epochs: usize,
    steps: usize,
    warmup: usize,
    rates: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Clipped {
    most: f64,
    gradients: Values,
}

#[derive(Deserialize)]
struct Averages {
    decay: f64,
    after: Vec<AverageAfter>,
}

#[derive(Deserialize)]
struct AverageAfter {
    step: usize,
    average: Values,
}

impl Golden {
    fn read() -> Self {
        serde_json::from_str(include_str!("data/pytorch.json")).expect("the numbers of PyTorch")
    }

    fn tensor(&self, name: &str, values: &[f64]) -> Result<Tensor> {
        let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        Tensor::from_vec(values, self.shapes[name].as_slice(), &Device::Cpu)
    }

    fn variables(&self) -> Result<BTreeMap<String, Var>> {
        let variable = |(name, values): (&String, &Vec<f64>)| {
            Ok((name.clone(), Var::from_tensor(&self.tensor(name, values)?)?))
        };
        self.start.iter().map(variable).collect()
    }

    fn gradients(&self, step: usize) -> Result<BTreeMap<String, Tensor>> {
        let all = self.gradients[step].iter();
        all.map(|(name, values)| Ok((name.clone(), self.tensor(name, values)?))).collect()
    }
}

/// Apart by so much, relative to 1 or the value.
fn assert_near(found: &Tensor, expected: &[f64], tolerance: f64, what: &str) -> Result<()> {
    for (found, expected) in found.flatten_all()?.to_vec1::<f32>()?.into_iter().zip(expected) {
        let apart = (f64::from(found) - expected).abs();
        assert!(apart < tolerance * expected.abs().max(1.0), "{what}: {found}, expected {expected}");
    }
    Ok(())
}

#[test]
fn ten_steps_of_adamw() -> Result<()> {
    let golden = Golden::read();
    for Adam { decaying, betas, epsilon, after } in &golden.adamw {
        let except = if decaying.len() == 1 { NoDecay::all() } else { NoDecay::default() };
        let (parameters, decay) = (golden.variables()?, Decay { amount: 0.05, except });
        for name in parameters.keys() {
            assert_eq!(decay.of(name, &parameters) > 0.0, decaying.contains(name), "{name}");
        }
        let mut adam = AdamW::new(*betas, *epsilon, decay);
        for (step, after) in after.iter().enumerate() {
            let rate = 0.01 * (step + 1) as f64;
            adam.step(&parameters, &golden.gradients(step)?, rate, step as u64)?;
            for (name, expected) in after {
                assert_near(&parameters[name], expected, 2e-6, &format!("{name} after step {step}"))?;
            }
        }
    }
    Ok(())
}

/// The optimiser of a run that was stopped has what the other one has.
#[test]
fn adamw_goes_on_from_its_moments() -> Result<()> {
    let golden = Golden::read();
    let run = |stop: Option<u64>| -> Result<Vec<Vec<f32>>> {
        let new = || AdamW::new([0.9, 0.999], 1e-8, 0.1);
        let (parameters, mut adam) = (golden.variables()?, new());
        for step in 0..6 {
            if stop == Some(step) {
                let moments = adam.moments().clone();
                adam = new();
                adam.set_moments(moments);
            }
            adam.step(&parameters, &golden.gradients(step as usize)?, 0.1, step)?;
        }
        parameters.values().map(|parameter| parameter.flatten_all()?.to_vec1()).collect()
    };
    assert_eq!(run(None)?, run(Some(3))?);
    Ok(())
}

/// What is left out does not decay, and nothing else changes.
#[test]
fn sgd_leaves_out_what_it_is_told_to() -> Result<()> {
    let golden = Golden::read();
    let moved = |decay: Decay| -> Result<BTreeMap<String, Var>> {
        let parameters = golden.variables()?;
        Sgd::new(0.9, decay).step(&parameters, &golden.gradients(0)?, 0.1)?;
        Ok(parameters)
    };
    let some = moved(Decay { amount: 0.3, except: "norms,biases".parse().expect("kinds") })?;
    let (none, all) = (moved(0.0.into())?, moved(0.3.into())?);
    for (name, from) in [("layer.weight", &all), ("layer.bias", &none), ("norm.weight", &none)] {
        let [found, expected] = [&some[name], &from[name]].map(|of| of.flatten_all()?.to_vec1::<f32>());
        assert_eq!(found?, expected?, "{name}");
    }
    Ok(())
}

#[test]
fn learning_rates_of_every_step() {
    let Schedules { base, epochs, steps, warmup, rates } = Golden::read().schedules;
    for (text, expected) in rates {
        let schedule = text.parse().expect("a schedule");
        let warmup_epochs = if text.starts_with("one-cycle") { 0 } else { warmup };
        let rate = LearningRate { base, schedule: &schedule, warmup_epochs, epochs, steps };
        assert_eq!(expected.len(), epochs * steps);
        for (at, expected) in expected.into_iter().enumerate() {
            let found = rate.at(at / steps, at % steps);
            assert!((found / expected - 1.0).abs() < 1e-9, "{text}, step {at}: {found}, expected {expected}");
        }
    }
}

#[test]
fn gradients_are_clipped_together() -> Result<()> {
    let golden = Golden::read();
    for Clipped { most, gradients: expected } in &golden.clipping {
        let mut found = golden.gradients(0)?;
        clip(&mut found, *most)?;
        for (name, expected) in expected {
            assert_near(&found[name], expected, 2e-7, &format!("{name} within {most}"))?;
        }
    }
    Ok(())
}

#[test]
fn averages_follow_the_weights() -> Result<()> {
    let golden = Golden::read();
    let weights = golden.variables()?;
    let Averages { decay, after } = &golden.average;
    let mut average = Average::new(*decay, weights.iter())?;
    let mut compared = 0;
    for step in 0..golden.gradients.len() {
        for (name, values) in golden.gradients(step)? {
            weights[&name].set(&values)?;
        }
        average.update(weights.iter(), step as u64)?;
        for AverageAfter { average: expected, .. } in after.iter().filter(|after| after.step == step) {
            for (name, expected) in expected {
                assert_near(&average.values()[name], expected, 1e-6, &format!("{name} after step {step}"))?;
            }
            compared += 1;
        }
    }
    assert_eq!(compared, after.len());
    Ok(())
}
