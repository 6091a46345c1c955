//! The programs: flags → configuration → library objects → run.
//!
//! A program is ten lines in `src/bin` that [`launch`] a workflow of [`commands`]. This package alone knows the command
//! line, the terminal and the process; everything else is in the library crates.

pub mod commands;

mod adversary;
mod backend;
mod checkpoints;
mod components;
mod data;
mod defaults;
mod download;
mod epochs;
mod feed;
mod flags;
mod freq;
mod gradient_profiles;
mod interrupt;
mod launch;
mod live;
mod mask;
mod measured;
mod network;
mod partial;
mod reproduce;
mod resident;
mod session;
mod spectrum_events;
mod stored;
mod terminal;
mod toy;
mod train;
mod unused;

pub use launch::launch;

/// Buffers of a megabyte come and go with every batch; the system's allocator returns them each time and has them cleared anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
