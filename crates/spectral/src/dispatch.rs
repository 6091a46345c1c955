//! The instruction set, found when the program runs.

/// The widest vectors of this machine: AVX-512, AVX2, or what every machine of the kind has.
pub(crate) fn widest() -> pulp::Arch {
    pulp::Arch::new()
}

/// Every instruction set that this machine can run, for tests.
#[cfg(test)]
pub(crate) fn everywhere() -> Vec<pulp::Arch> {
    #[allow(unused_mut, reason = "one machine's list is complete")]
    let mut all = vec![widest(), pulp::Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    all.extend(pulp::x86::V3::try_new().map(pulp::Arch::V3));
    all
}
