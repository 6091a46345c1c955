//! Tables of images: Parquet and Arrow files as Python's `datasets` and pyarrow write them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use datasets::{
    Dataset, Error, ImageSet, Limits, Note,
    catalog::{Name, Request},
    cifar::Labels,
    folder::{self, Layout, Options},
};
use progress::Progress;
use tempfile::TempDir;

use crate::common::tables::Table;

/// A table or a folder of tables that `data/tables.py` made.
fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tables").join(name)
}

fn load(root: impl AsRef<Path>) -> Dataset {
    folder::load(root, Options::default()).unwrap()
}

fn refused(root: impl AsRef<Path>) -> String {
    let text = folder::load(root, Options::default()).map(drop).unwrap_err().to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// What Python reads of a part: labels, and the first pixel of each image.
fn told(name: &str, part: &str) -> (Vec<u32>, Vec<Vec<u8>>) {
    let told: serde_json::Value = serde_json::from_slice(&fs::read(made("told.json")).unwrap()).unwrap();
    let part = &told["tables"][name][part];
    let read = |key: &str| part[key].clone();
    (serde_json::from_value(read("labels")).unwrap(), serde_json::from_value(read("first")).unwrap())
}

fn content(set: &ImageSet) -> (Vec<u32>, Vec<Vec<u8>>) {
    let plane = set.shape().height * set.shape().width;
    let first = |index: usize| {
        let planes = set.bytes(index).unwrap();
        vec![planes[0], planes[plane], planes[2 * plane]]
    };
    (set.labels().to_vec(), (0..set.len()).map(first).collect())
}

fn classes() -> Vec<String> {
    ["cat", "dog", "tench, Tinca tinca"].map(str::to_owned).to_vec()
}

/// Copies the files of a folder that a script made, so that they can be changed.
fn copied(name: &str) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            match entry.path().is_dir() {
                true => copy(&entry.path(), &to),
                false => fs::write(to, fs::read(entry.path()).unwrap()).unwrap(),
            }
        }
    }
    let root = TempDir::new().unwrap();
    copy(&made(name), root.path());
    root
}

#[test]
fn splits_hold_what_python_reads() {
    for name in ["shards", "saved"] {
        let data = load(made(name));
        assert_eq!(data.train.classes(), classes(), "{name}");
        assert_eq!(content(&data.train), told(name, "train"), "{name}");
        assert_eq!(content(&data.test), told(name, "test"), "{name}");
        assert_eq!((data.train.shape().width, data.notes.len()), (4, 0), "{name}");
    }
    assert_eq!(content(&load(made("shards/data")).test), told("shards", "test"));
}

#[test]
fn a_table_of_no_split_is_the_test_set() {
    for (root, name) in [
        ("alone", "alone"),
        ("alone.parquet", "alone"),
        ("alone/data-00000-of-00001.arrow", "alone"),
        ("by_path", "by_path"),
        ("saved/test", "saved"),
    ] {
        let data = load(made(root));
        assert_eq!(content(&data.test), told(name, "test"), "{root}");
        assert_eq!(data.test.classes(), classes(), "{root}");
        assert_eq!(
            (data.train.len(), &data.notes),
            (0, &vec![Note::AllForTest { count: data.test.len() }]),
            "{root}"
        );
    }
    let root = TempDir::new().unwrap();
    fs::copy(made("alone.parquet"), root.path().join("x.parquet")).unwrap();
    assert_eq!(content(&load(root.path()).test), told("alone", "test"), "under any name");
}

#[test]
fn columns_of_other_types_do_not_matter() {
    for root in ["mixed.arrow", "mixed_file.arrow"] {
        let data = load(made(root));
        assert_eq!(content(&data.test), told("mixed", "test"), "{root}");
        assert_eq!(
            data.test.classes(),
            ["0", "1", "2", "3", "4"],
            "without names classes are called by their numbers"
        );
        let layout = Layout { labels: Labels::Coarse, ..Layout::default() };
        let coarse = layout.load(made(root), Options::default()).unwrap();
        assert_eq!((coarse.test.labels(), coarse.test.classes().len()), (&[1, 0, 0, 1, 1][..], 2));
    }
    for root in ["plain.parquet", "plain.arrow"] {
        assert_eq!(content(&load(made(root)).test).0, [1, 0], "bytes without a structure: {root}");
    }
}

