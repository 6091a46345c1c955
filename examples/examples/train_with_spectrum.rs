//! Trains a network and records its gradient spectrum while it learns.
//!
//! `cargo run -p examples --example train_with_spectrum -- FOLDER`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use freqbias::{
    DatasetProfile, Limits, Recipe, Recording, Request, Session, TrainingRun, train_recording,
    training::Start,
};

fn main() -> anyhow::Result<()> {
    let [folder] = examples::arguments(["train_with_spectrum"]);
    let session = Session::default();
    let request = Request { limits: Limits { train: Some(1280), test: Some(256) }, ..Request::default() };
    let (dataset, profile) = (request.open(&session.progress)?, DatasetProfile::from(&request));
    let run = TrainingRun {
        epochs: 2,
        recipe: Recipe { lr: Some(0.05), ..Recipe::default() },
        start: Start::Overwrite,
        ..TrainingRun::new("resnet20".parse()?, &dataset, &profile, folder)
    };
    let recording = Recording { spectrum_every: Some(1), ..Recording::default() };
    let trained = train_recording(run, recording, &session)?;
    for epoch in &trained.metrics {
        println!(
            "epoch {}: loss {:.3}, {:.1} % of the test images right",
            epoch.epoch, epoch.train_loss, epoch.nat_prec1
        );
    }
    let spectrum = trained.folder.join("spectrum/gradient_spectrum.png");
    println!("wrote {}", spectrum.display());
    assert!(trained.metrics[1].train_loss < 10f64.ln() && spectrum.exists(), "better than guessing");
    Ok(())
}
