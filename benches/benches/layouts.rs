//! Data sets on disk: how fast a hundred thousand images are listed, in a folder and in archives, and how fast photographs come out of each.

use std::{
    fs::{self, File},
    hint::black_box,
    io::{BufWriter, Seek, Write},
    path::Path,
};

use benches::{photograph, settings};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use datasets::{
    BatchOptions,
    folder::{self, Options},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const LISTED: usize = 100_000;
const CLASSES: usize = 100;
const STREAMED: usize = 128;

/// Names and contents of files.
type Files<'a> = &'a mut dyn Iterator<Item = (String, Vec<u8>)>;

/// The smallest images, of two sizes, so that none is decoded before it is asked for.
fn small() -> impl Iterator<Item = (String, Vec<u8>)> {
    let image = |index: usize| {
        if index.is_multiple_of(2) { &b"P5 1 1 255\n\x80"[..] } else { b"P5 2 1 255\n\x80\x80" }
    };
    let name = |index: usize| format!("train/{:03}/{:06}.pgm", index % CLASSES, index);
    (0..LISTED).map(move |index| (name(index), image(index).to_vec()))
}

/// The same as samples of WebDataset.
fn samples() -> impl Iterator<Item = (String, Vec<u8>)> {
    small().enumerate().flat_map(|(index, (_, image))| {
        let label = (index % CLASSES).to_string().into_bytes();
        [(format!("{index:06}.pgm"), image), (format!("{index:06}.cls"), label)]
    })
}

/// Photographs of 500×375 pixels.
fn photographs() -> impl Iterator<Item = (String, Vec<u8>)> {
    (0..STREAMED).map(|index| (format!("train/all/{index:04}.jpg"), photograph(index)))
}

fn folder(root: &Path, files: Files<'_>) -> Outcome {
    for (name, bytes) in files {
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

fn tar(to: impl Write, files: Files<'_>) -> Outcome {
    let mut archive = tar::Builder::new(to);
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, &bytes[..])?;
    }
    archive.into_inner()?.flush()?;
    Ok(())
}

fn zip(to: impl Write + Seek, files: Files<'_>) -> Outcome {
    let mut archive = ZipWriter::new(to);
    for (name, bytes) in files {
        archive
            .start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Stored))?;
        archive.write_all(&bytes)?;
    }
    archive.finish()?.flush()?;
    Ok(())
}

fn create(path: &Path) -> std::io::Result<BufWriter<File>> {
    File::create(path).map(BufWriter::new)
}

fn listing(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a folder");
    let path = |name: &str| root.path().join(name);
    folder(&path("folder"), &mut small()).expect("files");
    tar(create(&path("set.tar")).expect("a file"), &mut small()).expect("an archive");
    zip(create(&path("set.zip")).expect("a file"), &mut small()).expect("an archive");
    fs::create_dir(path("shards")).expect("a folder");
    let mut samples = samples();
    for shard in 0..10 {
        let file = create(&path("shards").join(format!("set-train-{shard:03}.tar"))).expect("a file");
        tar(file, &mut samples.by_ref().take(2 * LISTED / 10)).expect("an archive");
    }
    let mut group = criterion.benchmark_group("100000 images listed");
    group.throughput(Throughput::Elements(LISTED as u64)).sampling_mode(SamplingMode::Flat);
    for (name, place) in [("folder", "folder"), ("tar", "set.tar"), ("zip", "set.zip"), ("shards", "shards")]
    {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let data = folder::load(path(place), Options::default()).expect("a data set");
                assert_eq!(black_box(data).train.len(), LISTED);
            });
        });
    }
    group.finish();
}

fn streaming(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a folder");
    let path = |name: &str| root.path().join(name);
    folder(&path("folder"), &mut photographs()).expect("files");
    tar(create(&path("set.tar")).expect("a file"), &mut photographs()).expect("an archive");
    zip(create(&path("set.zip")).expect("a file"), &mut photographs()).expect("an archive");
    let mut group = criterion.benchmark_group("500×375 JPEG to 224×224");
    group.throughput(Throughput::Elements(STREAMED as u64)).sampling_mode(SamplingMode::Flat);
    for (name, place) in [("folder", "folder"), ("tar", "set.tar"), ("zip", "set.zip")] {
        let set = folder::load(path(place), Options::default()).expect("photographs").train;
        let options = BatchOptions { batch_size: 64, ..BatchOptions::default() };
        group.bench_function(name, |bench| {
            bench
                .iter(|| set.batches(options).for_each(|batch| drop(black_box(batch.expect("sound files")))));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = settings();
    targets = listing, streaming
}
criterion_main!(benches);
