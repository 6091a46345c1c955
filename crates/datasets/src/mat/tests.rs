//! Files that SciPy wrote, and elements as MATLAB writes them.

use std::{fs, path::Path};

use super::*;

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/arrays").join(name)
}

fn of_bytes(bytes: &[u8], names: &[&str]) -> Result<Vec<(String, Value)>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.mat");
    fs::write(&path, bytes).expect("a file");
    read(&path, names).map_err(|error| error.to_string())
}

#[test]
fn records_are_those_that_were_saved() -> Result<(), Error> {
    for name in ["meta.mat", "meta_plain.mat"] {
        let variables = read(&data(name), &["synsets"])?;
        let [(name, synsets)] = &variables[..] else { panic!("{name}: one variable") };
        assert_eq!(name, "synsets");
        let records = synsets.records().expect("records");
        assert_eq!(records.len(), 3);
        let texts =
            |field| records.iter().map(|record| record.get(field).and_then(Value::text)).collect::<Vec<_>>();
        assert_eq!(texts("WNID"), [Some("n02119789"), Some("n02100735"), Some("n00001740")]);
        assert_eq!(texts("words"), [Some("kit fox"), Some("setter"), Some("entität")]);
        let numbers = |field| {
            records.iter().map(|record| record.get(field).and_then(Value::number)).collect::<Vec<_>>()
        };
        assert_eq!(numbers("ILSVRC2012_ID"), [Some(1.0), Some(2.0), Some(3.0)]);
        assert_eq!(numbers("num_children"), [Some(0.0), Some(0.0), Some(2.0)]);
        let Some(Value::Numbers(children)) = records[2].get("children") else { panic!("children") };
        assert_eq!((children.to_f64(), &children.sides[..]), (vec![1.0, 2.0], &[1, 2][..]));
        assert!(records[0].get("other").is_none());
        assert_eq!(records[0].get("WNID").and_then(Value::number), None);
    }
    Ok(())
}

#[test]
fn every_kind_of_value_is_read_or_named() -> Result<(), Error> {
    let names = ["records", "rows", "complex", "sparse", "whole", "none"];
    let found = read(&data("cells.mat"), &names)?;
    let get = |name: &str| &found.iter().find(|(found, _)| found == name).expect("a variable").1;
    let records = get("records").records().expect("a list of dictionaries");
    assert_eq!(records[1].get("num").and_then(Value::number), Some(-300.0));
    assert_eq!(get("rows").text(), Some("abcdef"), "row after row");
    assert_eq!(get("none").text(), Some(""), "texts without a letter");
    assert_eq!(get("whole").number(), Some(2f64.powi(40)));
    assert_eq!(*get("complex"), Value::Unread("an array of complex numbers"));
    assert_eq!(*get("sparse"), Value::Unread("a sparse array"));
    assert!(read(&data("cells.mat"), &["else"])?.is_empty());
    Ok(())
}

/// A file of another machine, with numbers from their largest byte on.
#[test]
fn small_elements_and_either_byte_order_are_read() {
    for is_big in [false, true] {
        let four = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let two = |value: u16| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let small = |kind: u32, content: &[u8]| {
            let mut bytes = four((content.len() as u32) << 16 | kind).to_vec();
            bytes.extend(content);
            bytes.resize(8, 0);
            bytes
        };
        let header = [&[b' '; 124][..], &two(0x0100), if is_big { b"MI" } else { b"IM" }].concat();
        // Class 4: letters; the name `t`; the letters `hi` as u16.
        let flags = [four(6), four(8), four(4), four(0)].concat();
        let file = |[rows, columns]: [u32; 2], letters| {
            let sides = [four(5), four(8), four(rows), four(columns)].concat();
            let inside = [&flags[..], &sides, &small(1, b"t"), letters].concat();
            [&header[..], &four(14), &four(inside.len() as u32), &inside].concat()
        };
        let text = |text: &str| Ok(vec![("t".to_owned(), Value::Text(text.to_owned()))]);
        let letters = small(4, &[two(0x68), two(0xe9)].concat());
        assert_eq!(of_bytes(&file([1, 2], &letters), &["t"]), text("hé"));
        let none = [four(4), four(0)].concat();
        assert_eq!(of_bytes(&file([2, 0], &none), &["t"]), text(""));
    }
}

#[test]
fn files_of_other_versions_are_named() {
    let message = |bytes: &[u8]| of_bytes(bytes, &["X"]).expect_err("refused");
    let mut newer = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".to_vec();
    newer.resize(124, b' ');
    newer.extend([0x00, 0x02, b'I', b'M']);
    newer.resize(512, 0);
    newer.extend(b"\x89HDF\r\n\x1a\n");
    for bytes in [&newer[..], &newer[512..]] {
        let text = message(bytes);
        assert!(text.contains("MATLAB 7.3, which is HDF5") && text.contains("-v7"), "{text}");
    }
    let older = [[0; 4], [2, 0, 0, 0], [2, 0, 0, 0], [0; 4], [2, 0, 0, 0]].concat();
    let mut older = [older, b"X\0".to_vec()].concat();
    older.resize(200, 0);
    assert!(message(&older).contains("MATLAB 4"), "{}", message(&older));
    assert!(message(&[b'a'; 300]).contains("other bytes"));
    assert!(message(b"").contains("found 0 bytes"));
}

#[test]
fn a_file_that_is_cut_anywhere_is_told() {
    for name in ["meta.mat", "meta_plain.mat"] {
        let whole = fs::read(data(name)).expect("a file");
        let sound = of_bytes(&whole, &["synsets"]);
        for length in 0..whole.len() {
            match of_bytes(&whole[..length], &["synsets"]) {
                Err(text) => assert!(text.contains("x.mat") && text.lines().count() == 1, "{text}"),
                // Nothing but the header is there, or what fills the last element up is missing.
                found => {
                    assert!(found == Ok(Vec::new()) && length == 128 || found == sound, "{name}, {length}");
                }
            }
        }
    }
}

#[test]
fn cells_in_cells_end_somewhere() {
    let four = u32::to_le_bytes;
    let mut inside = Vec::new();
    for _ in 0..40 {
        let flags = [four(6), four(8), four(1), four(0)].concat();
        let sides = [four(5), four(8), four(1), four(1)].concat();
        let content = [flags, sides, [four(1), four(0)].concat(), inside].concat();
        inside = [four(14).to_vec(), four(content.len() as u32).to_vec(), content].concat();
    }
    let file = [&[b' '; 124][..], &[0, 1], b"IM", &inside].concat();
    let found = of_bytes(&file, &[""]).expect_err("refused");
    assert!(found.contains("deep in each other"), "{found}");
}
