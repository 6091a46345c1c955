//! A file that claims to be huge takes memory for what it holds, not for what it claims.
//!
//! Every allocation of this process is counted, so all cases stand in one test. The most that is held at once while a file is read must
//! stay below a multiple of its length and what its kind takes whatever its length.

mod common;

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
};

use common::{Pickle, batch, gzip, header, member, tar, xz, zstd};
use datasets::{
    Error, ImageShape, Limits, OnCorrupt, arrays, cifar,
    folder::{self, Options},
    frequency, generated, mnist, svhn,
};
use image::{DynamicImage, ImageFormat, RgbImage};
use peak_alloc::PeakAlloc;
use tempfile::TempDir;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// How many times its length a file may take, and what more.
#[derive(Clone, Copy)]
struct Bound {
    times: usize,
    more: usize,
}

/// What is read is held as bytes of the file and as pixels, and lists double as they grow. More are buffers, paths and messages, and a
/// megabyte for the first part of a file in an archive.
const PLAIN: Bound = Bound { times: 8, more: 2 * MIB };

/// A value of a pickle takes 16 bytes, and one byte can say it.
const PICKLE: Bound = Bound { times: 40, more: MIB };

/// An image of four million pixels may be all of one colour, so that a file of any length may be one: three bytes a pixel, twice where the
/// decoder keeps its own.
const IMAGE: Bound = Bound { times: 8, more: 32 * MIB };

/// A compressed archive may unpack to 64 MiB whatever its length, or to 20 times that; a list of so many bytes doubles while it grows. Beside
/// them stands the decompressor's window, of 80 MiB at the most.
const BOMB: Bound = Bound { times: 3 * 20, more: 3 * 64 * MIB + 80 * MIB };

/// A page of a column may unpack to 16 MiB whatever its length.
const PAGES: Bound = Bound { times: 3 * 20, more: 3 * 16 * MIB };

const ALL: Limits = Limits { train: None, test: None };

/// Writes a hostile file, and looks at the most that is held at once while it is read, beyond what was held before.
fn check(name: &str, path: &Path, bytes: &[u8], bound: Bound, read: impl FnOnce() -> Result<(), Error>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let outcome = read();
    let taken = MEMORY.peak_usage().saturating_sub(before);
    let most = bound.times * bytes.len() + bound.more;
    let text = outcome.map_or_else(|error| error.to_string(), |()| "read".to_owned());
    assert!(taken <= most, "{name}: {taken} bytes for a file of {}, at most {most}: {text}", bytes.len());
    fs::remove_file(path).unwrap();
}

fn fine(root: &Path) -> Result<(), Error> {
    cifar::load_cifar100(root, cifar::Labels::Fine, ALL).map(drop)
}

fn photographs(root: &Path) -> Result<(), Error> {
    let options = Options { side: Some(8), on_corrupt: OnCorrupt::Skip, ..Options::default() };
    let data = folder::load(root, options)?;
    (0..data.train.len()).try_for_each(|index| data.train.bytes(index).map(drop))?;
    (0..data.test.len()).try_for_each(|index| data.test.bytes(index).map(drop))
}

#[test]
fn memory_follows_the_file_and_not_its_claims() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    // The thread pool, and tables that are made once.
    let sound = root.join("warm/train/a/1.png");
    check("a sound image", &sound, &encode(ImageFormat::Png), PLAIN, || photographs(&root.join("warm")));
    pickles(root);
    records(root);
    arrays(root);
    archives(root);
    images(root);
    tables(root);
    others(&root.join("others"));
}

