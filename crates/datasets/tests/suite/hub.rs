//! Data sets of the Hugging Face Hub: from its cache folder, from a server, and through candle.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use crate::common::tables::{Table, png};
use datasets::{
    Dataset, Error, HubError, ImageSet, Limits, Repository,
    catalog::{Download, Request},
    cifar::{self, Labels},
    folder::Options,
    hub::{self, Axes},
    synthetic::Synthetic,
};
use progress::Progress;
use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const CLASSES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// Images of 32×32 in ten classes.
fn images() -> Dataset {
    Synthetic { seed: 3, train: 30, test: 10 }.generate()
}

fn repository() -> Repository {
    Repository::new("uoft-cs/cifar10").unwrap()
}

/// Where the files of a revision lie in a cache folder; the revision points there.
fn snapshot(cache: &Path, name: &str, revision: &str) -> PathBuf {
    let root = cache.join(name);
    let reference = root.join("refs").join(revision);
    fs::create_dir_all(reference.parent().unwrap()).unwrap();
    fs::write(reference, COMMIT).unwrap();
    root.join("snapshots").join(COMMIT)
}

fn load(cache: &Path) -> Result<Dataset, Error> {
    hub::load(&repository(), cache, Labels::Fine, Options::default())
}

fn content(set: &ImageSet) -> (Vec<u8>, Vec<u32>) {
    let pixels = (0..set.len()).flat_map(|index| set.bytes(index).unwrap().to_vec()).collect();
    (pixels, set.labels().to_vec())
}

fn assert_same(one: &Dataset, other: &Dataset) {
    assert!(content(&one.train) == content(&other.train) && content(&one.test) == content(&other.test));
}

/// As `huggingface_hub` leaves it: files are links to blobs.
#[cfg(unix)]
#[test]
fn the_cache_of_python_holds_the_images_of_our_own_reader() {
    let (cache, data) = (TempDir::new().unwrap(), images());
    let snapshot = snapshot(cache.path(), "datasets--uoft-cs--cifar10", "main");
    let blobs = cache.path().join("datasets--uoft-cs--cifar10/blobs");
    fs::create_dir_all(snapshot.join("plain_text")).unwrap();
    let place = |set: &ImageSet, rows, name: &str| {
        Table::from_set(set, rows, "label").write_with_names(&blobs.join(name), "label", &CLASSES);
        let link = snapshot.join("plain_text").join(name);
        std::os::unix::fs::symlink(format!("../../../blobs/{name}"), link).unwrap();
    };
    place(&data.train, 0..12, "train-00000-of-00002.parquet");
    place(&data.train, 12..30, "train-00001-of-00002.parquet");
    place(&data.test, 0..10, "test-00000-of-00001.parquet");
    let read = load(cache.path()).unwrap();
    assert_same(&read, &data);
    assert_same(&read, &cifar::load_cifar10(snapshot.join("plain_text"), Limits::default()).unwrap());
    assert_eq!(
        (read.name.as_str(), read.train.classes()),
        ("hf:uoft-cs/cifar10", &CLASSES.map(String::from)[..])
    );
    assert!(read.train.all_bytes().is_some(), "few images are decoded once");

    let limits = Limits { train: Some(14), test: Some(2) };
    let request = Request { name: "hf:uoft-cs/cifar10".parse().unwrap(), limits, ..Request::default() };
    let request = Request { root: Some(cache.path().to_path_buf()), ..request };
    let some = request.open(&Progress::default()).unwrap();
    assert_eq!(
        (some.train.labels(), some.test.labels()),
        (&data.train.labels()[..14], &data.test.labels()[..2])
    );

    fs::remove_file(snapshot.join("plain_text/train-00000-of-00002.parquet")).unwrap();
    let text = load(cache.path()).unwrap_err().to_string();
    assert!(
        text.contains("1 of the files of the split train") && text.contains("train-00001-of-00002"),
        "{text}"
    );
}

