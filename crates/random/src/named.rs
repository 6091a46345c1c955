//! Streams that are keyed by a name.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The stream of a name: the 64-bit FNV-1a hash of its bytes is the stream number, below the key that `seed_from_u64` makes of the
/// seed. Two names share numbers only if their hashes are equal.
///
/// ```
/// use rand::Rng;
/// let mut generator = random::named_generator(0, "conv1.weight");
/// assert_eq!(generator.random::<u64>(), 0x07a3_e311_6032_140f);
/// ```
pub fn named_generator(seed: u64, name: &str) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(fnv1a(name.as_bytes()));
    generator
}

/// Fowler–Noll–Vo's hash, variant 1a, of 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    /// Values of the hash's authors.
    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_stream_depends_on_seed_and_name() {
        let draw = |seed, name| named_generator(seed, name).random::<u64>();
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }
}
