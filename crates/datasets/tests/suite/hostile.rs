//! Files from elsewhere: whatever their bytes, a reader gives images or one line that names the file, and never panics.
//!
//! What they may allocate is in `allocation.rs`. `FREQBIAS_FUZZ=N` makes N damaged copies for each reader instead of a few hundred.

use std::{fs, io::Cursor, path::Path};

use crate::common::{batch, gzip, gzip_best, names, tar};
use datasets::{
    Dataset, Error, Limits, OnCorrupt, TableError, arrays, cifar,
    folder::{self, Options},
    generated, mnist, svhn,
};
use image::{DynamicImage, ImageFormat, RgbImage};
use rand::{Rng, RngCore, SeedableRng};
use random::ChaCha8Rng;
use tempfile::TempDir;

const ALL: Limits = Limits { train: None, test: None };

fn iterations() -> usize {
    std::env::var("FREQBIAS_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

/// One change of the kinds that find mistakes: bytes, lengths, cuts, repeats.
fn damage(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let at = rng.random_range(0..bytes.len().max(1) as u64) as usize;
    let end = (at + rng.random_range(1..64_u64) as usize).min(bytes.len());
    match rng.random_range(0..8_u32) {
        0 => bytes.truncate(at),
        1 => bytes[at..end].fill([0, 0xff, 0x7f, b'('][rng.random_range(0..4_u64) as usize]),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        4 => rng.fill_bytes(&mut bytes[at..end]),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.next_u32() as u8;
            }
        }
    }
}

/// Damaged copies of a file, truncated at every place if it is small, and noise; each is written to `path` and read.
fn storm(path: &Path, sound: &[u8], read: impl Fn() -> Result<Dataset, Error>) {
    let check = |bytes: &[u8]| {
        fs::write(path, bytes).unwrap();
        if let Err(error) = read() {
            let text = error.to_string();
            assert!(!text.is_empty() && text.lines().count() == 1, "{text}");
        }
    };
    check(sound);
    read().unwrap();
    let step = sound.len().div_ceil(1000).max(1);
    (0..sound.len()).step_by(step).for_each(|length| check(&sound[..length]));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for round in 0..iterations() {
        let mut bytes = sound.to_vec();
        (0..=round % 5).for_each(|_| damage(&mut bytes, &mut rng));
        check(&bytes);
        if round % 16 == 0 {
            let mut noise = vec![0; rng.random_range(0..2000_u64) as usize];
            rng.fill_bytes(&mut noise);
            check(&noise);
        }
    }
    fs::write(path, sound).unwrap();
    read().unwrap();
}

/// The folder of a CIFAR-100 in a version; its files are the smallest that are sound.
fn cifar100(root: &Path, folder: &str, train: &[u8], test: (&str, &[u8])) -> std::path::PathBuf {
    let folder = root.join(folder);
    fs::create_dir_all(&folder).unwrap();
    let suffix = if test.0.ends_with(".bin") { "train.bin" } else { "train" };
    fs::write(folder.join(suffix), train).unwrap();
    fs::write(folder.join(test.0), test.1).unwrap();
    folder.join(suffix)
}

fn pickle() -> Vec<u8> {
    batch(&[("fine_labels", &[7]), ("coarse_labels", &[3])], &[200; 3072])
}

#[test]
fn pickles() {
    let root = TempDir::new().unwrap();
    let path = cifar100(root.path(), "cifar-100-python", &pickle(), ("test", &pickle()));
    storm(&path, &pickle(), || cifar::load_cifar100(root.path(), cifar::Labels::Fine, ALL));
}

#[test]
fn names_of_classes_in_pickles() {
    let root = TempDir::new().unwrap();
    cifar100(root.path(), "cifar-100-python", &pickle(), ("test", &pickle()));
    let classes: Vec<String> = (0..20).map(|class| format!("class {class}")).collect();
    let meta = names("coarse_label_names", &classes.iter().map(String::as_str).collect::<Vec<_>>());
    let path = root.path().join("cifar-100-python/meta");
    storm(&path, &meta, || cifar::load_cifar100(root.path(), cifar::Labels::Coarse, ALL));
}

