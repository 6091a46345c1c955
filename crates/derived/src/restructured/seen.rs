//! What is kept of the images on their way.

use std::path::Path;

use datasets::ImageSet;
use plots::{ContactSheet, SheetRow, Thumbnail};
use spectral::{Profiler, RunningBands};

use crate::Error;

/// Images of a class that its sheet shows.
const SHOWN: usize = 5;

/// The densities of all images, and some images of each class.
pub(super) struct Seen {
    pub(super) before: RunningBands,
    pub(super) after: RunningBands,
    /// By class: the first images (3, H, W), and what became of them.
    shown: Vec<[Vec<Vec<f32>>; 2]>,
}

impl Seen {
    /// Nothing yet, of a set whose images have so many bands.
    pub(super) fn new(set: &ImageSet, bands: usize) -> Self {
        let bands = RunningBands::new(bands);
        let shown = vec![[Vec::new(), Vec::new()]; set.classes().len()];
        Self { before: bands.clone(), after: bands, shown }
    }

    /// Adds the images at these positions and what became of them, both (N, 3, H, W).
    ///
    /// # Errors
    /// If they are no whole number of images.
    pub(super) fn add(
        &mut self,
        set: &ImageSet,
        positions: &[usize],
        both: [&[f32]; 2],
        profiler: &Profiler,
    ) -> Result<(), Error> {
        let [images, made] = both;
        profiler.profiles(images)?.rows().for_each(|row| self.before.push(row));
        profiler.profiles(made)?.rows().for_each(|row| self.after.push(row));
        let size = set.shape().len();
        for (index, &position) in positions.iter().enumerate() {
            let shown = &mut self.shown[set.labels()[position] as usize];
            if shown[0].len() < SHOWN {
                let each = shown.iter_mut().zip(both);
                each.for_each(|(shown, images)| shown.push(images[index * size..][..size].to_vec()));
            }
        }
        Ok(())
    }

    /// `class3.png`: some images of a class, and what became of them; for each class that has any.
    ///
    /// # Errors
    /// If a picture cannot be drawn or written.
    pub(super) fn save_sheets(
        &self,
        set: &ImageSet,
        experiment: &str,
        part: &str,
        folder: &Path,
    ) -> Result<(), Error> {
        let shape = set.shape();
        let row = |caption: &str, images: &[Vec<f32>]| -> Result<SheetRow, plots::Error> {
            let each = images.iter().map(|image| Thumbnail::from_unit(image, shape.height, shape.width));
            Ok(SheetRow { caption: caption.to_owned(), images: each.collect::<Result<_, _>>()? })
        };
        let classes = self.shown.iter().enumerate().filter(|(_, [images, _])| !images.is_empty());
        for (class, [images, made]) in classes {
            let rows = vec![row("images", images)?, row(experiment, made)?];
            let title = format!("{experiment}: {}", set.classes()[class]);
            let sheet = ContactSheet::new(title, format!("{part} images of class {class}"), rows)?;
            sheet.save(&folder.join(format!("class{class}")))?;
        }
        Ok(())
    }
}