#[test]
fn a_request_reads_tables() {
    let limits = Limits { train: Some(2), test: Some(1) };
    for name in ["shards", "saved"] {
        let request = Request { name: Name::Folder, root: Some(made(name)), limits, ..Request::default() };
        let data = request.open(&Progress::default()).unwrap();
        assert_eq!(data.train.labels(), &told(name, "train").0[..2]);
        assert_eq!(data.test.labels(), &told(name, "test").0[..1]);
    }
    let root = Some(made("mixed.arrow"));
    let request = Request { name: Name::Folder, root, labels: Labels::Coarse, ..Request::default() };
    assert_eq!(request.open(&Progress::default()).unwrap().test.classes().len(), 2);
}

#[test]
fn a_fraction_is_split_off_where_there_is_no_test_split() {
    let split = Layout { val_fraction: Some(0.4), ..Layout::default() };
    let limits = Limits { train: Some(2), test: None };
    for root in ["alone", "alone.parquet"] {
        let data = split.load(made(root), Options { limits, ..Options::default() }).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (2, 2), "{root}: one of each class that has two");
        assert_eq!(data.test.labels().iter().filter(|label| **label == 2).count(), 0);
        assert_eq!(data.notes, [Note::SplitOff { count: 2, of: 5, seed: 0 }]);
    }
    let root = copied("saved");
    assert_eq!(split.load(root.path(), Options::default()).unwrap().notes, [Note::NotSplit]);
    fs::remove_dir_all(root.path().join("test")).unwrap();
    assert!(
        refused(root.path())
            .contains("dataset_dict.json: found the split `test`, of which there are no files")
    );
    fs::remove_file(root.path().join("dataset_dict.json")).unwrap();
    let data = split.load(root.path(), Options::default()).unwrap();
    let (labels, first) = told("saved", "train");
    // The order of the rows stays.
    let kept: Vec<_> =
        labels.into_iter().zip(first).filter(|row| !zipped(&data.test).contains(row)).collect();
    assert_eq!((zipped(&data.train), data.test.len()), (kept, 2));
}

fn zipped(set: &ImageSet) -> Vec<(u32, Vec<u8>)> {
    let (labels, first) = content(set);
    labels.into_iter().zip(first).collect()
}

/// `datasets` writes images of 16 bits and CMYK so. Pillow clips grey of 16 bits.
#[test]
fn tiff_images_are_read() {
    let data = folder::load(made("tiff"), Options::default()).unwrap();
    let ((labels, first), (told_labels, told_first)) = (content(&data.test), told("tiff", "test"));
    assert_eq!((labels, &first[1]), (told_labels, &told_first[1]));
}

#[test]
fn images_by_path_are_told() {
    let text = refused(made("by_path.parquet"));
    assert!(
        text.contains("by_path.parquet: row 0 has no bytes of an image") && text.contains("save_to_disk"),
        "{text}"
    );
}

#[test]
fn what_is_not_read_is_told_with_what_to_do() {
    for (root, said) in [
        ("lz4.arrow", "columns compressed by LZ4, expected uncompressed ones"),
        ("zstd.arrow", "columns compressed by ZSTD, expected uncompressed ones"),
        ("zstd.parquet", "a column compressed by ZSTD, expected one by SNAPPY, or none"),
        ("view.arrow", "the column `image` of type binary_view"),
        (
            "coded.arrow",
            "`label` (numbers that stand for values of a dictionary), expected a column `label` or",
        ),
        (
            "texts",
            "`label` (texts), expected a column `label` or `labels` or `fine_label` of whole numbers (class_encode_column",
        ),
        ("unlabelled.arrow", "no label in row 1"),
    ] {
        let text = refused(made(root));
        assert!(text.contains(said), "{root}: {text}");
    }
    let root = TempDir::new().unwrap();
    for (content, said) in [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "found a pointer of Git LFS to a file that is not here, expected a table (run `git lfs pull`)",
        ),
        (
            "<!DOCTYPE html>",
            "found an HTML page, as servers send it in place of a file, expected a table (fetch it again)",
        ),
        ("", "found an empty file"),
    ] {
        fs::write(root.path().join("train.parquet"), content).unwrap();
        let text = refused(root.path());
        assert!(text.contains(&format!("train.parquet: {said}")), "{text}");
    }
    let data = datasets::synthetic::Synthetic { seed: 0, train: 1, test: 1 }.generate();
    let mut table = Table::from_set(&data.train, 0..1, "label");
    table.labels[0].1 = vec![-1];
    table.write(&root.path().join("train.parquet"));
    let text = refused(root.path());
    assert!(
        text.contains("label -1, not 0 to 65535, in row 0, expected numbers of classes (-1 stands for"),
        "{text}"
    );
    let layout = Layout { labels: Labels::Coarse, ..Layout::default() };
    let text = layout.load(made("alone"), Options::default()).unwrap_err().to_string();
    assert!(text.contains("a column `coarse_label` of whole numbers"), "{text}");
}

