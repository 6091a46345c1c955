//! A PyTorch file: its pickle, which is small, is read when it is opened, and numbers when they are asked for.

use std::collections::BTreeMap;

use pickle::Value;

use super::{
    calls::{Made, Pickle},
    container::{Container, Source},
    dictionaries::dictionaries,
    facts::facts,
    view::{Storage, View},
};
use crate::{
    dictionary::Dictionary,
    facts::Facts,
    numbers::{Row, floats, is_contiguous},
};

/// An open file: a zip archive, or the format before PyTorch 1.6. Nothing that a pickle names is ever run or looked up: what code
/// would have made is left out.
pub(crate) struct TorchFile {
    container: Container,
    pickle: Pickle,
    dictionaries: Vec<Dictionary>,
    views: Vec<Vec<View>>,
    facts: Facts,
}

impl TorchFile {
    /// Reads what a file says of itself, but no weights.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn open(source: Box<dyn Source>) -> Result<Self, String> {
        let (mut container, pickle) = Container::open(source)?;
        let (dictionaries, views) = dictionaries(&pickle)?.into_iter().unzip();
        let facts = facts(&pickle, |value| single(&mut container, &pickle, value));
        Ok(Self { container, pickle, dictionaries, views, facts })
    }

    /// What people call the format.
    pub(crate) fn format(&self) -> &'static str {
        self.container.format()
    }

    pub(crate) fn dictionaries(&self) -> &[Dictionary] {
        &self.dictionaries
    }

    pub(crate) fn facts(&self) -> Facts {
        self.facts
    }

    /// The numbers of tensors of a dictionary, by their places in it. Each storage is read once, and one at a time.
    ///
    /// # Errors
    /// If a storage is missing, short or damaged.
    pub(crate) fn read(&mut self, dictionary: usize, tensors: &[usize]) -> Result<Vec<Vec<f32>>, String> {
        let views: Vec<&View> = tensors.iter().map(|&tensor| &self.views[dictionary][tensor]).collect();
        read(&mut self.container, &self.pickle, &views)
    }
}

fn read(container: &mut Container, pickle: &Pickle, views: &[&View]) -> Result<Vec<Vec<f32>>, String> {
    let mut by_storage: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (index, view) in views.iter().enumerate() {
        by_storage.entry(pickle.values().bytes(view.storage.key)).or_default().push(index);
    }
    let mut values = vec![Vec::new(); views.len()];
    for indices in by_storage.into_values() {
        let bytes_of = |storage: &Storage| storage.count * storage.kind.bytes();
        let storages = indices.iter().map(|&index| &views[index].storage);
        let Some(largest) = storages.max_by_key(|storage| bytes_of(storage)) else { continue };
        if let [index] = indices[..] {
            let View { shape, strides, storage, .. } = views[index];
            if is_contiguous(shape, strides) && storage.kind.is_floating() {
                container.check(pickle, storage)?;
                let mut row = Row::new(storage.kind, views[index].first() as usize, views[index].count());
                container.pieces(pickle, storage, &mut |piece| row.take(piece))?;
                values[index] = row.finish();
                continue;
            }
        }
        let bytes = container.read(pickle, largest)?;
        for index in indices {
            values[index] = floats(views[index].storage.kind, views[index].layout(), &bytes);
        }
    }
    Ok(values)
}

/// The number of a tensor that has one.
fn single(container: &mut Container, pickle: &Pickle, value: Value) -> Option<f64> {
    let Made::Tensor(view) = pickle.values().made(value)? else { return None };
    if view.count() != 1 {
        return None;
    }
    if view.storage.kind.is_floating() {
        return read(container, pickle, &[view]).ok()?[0].first().map(|&number| number.into());
    }
    let bytes = container.read(pickle, &view.storage).ok()?;
    let first = usize::try_from(view.first() * view.storage.kind.bytes()).ok()?;
    let number = match view.storage.kind.name() {
        "int64" => i64::from_le_bytes(bytes.get(first..first + 8)?.try_into().ok()?),
        "int32" => i32::from_le_bytes(bytes.get(first..first + 4)?.try_into().ok()?).into(),
        _ => return None,
    };
    Some(number as f64)
}
