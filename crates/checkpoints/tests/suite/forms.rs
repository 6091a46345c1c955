//! The forms in which people have the weights of one network: each must give the same weights, and say what was done.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use checkpoints::{CheckpointFile, Error, Note, TorchCheckpoint, TorchStyle, Wanted};
use models::{Architecture, Family, Normaliser, Program, Shapes};

use crate::common::{Read, archive, read};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
type Weights = BTreeMap<String, Tensor>;

fn resnet20() -> Outcome<Architecture> {
    Ok("resnet20".parse()?)
}

/// Weights of an architecture: of each the numbers of its own part of a long row.
fn weights(architecture: Architecture, shift: f32) -> Outcome<Weights> {
    let shapes = architecture.graph(10).shapes();
    let weight = |(order, (name, shape)): (usize, (String, Vec<usize>))| {
        let count = shape.iter().product::<usize>();
        let values = (0..count).map(|index| (index as f32 * 0.37 + order as f32 + shift).sin() + 1.5);
        Ok((name, Tensor::from_vec(values.collect::<Vec<f32>>(), shape, &Device::Cpu)?))
    };
    shapes.into_iter().enumerate().map(weight).collect()
}

/// A PyTorch file of these weights under other names.
fn file(weights: &Weights, name: impl Fn(&str) -> String) -> Outcome<Vec<u8>> {
    let weights = weights.iter().map(|(own, tensor)| (name(own), tensor.clone())).collect();
    Ok(TorchCheckpoint { weights, normaliser: None, epoch: None, nat_prec1: None }
        .encode(TorchStyle::Plain)?)
}

fn found(bytes: &[u8], wanted: Wanted<'_>) -> Result<(Read, Vec<Note>), Error> {
    let file = CheckpointFile::from_bytes(bytes.to_vec())?;
    let notes = file.recognise(wanted)?.notes().to_vec();
    Ok((read(file, wanted)?, notes))
}

fn of(architecture: Architecture) -> Wanted<'static> {
    Wanted { architecture: Some(architecture), weights: None }
}

#[track_caller]
fn assert_same(found: &Weights, expected: &Weights) {
    assert!(found.keys().eq(expected.keys()), "{:?}", found.keys().collect::<Vec<_>>());
    for (name, tensor) in expected {
        let values =
            |tensor: &Tensor| tensor.flatten_all().and_then(|all| all.to_vec1::<f32>()).expect("numbers");
        assert_eq!(found[name].dims(), tensor.dims(), "{name}");
        assert_eq!(values(&found[name]), values(tensor), "{name}");
    }
}

#[test]
fn any_prefix_is_found_and_said() -> Outcome {
    let (architecture, weights) = (resnet20()?, weights(resnet20()?, 0.0)?);
    for prefix in
        ["", "module.", "_orig_mod.", "module.module.", "model.resnet.", "net.backbone.encoder.", "1."]
    {
        let (read, notes) = found(&file(&weights, |name| format!("{prefix}{name}"))?, of(architecture))?;
        assert_same(&read.tensors, &weights);
        let said = notes.contains(&Note::Prefix(prefix.to_owned()));
        assert_eq!(said, !prefix.is_empty(), "{prefix}: {notes:?}");
    }
    Ok(())
}

#[test]
fn other_names_of_the_same_layers_are_known() -> Outcome {
    let (architecture, weights) = (resnet20()?, weights(resnet20()?, 0.0)?);
    for head in ["fc", "classifier", "head", "head.fc", "last_linear"] {
        let renamed = file(&weights, |name| name.replace("linear.", &format!("{head}.")))?;
        let (read, notes) = found(&renamed, of(architecture))?;
        assert_same(&read.tensors, &weights);
        assert_eq!(notes, [Note::Names(format!("`{head}` for `linear`"))]);
    }
    Ok(())
}

/// Names and shapes as timm has them of networks that are torchvision's here, back and forth.
#[test]
fn weights_of_timm_are_torchvisions() -> Outcome {
    for name in ["mobilenet_v2", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "swin_v2_t"] {
        let architecture: Architecture = name.parse()?;
        let mut own = weights(architecture, 0.0)?;
        // Keys have no bias there.
        for (name, tensor) in own.iter_mut().filter(|(name, _)| name.ends_with("attn.qkv.bias")) {
            let third = tensor.dim(0)? / 3;
            let part = |first: usize| tensor.narrow(0, first, third);
            *tensor = Tensor::cat(&[part(0)?, part(0)?.zeros_like()?, part(2 * third)?], 0)?;
            assert!(architecture.name_of_weight(Program::Timm, name).is_some());
        }
        let of_timm = architecture.respelled(Program::Timm, own.clone())?;
        let is_alike = |own: &String| ["classifier.", "norm."].iter().any(|module| own.starts_with(module));
        assert!(own.keys().all(|own| is_alike(own) || !of_timm.contains_key(own)), "{name}");
        let bytes = file(&of_timm, str::to_owned)?;
        let (read, notes) = found(&bytes, of(architecture))?;
        assert_same(&read.tensors, &own);
        assert_eq!(notes, [Note::Names("the names of timm".to_owned())], "{name}");
        let fits = CheckpointFile::from_bytes(bytes)?.recognise(Wanted::default())?.fits().to_vec();
        assert_eq!(fits[0], (architecture, 10), "{name} is guessed");
    }
    Ok(())
}

