//! The gradient spectrum of a checkpoint: which image frequencies its loss depends on.
//!
//! `cargo run -p examples --example gradient_spectrum -- CHECKPOINT ARCHITECTURE [FOLDER]`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use freqbias::{
    DatasetProfile, GradientSpectrum, Limits, Request, Session, SpectrumReport, StoredCheckpoint,
    image_density,
};

fn main() -> anyhow::Result<()> {
    let [checkpoint, arch, folder] = examples::arguments(["resnet20.pt", "resnet20", "gradient_spectrum"]);
    let session = Session::default();
    // The generated set; `name: "cifar10".parse()?` and `root: Some("DIR".into())` take CIFAR-10.
    let request = Request { limits: Limits { train: Some(0), test: Some(200) }, ..Request::default() };
    let images = request.open(&session.progress)?.test;
    let profile = DatasetProfile::from(&request);
    let checkpoints = [StoredCheckpoint::at(checkpoint)];
    let spectrum = GradientSpectrum::new(&images, &profile, arch.parse()?, &session)?;
    let table = spectrum.of_checkpoints(&checkpoints)?;
    let row = &table.rows[0];
    println!(
        "strongest band ρ = {}, centre of mass ρ = {:.2}",
        row.peak(&table.radii),
        row.centre_of_mass(&table.radii)
    );
    assert!(table.radii.contains(&row.peak(&table.radii)) && row.mean.len() == 20);
    std::fs::create_dir_all(&folder)?;
    let report =
        SpectrumReport { table: &table, checkpoints: &checkpoints, images: &image_density(&images)? };
    report.save(folder.as_ref())?.iter().for_each(|file| println!("wrote {}", file.display()));
    Ok(())
}
