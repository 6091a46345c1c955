//! JPEG files, whole and in part: what is decoded of a part is what the whole has there.
#![no_main]

use jpeg::{Jpeg, Part};

/// Pixels beyond which a decoder would only be slow.
const MOST: usize = 1 << 16;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = Jpeg::open(bytes) else { return };
    if file.width() * file.height() > MOST {
        return;
    }
    let (left, top) = (file.width() / 3, file.height() / 3);
    let part = Part { left, top, width: file.width() / 2, height: file.height() / 2 };
    let (whole, some) = (file.decode(file.whole()), file.decode(part));
    let Ok(whole) = whole else {
        assert!(some.is_err(), "damage is found wherever it is");
        return;
    };
    let rows = whole.chunks_exact(file.width()).skip(top).take(part.height);
    let expected: Vec<[u8; 4]> = rows.flat_map(|row| &row[left..left + part.width]).copied().collect();
    assert_eq!(some.as_ref(), Ok(&expected));
});
