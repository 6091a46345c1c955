//! From the bytes of storages to the f32 of tensors.

use std::collections::BTreeMap;

use half::{bf16, f16};

use super::{
    calls::Pickle,
    container::Container,
    view::{ElementType, Storage, View},
};

/// The numbers of each view, in the order of its axes. Each storage is read once, and one at a time.
///
/// # Errors
/// If a storage is missing, short or damaged.
pub(super) fn read(
    container: &mut Container,
    pickle: &Pickle,
    views: &[&View],
) -> Result<Vec<Vec<f32>>, String> {
    let mut by_storage: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (index, view) in views.iter().enumerate() {
        by_storage.entry(pickle.values().bytes(view.storage.key)).or_default().push(index);
    }
    let mut values = vec![Vec::new(); views.len()];
    for indices in by_storage.into_values() {
        let bytes_of = |storage: &Storage| storage.count * storage.dtype.size();
        let storages = indices.iter().map(|&index| &views[index].storage);
        let Some(largest) = storages.max_by_key(|storage| bytes_of(storage)) else { continue };
        let bytes = container.read(pickle, largest)?;
        for index in indices {
            values[index] = numbers(views[index], &bytes);
        }
    }
    Ok(values)
}

/// The numbers of a view that was checked, out of the bytes of its storage.
fn numbers(view: &View, bytes: &[u8]) -> Vec<f32> {
    match view.storage.dtype {
        ElementType::F32 => gather(view, bytes, f32::from_le_bytes),
        ElementType::F64 => gather(view, bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        ElementType::F16 => gather(view, bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
        ElementType::Bf16 => gather(view, bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        _ => Vec::new(),
    }
}

fn gather<const N: usize>(view: &View, bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (all, _) = bytes.as_chunks::<N>();
    let (first, count) = (view.first() as usize, view.count());
    if count == 0 {
        return Vec::new();
    }
    if view.is_contiguous() {
        return all[first..first + count].iter().map(|&bytes| number(bytes)).collect();
    }
    let mut index = vec![0; view.shape.len()];
    let mut place = first;
    let mut values = Vec::with_capacity(count);
    loop {
        values.push(number(all[place]));
        if values.len() == count {
            return values;
        }
        place = next(view, &mut index, place);
    }
}

/// The place of the element after `index`, the last axis first.
fn next(view: &View, index: &mut [usize], mut place: usize) -> usize {
    for axis in (0..index.len()).rev() {
        index[axis] += 1;
        place += view.strides[axis];
        if index[axis] < view.shape[axis] {
            break;
        }
        place -= view.strides[axis] * index[axis];
        index[axis] = 0;
    }
    place
}
