//! The same drawing as PNG and as SVG.

use std::{
    fs,
    path::{Path, PathBuf},
};

use plotters::prelude::*;

use crate::{Error, canvas::Canvas};

/// PNG pixels per logical pixel.
const SHARPNESS: u32 = 2;

/// What can be drawn on any backend.
pub(crate) trait Figure {
    /// Width and height in logical pixels.
    fn size(&self) -> (u32, u32);

    /// Draws everything.
    fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>>;
}

/// Writes `{stem}.png` and `{stem}.svg`, each whole or not at all, and says where they are.
pub(crate) fn save(figure: &impl Figure, stem: &Path) -> Result<[PathBuf; 2], Error> {
    let (png, svg) = (with_extension(stem, "png"), with_extension(stem, "svg"));
    write_atomically(&png, |path| {
        let (width, height) = figure.size();
        let area = BitMapBackend::new(path, (width * SHARPNESS, height * SHARPNESS)).into_drawing_area();
        figure.draw(&Canvas::new(&area, f64::from(SHARPNESS))).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())
    })?;
    write_atomically(&svg, |path| {
        let area = SVGBackend::new(path, figure.size()).into_drawing_area();
        figure.draw(&Canvas::new(&area, 1.0)).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())
    })?;
    Ok([png, svg])
}

fn with_extension(stem: &Path, extension: &str) -> PathBuf {
    let name = stem.file_name().unwrap_or_default().to_string_lossy();
    stem.with_file_name(format!("{name}.{extension}"))
}

/// Draws to a sibling, which keeps the extension because backends choose the format by it, and renames it.
fn write_atomically(path: &Path, draw: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let sibling = path.with_file_name(format!(".{}.{name}", std::process::id()));
    let file_error = |source| Error::File { path: path.to_owned(), source };
    // The backends report a full disk or a missing folder poorly: ask for the file first, and sync it afterwards.
    let done = fs::File::create(&sibling)
        .map_err(file_error)
        .and_then(|_| draw(&sibling).map_err(|cause| Error::Drawing { path: path.to_owned(), cause }))
        .and_then(|()| fs::File::open(&sibling).and_then(|file| file.sync_all()).map_err(file_error))
        .and_then(|()| fs::rename(&sibling, path).map_err(file_error));
    done.inspect_err(|_| {
        let _ = fs::remove_file(&sibling);
    })
}
