//! The CIFAR readers, on files made here and on real ones.
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use datasets::{BatchOptions, Dataset, Error, Limits, cifar};
use tempfile::TempDir;

const PIXELS: usize = 3072;
const ALL: Limits = Limits { train: None, test: None };

/// A record whose pixels count up from its first label.
fn record(labels: &[u8]) -> Vec<u8> {
    let pixels = (0..PIXELS).map(|i| (i as u8).wrapping_add(labels[0]));
    labels.iter().copied().chain(pixels).collect()
}

/// A folder that holds a tiny CIFAR-10: two records in the first batch, one in each other file.
fn cifar10(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("data_batch_1.bin"), [record(&[3]), record(&[9])].concat()).unwrap();
    for i in 2..=5 {
        fs::write(folder.join(format!("data_batch_{i}.bin")), record(&[i])).unwrap();
    }
    fs::write(folder.join("test_batch.bin"), record(&[7])).unwrap();
}

fn message(result: Result<Dataset, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn batches_come_in_order_from_the_folder_or_its_parent() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("cifar-10-batches-bin");
    cifar10(&folder);
    for root in [root.path(), &folder] {
        let data = cifar::load_cifar10(root, ALL).unwrap();
        assert_eq!(data.name, "cifar10");
        assert_eq!(data.train.labels(), [3, 9, 2, 3, 4, 5]);
        assert_eq!(data.test.labels(), [7]);
        assert_eq!(data.train.bytes(1).unwrap(), &record(&[9])[1..]);
        assert_eq!(data.train.classes()[9], "truck");
    }
}

#[test]
fn what_lies_beyond_the_limits_is_not_read() {
    let root = TempDir::new().unwrap();
    cifar10(root.path());
    // A file that claims far more than memory holds, and takes no room on the disk.
    let test = fs::File::options().write(true).open(root.path().join("test_batch.bin")).unwrap();
    test.set_len(100 << 30).unwrap();
    fs::remove_file(root.path().join("data_batch_5.bin")).unwrap();
    let limits = Limits { train: Some(3), test: Some(2) };
    let data = cifar::load_cifar10(root.path(), limits).unwrap();
    assert_eq!(data.train.labels(), [3, 9, 2]);
    assert_eq!(data.test.labels(), [7, 0]);
}

#[test]
fn class_names_come_from_the_file_if_there_is_one() {
    let root = TempDir::new().unwrap();
    cifar10(root.path());
    let names = root.path().join("batches.meta.txt");
    fs::write(&names, "a\nb\r\nc\nd\ne\nf\ng\nh\ni\nj\n\n").unwrap();
    let data = cifar::load_cifar10(root.path(), ALL).unwrap();
    assert_eq!(data.test.classes().concat(), "abcdefghij");

    fs::write(&names, "a\nb\n").unwrap();
    let text = message(cifar::load_cifar10(root.path(), ALL));
    assert!(text.contains("batches.meta.txt lists 2 class names, expected 10"), "{text}");
    fs::write(&names, [0xff, 0xfe]).unwrap();
    assert!(message(cifar::load_cifar10(root.path(), ALL)).contains("UTF-8"));
}

#[test]
fn cifar100_has_fine_and_coarse_labels() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("cifar-100-binary");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("train.bin"), [record(&[11, 98]), record(&[0, 4])].concat()).unwrap();
    fs::write(folder.join("test.bin"), record(&[19, 89])).unwrap();
    let fine = cifar::load_cifar100(root.path(), cifar::Labels::Fine, ALL).unwrap();
    assert_eq!((fine.train.labels(), fine.test.labels()), ([98, 4].as_slice(), [89].as_slice()));
    assert_eq!((fine.test.classes().len(), fine.test.classes()[89].as_str()), (100, "tractor"));
    let coarse = cifar::load_cifar100(&folder, cifar::Labels::Coarse, ALL).unwrap();
    assert_eq!(coarse.train.labels(), [11, 0]);
    assert_eq!((coarse.test.classes().len(), coarse.test.classes()[19].as_str()), (20, "vehicles_2"));
    assert_eq!(coarse.train.bytes(0).unwrap(), &record(&[11, 98])[2..]);
}