#[test]
fn deep_nesting_and_huge_claims_in_pickles() {
    let root = TempDir::new().unwrap();
    let path = cifar100(root.path(), "cifar-100-python", &pickle(), ("test", &pickle()));
    let tuples =
        [b"\x80\x02".to_vec(), b"(".repeat(5_000_000), b"t".repeat(5_000_000), b".".to_vec()].concat();
    let lists = [b"\x80\x02".to_vec(), b"]".repeat(1_000_000), b"a".repeat(999_999), b".".to_vec()].concat();
    let nested = [b"\x80\x02N".to_vec(), b"\x85".repeat(3_000_000), b".".to_vec()].concat();
    let memo = [
        b"\x80\x02]".to_vec(),
        (0..2_000_000_u32).flat_map(|i| [b"r".to_vec(), i.to_le_bytes().to_vec()].concat()).collect(),
    ]
    .concat();
    let own = b"\x80\x02]q\x00h\x00a}h\x00h\x00s.".to_vec();
    let huge = b"\x80\x02}(U\x04dataT\xff\xff\xff\xffab".to_vec();
    for bytes in [tuples, lists, nested, memo, own, huge] {
        fs::write(&path, bytes).unwrap();
        let text = cifar::load_cifar100(root.path(), cifar::Labels::Fine, ALL).unwrap_err().to_string();
        assert!(text.contains("cifar-100-python/train") && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn records() {
    let root = TempDir::new().unwrap();
    let record = [vec![3, 7], vec![90; 3072]].concat();
    let path = cifar100(root.path(), "cifar-100-binary", &record, ("test.bin", &record));
    storm(&path, &record, || cifar::load_cifar100(root.path(), cifar::Labels::Fine, ALL));
}

#[test]
fn archives_of_batches() {
    let root = TempDir::new().unwrap();
    let record = [vec![3, 7], vec![90; 3072]].concat();
    let files = [("cifar-100-binary/train.bin", &record[..]), ("cifar-100-binary/test.bin", &record)];
    let path = root.path().join("cifar.tar");
    for archive in [tar(&files), gzip(&tar(&files))] {
        storm(&path, &archive, || cifar::load_cifar100(&path, cifar::Labels::Fine, ALL));
    }
}

#[test]
fn a_small_archive_does_not_unpack_to_all_memory() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("cifar.tar.gz");
    let record = vec![0; 3074 * 40_000];
    let files = [("cifar-100-binary/train.bin", &record[..]), ("cifar-100-binary/test.bin", &record[..3074])];
    fs::write(&path, gzip_best(&tar(&files))).unwrap();
    let text = cifar::load_cifar100(&path, cifar::Labels::Fine, ALL).unwrap_err().to_string();
    assert!(text.contains("unpacks to far more"), "{text}");
}

fn images() -> Vec<(&'static str, Vec<u8>)> {
    let picture =
        RgbImage::from_fn(12, 10, |x, y| image::Rgb([(x * 20) as u8, (y * 25) as u8, (x * y) as u8]));
    let encode = |format| {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture.clone()).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let of = [
        ("png", ImageFormat::Png),
        ("bmp", ImageFormat::Bmp),
        ("ppm", ImageFormat::Pnm),
        ("webp", ImageFormat::WebP),
    ];
    let mut all: Vec<_> = of.into_iter().map(|(name, format)| (name, encode(format))).collect();
    all.push(("jpg", JPEG.to_vec()));
    all
}

/// 12×10 pixels of a gradient, progressive and with 4:2:0 colours, as Pillow wrote them.
const JPEG: &[u8] = include_bytes!("../gradient.jpg");

/// All batches of both parts.
fn all_images(data: Dataset) -> Result<Dataset, Error> {
    for set in [&data.train, &data.test] {
        set.batches(datasets::BatchOptions::default()).try_for_each(|batch| batch.map(drop))?;
    }
    Ok(data)
}

#[test]
fn photographs() {
    for (extension, sound) in images() {
        let root = TempDir::new().unwrap();
        let path = root.path().join(format!("train/class/image.{extension}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let options = Options { side: Some(8), ..Options::default() };
        storm(&path, &sound, || all_images(folder::load(root.path(), options)?));
    }
}

#[test]
fn archives_of_photographs() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("images.tar");
    let images = images();
    let files: Vec<(String, &[u8])> =
        images.iter().map(|(name, bytes)| (format!("train/{name}/1.{name}"), &bytes[..])).collect();
    let archive = tar(&files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect::<Vec<_>>());
    let options = Options { side: Some(8), on_corrupt: OnCorrupt::Skip, ..Options::default() };
    for archive in [archive.clone(), gzip(&archive)] {
        storm(&path, &archive, || all_images(folder::load(&path, options)?));
    }
}

#[test]
fn arrays() {
    let root = TempDir::new().unwrap();
    let shape = datasets::ImageShape { channels: 3, height: 2, width: 2 };
    for part in [generated::TRAIN, generated::TEST] {
        let mut writer = generated::Writer::create(&root.path().join(part), shape, &[0]).unwrap();
        writer.put(0, &[0.5; 12]).unwrap();
        writer.finish().unwrap();
    }
    for file in ["images.npy", "labels.npy"] {
        let path = root.path().join("train").join(file);
        let sound = fs::read(&path).unwrap();
        storm(&path, &sound, || generated::load(root.path(), ALL));
        let mut deep = b"\x93NUMPY\x02\x00".to_vec();
        deep.extend(60_000_u32.to_le_bytes());
        deep.resize(12 + 60_000, b'(');
        fs::write(&path, deep).unwrap();
        assert!(generated::load(root.path(), ALL).unwrap_err().to_string().contains(file));
        fs::write(&path, sound).unwrap();
    }
}

mod tables {
    use crate::common::tables::Table;
    use datasets::synthetic::Synthetic;

    use super::*;

    /// A data set with few images, and its training file.
    fn place(root: &Path) -> (std::path::PathBuf, Vec<u8>) {
        let data = Synthetic { seed: 0, train: 3, test: 1 }.generate();
        let path = root.join("train-00000-of-00001.parquet");
        Table::from_set(&data.train, 0..3, "label").write(&path);
        Table::from_set(&data.test, 0..1, "label").write(&root.join("test-00000-of-00001.parquet"));
        let sound = fs::read(&path).unwrap();
        (path, sound)
    }

    /// A table that `data/tables.py` made.
    fn made(name: &str) -> Vec<u8> {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tables").join(name)).unwrap()
    }

    #[test]
    fn arrow_files() {
        let root = TempDir::new().unwrap();
        let path = root.path().join("table.arrow");
        for name in ["plain.arrow", "mixed_file.arrow", "alone/data-00000-of-00001.arrow"] {
            let options = Options { side: Some(8), on_corrupt: OnCorrupt::Skip, ..Options::default() };
            storm(&path, &made(name), || all_images(folder::load(&path, options)?));
        }
    }

    #[test]
    fn what_is_beside_arrow_files() {
        let root = TempDir::new().unwrap();
        fs::write(root.path().join("data-00000-of-00001.arrow"), made("plain.arrow")).unwrap();
        for name in ["state.json", "dataset_info.json"] {
            let path = root.path().join(name);
            storm(&path, &made(&format!("alone/{name}")), || folder::load(root.path(), Options::default()));
        }
    }

    #[test]
    fn parquet_files_of_a_folder() {
        let root = TempDir::new().unwrap();
        let path = root.path().join("train.parquet");
        for name in ["plain.parquet", "by_path.parquet"] {
            fs::write(&path, made(name)).unwrap();
            let read = || {
                let options = Options { side: Some(8), on_corrupt: OnCorrupt::Skip, ..Options::default() };
                match folder::load(root.path(), options) {
                    Err(Error::Table(TableError::NoImageBytes { row: 0, .. })) => {
                        folder::load("tests/data/tables/plain.parquet", options)
                    }
                    read => all_images(read?),
                }
            };
            storm(&path, &made(name), read);
        }
    }

    #[test]
    fn damaged_tables() {
        let root = TempDir::new().unwrap();
        let (path, sound) = place(root.path());
        storm(&path, &sound, || cifar::load_cifar10(root.path(), ALL));
        // Most of a file is images; what the library believes is at its end, and at the heads of the pages.
        let footer = u32::from_le_bytes(sound[sound.len() - 8..][..4].try_into().unwrap()) as usize;
        let from = sound.len() - 8 - footer;
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..5 * iterations() {
            let mut bytes = sound.clone();
            let mut end = bytes.split_off(from);
            damage(&mut end, &mut rng);
            bytes.extend(end);
            fs::write(&path, bytes).unwrap();
            drop(cifar::load_cifar10(root.path(), ALL));
        }
    }

    /// A file that is a footer alone.
    fn footer(content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u32).to_le_bytes();
        [b"PAR1", content, &length, b"PAR1"].concat()
    }

    #[test]
    fn huge_claims_and_deep_nesting_in_footers() {
        let root = TempDir::new().unwrap();
        let (path, _) = place(root.path());
        // Version 1, then a schema: a list of structures.
        let claim = b"\x15\x02\x19\xfc\xff\xff\xff\xff\x07".to_vec();
        let groups = b"\x15\x02\x39\xfc\xff\xff\xff\xff\x07".to_vec();
        let element = b"\x48\x01a\x15\x02\x00"; // the name, and one child
        let nested = |count: u32| {
            let length = [count as u8 | 128, (count >> 7) as u8 | 128, (count >> 14) as u8];
            [b"\x15\x02\x19\xfc", &length[..], &element.repeat(count as usize)].concat()
        };
        for content in
            [claim, groups, nested(4000), nested(200_000), vec![0x1c; 100_000], vec![0x19; 100_000]]
        {
            fs::write(&path, footer(&content)).unwrap();
            let text = cifar::load_cifar10(root.path(), ALL).unwrap_err().to_string();
            assert!(text.contains("train-00000") && text.contains("a damaged footer"), "{text}");
        }
    }

    #[test]
    fn pages_do_not_unpack_to_all_memory() {
        let root = TempDir::new().unwrap();
        let (path, sound) = place(root.path());
        // The head of the first page: its kind, then its size unpacked.
        let head = &sound[4..];
        assert_eq!([head[0], head[2]], [0x15, 0x15]);
        let varint = head[3..].iter().position(|byte| byte & 128 == 0).unwrap() + 1;
        let mut bytes = sound.clone();
        bytes.splice(7..7 + varint, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
        fs::write(&path, bytes).unwrap();
        let text = cifar::load_cifar10(root.path(), ALL).unwrap_err().to_string();
        assert!(text.contains("that unpacks to 2147483647") && text.lines().count() == 1, "{text}");
    }
}

fn of_arrays(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/arrays").join(name)).unwrap()
}

#[test]
fn archives_of_arrays() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("set.npz");
    for name in ["keras.npz", "medmnist.npz", "fortran.npz", "f32_big.npz"] {
        storm(&path, &of_arrays(name), || arrays::load(&path, ALL));
    }
}

#[test]
fn arrays_of_others() {
    let root = TempDir::new().unwrap();
    let shape = datasets::ImageShape { channels: 3, height: 2, width: 2 };
    let mut writer = generated::Writer::create(root.path(), shape, &[0, 1]).unwrap();
    (0..2).for_each(|index| writer.put(index, &[0.5; 12]).unwrap());
    writer.finish().unwrap();
    for file in ["images.npy", "labels.npy"] {
        let path = root.path().join(file);
        let sound = fs::read(&path).unwrap();
        storm(&path, &sound, || arrays::load(root.path(), ALL));
        let at = sound.windows(5).position(|word| word == b"False").unwrap();
        let fortran = [&sound[..at], b"True ", &sound[at + 5..]].concat();
        storm(&path, &fortran, || arrays::load(root.path(), ALL));
    }
}

#[test]
fn files_of_matlab() {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join("test_32x32.mat"), of_arrays("test_32x32.mat")).unwrap();
    let path = root.path().join("train_32x32.mat");
    for name in ["train_32x32.mat", "test_32x32.mat"] {
        storm(&path, &of_arrays(name), || svhn::load(root.path(), ALL));
    }
}

#[test]
fn arrays_of_mnist() {
    let root = TempDir::new().unwrap();
    let names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    for name in names {
        let name = format!("{name}-ubyte.gz");
        fs::write(root.path().join(&name), of_arrays(&name)).unwrap();
    }
    for name in &names[..2] {
        let path = root.path().join(format!("{name}-ubyte.gz"));
        let packed = fs::read(&path).unwrap();
        let mut plain = Vec::new();
        std::io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), &mut plain).unwrap();
        // The reader takes either under this name.
        storm(&path, &packed, || mnist::load(root.path(), ALL));
        storm(&path, &plain, || mnist::load(root.path(), ALL));
        fs::write(&path, packed).unwrap();
    }
}