/// Sets that are arrays in one file or a few. What is compressed, and of what size it says it is, decides nothing.
fn others(root: &Path) {
    let claim = |descr: &str, shape: &str| {
        let text = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), &[0; 48]].concat()
    };
    let arrays = root.join("images.npy");
    fs::create_dir_all(root).unwrap();
    fs::write(root.join("labels.npy"), claim("|u1", "(48,)")).unwrap();
    for (name, bytes) in [
        ("an array of many images", claim("<f4", "(1000000000000, 3, 2, 2)")),
        ("an array of large images", claim("<f8", "(1, 3, 100000000, 100000000)")),
        ("many images without a pixel", claim("<f8", "(1000000000000, 3, 0, 2)")),
    ] {
        check(name, &arrays, &bytes, PLAIN, || arrays::load(root, ALL).map(drop));
        check(name, &arrays, &gzip(&bytes), PLAIN, || arrays::load(root, ALL).map(drop));
    }
    let heavy = [&claim("|u1", "(48, 1200, 1200)")[..], &vec![0; 48 * 1200 * 1200 - 48]].concat();
    check("a heavy array", &arrays, &gzip(&heavy), BOMB, || {
        let text = arrays::load(root, ALL).expect_err("heavy").to_string();
        assert!(text.contains("unpacks to far more"), "{text}");
        Ok(())
    });
    let idx = |sides: [u32; 3]| {
        let sides = sides.map(u32::to_be_bytes).concat();
        [&[0, 0, 8, 3][..], &sides, &[0; 20]].concat()
    };
    let path = root.join("train-images-idx3-ubyte.gz");
    // Of a compressed file only its end tells how long it is.
    let labels = gzip(&[0, 0, 8, 1, 0xff, 0xff, 0xff, 0xff, 1]);
    fs::write(root.join("train-labels-idx1-ubyte.gz"), labels).unwrap();
    for bytes in [idx([u32::MAX; 3]), idx([u32::MAX, 1, 1]), idx([1, u32::MAX, 1])] {
        check("an array of MNIST", &path, &bytes, PLAIN, || mnist::load(root, ALL).map(drop));
        check("an array of MNIST", &path, &gzip(&bytes), PLAIN, || mnist::load(root, ALL).map(drop));
    }
    matlab(root);
}

/// Numbers of MATLAB: a tag says their type and size.
fn matlab(root: &Path) {
    let tag = |kind: u32, size: u32| [kind, size].map(u32::to_le_bytes).concat();
    let header = [&[b' '; 124][..], &[0, 1], b"IM"].concat();
    // An array of some class with one side, called X, and what follows.
    let array = |class: u32, side: u32, content: &[u8]| {
        let flags = [tag(6, 8), tag(class, 0)].concat();
        let sides = [tag(5, 8), tag(side, 1)].concat();
        let name = [&(1u32 << 16 | 1).to_le_bytes()[..], b"X\0\0\0"].concat();
        let inside = [&flags[..], &sides, &name, content].concat();
        [tag(14, u32::MAX), inside].concat()
    };
    let pack = |bytes: &[u8]| {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        let packed = packed.finish().unwrap();
        [tag(15, packed.len() as u32), packed].concat()
    };
    let empty = tag(14, 0);
    let text = [&tag(16, 30 << 20)[..], &vec![b'a'; 30 * MIB]].concat();
    let numbers = [&tag(1, 60 << 20)[..], &vec![1; 60 * MIB]].concat();
    let path = root.join("train_32x32.mat");
    let told = |words: &'static str| {
        move || {
            let text = svhn::load(root, ALL).expect_err(words).to_string();
            assert!(text.contains(words), "{words}: {text}");
            Ok(())
        }
    };
    for (name, bytes, words) in [
        ("a list of 4 GiB", array(1, u32::MAX >> 1, &empty), "something other than an array"),
        (
            "numbers of 4 GiB",
            array(9, u32::MAX >> 1, &[&tag(2, u32::MAX)[..], &[0; 64]].concat()),
            "64 bytes of an element",
        ),
        (
            "fields of 4 GiB",
            array(2, u32::MAX >> 1, &[tag(5, 4), tag(1, 0), tag(1, u32::MAX)].concat()),
            "0 bytes of an element of 4294967295",
        ),
    ] {
        let whole = [&header[..], &bytes].concat();
        check(name, &path, &whole, PLAIN, told(words));
        check(name, &path, &[&header[..], &pack(&bytes)].concat(), PLAIN, told(words));
    }
    for (name, bytes, words) in [
        ("many empty values", array(1, u32::MAX >> 1, &empty.repeat(4 << 20)), "more than 262144 values"),
        ("a long text", array(4, u32::MAX >> 1, &text), "a text of 31457280 bytes"),
        ("many numbers", array(8, u32::MAX >> 1, &numbers), "62914560 bytes of values"),
    ] {
        check(name, &path, &[&header[..], &pack(&bytes)].concat(), BOMB, told(words));
    }
}

