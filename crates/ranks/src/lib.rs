//! Several processes ("ranks") at one piece of work: the same bits for any number of them.
//!
//! Parts of the work are dealt to ranks, and rank 0 adds up what they found in the order of the parts ([`in_order`]). Which rank
//! computed a part, and when it was done, changes nothing.
//!
//! [`Ranks`] is what a library takes. By default it is one rank, the process itself, and costs nothing. It is the processes that
//! torchrun or `srun` started, which meet at `MASTER_ADDR`, or those of `mpirun`: see [`started`]. In tests
//! it is a [`Simulation`]: threads, whose messages come late and whose ranks die as a seed says.
//!
//! ```
//! use ranks::{Dealt, Error, Simulation, in_order};
//!
//! let sums = Simulation::new(3, 7).run(|ranks| {
//!     let mut sum = 0.0;
//!     let dealt = Dealt { ranks: &ranks, parts: 0..10, run: 1 };
//!     in_order(&dealt, |part| Ok::<_, Error>(1.0 / (1.0 + part as f64)), |_, found| { sum += found; Ok(()) })?;
//!     Ok::<f64, Error>(sum)
//! });
//! let alone: f64 = (0..10).map(|part| 1.0 / (1.0 + f64::from(part))).sum();
//! assert_eq!(sums[0].as_ref().unwrap(), &alone); // rank 0 has the sum, bit for bit
//! ```

mod alone;
mod buffers;
mod endings;
mod error;
mod exchange;
mod inbox;
mod mailbox;
mod message;
mod order;
mod ranks;
mod simulated;
mod sockets;
mod started;
mod transport;
mod wire;

// Who works together
pub use exchange::Exchange;
pub use ranks::{PATIENCE, Ranks};
pub use sockets::Waiting;
pub use started::{Unreached, announced, beside, local, start, started, unreached};

// Parts of the work
pub use order::{Dealt, in_order};

// How ranks reach each other
pub use alone::Alone;
pub use simulated::Simulation;
pub use started::join_by_mpi;
pub use transport::Transport;
pub use wire::Wire;

// What a transport is made of
pub use buffers::Buffers;
pub use endings::end_all_on_panic;
pub use mailbox::{GOODBYE, Mailbox};

// What can go wrong
pub use error::Error;