/// Axes of one are no difference.
#[test]
fn factors_of_channels_may_have_more_axes() -> Outcome {
    let convnext: Architecture = "convnext_atto".parse::<Architecture>()?.in_family(Family::Imagenet)?;
    let own = weights(convnext, 0.0)?;
    let gamma = |name: &str| name.ends_with(".gamma");
    let longer = |(name, tensor): (&String, &Tensor)| {
        let tensor = if gamma(name) { tensor.reshape(((), 1, 1))? } else { tensor.clone() };
        Ok((name.clone(), tensor))
    };
    let others: Weights = own.iter().map(longer).collect::<Outcome<_>>()?;
    assert!(others.iter().any(|(name, tensor)| gamma(name) && tensor.rank() == 3));
    assert_same(&found(&file(&others, str::to_owned)?, of(convnext))?.0.tensors, &own);
    Ok(())
}

#[test]
fn shortcuts_with_weights_make_a_variant() -> Outcome {
    let projected: Architecture = "resnet20_b".parse()?;
    let weights = weights(projected, 0.0)?;
    let bytes = file(&weights, |name| name.replace("shortcut", "downsample").replace("linear.", "fc."))?;
    let (read, notes) = found(&bytes, of(resnet20()?))?;
    assert_same(&read.tensors, &weights);
    assert_eq!(notes[0], Note::Variant("resnet20_b".to_owned()));
    let file = CheckpointFile::from_bytes(bytes)?;
    assert_eq!(file.recognise(of(resnet20()?))?.fits(), [(projected, 10)]);
    assert_eq!(file.recognise(Wanted::default())?.fits(), [(projected, 10)], "and is guessed");
    Ok(())
}

#[test]
fn normalisers_are_found_under_any_name_and_shape() -> Outcome {
    let (architecture, weights) = (resnet20()?, weights(resnet20()?, 0.0)?);
    let numbers = |values: [f32; 3], shape: &[usize]| Tensor::new(&values, &Device::Cpu)?.reshape(shape);
    let forms: [(&str, &str, &str, &[usize]); 5] = [
        ("1.", "0.mean", "0.std", &[3, 1, 1]),
        ("", "mu", "sigma", &[1, 3, 1, 1]),
        ("model.", "normalize.mean", "normalize.std", &[3]),
        ("module.model.", "module.normalizer.new_mean", "module.normalizer.new_std", &[3, 1, 1]),
        ("net.", "preprocess.pixel_mean", "preprocess.pixel_std", &[3, 1, 1]),
    ];
    for (prefix, mean, std, shape) in forms {
        let mut all: Weights =
            weights.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect();
        let scale = if mean.contains("pixel") { 255.0 } else { 1.0 };
        all.insert(mean.to_owned(), numbers([0.5 * scale, 0.25 * scale, 0.125 * scale], shape)?);
        all.insert(std.to_owned(), numbers([0.25 * scale; 3], shape)?);
        let (read, _) = found(&file(&all, str::to_owned)?, of(architecture))?;
        assert_same(&read.tensors, &weights);
        let (normaliser, _) = read.normaliser.ok_or("a normaliser")?;
        assert_eq!(normaliser, Normaliser::new([0.5, 0.25, 0.125], [0.25; 3])?, "{mean}");
    }
    Ok(())
}

