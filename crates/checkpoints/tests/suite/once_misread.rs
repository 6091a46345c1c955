//! Files of PyTorch's that were once refused or misread; `data/more_torch_files.py` wrote them.

use checkpoints::{CheckpointFile, Wanted};

use crate::common::{load, read};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const STEM_OF_21: &[u8] = include_bytes!("../data/checkpoint_epoch_0010.pt");
const WITHOUT_CHECKSUMS: &[u8] = include_bytes!("../data/without_checksums.pt");
const FLOAT8: &[u8] = include_bytes!("../data/float8.pt");
const EPOCHS_DONE: &[u8] = include_bytes!("../data/epochs_done.pt");
const EPOCH_OF_ZERO: &[u8] = include_bytes!("../data/epoch_of_zero.pt");

const VALUES: [[f32; 3]; 2] = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]];

#[test]
fn archives_of_any_name_and_without_checksums_are_read() -> Outcome {
    for file in [STEM_OF_21, WITHOUT_CHECKSUMS] {
        assert_eq!(load(file)?.tensors["w"].to_vec2::<f32>()?, VALUES);
    }
    Ok(())
}

#[test]
fn eight_bits_are_widened() -> Outcome {
    let found = load(FLOAT8)?.tensors;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz"]);
    for (name, tensor) in found {
        assert_eq!(tensor.to_vec2::<f32>()?, VALUES, "{name}");
    }
    Ok(())
}

#[test]
fn the_first_epoch_is_the_first_whoever_counts() -> Outcome {
    let facts =
        |bytes: &[u8]| Ok::<_, checkpoints::Error>(CheckpointFile::from_bytes(bytes.to_vec())?.facts());
    let (done, zero) = (facts(EPOCHS_DONE)?, facts(EPOCH_OF_ZERO)?);
    assert_eq!((done.epoch, done.noted_epoch, done.best_accuracy), (Some(0), Some(1), Some(71.5)));
    assert_eq!((zero.epoch, zero.noted_epoch, zero.accuracy), (Some(0), Some(0), Some(50.0)));
    Ok(())
}

#[test]
fn lists_of_numbers_beside_deep_weights_are_a_normaliser() -> Outcome {
    let file = CheckpointFile::from_bytes(include_bytes!("../data/deep_with_lists.pt").to_vec())?;
    assert_eq!(file.dictionaries()[0].key, "trainer.states.0.of.net");
    assert_eq!(file.facts().normaliser, Some([[0.5, 0.25, 0.125], [0.25, 0.25, 1.0]]));
    assert_eq!(read(file, Wanted::default())?.tensors["w"].to_vec2::<f32>()?, VALUES);
    Ok(())
}

/// The storage has the numbers themselves, and a note that they are negated.
#[test]
fn negated_tensors_are_refused() {
    let said = load(include_bytes!("../data/negated.pt")).expect_err("other numbers").to_string();
    assert!(said.contains("`w` is made by `torch._utils._rebuild_tensor_v2`"), "{said}");
}

/// Without checksums an archive may say of a member that it is longer than it is.
#[test]
fn a_short_member_is_told() {
    let said = load(include_bytes!("../data/short_member.pt")).expect_err("too few numbers").to_string();
    assert!(said.contains("bytes, expected"), "{said}");
}
