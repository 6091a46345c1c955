//! Streams that are keyed by numbers.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a random stream is for. Streams that differ in any field share no numbers.
///
/// The first four fields are the key of ChaCha8 and the last is its stream number:
///
/// ```text
/// key = seed (8 bytes)  purpose (8)  epoch (8)  domain (4)  0 (4)      all little-endian
/// ```
///
/// ```
/// use rand::Rng;
/// let stream = random::Stream { domain: *b"cdes", seed: 0, purpose: 1, epoch: 0, index: 0 };
/// assert_eq!(stream.generator().random::<u64>(), 0x08ec_1f2f_1e46_e02d);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Whose stream it is: a tag of the library that draws, or zeros.
    pub domain: [u8; 4],
    /// The seed that a user chooses.
    pub seed: u64,
    /// What is drawn, by a number of the library's.
    pub purpose: u64,
    /// The epoch, where there is one.
    pub epoch: u64,
    /// The image or batch, where there is one.
    pub index: u64,
}

impl Stream {
    /// The stream from its beginning.
    pub fn generator(&self) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.purpose.to_le_bytes());
        key[16..24].copy_from_slice(&self.epoch.to_le_bytes());
        key[24..28].copy_from_slice(&self.domain);
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(self.index);
        generator
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    const STREAM: Stream = Stream { domain: [0; 4], seed: 0, purpose: 1, epoch: 0, index: 0 };

    #[test]
    fn streams_differ_in_each_field() {
        let all = [
            STREAM,
            Stream { domain: *b"cdes", ..STREAM },
            Stream { seed: 1, ..STREAM },
            Stream { purpose: 2, ..STREAM },
            Stream { epoch: 1, ..STREAM },
            Stream { index: 1, ..STREAM },
        ];
        let first = all.map(|stream| stream.generator().random::<u64>());
        assert!(first.iter().all(|a| first.iter().filter(|b| a == *b).count() == 1), "{first:?}");
    }

    /// Runs are repeated by their seeds, so these numbers must never change. They were computed by another program, which follows
    /// the definition of ChaCha (D. J. Bernstein, 2008) with 8 rounds, a 64-bit counter and a 64-bit stream number.
    #[test]
    fn the_bits_are_those_of_the_definition() {
        let draw = |stream: Stream| stream.generator().random::<[u64; 2]>();
        let other = Stream { domain: *b"cdes", seed: u64::MAX, purpose: 2, epoch: 3, index: 1 << 40 };
        assert_eq!(
            draw(Stream { seed: 7, epoch: 2, index: 5, ..STREAM }),
            [0x703b_50e8_6cf6_363c, 0xb0f6_e426_695e_1627]
        );
        assert_eq!(draw(other), [0xf7c6_a864_0bde_1b85, 0x24b6_1a83_7e1f_32ff]);
    }
}
