//! Images and what became of them, to look at.

use datasets::ImageSet;
use plots::{ContactSheet, SheetRow, Thumbnail};

/// Columns of a sheet.
const SHOWN: usize = 10;

/// The positions of the images that a sheet shows: the first one of each of the first classes.
pub(super) fn shown(set: &ImageSet) -> Vec<usize> {
    let first = |class: u32| set.labels().iter().position(|&label| label == class);
    (0..set.classes().len() as u32).filter_map(first).take(SHOWN).collect()
}

/// A sheet with a row for each of some images (N, C, H, W).
///
/// # Errors
/// If there are no images, or they are not RGB.
pub(super) fn sheet<const ROWS: usize>(
    title: String,
    subtitle: &str,
    set: &ImageSet,
    rows: [(&str, Vec<u8>); ROWS],
) -> Result<ContactSheet, plots::Error> {
    let shape = set.shape();
    let rows = rows.map(|(caption, images)| {
        let each = images.chunks_exact(shape.len());
        let images = each.map(|image| Thumbnail::from_bytes(image, shape.height, shape.width));
        Ok(SheetRow { caption: caption.to_owned(), images: images.collect::<Result<_, plots::Error>>()? })
    });
    let rows: Result<Vec<SheetRow>, plots::Error> = rows.into_iter().collect();
    ContactSheet::new(title, subtitle, rows?)
}