#[test]
fn a_missing_folder_lists_the_places() {
    let root = TempDir::new().unwrap();
    let text = message(cifar::load_cifar10(root.path(), ALL));
    let inner = root.path().join("cifar-10-batches-bin");
    for part in [root.path().display().to_string(), inner.display().to_string()] {
        assert!(text.contains(&part), "{text}");
    }
    assert!(text.contains("cifar-10-binary.tar.gz"), "{text}");
    assert!(message(cifar::load_cifar100("/no/such/place", cifar::Labels::Fine, ALL)).contains("test.bin"));
}

#[test]
fn damaged_files_are_named_with_the_byte() {
    let root = TempDir::new().unwrap();
    cifar10(root.path());
    let file = root.path().join("data_batch_1.bin");
    let spoil = |bytes: Vec<u8>| {
        fs::write(&file, bytes).unwrap();
        message(cifar::load_cifar10(root.path(), ALL))
    };
    let whole = [record(&[3]), record(&[9])].concat();
    let text = spoil(whole[..3073 + 100].to_vec());
    assert!(text.contains("data_batch_1.bin"), "{text}");
    assert!(text.contains("byte 3073 has 100 bytes, expected 3073"), "{text}");
    let text = spoil([record(&[3]), record(&[10])].concat());
    assert!(text.contains("label 10 at byte 3073, expected 0 to 9"), "{text}");
    let text = spoil(Vec::new());
    assert!(text.contains("data_batch_1.bin is empty"), "{text}");
    fs::remove_file(&file).unwrap();
    let text = message(cifar::load_cifar10(root.path(), ALL));
    assert!(text.contains("cannot read") && text.contains("data_batch_1.bin"), "{text}");
}

#[test]
fn the_byte_of_a_fine_label_is_the_second_of_its_record() {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join("train.bin"), [record(&[0, 1]), record(&[0, 100])].concat()).unwrap();
    fs::write(root.path().join("test.bin"), record(&[0, 0])).unwrap();
    let text = message(cifar::load_cifar100(root.path(), cifar::Labels::Fine, ALL));
    assert!(text.contains("train.bin has label 100 at byte 3075, expected 0 to 99"), "{text}");
}

/// A folder beside the checkout, or None with a loud line; a panic if the environment says it must be there.
#[expect(clippy::print_stdout, reason = "a skipped test must say so")]
fn beside_checkout(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("FREQBIAS_REQUIRE_GOLDEN").is_none(), "{} is missing", path.display());
    println!("SKIPPED: {} is missing", path.display());
    None
}

#[test]
fn real_images_are_those_of_the_official_test_batch() {
    let (Some(data), Some(golden)) = (beside_checkout("data"), beside_checkout("golden")) else { return };
    let data = cifar::load_cifar10(data, ALL).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (5438, 1017));
    assert_eq!(data.test.labels()[..8], [3, 8, 8, 0, 6, 6, 1, 6]);
    assert_eq!(data.train.classes()[6], "frog");

    // a .npy file of bytes ends with its data, whatever its header
    let tail = |name: &str, len: usize| {
        let bytes = fs::read(golden.join(name)).unwrap();
        bytes[bytes.len() - len..].to_vec()
    };
    let pixels: Vec<u8> = (0..64).flat_map(|i| data.test.bytes(i).unwrap().to_vec()).collect();
    assert!(pixels == tail("images64_u8.npy", 64 * PIXELS), "pixels differ");
    let labels: Vec<u8> = data.test.labels()[..64].iter().map(|&label| label as u8).collect();
    assert_eq!(labels, tail("labels64_u8.npy", 64));

    let batch =
        data.test.batches(BatchOptions { batch_size: 64, ..Default::default() }).next().unwrap().unwrap();
    assert!(batch.images.iter().zip(&pixels).all(|(&x, &byte)| x == f32::from(byte) / 255.0));
}
