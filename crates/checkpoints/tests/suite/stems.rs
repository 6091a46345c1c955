//! Archives as PyTorch lays them out, whatever they were called: their end is written twice, for 64 bits and plain, with true values in both.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use candle_core::{Device, Tensor};
use checkpoints::{TorchCheckpoint, TorchStyle};
use zip::ZipArchive;

use crate::common::load;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Numbers stand at multiples of this.
const ALIGNMENT: usize = 64;

/// The members of an archive, by their names without the stem, in its order.
fn members(archive: Vec<u8>) -> Outcome<Vec<(String, Vec<u8>)>> {
    let mut archive = ZipArchive::new(Cursor::new(archive))?;
    let mut all = Vec::new();
    for place in 0..archive.len() {
        let mut member = archive.by_index(place)?;
        let name = member.name()?.split_once('/').ok_or("a stem")?.1.to_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes)?;
        all.push((name, bytes));
    }
    Ok(all)
}

/// Such an archive, with no checksums.
fn archive(stem: &str, members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let (start, name) = (archive.len(), format!("{stem}/{name}"));
        let unaligned = start + 30 + name.len() + 4;
        let padding = unaligned.next_multiple_of(ALIGNMENT) - unaligned;
        let sizes = [&[0; 4][..], &four(bytes.len()), &four(bytes.len()), &two(name.len())].concat();
        archive.extend([&b"PK\x03\x04\0\0\0\x08\0\0\0\0\0\0"[..], &sizes, &two(4 + padding)].concat());
        archive.extend([name.as_bytes(), b"FB", &two(padding), &vec![b'Z'; padding], bytes].concat());
        directory
            .extend([&b"PK\x01\x02\0\0\0\0\0\x08\0\0\0\0\0\0"[..], &sizes, &[0; 12], &four(start)].concat());
        directory.extend(name.as_bytes());
    }
    let (count, size, start) = (members.len(), directory.len(), archive.len());
    archive.extend(&directory);
    let end = archive.len();
    let eight = |number: usize| (number as u64).to_le_bytes();
    let versions_and_disks = [0x1e, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let places = [eight(count), eight(count), eight(size), eight(start)].concat();
    archive.extend([b"PK\x06\x06".as_slice(), &eight(44), &versions_and_disks, &places].concat());
    archive.extend([b"PK\x06\x07\0\0\0\0".as_slice(), &eight(end), &four(1)].concat());
    archive.extend(
        [b"PK\x05\x06\0\0\0\0".as_slice(), &two(count), &two(count), &four(size), &four(start), &two(0)]
            .concat(),
    );
    archive
}

fn two(number: usize) -> [u8; 2] {
    (number as u16).to_le_bytes()
}

fn four(number: usize) -> [u8; 4] {
    (number as u32).to_le_bytes()
}

#[test]
fn stems_of_any_length_are_read() -> Outcome {
    for count in [1, 3, 12] {
        let tensor = |place: usize| Tensor::new(&[place as f32, 0.5, -1.0], &Device::Cpu);
        let weights = (0..count).map(|place| Ok((format!("w{place}"), tensor(place)?)));
        let weights = weights.collect::<Outcome<BTreeMap<String, Tensor>>>()?;
        let checkpoint = TorchCheckpoint { weights, normaliser: None, epoch: None, nat_prec1: None };
        let members = members(checkpoint.encode(TorchStyle::Plain)?)?;
        for length in 1..=120 {
            let found = load(&archive(&"x".repeat(length), &members));
            let found = found.map_err(|error| format!("{count} tensors, stem of {length}: {error}"))?.tensors;
            assert_eq!(found.len(), count, "{length}");
            for (name, tensor) in &checkpoint.weights {
                assert_eq!(found[name].to_vec1::<f32>()?, tensor.to_vec1::<f32>()?, "{name}, {length}");
            }
        }
    }
    Ok(())
}
