//! Data sets by name.

use std::{fs, path::Path};

use datasets::{
    ClassMapError, Error, HeadOutputs, Limits, Note, OnCorrupt,
    catalog::{Download, Name, Request},
};
use progress::Progress;
use tempfile::TempDir;

fn request(name: Name, root: Option<&Path>) -> Request {
    Request { name, root: root.map(Path::to_path_buf), ..Request::default() }
}

fn open(request: &Request) -> Result<datasets::Dataset, Error> {
    request.open(&Progress::default())
}

/// A folder with an image a part, and a damaged one.
fn photographs() -> TempDir {
    let root = TempDir::new().unwrap();
    let ppm = [b"P6 2 2 255\n".as_slice(), &[9; 12]].concat();
    let cut = ppm[..14].to_vec();
    for (path, content) in [("train/a/0.ppm", &ppm), ("train/a/1.ppm", &cut), ("test/a/0.ppm", &ppm)] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

#[test]
fn the_synthetic_set_is_the_default_and_notes_a_folder() {
    let data = open(&Request::default()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (4000, 1000));
    assert!(data.notes.is_empty());
    let limits = Limits { train: Some(20), test: Some(5000) };
    let limited = open(&Request { limits, ..request(Name::Synthetic, Some(Path::new("data"))) }).unwrap();
    assert_eq!((limited.train.len(), limited.test.len()), (20, 1000));
    assert_eq!(limited.train.bytes(19).unwrap(), data.train.bytes(19).unwrap());
    assert!(matches!(&limited.notes[..], [Note::RootNotUsed { .. }]));
    assert_eq!(limited.notes[0].to_string(), "data is not used: the data set synthetic is generated");
}

#[test]
fn a_class_map_says_which_outputs_classes_are() {
    let synthetic =
        open(&Request { limits: Limits { train: Some(20), test: Some(10) }, ..Request::default() }).unwrap();
    let classes = synthetic.test.classes().to_vec();
    let root = TempDir::new().unwrap();
    let path = root.path().join("map.csv");
    let mapped = |output: fn(usize) -> usize| {
        let lines = classes.iter().enumerate().map(|(class, name)| format!("{name},{}\n", output(class)));
        fs::write(&path, lines.collect::<String>()).unwrap();
        let limits = Limits { train: Some(20), test: Some(10) };
        open(&Request { class_map: Some(path.clone()), limits, ..Request::default() })
    };
    let data = mapped(|class| 3 * class + 1).unwrap();
    let expected: Vec<usize> = (0..10).map(|class| 3 * class + 1).collect();
    assert_eq!(data.test.outputs().map(HeadOutputs::indices), Some(&expected[..]));
    assert_eq!((data.test.labels(), data.test.classes()), (synthetic.test.labels(), &classes[..]));
    assert!(data.notes.is_empty());

    // Classes 0 and 5, 1 and 6, … share an output.
    let data = mapped(|class| 40 - class % 5).unwrap();
    for (part, before) in [(&data.train, &synthetic.train), (&data.test, &synthetic.test)] {
        let labels: Vec<u32> = before.labels().iter().map(|label| label % 5).collect();
        assert_eq!((part.labels(), part.classes().len()), (&labels[..], 5));
        assert_eq!(part.outputs().map(HeadOutputs::indices), Some(&[40, 39, 38, 37, 36][..]));
        assert_eq!(part.classes()[1], format!("{} + {}", classes[1], classes[6]));
        assert_eq!(part.bytes(3).unwrap(), before.bytes(3).unwrap());
    }
    let words = format!(
        "10 classes have 5 outputs, and those that share one are one class: `{}` and `{}`, for example",
        classes[0], classes[5]
    );
    assert_eq!(data.notes.iter().map(ToString::to_string).collect::<Vec<_>>(), [words]);

    fs::remove_file(&path).unwrap();
    let error = open(&Request { class_map: Some(path.clone()), ..Request::default() }).unwrap_err();
    assert!(error.to_string().contains("map.csv"), "{error}");
    fs::write(&path, format!("{},1\n", classes[0])).unwrap();
    let error = open(&Request { class_map: Some(path.clone()), ..Request::default() }).unwrap_err();
    assert!(
        matches!(&error, Error::ClassMap(ClassMapError::WithoutOutput { class, missing: 9, classes: 10, .. }) if *class == classes[1]),
        "{error}"
    );
}

#[test]
fn what_is_on_disk_needs_a_place() {
    for name in &Name::ALL[1..] {
        match open(&request(name.clone(), None)) {
            Err(Error::NeedsRoot { name: found, can_be_fetched }) => {
                assert_eq!((found.as_str(), can_be_fetched), (name.as_str(), name.can_be_fetched()));
            }
            other => panic!("{name}: {other:?}"),
        }
        let error = open(&request(name.clone(), Some(Path::new("/no/such/place")))).unwrap_err();
        assert!(matches!(error, Error::NoSuchRoot { .. }), "{error}");
        assert_eq!(error.to_string(), "/no/such/place: no such file or folder");
    }
}

#[test]
fn only_what_is_published_is_fetched() {
    for name in Name::ALL.into_iter().filter(|name| !name.can_be_fetched()) {
        let download = Some(Download::default());
        let error = open(&Request { download, ..request(name, None) }).unwrap_err();
        assert!(matches!(error, Error::CannotBeFetched { .. }), "{error}");
        assert!(error.to_string().contains("only cifar10 and cifar100"), "{error}");
    }
}

#[test]
fn a_set_without_test_images_is_a_set_only_where_none_are_measured() {
    let root = photographs();
    fs::remove_dir_all(root.path().join("test")).unwrap();
    let request = Request { on_corrupt: OnCorrupt::Skip, ..request(Name::Folder, Some(root.path())) };
    let error = open(&request).unwrap_err();
    assert!(matches!(error, Error::NoTestImages { .. }), "{error}");
    let data = request.open_partial(&Progress::default()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (1, 0));
}

#[test]
fn checked_images_are_decoded_where_damaged_ones_are_left_out() {
    let root = photographs();
    let request = Request { image_size: Some(8), ..request(Name::Folder, Some(root.path())) };
    let progress = Progress::default();
    let data = request.open_checked(&progress).unwrap();
    assert!(data.train.all_bytes().is_none(), "they stay in their files");
    assert!(matches!(request.open_in_memory(&progress), Err(Error::Corrupt { .. })));
    let request = Request { on_corrupt: OnCorrupt::Skip, ..request };
    let data = request.open_checked(&progress).unwrap();
    assert_eq!((data.train.len(), data.train.all_bytes().map(<[u8]>::len)), (1, Some(3 * 8 * 8)));
    let left_out = data.train.left_out();
    assert_eq!((left_out.len(), &left_out[0].path), (1, &root.path().join("train/a/1.ppm")));
}

#[cfg(not(feature = "hub"))]
#[test]
fn a_build_without_the_feature_says_so() {
    let error = open(&request("hf:a/b".parse().unwrap(), None)).unwrap_err();
    assert!(matches!(error, Error::NeedsFeature { feature: "hub", .. }), "{error}");
    assert_eq!(error.to_string(), "hf:a/b: this build cannot read it, for it lacks the feature `hub`");
}

#[cfg(not(feature = "download"))]
#[test]
fn a_build_that_fetches_nothing_says_so() {
    let root = TempDir::new().unwrap();
    for root in [None, Some(root.path())] {
        let request = Request { download: Some(Download::default()), ..request(Name::Cifar10, root) };
        let error = open(&request).unwrap_err();
        assert!(matches!(error, Error::NeedsFeature { feature: "download", .. }), "{error}");
    }
}

/// Nothing answers there, and nothing is asked where the set is there.
#[cfg(feature = "download")]
#[test]
fn a_set_is_fetched_only_if_it_is_not_there() {
    use progress::Event;
    use std::sync::{Arc, Mutex};

    let root = TempDir::new().unwrap();
    let notes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&notes);
    let note = move |event: Event<'_>| {
        if let Event::Note(note) = event {
            log.lock().unwrap().push(note.to_owned());
        }
    };
    let progress = Progress::new(note, Arc::default());
    let mirror = Some("http://me:s3cret@127.0.0.1:1/cifar/".to_owned());
    let request =
        Request { download: Some(Download { mirror }), ..request(Name::Cifar100, Some(root.path())) };
    let error = request.open(&progress).unwrap_err();
    assert!(
        matches!(error, Error::Download(datasets::DownloadError::NothingReceived { .. }))
            && !error.to_string().contains("s3cret"),
        "{error}"
    );
    let into = root.path().display();
    assert_eq!(
        *notes.lock().unwrap(),
        [format!("fetching http://***@127.0.0.1:1/cifar/cifar-100-binary.tar.gz into {into}")]
    );

    let record = [vec![3, 7], vec![90; 3072]].concat();
    for file in ["train.bin", "test.bin"] {
        fs::write(root.path().join(file), &record).unwrap();
    }
    assert_eq!(request.open(&progress).unwrap().train.labels(), [7]);
    assert_eq!(notes.lock().unwrap().len(), 1);
}
