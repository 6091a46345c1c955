//! PyTorch files that are damaged, or made to do harm: an error line, no panic, and no more memory than a file of their size is
//! worth.

use checkpoints::Error;

use crate::common::{LEGACY, PROTOCOL_4, Random, Read, ZIP, archive, legacy, load, tensor_pickle};

fn refusal(bytes: &[u8]) -> String {
    let said = load(bytes).expect_err("a file that is refused").to_string();
    assert!(!said.contains('\n') && said.len() < 2000, "one line: {said}");
    said
}

fn values(checkpoint: &Read) -> Vec<(String, Vec<u32>)> {
    let bits = |tensor: &candle_core::Tensor| {
        let all = tensor.flatten_all().and_then(|tensor| tensor.to_vec1::<f32>()).expect("an f32 tensor");
        all.into_iter().map(f32::to_bits).collect()
    };
    checkpoint.tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}

#[test]
fn files_cut_short_anywhere_are_refused() {
    for whole in [ZIP, PROTOCOL_4] {
        (0..whole.len()).for_each(|length| drop(refusal(&whole[..length])));
    }
    // The last storage of the legacy file is the optimiser's, which is not needed, but the file's lengths must be right.
    (0..LEGACY.len()).for_each(|length| drop(refusal(&LEGACY[..length])));
}

#[test]
fn flipped_bits_of_an_archive_are_refused_or_do_not_matter() -> Result<(), Error> {
    let expected = values(&load(ZIP)?);
    let (mut refused, mut bytes) = (0, ZIP.to_vec());
    for place in 0..bytes.len() {
        for bit in [0, 3, 7] {
            bytes[place] ^= 1 << bit;
            match load(&bytes) {
                Ok(found) => assert_eq!(values(&found), expected, "bit {bit} of byte {place}"),
                Err(_) => refused += 1,
            }
            bytes[place] ^= 1 << bit;
        }
    }
    assert!(refused > bytes.len(), "{refused}");
    Ok(())
}

#[test]
fn flipped_bits_of_a_legacy_file_do_no_harm() {
    let (mut refused, mut bytes) = (0, LEGACY.to_vec());
    for place in 0..bytes.len() {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            refused += usize::from(load(&bytes).is_err());
            bytes[place] ^= 1 << bit;
        }
    }
    assert!(refused > bytes.len(), "{refused}");
}

#[test]
fn code_is_never_run() {
    let mark = std::env::temp_dir().join(format!("freqbias-pickle-{}", std::process::id()));
    let command = format!("touch {}", mark.display());
    let system =
        [b"\x80\x02cos\nsystem\nX", &(command.len() as u32).to_le_bytes()[..], command.as_bytes(), b"\x85R"]
            .concat();
    let bare = [system.as_slice(), b"."].concat();
    let nested = [b"\x80\x02}X\x0c\0\0\0conv1.weight", &system[2..], b"s."].concat();
    for pickle in [bare, nested] {
        for file in [archive(&pickle, &[]), legacy(&pickle)] {
            let said = refusal(&file);
            assert!(said.contains("os.system"), "{said}");
        }
    }
    assert!(!mark.exists(), "a pickle ran a command");
}

#[test]
fn code_beside_the_weights_is_left_out() -> Result<(), Error> {
    let tensor = tensor_pickle(4, 0, &[2, 2], &[2, 1]);
    let extra = b"X\x04\0\0\0argscos\nsystem\nX\x02\0\0\0ls\x85R";
    let pickle = [b"\x80\x02}X\x05\0\0\0model", &tensor[2..tensor.len() - 1], b"s", extra, b"s."].concat();
    let found = load(&archive(&pickle, &[&[0; 16]]))?;
    // Options beside the weights of a bare state dict are no weights either.
    let beside = [&tensor[..tensor.len() - 1], extra, b"s."].concat();
    assert_eq!(load(&archive(&beside, &[&[0; 16]]))?.tensors.len(), 1);
    assert_eq!(found.tensors["conv1.weight"].dims(), [2, 2]);
    Ok(())
}

#[test]
fn compressed_members_are_refused() {
    let central =
        |bytes: &[u8]| bytes.windows(4).rposition(|four| four == b"PK\x01\x02").expect("a directory");
    let mut packed = ZIP.to_vec();
    let place = central(&packed);
    packed[place + 10] = 8;
    assert!(refusal(&packed).contains("compress"), "{}", refusal(&packed));
    // A member that declares to be four gigabytes, packed or not.
    for fields in [vec![24], vec![20, 24]] {
        let mut large = ZIP.to_vec();
        for field in fields {
            large[place + field..place + field + 4].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
        }
        refusal(&large);
    }
}

/// Shape, strides and offset.
type Layout<'a> = (&'a [i64], &'a [i64], i64);

#[test]
fn shapes_that_overflow_or_reach_beyond_their_storage_are_refused() {
    let storage = [0; 64];
    let cases: [Layout<'_>; 10] = [
        (&[1 << 40, 1 << 40], &[1 << 40, 1], 0),
        (&[i64::MAX, 2], &[1, 1], 0),
        (&[0, i64::MAX, i64::MAX], &[0, 0, 0], 0),
        (&[2, 2], &[i64::MAX, i64::MAX], 0),
        (&[17], &[1], 0),
        (&[16], &[1], 1),
        (&[2, 8], &[9, 1], 0),
        (&[-1], &[1], 0),
        (&[4], &[-1], 8),
        (&[4, 4], &[1], 0),
    ];
    for (shape, strides, offset) in cases {
        refusal(&archive(&tensor_pickle(16, offset, shape, strides), &[&storage]));
    }
    assert!(load(&archive(&tensor_pickle(16, 0, &[4, 4], &[4, 1]), &[&storage])).is_ok());
    // More numbers than the file holds: too few in the member, or one repeated.
    refusal(&archive(&tensor_pickle(1 << 61, 0, &[4], &[1]), &[&storage]));
    refusal(&archive(&tensor_pickle(1 << 40, 0, &[1 << 40], &[1]), &[&storage]));
    let said = refusal(&archive(&tensor_pickle(16, 0, &[1 << 40], &[0]), &[&storage]));
    assert!(said.contains("twice the size"), "{said}");
}

