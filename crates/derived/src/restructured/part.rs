//! One part of the data set, image by image.

use std::path::Path;

use candle_core::{Device, Tensor};
use cdes::{Restructurer, ToyKernels, noise_generator, noisy, target_density};
use datasets::{ImageSet, Look, generated::Writer};
use progress::Progress;
use spectral::{Convention, Profiler, Recipe};

use super::{
    seen::Seen,
    settings::Restructuring,
    summary::{DENSITY, Summary},
};
use crate::{Error, curves::DensityCurves, experiment::Scope};

/// Images at a time, as in the published script: their noise is scaled together.
const BATCH: usize = 100;

/// One part of the data set, and where it goes.
pub(super) struct Part<'a> {
    pub(super) settings: &'a Restructuring,
    pub(super) kernels: &'a [(Scope, ToyKernels)],
    /// Of the density that the kernels were fitted for.
    pub(super) rho: f64,
    pub(super) name: &'a str,
    /// Distinguishes the parts where something random is drawn.
    pub(super) number: u64,
    pub(super) set: &'a ImageSet,
    pub(super) folder: &'a Path,
}

impl Part<'_> {
    /// Writes images, pictures and numbers.
    ///
    /// # Errors
    /// If a file cannot be written, or the interrupt flag is set.
    pub(super) fn write(&self, progress: &Progress) -> Result<Summary, Error> {
        let (set, shape) = (self.set, self.set.shape());
        let profiler = Profiler::new(Recipe::Density, 3, shape.height, shape.width, Convention::Reference)?;
        let restructurer = Restructurer::new(shape.height, shape.width, self.settings.radius)?;
        let mut seen = Seen::new(set, profiler.radii().len());
        let mut writer = Writer::create(self.folder, shape, set.labels())?;
        let pass = progress.pass(self.name, set.len());
        for (scope, kernels) in self.kernels {
            for (batch, positions) in scope.positions(set).chunks(BATCH).enumerate() {
                let number = (scope.number() << 32) | batch as u64;
                let [images, made] = self.make(positions, kernels, &restructurer, number)?;
                let mut each = positions.iter().zip(made.chunks_exact(shape.len()));
                each.try_for_each(|(&position, image)| writer.put(position, image))?;
                seen.add(set, positions, [&images, &made], &profiler)?;
                pass.advance(positions.len());
                pass.check()?;
            }
        }
        drop(pass);
        writer.finish()?;
        seen.save_sheets(set, self.settings.experiment.as_str(), self.name, self.folder)?;
        let summary = self.summary(profiler.radii(), &seen);
        self.save_figure(&summary, &seen)?;
        summary.save(self.folder)?;
        Ok(summary)
    }

    /// Images, and what becomes of them.
    fn make(
        &self,
        positions: &[usize],
        kernels: &ToyKernels,
        restructurer: &Restructurer,
        number: u64,
    ) -> Result<[Vec<f32>; 2], Error> {
        let shape = self.set.shape();
        let mut images = vec![0.0; positions.len() * shape.len()];
        for (&position, image) in positions.iter().zip(images.chunks_exact_mut(shape.len())) {
            self.set.write(position, Look::Plain, image)?;
        }
        let dims = (positions.len(), shape.channels, shape.height, shape.width);
        let tensor = Tensor::from_slice(&images, dims, &Device::Cpu)?;
        // A part has the place in the noise's stream that an epoch has in a fit.
        let mut noise = noise_generator(self.settings.seed, self.number, number);
        let made = kernels.apply(&noisy(&tensor, &mut noise)?)?.flatten_all()?.to_vec1::<f32>()?;
        let mut out = vec![0.0; images.len()];
        restructurer.apply_into(&images, &made, &mut out)?;
        Ok([images, out])
    }

    fn summary(&self, radii: &[usize], seen: &Seen) -> Summary {
        Summary {
            part: self.name.to_owned(),
            folder: self.folder.to_owned(),
            images: self.set.len(),
            radii: radii.to_vec(),
            target: target_density(radii.len(), self.set.shape().height, self.rho),
            before: (&seen.before).into(),
            after: (&seen.after).into(),
        }
    }

    fn save_figure(&self, summary: &Summary, seen: &Seen) -> Result<(), Error> {
        let experiment = self.settings.experiment.as_str();
        let measured = [("images", &seen.before), (experiment, &seen.after)];
        let curves = DensityCurves { radii: &summary.radii, measured, target: &summary.target };
        let title = format!("Spectral density of {experiment} images");
        let subtitle = format!("{} {} images, mean ± standard deviation", self.set.len(), self.name);
        curves.figure(title, subtitle)?.save(&self.folder.join(DENSITY))?;
        Ok(())
    }
}
