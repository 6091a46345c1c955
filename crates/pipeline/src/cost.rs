//! What the other ranks cost an epoch.

use std::{
    fmt,
    time::{Duration, Instant},
};

use ranks::Ranks;

/// What was sent in the steps of an epoch, and how long others were waited for. As text it is empty where there are no others.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    began: Option<Began>,
    steps: u64,
    sent: u64,
    waited: Duration,
    took: Duration,
}

#[derive(Debug)]
struct Began {
    at: Instant,
    sent: u64,
    waited: Duration,
}

impl Cost {
    /// From now on, if there are other ranks.
    pub(crate) fn since(ranks: &Ranks) -> Self {
        let began = || Began { at: Instant::now(), sent: ranks.sent(), waited: ranks.waited() };
        Self { began: (!ranks.is_alone()).then(began), ..Self::default() }
    }

    /// Another step is done.
    pub(crate) fn step(&mut self, ranks: &Ranks) {
        if let Some(began) = &self.began {
            self.steps += 1;
            self.sent = ranks.sent() - began.sent;
            self.waited = ranks.waited() - began.waited;
            self.took = began.at.elapsed();
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(bytes) = self.sent.checked_div(self.steps) else { return Ok(()) };
        let share = 100.0 * self.waited.as_secs_f64() / self.took.as_secs_f64().max(1e-9);
        write!(f, ", {:.1} MB sent a step, {share:.0} % waited", bytes as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_counts_by_step() {
        let said = ranks::Simulation::new(2, 0).run(|ranks| {
            let mut cost = Cost::since(&ranks);
            for _ in 0..2 {
                ranks.exchange(vec![0; 1_500_000])?;
                cost.step(&ranks);
            }
            Ok::<_, ranks::Error>(cost.to_string())
        });
        let said = said[1].as_ref().expect("both ranks go on");
        assert!(said.starts_with(", 1.5 MB sent a step, ") && said.ends_with(" % waited"), "{said}");
        let mut alone = Cost::since(&Ranks::default());
        alone.step(&Ranks::default());
        assert_eq!(alone.to_string(), "");
    }
}
