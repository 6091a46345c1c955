//! PyTorch files of both formats, as PyTorch wrote them, and as we write them.
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use candle_core::{DType, Device, Tensor};
use checkpoints::{CheckpointFile, TorchCheckpoint, TorchStyle, Wanted};
use models::Normaliser;

use crate::common::{LEGACY, PROTOCOL_4, ZIP, load, read};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The formula of `data/torch_files.py`.
fn formula(order: usize, shape: &[usize]) -> candle_core::Result<Tensor> {
    let number = |index: usize| ((index * 37 + 11 * order) % 101) as f32 / 16.0 - 50.0 / 16.0;
    let count = shape.iter().product();
    Tensor::from_vec((0..count).map(number).collect::<Vec<f32>>(), shape, &Device::Cpu)
}

fn flat(tensor: &Tensor) -> Outcome<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

/// The reference values beside the checkout; without them a test says so and ends, or fails where they are due.
fn golden() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden"));
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("FREQBIAS_REQUIRE_GOLDEN").is_none(), "{} is absent", folder.display());
    println!("SKIPPED: no reference values at {}", folder.display());
    None
}

#[test]
fn both_formats_give_what_was_saved() -> Outcome {
    let part = formula(5, &[6, 8])?.narrow(1, 2, 5)?;
    let expected = [
        ("bfloat.weight", formula(2, &[4, 5])?),
        ("conv1.weight", formula(0, &[4, 3, 3, 3])?),
        ("double.weight", formula(3, &[4, 5])?),
        ("empty.weight", Tensor::zeros((0, 3), DType::F32, &Device::Cpu)?),
        ("half.weight", formula(1, &[4, 5])?),
        ("parameter.bias", formula(6, &[5])?),
        ("part.weight", Tensor::cat(&[part.narrow(0, 1, 1)?, part.narrow(0, 3, 1)?], 0)?),
        ("scalar", formula(7, &[])?),
        ("tied.weight", formula(0, &[4, 3, 3, 3])?),
        ("transposed.weight", formula(4, &[6, 4])?.t()?),
    ];
    for (format, bytes) in [("zip", ZIP), ("legacy", LEGACY)] {
        let file = CheckpointFile::from_bytes(bytes.to_vec())?;
        assert_eq!(file.format(), format!("PyTorch, {format} format"));
        assert_eq!((file.facts().epoch, file.facts().accuracy), (Some(7), Some(43.25)));
        let dictionary =
            file.dictionaries().iter().find(|found| found.key == "model").ok_or("a state dict")?;
        let half = dictionary
            .tensors
            .iter()
            .find(|tensor| tensor.key == "module.model.half.weight")
            .ok_or("a key")?;
        assert_eq!((half.kind.name(), half.shape.as_slice()), ("float16", &[4, 5][..]));
        let found = load(bytes)?;
        let (normaliser, key) = found.normaliser.as_ref().ok_or("a normaliser")?;
        assert_eq!(*normaliser, Normaliser::new([0.5, 0.25, 0.125], [0.5, 0.25, 0.125])?);
        assert_eq!(key, "`module.normalizer`");
        assert_eq!(
            found.tensors.keys().collect::<Vec<_>>(),
            expected.iter().map(|(name, _)| name).collect::<Vec<_>>()
        );
        for (name, tensor) in &expected {
            assert_eq!(found.tensors[*name].dims(), tensor.dims(), "{format} {name}");
            assert_eq!(flat(&found.tensors[*name])?, flat(tensor)?, "{format} {name}");
        }
    }
    Ok(())
}

#[test]
fn a_bare_state_dict_of_a_newer_protocol_is_read() -> Outcome {
    let file = CheckpointFile::from_bytes(PROTOCOL_4.to_vec())?;
    assert_eq!(file.facts(), checkpoints::Facts::default());
    let found = load(PROTOCOL_4)?;
    assert_eq!(flat(&found.tensors["conv1.weight"])?, flat(&formula(0, &[4, 3, 3, 3])?)?);
    assert!(found.normaliser.is_none());
    Ok(())
}

