//! What could be meant in two ways is refused or told, and never guessed without a word.

use std::fs;

use datasets::{
    Error, Limits, Note, arrays,
    folder::{self, Layout, Options},
    frequency::{Writer, write_numbers},
};
use tempfile::TempDir;

use crate::{
    arranged::{Outcome, found, load, pairs, png, write},
    common::{tables::Table, tar},
};

/// A folder of four classes, and the labels of its flat test images by a list.
fn by_list(classes: [&str; 4], list: &str) -> Result<(Vec<u32>, Vec<Note>), String> {
    let root = TempDir::new().map_err(|error| error.to_string())?;
    for (value, class) in (0..).zip(classes) {
        write(root.path(), &format!("train/{class}/0.png"), &png(value))
            .map_err(|error| error.to_string())?;
    }
    for image in 0..4 {
        write(root.path(), &format!("val/im{image}.png"), &png(image)).map_err(|error| error.to_string())?;
    }
    let path = root.path().join("labels.txt");
    fs::write(&path, list).map_err(|error| error.to_string())?;
    let layout = Layout { val_labels: Some(path), ..Layout::default() };
    let data = layout.load(root.path(), Options::default()).map_err(|error| error.to_string())?;
    // The first image of each class by name, then the second: back in the order of the images, whose number their red value is.
    let mut labels: Vec<(u8, u32)> = (0..data.test.len())
        .map(|index| Ok((data.test.bytes(index)?[0], data.test.labels()[index])))
        .collect::<Result<_, Error>>()
        .map_err(|error| error.to_string())?;
    labels.sort_unstable();
    Ok((labels.into_iter().map(|(_, label)| label).collect(), data.notes))
}

#[test]
fn a_list_of_labels_has_one_reading() {
    let named = ["black", "blue", "green", "red"];
    let (labels, notes) = by_list(named, "red\nblack\ngreen\nblue\n").unwrap();
    assert_eq!((labels, notes), (vec![3, 0, 2, 1], Vec::new()));
    let (labels, notes) = by_list(named, "1\n2\n3\n2\n").unwrap();
    assert_eq!(labels, [1, 2, 3, 2]);
    assert_eq!(notes, [Note::PlacesInList { written: "1".to_owned(), class: "blue".to_owned() }]);
    // Each by itself, 0 would be a place, and the others names.
    let (labels, notes) = by_list(["1", "2", "3", "4"], "0\n1\n2\n3\n").unwrap();
    assert_eq!(labels, [0, 1, 2, 3]);
    assert!(notes.contains(&Note::PlacesInList { written: "0".to_owned(), class: "1".to_owned() }));
    let said = by_list(named, "red\n0\n1\n2\n").unwrap_err();
    assert!(
        said.contains("found `red`, the name of a class, and `0`, which can be the place of one alone"),
        "{said}"
    );
}

#[test]
fn the_order_of_images_is_told_where_numbers_have_another() -> Outcome {
    let root = TempDir::new()?;
    for class in ["a", "b"] {
        write(root.path(), &format!("train/{class}/0.png"), &png(1))?;
    }
    for image in [1, 2, 10] {
        write(root.path(), &format!("val/im{image}.png"), &png(image))?;
    }
    let path = root.path().join("labels.txt");
    fs::write(&path, "a\nb\nb\n")?;
    let layout = Layout { val_labels: Some(path), ..Layout::default() };
    let data = layout.load(root.path(), Options::default())?;
    let told = Note::ImagesAsText { before: "val/im10.png".to_owned(), after: "val/im2.png".to_owned() };
    assert!(data.notes.contains(&told), "{:?}", data.notes);
    Ok(())
}

#[test]
fn folders_called_like_parts_are_no_classes() -> Outcome {
    for [one, other] in
        [["seg_test", "seg_train"], ["Testing Data", "Training Data"], ["train-images", "val-images"]]
    {
        let root = TempDir::new()?;
        write(root.path(), &format!("{one}/a/0.png"), &png(1))?;
        write(root.path(), &format!("{other}/a/0.png"), &png(2))?;
        let said = load(root.path()).unwrap_err().to_string();
        let expected = format!("found the folders `{one}` and `{other}` in the place of classes");
        assert!(said.contains(&expected) && said.contains("expected folders `train` and `val`"), "{said}");
    }
    Ok(())
}

#[test]
fn the_class_beside_an_image_is_its_class_whatever_folder_it_is_in() -> Outcome {
    let root = TempDir::new()?;
    let path = root.path().join("test-0.tar");
    let files: [(&str, &[u8]); 4] = [
        ("train/00000/0.png", &png(1)),
        ("train/00000/0.cls", b"2"),
        ("train/00000/1.png", &png(2)),
        ("train/00000/1.cls", b"0"),
    ];
    fs::write(&path, tar(&files))?;
    assert_eq!(found(&load(root.path())?.test)?, pairs(&[("2", 1), ("0", 2)]));
    fs::write(&path, tar(&[("x.png", &png(1)), ("x.cls", b"1"), ("x.json", br#"{"label": 2}"#)]))?;
    let said = load(root.path()).unwrap_err().to_string();
    assert!(said.contains("the sample `x` whose `cls` and `json` name different classes"), "{said}");
    Ok(())
}

#[test]
fn limits_do_not_decide_which_classes_there_are() -> Outcome {
    let (root, limits) = (TempDir::new()?, Limits { train: Some(1), test: Some(1) });
    let data = datasets::synthetic::Synthetic { seed: 0, train: 3, test: 1 }.generate();
    let mut table = Table::from_set(&data.train, 0..3, "label");
    for (name, labels) in [("train-00000-of-00002", [0, 1, 0]), ("train-00001-of-00002", [0, 0, 4])] {
        table.labels[0].1 = labels.to_vec();
        table.write(&root.path().join(format!("{name}.parquet")));
    }
    let data = folder::load(root.path(), Options { limits, ..Options::default() })?;
    assert_eq!((data.train.labels(), data.train.classes().len()), (&[0][..], 5));

    let root = TempDir::new()?;
    let shape = datasets::ImageShape { channels: 3, height: 2, width: 2 };
    let mut writer = Writer::create(&root.path().join("x_test.npy"), shape, 2)?;
    writer.put(&[7; 12])?;
    writer.put(&[9; 12])?;
    writer.finish()?;
    write_numbers(&root.path().join("y_test.npy"), &[0, 3])?;
    let data = arrays::load(root.path(), limits)?;
    assert_eq!((data.test.labels(), data.test.classes().len()), (&[0][..], 4));
    Ok(())
}

#[test]
fn images_beside_classes_are_told_and_a_list_reaches_them() -> Outcome {
    let root = TempDir::new()?;
    for (name, value) in [
        ("train/a/0.png", 0),
        ("train/b/0.png", 1),
        ("val/a/2.png", 2),
        ("val/im0.png", 3),
        ("val/im1.png", 4),
    ] {
        write(root.path(), name, &png(value))?;
    }
    let data = load(root.path())?;
    assert_eq!(found(&data.test)?, pairs(&[("a", 2)]));
    assert!(
        data.notes.contains(&Note::LooseImages { count: 2, first: "val/im0.png".to_owned() }),
        "{:?}",
        data.notes
    );
    let path = root.path().join("labels.txt");
    fs::write(&path, "2.png a\nim0.png b\nim1.png b\n")?;
    let layout = Layout { val_labels: Some(path), ..Layout::default() };
    assert_eq!(
        found(&layout.load(root.path(), Options::default())?.test)?,
        pairs(&[("a", 2), ("b", 3), ("b", 4)])
    );
    Ok(())
}
