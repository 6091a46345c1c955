//! Files of every kind against what Pillow, that is libjpeg, makes of them; and such as do harm.

use jpeg::{Error, Jpeg, Kind, Part};

/// A file, its columns and rows, and Pillow's pixels; `data/files.py` wrote both.
type Sample = (&'static str, &'static [u8], [usize; 2], &'static [u8]);

macro_rules! sample {
    ($name:literal, $width:literal, $height:literal) => {
        (
            $name,
            include_bytes!(concat!("data/", $name, ".jpg")),
            [$width, $height],
            include_bytes!(concat!("data/", $name, ".rgb")),
        )
    };
}

const SAMPLES: [Sample; 18] = [
    sample!("grey", 19, 13),
    sample!("h1v1", 19, 13),
    sample!("h2v1", 19, 13),
    sample!("h2v2", 19, 13),
    sample!("h2v2_even", 18, 12),
    sample!("narrow", 4, 5),
    sample!("progressive", 19, 13),
    sample!("restarts", 19, 13),
    sample!("cmyk", 19, 13),
    sample!("rgb", 19, 13),
    sample!("h1v2", 19, 13),
    sample!("h4v1", 19, 13),
    sample!("h4v2", 19, 13),
    sample!("coarse_luma", 19, 13),
    sample!("mixed", 19, 13),
    sample!("scan_each", 19, 13),
    sample!("scans_of_two", 19, 13),
    sample!("fine_progressive", 19, 13),
];

fn bytes(name: &str) -> Vec<u8> {
    SAMPLES.iter().find(|sample| sample.0 == name).expect("a sample").1.to_vec()
}

#[test]
fn pixels_are_libjpegs() -> Result<(), Error> {
    for (name, bytes, [width, height], expected) in SAMPLES {
        let file = Jpeg::open(bytes)?;
        assert_eq!((file.width(), file.height()), (width, height), "{name}");
        let found = file.decode(file.whole()).map_err(|error| panic!("{name}: {error}")).unwrap();
        for (place, (found, expected)) in found.iter().zip(expected.as_chunks::<3>().0).enumerate() {
            assert_eq!(found[..3], expected[..], "{name} at {}, {}", place % width, place / width);
            assert_eq!(found[3], 255);
        }
    }
    Ok(())
}

#[test]
fn a_part_is_what_the_whole_has_there() -> Result<(), Error> {
    for (name, bytes, [columns, rows], _) in SAMPLES {
        let file = Jpeg::open(bytes)?;
        let whole = file.decode(file.whole())?;
        for (left, top, width, height) in [
            (0, 0, 1, 1),
            (3, 2, 9, 7),
            (8, 8, 8, 4),
            (15, 11, 100, 100),
            (1, 1, 2, 2),
            (7, 0, 1, 13),
            (5, 5, 0, 3),
        ] {
            let found = file.decode(Part { left, top, width, height })?;
            let rows = top.min(rows)..(top + height).min(rows);
            let columns = left.min(columns)..(left + width).min(columns);
            let expected = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
            let expected: Vec<[u8; 4]> = expected.map(|(x, y)| whole[y * file.width() + x]).collect();
            assert_eq!(found, expected, "{name}: {left}, {top}, {width}, {height}");
        }
    }
    Ok(())
}

#[test]
fn what_is_cut_short_says_so() {
    for (name, bytes, ..) in SAMPLES {
        for end in 0..bytes.len() {
            let found = Jpeg::open(&bytes[..end]).and_then(|file| file.decode(file.whole()));
            assert!(found.is_err(), "{name}: {end} bytes of {}", bytes.len());
        }
        let tail = [bytes, &[0xff, 0xd8, 1, 2, 3, 0xff]].concat();
        assert!(Jpeg::open(&tail).and_then(|file| file.decode(file.whole())).is_ok(), "{name} with a tail");
    }
}

#[test]
fn kinds_that_are_not_read_are_named() {
    let header = |marker: u8| {
        let mut bytes = bytes("h1v1");
        let place = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame header");
        bytes[place + 1] = marker;
        (bytes, place)
    };
    let kind = |bytes: &[u8]| match Jpeg::open(bytes) {
        Err(Error::Unsupported(kind)) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(&header(0xc3).0), Kind::Lossless);
    assert_eq!(kind(&header(0xc9).0), Kind::Arithmetic);
    assert_eq!(kind(&header(0xc5).0), Kind::Hierarchical);
    let (mut twelve_bits, place) = header(0xc1);
    twelve_bits[place + 4] = 12;
    assert_eq!(kind(&twelve_bits), Kind::Precision(12));
    let (mut no_height, place) = header(0xc0);
    no_height[place + 5..place + 7].fill(0);
    assert_eq!(kind(&no_height), Kind::UnknownHeight);
    let (mut thirds, place) = header(0xc0);
    (thirds[place + 11], thirds[place + 14]) = (0x31, 0x21);
    assert_eq!(kind(&thirds), Kind::Sampling);
    assert_eq!(kind(&twelve_bits).to_string(), "of 12 bits a sample");
}

/// Files with a byte or two changed, and a part taken out: any answer will do, but there must be one.
#[test]
fn damage_does_no_harm() {
    let mut state = 1u64;
    let mut below = move |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end.max(1) as u64) as usize
    };
    for round in 0..20_000 {
        let (_, bytes, ..) = SAMPLES[round % SAMPLES.len()];
        let mut bytes = bytes.to_vec();
        for _ in 0..1 + below(3) {
            let place = below(bytes.len());
            bytes[place] = below(256) as u8;
        }
        if round % 5 == 0 {
            let (start, length) = (below(bytes.len()), below(9));
            bytes.drain(start..(start + length).min(bytes.len()));
        }
        let Ok(file) = Jpeg::open(&bytes) else { continue };
        if file.width() * file.height() < 1 << 16 {
            let _ = file.decode(file.whole());
        }
    }
}
