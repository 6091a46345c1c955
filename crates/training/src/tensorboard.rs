//! TensorBoard event files: scalars per epoch.
//!
//! A file is a row of records (length, its checksum, data, its checksum); the data is a protocol-buffer `Event`.
//! Only the few fields that a scalar needs are written.

use std::path::Path;

use crate::{EpochMetrics, Error, files::write_atomically};

/// Writes the scalars of all epochs to one event file in `folder`, replacing the one written before.
pub(crate) fn write(folder: &Path, epochs: &[EpochMetrics]) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(Error::file("create folder", folder))?;
    let mut file = Vec::new();
    record(&mut file, &[field_bytes(3, b"brain.Event:2")].concat());
    for metrics in epochs {
        let scalars = [
            ("train/loss", metrics.train_loss),
            ("train/prec1", metrics.train_prec1),
            ("nat/loss", metrics.nat_loss),
            ("nat/prec1", metrics.nat_prec1),
            ("lr", metrics.lr),
        ];
        record(&mut file, &event(metrics.epoch, &scalars));
    }
    // TensorBoard takes any name with `tfevents` in it; a fixed one lets a resumed run replace the file.
    write_atomically(&folder.join("events.out.tfevents.0.freqbias"), &file)
}

/// `Event { step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } }`.
fn event(step: usize, scalars: &[(&str, f64)]) -> Vec<u8> {
    let value = |(tag, value): &(&str, f64)| {
        let mut fields = field_bytes(1, tag.as_bytes());
        fields.push(2 << 3 | 5);
        fields.extend((*value as f32).to_le_bytes());
        field_bytes(1, &fields)
    };
    let summary: Vec<u8> = scalars.iter().flat_map(value).collect();
    let mut event = vec![2 << 3];
    varint(&mut event, step as u64);
    event.extend(field_bytes(5, &summary));
    event
}

fn field_bytes(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    varint(&mut field, content.len() as u64);
    field.extend(content);
    field
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn record(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_checksum(&length).to_le_bytes());
    file.extend(data);
    file.extend(masked_checksum(data).to_le_bytes());
}

/// CRC-32C, rotated and shifted as the record format wants it.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_framed_and_checked() {
        let mut file = Vec::new();
        record(&mut file, b"123456789");
        assert_eq!(file[..8], 9u64.to_le_bytes());
        // The check value of CRC-32C for this text is 0xe3069283.
        let expected = 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(file[8 + 4 + 9..], expected.to_le_bytes());
    }

    #[test]
    fn an_event_holds_step_tag_and_value() {
        let found = event(300, &[("lr", 0.5)]);
        let expected =
            [0x10, 0xac, 0x02, 0x2a, 0x0b, 0x0a, 0x09, 0x0a, 0x02, b'l', b'r', 0x15, 0, 0, 0, 0x3f];
        assert_eq!(found, expected);
    }
}
