//! A bounded reader of Python's pickles that runs no code.
//!
//! A pickle is a program for a stack machine. This machine builds plain values: numbers, strings, tuples, lists, sets and
//! dictionaries. What a name of Python code, a call of it, or a reference to something outside the pickle stands for is said
//! by the caller's [`Calls`]; nothing is looked up and nothing is run.
//!
//! ```
//! use pickle::{Answer, Calls, Error, Limits, Object, Pickle, Refusal, Value, Values};
//!
//! /// Fractions, as (numerator, denominator). Every other call is refused.
//! struct Fractions;
//!
//! impl Calls for Fractions {
//!     type Made = (i64, i64);
//!
//!     fn call(&self, values: Values<'_, (i64, i64)>, function: Value, arguments: Value) -> Result<Answer<(i64, i64)>, Refusal> {
//!         match (values.global(function), values.items(arguments)) {
//!             (Some((b"fractions", b"Fraction")), Some([Value::Int(n), Value::Int(d)])) => Ok(Object::Made((*n, *d)).into()),
//!             _ => Err(Refusal::new("a call", "fractions.Fraction(n, d)")),
//!         }
//!     }
//! }
//!
//! // {"half": fractions.Fraction(1, 2)}
//! let bytes = b"\x80\x02}U\x04halfcfractions\nFraction\nK\x01K\x02\x86Rs.";
//! let limits = Limits { bytes: 1000, steps: 100, objects: 10 };
//! let pickle = Pickle::from_slice(bytes, limits, &Fractions)?;
//! let half = pickle.values().entry(pickle.top(), "half").unwrap();
//! assert!(matches!(pickle.values().object(half), Some(Object::Made((1, 2)))));
//!
//! let error = Pickle::from_slice(b"\x80\x02cos\nsystem\nU\x02ls\x85R.", limits, &Fractions).unwrap_err();
//! assert_eq!(error.to_string(), "a call at byte 18 of a pickle, expected fractions.Fraction(n, d)");
//! # Ok::<(), Error>(())
//! ```
//!
//! * Opcodes: those of all protocols, 0 to 5. Not known are registered extensions and buffers outside the pickle.
//! * Memory and time are bounded by [`Limits`] and by what the input holds, whatever lengths it declares. Objects stand in one
//!   list and refer to each other by number, so depth, sharing and cycles cost nothing; nothing here is recursive.
//! * Strings stay where they are in the input: a [`Value`] holds their [`Span`].

mod calls;
mod error;
mod escapes;
mod input;
mod limits;
mod machine;
mod opcodes;
mod pickle;
mod value;
mod values;

// Reading
pub use limits::Limits;
pub use pickle::Pickle;

// What is read
pub use escapes::Escapes;
pub use value::{Object, Span, Value};
pub use values::Values;

// What names and calls stand for
pub use calls::{Answer, Calls};

// What can go wrong
pub use error::{Error, Refusal};
