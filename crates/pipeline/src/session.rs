//! What all work shares.

use models::Backend;
use progress::Progress;
use ranks::Ranks;

/// What runs networks, who hears of progress and may stop the work, and who shares it. The default is the CPU in f32, and nobody.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// What runs the networks.
    pub backend: Backend,
    /// Where progress goes, and the interrupt flag.
    pub progress: Progress,
    /// The processes that share training and measurements; by default this one alone.
    pub ranks: Ranks,
}

impl Session {
    /// What computes networks, as the configuration of a run names it: others round differently.
    ///
    /// ```
    /// use models::{Backend, Precision};
    /// use pipeline::Session;
    /// let plain = Session { backend: Backend::candle_cpu(), ..Session::default() };
    /// assert_eq!(plain.kernels(), "cpu-plain");
    /// ```
    pub fn kernels(&self) -> String {
        use kernels::blocked::InstructionSet;
        use models::Precision;
        let backend = &self.backend;
        match backend {
            Backend::Cpu(Precision::Bf16) if InstructionSet::current().has_bf16() => {
                format!("{} bf16", InstructionSet::current().name())
            }
            Backend::Cpu(Precision::Bf16) => format!("{} unpacked bf16", InstructionSet::current().name()),
            Backend::Cpu(_) => InstructionSet::current().name().to_owned(),
            Backend::Candle { precision: Precision::Full, .. } => backend.to_string(),
            Backend::Candle { precision: Precision::Tf32, .. } => format!("{backend} tf32"),
            Backend::Candle { precision: Precision::Bf16, .. } => format!("{backend} bf16"),
        }
    }
}