#[test]
fn of_several_normalisers_the_networks_own_counts() -> Outcome {
    let (architecture, weights) = (resnet20()?, weights(resnet20()?, 0.0)?);
    let with = |prefix: &str, others: [(&str, f32); 2]| -> Outcome<Vec<u8>> {
        let mut all: Weights =
            weights.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect();
        for (module, value) in others {
            all.insert(format!("{module}.mean"), Tensor::new(&[value; 3], &Device::Cpu)?);
            all.insert(format!("{module}.std"), Tensor::new(&[0.5f32; 3], &Device::Cpu)?);
        }
        file(&all, str::to_owned)
    };
    let bytes = with("student.net.", [("teacher.norm", 0.25), ("student.norm", 0.75)])?;
    let (normaliser, key) = found(&bytes, of(architecture))?.0.normaliser.ok_or("a normaliser")?;
    assert_eq!((normaliser.mean(), key.as_str()), ([0.75; 3], "`student.norm`"));

    // One of another network is none of this one's.
    let mut all: Weights =
        weights.iter().map(|(name, tensor)| (format!("student.{name}"), tensor.clone())).collect();
    all.insert("teacher.conv.weight".to_owned(), Tensor::new(&[[1f32]], &Device::Cpu)?);
    all.insert("teacher.mean".to_owned(), Tensor::new(&[0.5f32; 3], &Device::Cpu)?);
    all.insert("teacher.std".to_owned(), Tensor::new(&[0.5f32; 3], &Device::Cpu)?);
    assert!(found(&file(&all, str::to_owned)?, of(architecture))?.0.normaliser.is_none());

    // Nothing says which: the same twice is one, and two are refused.
    let (same, _) = found(&with("", [("one", 0.25), ("two", 0.25)])?, of(architecture))?;
    assert_eq!(same.normaliser.map(|(normaliser, _)| normaliser.mean()), Some([0.25; 3]));
    let error = found(&with("", [("one", 0.25), ("two", 0.75)])?, of(architecture)).expect_err("two");
    assert!(error.to_string().ends_with("holds several normalisers: `one`, `two`"), "{error}");
    Ok(())
}

#[test]
fn a_second_network_in_a_dictionary_is_named() -> Outcome {
    let (architecture, own, other) = (resnet20()?, weights(resnet20()?, 0.0)?, weights(resnet20()?, 7.0)?);
    let both = |own_prefix: &str, other_prefix: &str| -> Outcome<Vec<u8>> {
        let mut all: Weights =
            own.iter().map(|(name, tensor)| (format!("{own_prefix}{name}"), tensor.clone())).collect();
        all.extend(other.iter().map(|(name, tensor)| (format!("{other_prefix}{name}"), tensor.clone())));
        file(&all, str::to_owned)
    };
    let bytes = both("model.", "ema_model.module.")?;
    let (read, notes) = found(&bytes, of(architecture))?;
    assert_same(&read.tensors, &own);
    assert_eq!(
        notes[0],
        Note::Taken { key: "model".to_owned(), others: vec!["ema_model.module".to_owned()] }
    );
    let chosen = Wanted { weights: Some("ema_model.module"), ..of(architecture) };
    assert_same(&found(&bytes, chosen)?.0.tensors, &other);

    // Neither comes before the other.
    let bytes = both("first.", "second.")?;
    let error = found(&bytes, of(architecture)).expect_err("two networks");
    assert!(matches!(&error, Error::SeveralNetworks { keys, .. } if keys.len() == 2), "{error}");
    let error = found(&bytes, Wanted { weights: Some("third"), ..of(architecture) }).expect_err("no third");
    assert!(error.to_string().contains("no weights `third`, only `first`, `second`"), "{error}");

    // One weight twice, and no second network.
    let mut all = own.clone();
    all.insert("model.conv1.weight".to_owned(), other["conv1.weight"].clone());
    let said =
        found(&file(&all, str::to_owned)?, of(architecture)).expect_err("a surplus weight").to_string();
    assert!(said.contains("`model.conv1.weight` [16, 3, 3, 3] is unknown to it"), "{said}");
    Ok(())
}

/// As torchvision's files of GoogLeNet have them, which ours is without.
#[test]
fn auxiliary_classifiers_are_passed_over() -> Outcome {
    let googlenet: Architecture = "googlenet".parse()?;
    let own = weights(googlenet, 0.0)?;
    let mut all = own.clone();
    for name in ["aux1.conv.conv.weight", "aux2.fc2.bias"] {
        all.insert(name.to_owned(), Tensor::ones(4, DType::F32, &Device::Cpu)?);
    }
    assert_same(&found(&file(&all, str::to_owned)?, of(googlenet))?.0.tensors, &own);
    Ok(())
}