#[test]
fn pickles_made_to_take_memory_or_time_are_refused() {
    let repeat = |piece: &[u8], count: usize| piece.repeat(count);
    let doubling: Vec<u8> =
        (0..200u8).flat_map(|cell| [b'h', cell, b'h', cell, 0x86, b'q', cell + 1]).collect();
    let dictionary =
        [b"ccollections\nOrderedDict\nq\0](".as_slice(), &repeat(b"NN\x86", 50_000), b"e\x85q\x01"].concat();
    let pickles: [(&str, Vec<u8>); 9] = [
        ("lists in lists", [repeat(b"]", 300_000), repeat(b"a", 299_999)].concat()),
        ("marks", repeat(b"(", 3_000_000)),
        ("tuples in tuples", [b")".to_vec(), repeat(b"\x85", 900_000)].concat()),
        ("doubled tuples", [b")q\0".to_vec(), doubling].concat()),
        ("copies", [b"N".to_vec(), repeat(b"2", 3_000_000)].concat()),
        ("a string of four gigabytes", b"X\xff\xff\xff\xff".to_vec()),
        ("a string of 2^63 bytes", [b"\x8d".as_slice(), &[0xff; 8]].concat()),
        ("a far memory cell", b"Nr\xff\xff\xff\xff".to_vec()),
        ("dictionaries of dictionaries", [dictionary, repeat(b"h\0h\x01R0", 100_000)].concat()),
    ];
    for (what, steps) in pickles {
        let pickle = [b"\x80\x02", steps.as_slice(), b"."].concat();
        for file in [archive(&pickle, &[]), legacy(&pickle)] {
            let said = refusal(&file);
            assert!(!said.is_empty(), "{what}");
        }
    }
}

#[test]
fn what_is_no_checkpoint_is_said() {
    let meta = b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_meta_tensor_no_storage\n)Rs.";
    let cases: [(&[u8], &str); 7] = [
        (&archive(meta, &[]), "`w` is a tensor on the device `meta`, which has no numbers"),
        (b"", "empty"),
        (b"nonsense", "a text"),
        (&archive(b"\x80\x02K\x01.", &[]), "no dictionary"),
        (&archive(b"\x80\x02}.", &[]), "it holds no weights"),
        (&archive(b"\x80\x02cmine\nNet\n)\x81}b.", &[]), "mine.Net"),
        (&archive(&tensor_pickle(4, 0, &[4], &[1]), &[]), "a/data/0"),
    ];
    for (bytes, words) in cases {
        let said = refusal(bytes);
        assert!(said.contains(words), "{words}: {said}");
    }
    let big_endian =
        LEGACY.windows(14).position(|bytes| bytes.starts_with(b"little_endian")).expect("the byte order");
    let mut bytes = LEGACY.to_vec();
    let place = bytes[big_endian..].iter().position(|&byte| byte == 0x88).expect("true") + big_endian;
    bytes[place] = 0x89;
    assert!(refusal(&bytes).contains("big-endian"));
}

/// `FREQBIAS_MUTATIONS=1000000 cargo test --release -p freqbias-checkpoints mutated` is the long form.
#[test]
fn mutated_files_do_no_harm() {
    let count = std::env::var("FREQBIAS_MUTATIONS").map_or(20_000, |text| text.parse().expect("a number"));
    let length = u32::from_le_bytes(ZIP[18..22].try_into().expect("a length")) as usize;
    let start = ZIP.windows(2).position(|bytes| bytes == b"\x80\x02").expect("a pickle");
    let end = ZIP[start..]
        .windows(6)
        .position(|bytes| bytes == b"u.PK\x07\x08")
        .map_or(start + length, |end| start + end + 2);
    let pickle = &ZIP[start..end];
    let (mut random, mut read) = (Random(0x9e37_79b9_7f4a_7c15), 0);
    for round in 0..count {
        let file = match round % 4 {
            0 => mutated(ZIP, &mut random),
            1 => mutated(LEGACY, &mut random),
            2 => archive(&mutated(pickle, &mut random), &[[0; 432].as_slice(); 12]),
            _ => mutated(PROTOCOL_4, &mut random),
        };
        read += usize::from(load(&file).is_ok());
    }
    assert!(read > 0 && read < count, "{read} of {count} mutated files were read");
}

/// One to four changes: a byte, a run of bytes moved, a length of ones, an end.
fn mutated(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let place = random.below(bytes.len());
        match random.below(8) {
            0 => bytes.truncate(place + 1),
            1 => {
                let from = random.below(bytes.len());
                let piece = bytes[from..bytes.len().min(from + 1 + random.below(40))].to_vec();
                bytes.splice(place..place, piece);
            }
            2 => {
                let end = bytes.len().min(place + 1 + random.below(8));
                bytes[place..end].fill(0xff);
            }
            3 => drop(bytes.remove(place)),
            _ => bytes[place] = random.below(256) as u8,
        }
    }
    bytes
}
