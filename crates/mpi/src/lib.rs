//! Ranks of MPI, for [`ranks`]: processes that `mpirun` or `srun --mpi=pmix` has started.
//!
//! A program that has called `enable` joins them where it calls [`ranks::started`]. All this is behind the feature `mpi`, which needs MPI.

#[cfg(feature = "mpi")]
mod rank;
#[cfg(feature = "mpi")]
mod talk;

/// Lets [`ranks::started`] join the ranks of MPI, where the environment says that there are some. To be called before anything else is asked
/// of ranks: which way they reach each other is then decided.
#[cfg(feature = "mpi")]
pub fn enable() {
    ranks::join_by_mpi(rank::ranks);
}
