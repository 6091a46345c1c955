//! Whether a result is of the run that it lies in, as the run is now.

use spectral::SpectrumTable;

use crate::run::Run;

/// Accuracies of the same images that differ by more than this many percent are of different networks: rounding decides few images.
const ALIKE: f64 = 1.0;

/// What tells a result from what the run is: its network, its epochs.
pub(crate) fn remarks(run: &Run, arch: Option<&str>, epochs: &[usize]) -> Vec<String> {
    let mut remarks = Vec::new();
    let own = run.config.as_ref().and_then(|config| config.settings.arch.as_deref());
    if let Some((own, other)) = own.zip(arch).filter(|(own, other)| own != other) {
        remarks.push(format!(
            "This is of {other}, but the run is of {own}: it was measured of another network."
        ));
    }
    match (run.last_epoch(), epochs.iter().max()) {
        (Some(last), Some(&measured)) if measured > last => remarks.push(format!(
            "This has epoch {measured}, but the run has gone to epoch {last}: it was measured of an earlier run. Measure it again."
        )),
        (Some(last), Some(&measured)) if measured < last => {
            remarks.push(format!("The last epoch that was measured is {measured}; the run has gone to epoch {last}."));
        }
        _ => {}
    }
    remarks
}

/// The same of a gradient spectrum, whose accuracies are those of training where the images are the same.
pub(crate) fn of_spectrum(run: &Run, table: &SpectrumTable) -> Vec<String> {
    let epochs: Vec<usize> = table.rows.iter().map(|row| row.epoch).collect();
    let mut remarks = remarks(run, Some(&table.arch), &epochs);
    let is_of_all = run.config.as_ref().and_then(|config| config.test_images) == Some(table.n_images);
    let other = table.rows.iter().find_map(|row| {
        let trained = run.metrics.iter().find(|epoch| epoch.epoch == row.epoch)?;
        ((trained.nat_prec1 - row.nat_prec1).abs() > ALIKE).then_some((
            row.epoch,
            row.nat_prec1,
            trained.nat_prec1,
        ))
    });
    if let Some((epoch, here, there)) = other.filter(|_| is_of_all) {
        remarks.push(format!(
            "The accuracy of epoch {epoch} is {} % here and was {} % in training, on as many images: it was measured of another network or on \
             other images.",
            pages::rounded(here),
            pages::rounded(there)
        ));
    }
    remarks
}
