//! From the images that were found to a data set: their size, and whether they are kept decoded.

use std::sync::{Arc, Mutex};

use super::{
    listing::{Image, Listing},
    options::{IN_MEMORY, Options, SIDE},
    sizes::{self, Odd, Sample},
};
use crate::{
    Dataset, Encoded, Error, ImageSet, ImageShape, Interpolation, Note, Pixels, Resize, images::encoded::Fit,
};

/// The data set of images that were listed, in their order.
pub(crate) fn from_listing(name: &str, listing: Listing, options: Options) -> Result<Dataset, Error> {
    let Listing { root, store, classes, train, test, mut notes, .. } = listing;
    let classes: Arc<[String]> = classes.into();
    let store = Arc::new(store);
    let part = |images: Vec<Image>| {
        let (names, rest): (Vec<_>, Vec<_>) =
            images.into_iter().map(|image| (image.name, (image.place, image.label))).unzip();
        let (places, labels): (Vec<_>, Vec<u32>) = rest.into_iter().unzip();
        let encoded = Encoded {
            root: root.clone(),
            names,
            places,
            store: Arc::clone(&store),
            shape: ImageShape { channels: 3, height: 0, width: 0 },
            fit: Fit { keeps: false, to: Resize::Shorter(0), interpolation: options.interpolation },
            on_corrupt: options.on_corrupt,
            left_out: Mutex::default(),
        };
        (encoded, labels)
    };
    let mut parts = [part(train), part(test)];
    let sample = sizes::sample(&parts.each_ref().map(|(encoded, _)| encoded));
    for ((encoded, labels), limit) in parts.iter_mut().zip([options.limits.train, options.limits.test]) {
        let kept = limit.unwrap_or(usize::MAX);
        encoded.names.truncate(kept);
        encoded.places.truncate(kept);
        labels.truncate(kept);
    }
    let side = options.side.or(sample.common).unwrap_or(SIDE);
    let to = options.resize.unwrap_or_else(|| usual_size(side));
    if to.length() < side {
        return Err(Error::ResizeBelowSide { to, side });
    }
    let keeps = sample.common == Some(side);
    // Where none could be looked at, the reason is told now.
    let odd = match keeps || (sample.common, &sample.other) == (None, &None) {
        true => sizes::odd(&parts.each_ref().map(|(encoded, _)| encoded), side)?,
        false => None,
    };
    let is_asked = options.resize.is_some() || options.interpolation != Interpolation::default();
    notes.extend((keeps && odd.is_none() && is_asked).then_some(Note::NotResized { side }));
    notes.extend(size_notes(&sample, odd, options.side, side, to));
    for (encoded, _) in &mut parts {
        encoded.shape = ImageShape { channels: 3, height: side, width: side };
        encoded.fit = Fit { keeps, to, interpolation: options.interpolation };
    }
    let [train, test] = parts.map(|(encoded, labels)| set(encoded, labels, &classes));
    Ok(Dataset { name: name.to_owned(), train: train?, test: test?, notes })
}

/// What to tell of images that are resized.
fn size_notes(
    sample: &Sample,
    odd: Option<Odd>,
    asked: Option<usize>,
    side: usize,
    to: Resize,
) -> Option<Note> {
    if let Some(Odd { count, path, size }) = odd {
        return Some(Note::OddSizes { side, count, path, size });
    }
    match (sample.common, &sample.other) {
        // A wave of two of their pixels is the finest that they have.
        (Some(common), _) if common < to.length() && common != side => Some(Note::Enlarged {
            from: common,
            to: to.length(),
            side,
            finest: common * side / (2 * to.length()),
        }),
        (None, Some((path, size))) if asked.is_none() => {
            Some(Note::Resized { side, path: path.clone(), size: *size })
        }
        _ => None,
    }
}

/// Of photographs of 224 pixels the shorter side is resized to 256, and in this proportion for others.
fn usual_size(side: usize) -> Resize {
    Resize::Shorter(((side * 256) as f64 / 224.0).round() as usize)
}

fn set(encoded: Encoded, labels: Vec<u32>, classes: &Arc<[String]>) -> Result<ImageSet, Error> {
    let shape = encoded.shape;
    let set = ImageSet::new(Pixels::Encoded(encoded), labels, Arc::clone(classes), shape)?;
    let is_small = set.len().saturating_mul(shape.len()) <= IN_MEMORY;
    if set.is_whole() && is_small { set.decoded() } else { Ok(set) }
}