#[test]
fn state_says_the_files_and_their_order() {
    let root = copied("saved");
    let state = root.path().join("train/state.json");
    // What map() of a loaded set leaves.
    fs::copy(root.path().join("train/data-00000-of-00002.arrow"), root.path().join("train/cache-0.arrow"))
        .unwrap();
    assert_eq!(content(&load(root.path()).train), told("saved", "train"));
    let file = |number: u32| format!(r#"{{"filename": "data-0000{number}-of-00002.arrow"}}"#);
    fs::write(&state, format!(r#"{{"_data_files": [{}, {}]}}"#, file(1), file(0))).unwrap();
    let (mut labels, _) = told("saved", "train");
    labels.rotate_left(4);
    assert_eq!(load(root.path()).train.labels(), labels);
    for (text, said) in [
        (
            r#"{"_data_files": [{"filename": "other.arrow"}]}"#,
            "the file `train/other.arrow`, which is not there",
        ),
        (
            r#"{"_data_files": [{"filename": "../../x.arrow"}]}"#,
            "the file `train/../../x.arrow`, which is not there",
        ),
        (
            r#"{"_indices_data_files": [{"filename": "indices.arrow"}]}"#,
            "rows chosen by another file (`_indices_data_files`)",
        ),
        ("{", "expected JSON"),
    ] {
        fs::write(&state, text).unwrap();
        let found = refused(root.path());
        assert!(found.contains("state.json: found") && found.contains(said), "{found}");
    }
}

#[test]
fn missing_shards_are_told() {
    let root = copied("shards");
    fs::remove_file(root.path().join("data/train-00000-of-00002.parquet")).unwrap();
    let text = refused(root.path());
    assert!(
        text.contains("1 of the files of the split train, among them data/train-00001-of-00002.parquet of 2"),
        "{text}"
    );
}

#[test]
fn classes_of_all_tables_are_the_same() {
    let root = TempDir::new().unwrap();
    let data = datasets::synthetic::Synthetic { seed: 0, train: 2, test: 1 }.generate();
    let table = |rows| Table::from_set(&data.train, rows, "label");
    let names: Vec<String> = (0..10).map(|class| class.to_string()).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    table(0..1).write_with_names(&root.path().join("train.parquet"), "label", &names);
    names.reverse();
    table(1..2).write_with_names(&root.path().join("test.parquet"), "label", &names);
    let text = refused(root.path());
    assert!(
        text.contains("test.parquet: found other names of classes") && text.contains("the same 10"),
        "{text}"
    );
}

#[test]
fn folders_of_images_stay_what_they_are() {
    let root = copied("shards");
    let image = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/picture.png")).unwrap();
    let put = |name: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &image).unwrap();
    };
    // What repositories of the Hub have beside their tables.
    put("banner.png");
    put("assets/logo.png");
    assert_eq!(load(root.path()).train.classes(), classes());
    put("train/a/1.png");
    put("train/b/1.png");
    assert_eq!(load(root.path()).train.classes(), ["a", "b"]);
}

#[cfg(unix)]
#[test]
fn links_out_are_followed_only_if_asked_for() {
    let (root, place) = (TempDir::new().unwrap(), root_with_link());
    std::os::unix::fs::symlink(place.path().join("x.parquet"), root.path().join("train.parquet")).unwrap();
    fs::copy(made("alone.parquet"), root.path().join("test.parquet")).unwrap();
    let error = folder::load(root.path(), Options::default()).unwrap_err();
    assert!(matches!(error, Error::LinkOut { .. }), "{error}");
    let follows = Layout { follows_links: true, ..Layout::default() };
    assert_eq!(follows.load(root.path(), Options::default()).unwrap().train.len(), 5);
}

#[cfg(unix)]
fn root_with_link() -> TempDir {
    let place = TempDir::new().unwrap();
    fs::copy(made("alone.parquet"), place.path().join("x.parquet")).unwrap();
    place
}

/// Tables of two images whose labels are the first and the third of 1000 classes.
fn of_imagenet(names: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    let data = datasets::synthetic::Synthetic { seed: 0, train: 2, test: 1 }.generate();
    let mut table = Table::from_set(&data.train, 0..2, "label");
    table.labels[0].1 = vec![0, 2];
    table.write_with_names(&root.path().join("validation-00000-of-00001.parquet"), "label", names);
    root
}

#[test]
fn tables_of_imagenet_need_not_name_their_classes_by_numbers() {
    let names: Vec<String> = (0..1000).map(|class| format!("animal {class}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let options = Options { side: Some(32), ..Options::default() };
    let root = of_imagenet(&names);
    let data = folder::load_imagenet(root.path(), options).unwrap();
    assert_eq!((data.test.labels(), data.test.classes().len()), (&[0, 2][..], 1000));
    assert!(data.notes.contains(&Note::AssumedImageNet { first: "animal 0".to_owned() }), "{:?}", data.notes);
    let text = folder::load_imagenet(of_imagenet(&names[..999]).path(), options).unwrap_err().to_string();
    assert!(text.contains("found 999 classes, expected the 1000 of ImageNet"), "{text}");
    // Those that do so may have an order of their own.
    let mut numbers: Vec<&str> = folder::imagenet_classes().collect();
    numbers.reverse();
    let data = folder::load_imagenet(of_imagenet(&numbers).path(), options).unwrap();
    assert_eq!((data.test.labels(), data.test.classes()[0].as_str()), (&[999, 997][..], "n01440764"));
    assert!(!data.notes.iter().any(|note| matches!(note, Note::AssumedImageNet { .. })));
    let restricted = folder::load_restricted_imagenet(root.path(), options).unwrap();
    assert_eq!((restricted.test.len(), restricted.test.classes().len()), (0, 9));
}

/// Of labels without names, those of the rows that are read would be all classes.
#[test]
fn a_limit_does_not_decide_which_classes_of_imagenet_there_are() {
    let root = TempDir::new().unwrap();
    let data = datasets::synthetic::Synthetic { seed: 0, train: 3, test: 1 }.generate();
    let mut table = Table::from_set(&data.train, 0..3, "label");
    table.labels[0].1 = vec![0, 2, 7];
    table.write(&root.path().join("validation-00000-of-00001.parquet"));
    let options = Options { side: Some(32), ..Options::default() };
    let all = folder::load_imagenet(root.path(), options).unwrap();
    assert_eq!((all.test.labels(), all.test.classes().len()), (&[0, 1, 2][..], 3));
    let limits = Limits { train: None, test: Some(2) };
    let text = folder::load_imagenet(root.path(), Options { limits, ..options }).unwrap_err().to_string();
    assert!(text.contains("labels without names, of which only the first were to be read"), "{text}");
    assert!(text.contains("expected names of the classes, or all rows"), "{text}");
    // With names the limit changes nothing.
    let names: Vec<&str> = folder::imagenet_classes().collect();
    let named = folder::load_imagenet(of_imagenet(&names).path(), Options { limits, ..options }).unwrap();
    assert_eq!((named.test.labels(), named.test.classes().len()), (&[0, 2][..], 1000));
}

/// The length of the first image becomes such that the page ends within the length of the next.
#[test]
fn a_page_that_ends_within_a_value_is_told() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("train.parquet");
    let mut table = Table::from_set(
        &datasets::synthetic::Synthetic { seed: 0, train: 1, test: 1 }.generate().train,
        0..1,
        "label",
    );
    // Bytes that Snappy keeps as they are; the first of them may be taken for a length.
    table.images = vec![(0..60).map(|byte: u32| (byte * 37 % 251) as u8).collect(), vec![1, 2, 3]];
    table.labels[0].1 = vec![0, 0];
    let properties = parquet::file::properties::WriterProperties::builder().set_dictionary_enabled(false);
    table.write_as(&path, properties);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|four| four == [0, 37, 74, 111]).unwrap() - 4;
    assert_eq!(bytes[at..at + 4], [60, 0, 0, 0]);
    bytes[at] += 5;
    fs::write(&path, bytes).unwrap();
    let text = refused(&path);
    assert!(text.contains("a page that ends within a value"), "{text}");
}

/// Of labels that are sorted a few bytes say a hundred thousand, in one group of rows.
#[test]
fn sorted_labels_may_be_as_many_as_images() {
    let root = TempDir::new().unwrap();
    let count = 70_000;
    let image = |number: usize| [format!("P5\n#{number}\n1 1\n255\n").as_bytes(), &[128]].concat();
    let table = Table {
        image: "img",
        images: (0..count).map(image).collect(),
        labels: vec![("label", (0..count).map(|number| (2 * number / count) as i64).collect())],
    };
    table.write(&root.path().join("test.parquet"));
    let limits = Limits { train: None, test: Some(count - 1) };
    let data = folder::load(root.path(), Options { limits, ..Options::default() }).unwrap();
    assert_eq!((data.test.len(), data.test.classes().len()), (count - 1, 2));
    assert_eq!([data.test.labels()[count / 2 - 1], data.test.labels()[count / 2]], [0, 1]);
}