#[test]
fn cifar100_has_both_kinds_of_labels() {
    let (cache, data) = (TempDir::new().unwrap(), images());
    let snapshot = snapshot(cache.path(), "datasets--cifar100", "refs/convert/parquet");
    for (set, part) in [(&data.train, "train"), (&data.test, "test")] {
        let coarse = set.labels().iter().map(|&label| i64::from(label / 2)).collect();
        let mut table = Table::from_set(set, 0..set.len(), "fine_label");
        table.labels.push(("coarse_label", coarse));
        table.write(&snapshot.join("cifar100").join(part).join("0000.parquet"));
    }
    let repository = Repository::new("cifar100").unwrap();
    let load = |labels| hub::load(&repository, cache.path(), labels, Options::default()).unwrap();
    let (fine, coarse) = (load(Labels::Fine), load(Labels::Coarse));
    assert_same(&fine, &data);
    assert_eq!(coarse.train.labels()[9], 4);
    assert_eq!((fine.train.classes().len(), coarse.train.classes().len()), (10, 5));
    assert_eq!(fine.train.classes()[9], "9", "without names classes are called by their numbers");
}

#[test]
fn photographs_are_resized_as_those_of_a_folder() {
    let cache = TempDir::new().unwrap();
    let snapshot = snapshot(cache.path(), "datasets--uoft-cs--cifar10", "main");
    let data = images();
    let small = image::RgbImage::from_pixel(20, 10, image::Rgb([200, 100, 50]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    small.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let images = vec![png(&data.train, 0), bytes.into_inner()];
    let table = Table { image: "image", images, labels: vec![("labels", vec![0, 1])] };
    table.write(&snapshot.join("data/train-00000-of-00001.parquet"));
    table.write(&snapshot.join("data/validation-00000-of-00001.parquet"));
    let options = Options { side: Some(16), ..Options::default() };
    let read = hub::load(&repository(), cache.path(), Labels::Fine, options).unwrap();
    assert_eq!(read.test.shape().height, 16);
    assert_eq!(read.test.bytes(1).unwrap()[..2], [200, 200]);
    let read = load(cache.path()).unwrap();
    let note = "images are resized to 224×224: they differ in size, data/train-00000-of-00001.parquet[0] has 32×32 pixels";
    assert_eq!(read.notes[0].to_string(), note);
}

#[test]
fn what_is_not_there_is_told() {
    let cache = TempDir::new().unwrap();
    let said = |expected: &str| {
        let text = load(cache.path()).unwrap_err().to_string();
        assert!(text.contains(expected) && text.lines().count() == 1, "{text}");
    };
    said("hf:uoft-cs/cifar10 is not in the cache of the Hugging Face Hub: there is no ");
    let name = "datasets--uoft-cs--cifar10";
    let snapshot = snapshot(cache.path(), name, "main");
    said("refs/main");
    fs::create_dir_all(&snapshot).unwrap();
    said("found none, expected Parquet files");
    let data = images();
    let path = snapshot.join("train.parquet");
    Table::from_set(&data.train, 0..2, "kind").write(&path);
    said("no column `label` or `labels` or `fine_label` of whole numbers");
    Table { image: "img", images: vec![b"no image".to_vec()], labels: vec![("label", vec![1])] }.write(&path);
    said("train.parquet[0] cannot be decoded");
    Table { image: "img", images: vec![png(&data.train, 0)], labels: vec![("label", vec![-1])] }.write(&path);
    said("label -1, not 0 to 65535, in row 0");
    Table::from_set(&data.train, 0..2, "label").write_with_names(&path, "label", &["one"]);
    said("label 1, not 0 to 0, in row 1");
    fs::write(cache.path().join(name).join("refs/main"), "../../elsewhere").unwrap();
    said("the number of a commit");
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_outside() {
    let (cache, data, other) = (TempDir::new().unwrap(), images(), TempDir::new().unwrap());
    let snapshot = snapshot(cache.path(), "datasets--uoft-cs--cifar10", "main");
    fs::create_dir_all(&snapshot).unwrap();
    let path = other.path().join("train.parquet");
    Table::from_set(&data.train, 0..2, "label").write(&path);
    std::os::unix::fs::symlink(&path, snapshot.join("train.parquet")).unwrap();
    assert!(matches!(load(cache.path()), Err(Error::LinkOut { .. })));
}

/// A server like the Hub on loopback, for one data set; the requests that it had.
fn serve(files: Vec<(&'static str, Vec<u8>)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let Some(request) = lines.first() else { continue };
            log.lock().unwrap().push(request.clone());
            answer(&stream, request, &files);
        }
    });
    (server, asked)
}

fn answer(mut stream: &TcpStream, request: &str, files: &[(&'static str, Vec<u8>)]) {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, content) = match path.rsplit_once("refs%2Fconvert%2Fparquet") {
        Some(("/api/datasets/uoft-cs/cifar10/tree/", _)) => ("200 OK", tree(files)),
        Some(("/api/datasets/uoft-cs/cifar10/revision/", _)) => ("200 OK", info(files)),
        Some(("/datasets/uoft-cs/cifar10/resolve/", file)) => {
            let found = files.iter().find(|(name, _)| file.strip_prefix('/') == Some(name));
            found.map_or(("404 Not Found", Vec::new()), |(_, content)| ("200 OK", content.clone()))
        }
        _ => ("404 Not Found", Vec::new()),
    };
    let etag = path.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Type: application/json\r\nETag: \"{etag:08x}\"\r\nX-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    let _ = stream.write_all(head.as_bytes());
    if !request.starts_with("HEAD") {
        let _ = stream.write_all(&content);
    }
}

fn tree(files: &[(&'static str, Vec<u8>)]) -> Vec<u8> {
    let entry = |(name, content): &(&str, Vec<u8>)| {
        format!(r#"{{"type": "file", "oid": "1", "size": {}, "path": "{name}"}}"#, content.len())
    };
    format!("[{}]", files.iter().map(entry).collect::<Vec<_>>().join(",")).into_bytes()
}

fn info(files: &[(&'static str, Vec<u8>)]) -> Vec<u8> {
    let siblings: Vec<String> =
        files.iter().map(|(name, _)| format!(r#"{{"rfilename": "{name}"}}"#)).collect();
    format!(r#"{{"id": "uoft-cs/cifar10", "sha": "{COMMIT}", "siblings": [{}]}}"#, siblings.join(","))
        .into_bytes()
}

/// The files of the Hub's conversion.
fn converted(data: &Dataset) -> Vec<(&'static str, Vec<u8>)> {
    let folder = TempDir::new().unwrap();
    let file = |set: &ImageSet| {
        let path = folder.path().join("0000.parquet");
        Table::from_set(set, 0..set.len(), "label").write(&path);
        fs::read(path).unwrap()
    };
    vec![
        ("README.md", b"text".to_vec()),
        ("plain_text/test/0000.parquet", file(&data.test)),
        ("plain_text/train/0000.parquet", file(&data.train)),
    ]
}

#[test]
fn a_set_is_fetched_once() {
    let (cache, data) = (TempDir::new().unwrap(), images());
    let (server, asked) = serve(converted(&data));
    hub::fetch(&repository(), cache.path(), Some(&server), &Progress::default()).unwrap();
    assert_same(&load(cache.path()).unwrap(), &data);
    let count = |what: &str| asked.lock().unwrap().iter().filter(|request| request.starts_with(what)).count();
    assert_eq!(count("GET /datasets/"), 2, "{asked:?}");
    // As if the program had been stopped meanwhile.
    fs::write(cache.path().join("datasets--uoft-cs--cifar10/.unfinished"), "").unwrap();
    let text = load(cache.path()).unwrap_err().to_string();
    assert!(text.contains("found a download that was not finished"), "{text}");
    hub::fetch(&repository(), cache.path(), Some(&server), &Progress::default()).unwrap();
    assert_eq!(count("GET /datasets/"), 2, "{asked:?}");
    assert_same(&load(cache.path()).unwrap(), &data);
}

#[test]
fn a_server_without_the_set_is_an_error() {
    let cache = TempDir::new().unwrap();
    let (server, _) = serve(Vec::new());
    let fetch = |server: &str| hub::fetch(&repository(), cache.path(), Some(server), &Progress::default());
    let text = fetch(&server).unwrap_err().to_string();
    assert!(text.contains("hf:uoft-cs/cifar10 cannot be fetched: no Parquet files"), "{text}");
    let other = Repository::new("some/other").unwrap();
    let error = hub::fetch(&other, cache.path(), Some(&server), &Progress::default()).unwrap_err();
    assert!(matches!(error, Error::Hub(HubError::Fetch { .. })), "{error}");
    let (server, _) = serve(vec![("../../train.parquet", b"x".to_vec())]);
    let text = fetch(&server).unwrap_err().to_string();
    assert!(text.contains("outside of the data set"), "{text}");
    assert!(!cache.path().join("datasets--uoft-cs--cifar10").exists());
}

/// Runs one of the tests below in a process of its own, with variables of the environment.
fn in_process(test: &str, variables: &[(&str, &Path)]) {
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", &format!("{module}::{test}")]).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{output:?}");
}

#[test]
fn a_request_honours_the_hubs_variables() {
    let (home, data) = (TempDir::new().unwrap(), images());
    let (server, _) = serve(converted(&data));
    in_process("child_of_request", &[("HF_HOME", home.path()), ("HF_ENDPOINT", Path::new(&server))]);
    assert_same(&load(&home.path().join("hub")).unwrap(), &data);
}

#[test]
#[ignore = "run by a_request_honours_the_hubs_variables, which sets the environment"]
fn child_of_request() {
    let request = Request { name: "hf:uoft-cs/cifar10".parse().unwrap(), ..Request::default() };
    let error = request.open(&Progress::default()).unwrap_err();
    assert!(matches!(error, Error::Hub(HubError::NotInCache { .. })), "{error}");
    let request = Request { download: Some(Download::default()), ..request };
    assert_same(&request.open(&Progress::default()).unwrap(), &images());
}

/// candle-datasets reads these files with rows and columns exchanged.
#[test]
fn candles_transposition_is_undone() {
    let (home, data) = (TempDir::new().unwrap(), images());
    // The name that candle-datasets has for it.
    let snapshot = snapshot(&home.path().join("hub"), "datasets--cifar10", "refs/convert/parquet");
    for (name, content) in converted(&data) {
        let path = snapshot.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    in_process("child_of_candle", &[("HF_HOME", home.path())]);
}

#[test]
#[ignore = "run by candles_transposition_is_undone, which sets the environment"]
fn child_of_candle() {
    let (theirs, data) = (candle_datasets::vision::cifar::load().unwrap(), images());
    let classes = data.train.classes().to_vec();
    let read = Dataset::from_candle(&theirs, Axes::ColumnsRows, classes.clone()).unwrap();
    assert!(read.train.all_bytes().is_some(), "pixels are bytes again");
    assert_same(&read, &data);
    let exchanged = Dataset::from_candle(&theirs, Axes::RowsColumns, classes).unwrap();
    let (ours, theirs) = (data.train.bytes(7).unwrap(), exchanged.train.bytes(7).unwrap());
    for at in 0..1024 {
        assert_eq!(theirs[32 * (at % 32) + at / 32], ours[at]);
    }
    assert_ne!(ours, theirs);
}

#[test]
fn tensors_of_other_shapes_are_refused() {
    use candle_core::{Device, Tensor};
    use candle_datasets::vision;
    let tensor = |values: usize, value: f32| Tensor::full(value, (1, values), &Device::Cpu).unwrap();
    let data = |images: Tensor, label: u8| vision::Dataset {
        train_images: images.clone(),
        train_labels: Tensor::new(&[label], &Device::Cpu).unwrap(),
        test_images: images,
        test_labels: Tensor::new(&[0u8], &Device::Cpu).unwrap(),
        labels: 2,
    };
    let read =
        |data, names: usize| Dataset::from_candle(&data, Axes::RowsColumns, vec!["class".to_owned(); names]);
    let grey = read(data(tensor(784, 0.3), 1), 2).unwrap();
    assert_eq!((grey.train.shape().channels, grey.train.shape().width), (1, 28));
    assert!(grey.train.all_bytes().is_none(), "0.3 is no byte");
    assert!(matches!(read(data(tensor(785, 0.3), 1), 2), Err(Error::Tensor { name: "train_images", .. })));
    assert!(matches!(read(data(tensor(784, 1.5), 1), 2), Err(Error::Tensor { name: "train_images", .. })));
    assert!(matches!(read(data(tensor(784, 0.3), 1), 3), Err(Error::Tensor { name: "classes", .. })));
    assert!(matches!(read(data(tensor(784, 0.3), 2), 2), Err(Error::Label { found: 2, .. })));
}
