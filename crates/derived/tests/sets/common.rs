//! A small data set, and what is in a folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use datasets::{Dataset, ImageSet, ImageShape};
use progress::{Event, Progress};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Side of the images.
pub(crate) const SIDE: usize = 12;

/// 16 training and 8 test images of two classes in turn.
pub(crate) fn data() -> Dataset {
    data_of(&["even", "odd"])
}

/// The same of other classes.
pub(crate) fn data_of(classes: &[&str]) -> Dataset {
    let mut state = 7u64;
    let mut set = |count: usize| {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let pixels: Vec<u8> = (0..count * 3 * SIDE * SIDE).map(|_| next()).collect();
        let shape = ImageShape { channels: 3, height: SIDE, width: SIDE };
        let labels = (0..count as u32).map(|image| image % classes.len() as u32).collect();
        let classes = classes.iter().copied().map(String::from).collect();
        ImageSet::new(pixels, labels, classes, shape).expect("pixels that fit")
    };
    Dataset { name: "noise".into(), train: set(16), test: set(8), notes: Vec::new() }
}

/// Every file below a folder, by its path from there.
pub(crate) fn content(folder: &Path) -> Outcome<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

/// Fails with the names of files that are not the same, not with their bytes.
pub(crate) fn assert_same(one: &BTreeMap<PathBuf, Vec<u8>>, other: &BTreeMap<PathBuf, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let differ: Vec<&PathBuf> = one.keys().filter(|path| one[*path] != other[*path]).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

/// Sets the interrupt flag at the first step of the work.
pub(crate) fn interrupted() -> Progress {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let report = move |event: Event<'_>| {
        if matches!(event, Event::Advance(_) | Event::Position(_)) {
            set.store(true, Ordering::SeqCst);
        }
    };
    Progress::new(report, flag)
}
