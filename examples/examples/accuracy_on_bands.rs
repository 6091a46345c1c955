//! What a network gets right on low, middle and high frequencies of images.
//!
//! `cargo run -p examples --example accuracy_on_bands -- CHECKPOINT ARCHITECTURE [FOLDER]`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use freqbias::{
    ComponentRequest, DatasetProfile, EvaluationReport, EvaluationSettings, Evaluator, Limits, Request,
    Session, StoredCheckpoint, percent,
};

fn main() -> anyhow::Result<()> {
    let [checkpoint, arch, folder] = examples::arguments(["resnet20.pt", "resnet20", "accuracy_on_bands"]);
    let session = Session::default();
    let request = Request { limits: Limits { train: Some(0), test: Some(200) }, ..Request::default() };
    let images = request.open(&session.progress)?.test;
    let profile = DatasetProfile::from(&request);
    let components =
        ComponentRequest { bands: vec![(0, 4), (4, 12)], radii: vec![12], ..ComponentRequest::default() };
    let settings = EvaluationSettings { components, ..EvaluationSettings::default() };
    let evaluator = Evaluator::new(&settings, &images, &profile, arch.parse()?, &session)?;
    let measured =
        evaluator.of_checkpoints(vec![(StoredCheckpoint::at(checkpoint), "network".to_owned())])?;
    for part in &measured[0].parts {
        println!("{:14} {:5.1} %", part.component.name(), percent(part.scores.accuracy()));
        assert_eq!(part.scores.accuracy().of, 200);
    }
    std::fs::create_dir_all(&folder)?;
    EvaluationReport { evaluator: &evaluator, measured: &measured }.save(folder.as_ref())?;
    Ok(())
}