fn pickles(root: &Path) {
    let folder = root.join("cifar-100-python");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("test"), batch(&[("fine_labels", &[7]), ("coarse_labels", &[3])], &[0; 3072]))
        .unwrap();
    let place = |number: u32| [b"r".to_vec(), number.to_le_bytes().to_vec()].concat();
    let claim = |op: &[u8]| [b"\x80\x02}(U\x04data", op, b"ab"].concat();
    let mut matrix = Pickle::default();
    matrix.op(b"\x80\x02}").put().op(b"(").string(b"data").matrix(u32::MAX >> 1, 3072, b"ab").op(b"u.");
    let cases = [
        ("a string of 4 GiB", claim(b"T\xff\xff\xff\xff")),
        ("a unicode string of 2 GiB", claim(b"X\xff\xff\xff\x7f")),
        ("a number of 255 bytes", claim(b"\x8a\xff")),
        ("an array of 6 TiB", matrix.bytes),
        ("a million nothings", [b"\x80\x02".to_vec(), b"N".repeat(1 << 20), b".".to_vec()].concat()),
        ("a million lists", [b"\x80\x02".to_vec(), b"]".repeat(1 << 20)].concat()),
        ("a million marks", [b"\x80\x02".to_vec(), b"(".repeat(1 << 20)].concat()),
        ("a million places", [b"\x80\x02]".to_vec(), (0..1_000_000).flat_map(place).collect()].concat()),
    ];
    for (name, bytes) in cases {
        check(name, &folder.join("train"), &bytes, PICKLE, || fine(root));
    }
    fs::remove_dir_all(folder).unwrap();
}

fn records(root: &Path) {
    let record = [vec![3, 7], vec![90; 3072]].concat();
    let path = root.join("cifar.tar");
    for size in [1_u64 << 30, (1 << 33) - 1] {
        let archive = [&header("cifar-100-binary/train.bin", b'0', size)[..], &record].concat();
        check("records of an archive", &path, &archive, PLAIN, || fine(&path));
        check("records of a gzip archive", &path, &gzip(&archive), PLAIN, || fine(&path));
        let archive = [&header("cifar-100-python/train", b'0', size.min(1 << 28))[..], &record].concat();
        check("pickle of a gzip archive", &path, &gzip(&archive), PLAIN, || fine(&path));
    }
}

fn arrays(root: &Path) {
    let shape = ImageShape { channels: 3, height: 2, width: 2 };
    for part in [generated::TRAIN, generated::TEST] {
        let mut writer = generated::Writer::create(&root.join("arrays").join(part), shape, &[0]).unwrap();
        writer.put(0, &[0.5; 12]).unwrap();
        writer.finish().unwrap();
    }
    let array = |shape: &str| {
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), &[0; 48]].concat()
    };
    let long = [b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), b"{'descr'".to_vec()].concat();
    let deep = [b"\x93NUMPY\x02\x00\x60\xea\x00\x00".to_vec(), b"(".repeat(60_000)].concat();
    let many = array(&format!("({})", "1, ".repeat(15_000)));
    let cases = [
        ("an array of many images", array("(1000000000000, 3, 2, 2)")),
        ("an array of large images", array("(1, 3, 4294967296, 4294967296)")),
        ("a header of 4 GiB", long),
        ("a nested header", deep),
        ("many sides", many),
    ];
    for (name, bytes) in cases {
        let path = root.join("arrays/train/images.npy");
        check(name, &path, &bytes, PLAIN, || generated::load(root.join("arrays"), ALL).map(drop));
        check(name, &path, &bytes, PLAIN, || frequency::read_numbers(&path).map(drop));
    }
}

fn archives(root: &Path) {
    let path = root.join("images.tar");
    let one = |name: &str, kind: u8, size: u64| [&header(name, kind, size)[..], &[7; 600]].concat();
    let mut pax = Vec::new();
    member(&mut pax, "pax", b'x', b"27 size=18000000000000000\n");
    pax.extend(one("train/a/1.png", b'0', 600));
    let cases = [
        ("an image of 8 GiB", one("train/a/1.png", b'0', (1 << 33) - 1)),
        ("an image of 256 MiB", one("train/a/1.png", b'0', 1 << 28)),
        ("a name of 8 GiB", one("long", b'L', (1 << 33) - 1)),
        ("a pax header of 8 GiB", one("long", b'x', (1 << 33) - 1)),
        ("a size in a pax header", pax),
    ];
    for (name, bytes) in cases {
        check(name, &path, &bytes, PLAIN, || photographs(&path));
        check(name, &path, &gzip(&bytes), PLAIN, || photographs(&path));
        check(name, &path, &xz(&bytes), PLAIN, || photographs(&path));
        check(name, &path, &zstd(&bytes), PLAIN, || photographs(&path));
    }
    let large = tar(&[("train/a/1.png", &vec![0; 80 * MIB])]);
    for (name, bytes) in [("gzip", gzip(&large)), ("xz", xz(&large)), ("zstd", zstd(&large))] {
        check(name, &path, &bytes, BOMB, || {
            let text = photographs(&path).expect_err(name).to_string();
            assert!(text.contains("unpacks to far more"), "{name}: {text}");
            Ok(())
        });
    }
}

