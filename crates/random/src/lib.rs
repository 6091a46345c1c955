//! Keyed random streams: every thing that is drawn has a stream of its own.
//!
//! All numbers come from ChaCha8, whose key and stream number say what they are for. What is drawn for one image therefore depends
//! neither on the images before it nor on the number of threads, and an epoch can be drawn without those before it. The bits
//! are the same on every machine.
//!
//! ```
//! use rand::Rng;
//! use random::{Stream, permutation};
//!
//! let order = Stream { domain: *b"demo", seed: 1, purpose: 1, epoch: 3, index: 0 };
//! assert_eq!(permutation(5, &mut order.generator()), [1, 2, 0, 3, 4]);
//! let next = Stream { epoch: 4, ..order };
//! assert_ne!(order.generator().random::<u64>(), next.generator().random::<u64>());
//! ```

mod named;
mod permutation;
mod stream;

pub use named::named_generator;
pub use permutation::permutation;
pub use stream::Stream;

/// The generator of every stream.
pub use rand_chacha::ChaCha8Rng;