#[test]
fn weight_norm_is_folded() -> Outcome {
    let (architecture, weights) = (resnet20()?, weights(resnet20()?, 0.0)?);
    let mut all = weights.clone();
    let v = all.remove("conv1.weight").ok_or("a stem")?;
    let norms = v.flatten_from(1)?.to_dtype(DType::F64)?.sqr()?.sum(1)?.sqrt()?.to_dtype(DType::F32)?;
    for (g, direction) in [
        ("conv1.weight_g", "conv1.weight_v"),
        ("conv1.parametrizations.weight.original0", "conv1.parametrizations.weight.original1"),
    ] {
        let mut all = all.clone();
        all.insert(g.to_owned(), (norms.reshape((16, 1, 1, 1))? * 2.0)?);
        all.insert(direction.to_owned(), (&v * 3.0)?);
        let (read, notes) = found(&file(&all, str::to_owned)?, of(architecture))?;
        let apart = (&read.tensors["conv1.weight"] - (&v * 2.0)?)?.abs()?.max_all()?.to_scalar::<f32>()?;
        assert!(apart < 1e-6, "{apart}");
        assert_eq!(notes, [Note::Folded { what: "weight normalisation", count: 1 }]);
    }
    Ok(())
}

#[test]
fn a_network_of_another_size_is_refused_with_its_name() -> Outcome {
    let bytes = file(&weights("resnet32".parse()?, 0.0)?, |name| format!("module.{name}"))?;
    let said = found(&bytes, of(resnet20()?)).expect_err("resnet32").to_string();
    assert!(said.contains("the weights do not fit resnet20"), "{said}");
    assert!(said.contains("the nearest is resnet32 with 10 classes"), "{said}");
    Ok(())
}

#[test]
fn plain_files_keep_the_normaliser() -> Outcome {
    let normaliser = Normaliser::new([0.1, 0.2, 0.3], [0.5, 0.6, 0.7])?;
    let checkpoint = TorchCheckpoint {
        weights: weights(resnet20()?, 0.0)?,
        normaliser: Some(normaliser),
        epoch: None,
        nat_prec1: None,
    };
    let file = CheckpointFile::from_bytes(checkpoint.encode(TorchStyle::Plain)?)?;
    assert_eq!(file.facts().normaliser, Some([normaliser.mean(), normaliser.std()]));
    assert_same(&read(file, of(resnet20()?))?.tensors, &checkpoint.weights);
    Ok(())
}

/// A dictionary of tensors of a kind, as PyTorch writes it; each in a storage of its own.
fn dictionary(class: &str, shapes: &Shapes) -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let integer = |value: usize| [b"J", &(value as i32).to_le_bytes()[..]].concat();
    let tuple = |values: &[usize]| {
        let all: Vec<u8> = values.iter().flat_map(|&value| integer(value)).collect();
        [b"(", all.as_slice(), b"t"].concat()
    };
    let mut pickle = b"\x80\x02}(".to_vec();
    for (key, (name, shape)) in shapes.iter().enumerate() {
        let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        pickle.extend(text(name));
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        pickle.extend(text("storage"));
        pickle.extend(format!("ctorch\n{class}\n").bytes());
        pickle.extend(text(&key.to_string()));
        pickle.extend(text("cpu"));
        pickle.extend(integer(shape.iter().product()));
        pickle.extend(b"tQK\0");
        pickle.extend([tuple(shape), tuple(&strides)].concat());
        pickle.extend(b"\x89}tR");
    }
    pickle.extend(b"u.");
    pickle
}

#[test]
fn weights_of_other_numbers_are_refused_by_their_type() -> Outcome {
    let shapes = resnet20()?.graph(10).shapes();
    for (class, kind) in [("ComplexFloatStorage", "complex64"), ("LongStorage", "int64")] {
        let storages: Vec<Vec<u8>> =
            shapes.values().map(|shape| vec![0; 8 * shape.iter().product::<usize>()]).collect();
        let storages: Vec<&[u8]> = storages.iter().map(Vec::as_slice).collect();
        let file = CheckpointFile::from_bytes(archive(&dictionary(class, &shapes), &storages))?;
        let said = file.recognise(of(resnet20()?)).expect_err("no weights").to_string();
        assert!(said.contains(kind), "{kind}: {said}");
    }
    Ok(())
}

#[test]
fn names_break_no_line() -> Outcome {
    let odd = BTreeMap::from([("a\nb\u{1b}[31m".to_owned(), Tensor::new(&[1f32, 2.0], &Device::Cpu)?)]);
    let torch = file(&odd, str::to_owned)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("x.safetensors");
    candle_core::safetensors::save(&odd.into_iter().collect(), &path)?;
    for bytes in [torch, std::fs::read(path)?] {
        let found = CheckpointFile::from_bytes(bytes)?;
        assert_eq!(found.dictionaries()[0].tensors[0].key, "a\u{fffd}b\u{fffd}[31m");
        let said = found.recognise(of(resnet20()?)).expect_err("another network").to_string();
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    Ok(())
}
