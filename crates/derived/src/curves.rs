//! Spectral densities before and after, as a figure.

use plots::{BandCurves, Curve, Spread};
use spectral::RunningBands;

/// The density that images had, the one that they have got, and the one that was aimed at.
pub(crate) struct DensityCurves<'a> {
    /// The radius ρ of each band.
    pub(crate) radii: &'a [usize],
    /// What the legend calls them, and their densities.
    pub(crate) measured: [(&'a str, &'a RunningBands); 2],
    /// A value a band.
    pub(crate) target: &'a [f64],
}

impl DensityCurves<'_> {
    /// The figure of them: means, and standard deviations of what is measured.
    ///
    /// # Errors
    /// If there are no bands, or a value is not finite.
    pub(crate) fn figure(&self, title: String, subtitle: String) -> Result<BandCurves, plots::Error> {
        let measured = self.measured.map(|(label, bands)| Curve {
            label: label.to_owned(),
            mean: bands.mean(),
            spread: Spread::Std(bands.std()),
        });
        let target = Curve { label: "target".to_owned(), mean: self.target.to_vec(), spread: Spread::None };
        let curves = measured.into_iter().chain([target]).collect();
        BandCurves::new(title, subtitle, "scaled to [0, 1] per image", self.radii.to_vec(), curves)
    }
}