#[test]
fn members_of_old_and_new_archives_are_found() -> Outcome {
    let Some(folder) = golden() else { return Ok(()) };
    for name in ["toy_checkpoint_torch2.0.pth", "toy_checkpoint_torch2.15.pth"] {
        let found = read(CheckpointFile::open(&folder.join(name))?, Wanted::default())?;
        for (key, array) in [("kernels.0.weight", "conv1_weight"), ("kernels.1.bias", "conv2_bias")] {
            let expected = Tensor::read_npy(folder.join(format!("toy_checkpoint_{array}.npy")))?;
            // The two releases that wrote the files rounded differently on the way.
            let far = (&found.tensors[key] - expected)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
            assert!(far < 1e-6, "{name} {key}: {far}");
        }
    }
    Ok(())
}

fn written() -> Outcome<TorchCheckpoint> {
    let weights = BTreeMap::from([
        ("conv1.weight".to_owned(), formula(0, &[4, 3, 3, 3])?),
        ("linear.weight".to_owned(), formula(1, &[4, 6])?.t()?),
        ("scalar".to_owned(), formula(2, &[])?),
    ]);
    Ok(TorchCheckpoint {
        weights,
        normaliser: Some(Normaliser::CIFAR10),
        epoch: Some(3),
        nat_prec1: Some(43.1662),
    })
}

#[test]
fn what_is_written_is_read_again() -> Outcome {
    let written = written()?;
    for style in [TorchStyle::Plain, TorchStyle::Robustness] {
        let bytes = written.encode(style)?;
        assert_eq!(bytes, written.encode(style)?, "the same content gives the same bytes");
        let facts = CheckpointFile::from_bytes(bytes.clone())?.facts();
        let found = load(&bytes)?;
        assert!(found.tensors.keys().eq(written.weights.keys()));
        for (name, tensor) in &written.weights {
            assert_eq!(found.tensors[name].dims(), tensor.dims());
            assert_eq!(flat(&found.tensors[name])?, flat(tensor)?);
        }
        let says_so = style == TorchStyle::Robustness;
        assert_eq!(found.normaliser.map(|(value, _)| value), written.normaliser.filter(|_| says_so));
        assert_eq!(facts.epoch, written.epoch.filter(|_| says_so));
        assert_eq!(facts.accuracy, written.nat_prec1.filter(|_| says_so));
    }
    let nameless = TorchCheckpoint { normaliser: None, ..written };
    assert!(nameless.encode(TorchStyle::Robustness).is_err());
    Ok(())
}

/// Cut from its end on at a hundred lengths, the last one of a byte: a real file of 45 MB, of which a copy shrinks.
#[test]
fn a_file_cut_short_anywhere_is_refused_in_a_line() -> Outcome {
    const CUTS: u64 = 100;
    let Some(golden) = golden() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("cut.pt");
    let whole = fs::copy(golden.join("resnet18_robustness.pt"), &path)?;
    // The archive's list of members stands at the end: some cuts are in it, most in the numbers.
    let in_list = (1..=20).map(|cut| whole - cut * cut * 60);
    let lengths =
        in_list.chain((1..=CUTS - 20).map(|cut| (whole - 25_000) * (CUTS - 20 - cut) / (CUTS - 20) + 1));
    let mut cuts = 0;
    for length in lengths {
        fs::OpenOptions::new().write(true).open(&path)?.set_len(length)?;
        let found = CheckpointFile::open(&path).and_then(|file| read(file, Wanted::default()));
        let said = found.expect_err("a file cut short").to_string();
        assert!(said.contains("cut.pt") && !said.contains('\n') && said.len() < 2000, "{length}: {said}");
        cuts += 1;
    }
    assert_eq!(cuts, CUTS);
    Ok(())
}