fn encode(format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(16, 16, |x, y| image::Rgb([x, y, x * y].map(|value| value as u8)));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Small images whose headers claim to be squares of a side.
fn claims(side: u16) -> [(&'static str, Vec<u8>); 7] {
    let wide = u32::from(side);
    let mut png = encode(ImageFormat::Png);
    [16, 20].into_iter().for_each(|at| png[at..at + 4].copy_from_slice(&wide.to_be_bytes()));
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    let mut bmp = encode(ImageFormat::Bmp);
    [18, 22].into_iter().for_each(|at| bmp[at..at + 4].copy_from_slice(&wide.to_le_bytes()));
    let mut jpg = include_bytes!("gradient.jpg").to_vec();
    let frame = jpg.windows(2).position(|marker| marker == [0xff, 0xc2]).unwrap();
    [5, 7].into_iter().for_each(|at| jpg[frame + at..frame + at + 2].copy_from_slice(&side.to_be_bytes()));
    // Fourteen bits for each side less one, then four of other things.
    let mut webp = encode(ImageFormat::WebP);
    let sides = (wide - 1) & 0x3fff | ((wide - 1) & 0x3fff) << 14 | u32::from(webp[24] & 0xf0) << 24;
    webp[21..25].copy_from_slice(&sides.to_le_bytes());
    let text = |head: &str| format!("{head} {side} {side}").into_bytes();
    let ppm = [text("P6"), b" 255\nabc".to_vec()].concat();
    let pbm = [text("P4"), b"\nabc".to_vec()].concat();
    let plain = [text("P3"), b" 255\n1 2 3".to_vec()].concat();
    [
        ("png", png),
        ("bmp", bmp),
        ("jpg", jpg),
        ("webp", webp),
        ("ppm", ppm),
        ("pbm", pbm),
        ("plain ppm", plain),
    ]
}

/// A sound image with a colour profile that is 100 MiB of zeros.
fn heavy_profile() -> Vec<u8> {
    let png = encode(ImageFormat::Png);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    (0..100).for_each(|_| packed.write_all(&[0; MIB]).unwrap());
    let content = [b"iCCPname\0\0".to_vec(), packed.finish().unwrap()].concat();
    let length = (content.len() as u32 - 4).to_be_bytes();
    [&png[..33], &length, &content, &crc32(&content).to_be_bytes(), &png[33..]].concat()
}

fn images(root: &Path) {
    let (folder, path) = (root.join("images"), root.join("images/train/a/1.jpg"));
    for (name, bytes) in claims(u16::MAX) {
        check(name, &path, &bytes, PLAIN, || {
            let text = photographs(&folder).expect_err(name).to_string();
            assert!(text.contains("it claims"), "{name}: {text}");
            Ok(())
        });
    }
    for (name, bytes) in claims(2047) {
        check(name, &path, &bytes, IMAGE, || photographs(&folder));
    }
    check("a heavy profile", &path, &heavy_profile(), IMAGE, || photographs(&folder));
}

/// A table that `data/tables.py` made.
fn made(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tables").join(name)).unwrap()
}

/// Each number that a table has, or what stands in its place, claims to be large.
fn tables(root: &Path) {
    let path = root.join("table.arrow");
    let head = |length: u32| [&[0xff; 4], &length.to_le_bytes()[..], &[0; 16]].concat();
    let footer = |length: u32| [b"ARROW1\0\0", &[0; 16][..], &length.to_le_bytes(), b"ARROW1"].concat();
    for length in [u32::MAX, 8 << 20] {
        check("a long head", &path, &head(length), PLAIN, || photographs(&path));
        check("a long footer", &path, &footer(length), PLAIN, || photographs(&path));
    }
    for name in ["plain.arrow", "mixed_file.arrow"] {
        let sound = made(name);
        for at in (0..sound.len() - 8).step_by(4) {
            for claim in [u64::from(u32::MAX >> 1), 1 << 40] {
                let mut bytes = sound.clone();
                bytes[at..at + 8].copy_from_slice(&claim.to_le_bytes());
                check(&format!("{name} at byte {at}"), &path, &bytes, PLAIN, || photographs(&path));
            }
        }
    }
    let (path, sound) = (root.join("table.parquet"), made("plain.parquet"));
    for at in 0..sound.len() - 5 {
        let mut bytes = sound.clone();
        bytes[at..at + 5].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff, 0x0f]);
        check(&format!("plain.parquet at byte {at}"), &path, &bytes, PAGES, || photographs(&path));
    }
}

/// The checksum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    let shift = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), |sum, _| shift(sum)))
}
