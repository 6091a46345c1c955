//! Shares of a finite set, found from as few of its members as an interval of a wanted width needs.
//!
//! Of N images M are wrong. Images are drawn without replacement, in looks at fixed numbers n₁ < n₂ < … of them. At a look with c errors
//! among n the interval is Agresti & Coull's (The American Statistician 1998) with the variance of drawing from a finite set:
//!
//! > p̃ ± z·√(p̃(1 − p̃)/ñ), ñ = m + z², p̃ = (c·m/n + z²/2)/ñ, m = n(N − 1)/(N − n),
//!
//! within what is certain, c/N to (c + N − n)/N. Drawing stops at the first look where z·√(p̃(1 − p̃)/ñ) is no more than the goal.
//!
//! Stopping when an interval is narrow enough favours samples that look extreme, so with z = 1.96 too few intervals would hold M/N (Frey,
//! The American Statistician 2010). Here z is raised until the coverage of the *stopped* interval is 95 % for every M. That is
//! computed, not simulated: all orders of the N images are equally likely, so the probability to stop at (n, c) is
//!
//! > f(n, c)·C(n, c)·C(N − n, M − c) / C(N, M),
//!
//! f being the share of the orders of c errors among n images that have not stopped at an earlier look, which does not depend on M:
//! f(n′, c′) = Σ_c hypergeometric(c; n′, c′, n)·f(n, c) over the c that do not stop at n.

use crate::{Error, accuracy::Z};

/// The coverage that intervals promise.
const COVERAGE: f64 = 0.95;
/// The narrowest half width: of narrower ones all coverages take long to compute, and the images longer.
const LEAST_HALF: f64 = 0.002;
/// How often drawing may stop, about.
const MOST_LOOKS: u64 = 64;
const MOST_QUANTILE: f64 = 2.2;
/// By how much z is raised at a time.
const STEP: f64 = 0.01;
/// Terms of a hypergeometric distribution that are less likely than this are left out.
const NEGLIGIBLE: f64 = 1e-12;
/// Numbers of errors for which coverage is computed at first, then to be sure: all up to this, and as many of the rest.
const FIRST_COMPUTED: u64 = 200;
const MOST_COMPUTED: u64 = 2500;

/// Numbers of images at a look, and of each number of errors there is what is known if drawing stops.
type Stops = Vec<(u64, Vec<Stop>)>;

/// Drawing stops after so many errors.
#[derive(Debug, Clone, Copy)]
struct Stop {
    /// Of all orders of these errors the share that gets here and stops: f(n, c), or 0.
    share: f64,
    interval: [f64; 2],
}

/// When enough images are drawn to know a share, and how far it is known then.
///
/// ```
/// // The share of 10,000 images, to ±0.02, with a look after each 100.
/// let goal = evaluation::PrecisionGoal::new(0.02, 10_000, 100)?;
/// assert!(!goal.is_reached(5, 100) && goal.is_reached(10, 500)); // shares near 0 need few images
/// assert!(!goal.is_reached(750, 1500) && goal.is_reached(1100, 2200)); // and of one half the most
/// let [low, high] = goal.interval(10, 500);
/// assert!(low < 0.02 && 0.02 < high && high - low <= 0.04);
/// assert_eq!(goal.interval(700, 10_000), [0.07; 2]); // nothing is left to chance
/// # Ok::<(), evaluation::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PrecisionGoal {
    half: f64,
    of: u64,
    every: u64,
    z: f64,
}

impl PrecisionGoal {
    /// To know shares of `of` images to ±`half`, with a look after each `every` of them, or after some times as many where that would be
    /// more than 64 looks: see [`PrecisionGoal::every`].
    ///
    /// # Errors
    /// If the half width is not from 0.002 to below ½, or there are no images.
    pub fn new(half: f64, of: u64, every: u64) -> Result<Self, Error> {
        if !(LEAST_HALF..0.5).contains(&half) {
            return Err(Error::HalfWidth { found: half, least: LEAST_HALF });
        }
        if of == 0 || every == 0 {
            return Err(Error::TooFew { what: "images", found: 0, least: 1 });
        }
        // What a share of one half takes, by a z that is not reached.
        let unlimited = MOST_QUANTILE * MOST_QUANTILE / (4.0 * half * half);
        let most = (unlimited / (1.0 + unlimited / of as f64)) as u64;
        let every = every * most.div_ceil(every * MOST_LOOKS).max(1);
        let logs = LogFactorials::new(of);
        let mut goal = Self { half, of, every, z: Z };
        for computed in [FIRST_COMPUTED, MOST_COMPUTED] {
            while goal.least_coverage_by(&logs, computed) < COVERAGE {
                goal.z += STEP;
            }
        }
        Ok(goal)
    }

    /// After how many images each there is a look: drawing may stop then and not between.
    pub fn every(&self) -> u64 {
        self.every
    }

    /// The half width that is wanted.
    pub fn half(&self) -> f64 {
        self.half
    }

    /// The quantile z of the intervals: above 1.96, as drawing stops by what was drawn.
    pub fn quantile(&self) -> f64 {
        self.z
    }

    /// Whether the share is known as well as wanted, at a look, after so many errors among so many images, or all images were drawn.
    pub fn is_reached(&self, errors: u64, seen: u64) -> bool {
        seen >= self.of || seen > 0 && self.middle_and_half(errors, seen).1 <= self.half
    }

    /// The interval of the share of errors among all images: its two ends, 0 to 1.
    pub fn interval(&self, errors: u64, seen: u64) -> [f64; 2] {
        let all = self.of as f64;
        let certain = [errors as f64 / all, (errors + self.of.saturating_sub(seen)) as f64 / all];
        if seen == 0 {
            return [0.0, 1.0];
        }
        if seen >= self.of {
            return [errors as f64 / seen as f64; 2];
        }
        let (middle, half) = self.middle_and_half(errors, seen);
        [(middle - half).max(certain[0]), (middle + half).min(certain[1])]
    }

    /// The smallest probability, over all numbers of errors among all images, that the interval holds the share when drawing has
    /// stopped. Of many thousand images numbers in the middle are taken at even distances.
    ///
    /// ```
    /// let goal = evaluation::PrecisionGoal::new(0.05, 1000, 50)?;
    /// assert!((0.95..0.97).contains(&goal.least_coverage()));
    /// # Ok::<(), evaluation::Error>(())
    /// ```
    pub fn least_coverage(&self) -> f64 {
        self.least_coverage_by(&LogFactorials::new(self.of), MOST_COMPUTED)
    }

    fn middle_and_half(&self, errors: u64, seen: u64) -> (f64, f64) {
        let (n, all) = (seen as f64, self.of as f64);
        // As many images with replacement say as much.
        let worth = n * (all - 1.0) / (all - n);
        let square = self.z * self.z;
        let of = worth + square;
        let middle = (errors as f64 / n * worth + 0.5 * square) / of;
        (middle, self.z * (middle * (1.0 - middle) / of).sqrt())
    }

    /// The numbers of images at which drawing may stop, up to the first at which it surely does.
    fn looks(&self) -> Vec<u64> {
        let looks = (1..).map(|look| (look * self.every).min(self.of));
        let mut found = Vec::new();
        for look in looks {
            found.push(look);
            if (look / 2..=look.div_ceil(2)).all(|errors| self.is_reached(errors, look)) {
                return found;
            }
        }
        found
    }

    fn least_coverage_by(&self, logs: &LogFactorials, computed: u64) -> f64 {
        let stops = self.stops(logs);
        // Errors and what is right are alike.
        let (half, dense) = (self.of / 2, computed.min(self.of / 2));
        let stride = ((half - dense) / computed).max(1);
        let rest = (dense + 1..=half).step_by(stride as usize);
        let coverages = (0..=dense).chain(rest).map(|errors| self.coverage(logs, &stops, errors));
        coverages.fold(1.0, f64::min)
    }

    fn stops(&self, logs: &LogFactorials) -> Stops {
        let mut going: Option<(u64, Vec<f64>)> = None;
        let mut stops = Vec::new();
        for look in self.looks() {
            let reached: Vec<f64> = match &going {
                None => vec![1.0; look as usize + 1],
                Some(before) => (0..=look).map(|errors| reaching(logs, before, look, errors)).collect(),
            };
            let is_end: Vec<bool> = (0..=look).map(|errors| self.is_reached(errors, look)).collect();
            let share =
                |wanted: bool, errors: usize| if is_end[errors] == wanted { reached[errors] } else { 0.0 };
            let stop = |errors: usize| Stop {
                share: share(true, errors),
                interval: self.interval(errors as u64, look),
            };
            stops.push((look, (0..reached.len()).map(stop).collect()));
            going = Some((look, (0..reached.len()).map(|errors| share(false, errors)).collect()));
        }
        stops
    }

    /// The probability that the interval holds the share where so many of all images are errors.
    fn coverage(&self, logs: &LogFactorials, stops: &[(u64, Vec<Stop>)], errors: u64) -> f64 {
        let share = errors as f64 / self.of as f64;
        // Ends that are the share but for rounding hold it.
        let slack = 1e-12;
        let mut held = 0.0;
        for (look, stop) in stops {
            logs.each_term(self.of, errors, *look, &mut |found, probability| {
                let Stop { share: reached, interval: [low, high] } = stop[found as usize];
                if low - slack <= share && share <= high + slack {
                    held += reached * probability;
                }
            });
        }
        held
    }
}

/// The share of the orders of so many errors at a look that went on at the one before.
fn reaching(logs: &LogFactorials, (before, going): &(u64, Vec<f64>), look: u64, errors: u64) -> f64 {
    let mut share = 0.0;
    logs.each_term(look, errors, *before, &mut |found, probability| {
        share += probability * going[found as usize];
    });
    share
}

/// ln n! for n up to a number.
struct LogFactorials(Vec<f64>);

impl LogFactorials {
    fn new(most: u64) -> Self {
        let sums = (1..=most).scan(0.0, |sum: &mut f64, n| {
            *sum += (n as f64).ln();
            Some(*sum)
        });
        Self(std::iter::once(0.0).chain(sums).collect())
    }

    fn choose(&self, n: u64, k: u64) -> f64 {
        self.0[n as usize] - self.0[k as usize] - self.0[(n - k) as usize]
    }

    /// Each number of errors that `drawn` of `all` may have of which `errors` are errors, with its probability.
    fn each_term(&self, all: u64, errors: u64, drawn: u64, each: &mut dyn FnMut(u64, f64)) {
        let (least, most) = ((drawn + errors).saturating_sub(all), errors.min(drawn));
        let mode = ((drawn + 1) * (errors + 1) / (all + 2)).clamp(least, most);
        let log =
            self.choose(errors, mode) + self.choose(all - errors, drawn - mode) - self.choose(all, drawn);
        let top = log.exp();
        // From one term to the next: (M − c)(n − c) / ((c + 1)(N − M − n + c + 1)).
        let ratio = |found: u64| {
            (errors - found) as f64 * (drawn - found) as f64
                / ((found + 1) as f64 * (all - errors + found + 1 - drawn) as f64)
        };
        let mut term = top;
        for found in mode..=most {
            each(found, term);
            if found == most || term < NEGLIGIBLE {
                break;
            }
            term *= ratio(found);
        }
        let mut term = top;
        for found in (least..mode).rev() {
            term /= ratio(found);
            each(found, term);
            if term < NEGLIGIBLE {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_the_hypergeometric_distribution() {
        let logs = LogFactorials::new(50);
        let mut terms = Vec::new();
        logs.each_term(10, 4, 3, &mut |found, probability| terms.push((found, probability)));
        terms.sort_by_key(|(found, _)| *found);
        // C(4, c)·C(6, 3 − c) / C(10, 3): 20, 60, 36, 4 of 120.
        for ((found, probability), (c, expected)) in
            terms.iter().zip([(0, 20.0), (1, 60.0), (2, 36.0), (3, 4.0)])
        {
            assert!(*found == c && (probability - expected / 120.0).abs() < 1e-12, "{terms:?}");
        }
        for (all, errors, drawn) in [(50, 0, 7), (50, 50, 7), (50, 13, 50), (50, 25, 49), (1, 1, 1)] {
            let mut sum = 0.0;
            logs.each_term(all, errors, drawn, &mut |_, probability| sum += probability);
            assert!((sum - 1.0).abs() < 1e-10, "{all} {errors} {drawn}: {sum}");
        }
    }

    #[test]
    fn all_orders_of_a_small_set_stop_as_computed() -> Result<(), Error> {
        // Every order of 10 images of which 4 are errors, by bit masks.
        let goal = PrecisionGoal { half: 0.3, of: 10, every: 2, z: 1.5 };
        let logs = LogFactorials::new(10);
        let stops = goal.stops(&logs);
        let (mut held, mut orders) = (0, 0);
        for mask in (0u32..1024).filter(|mask| mask.count_ones() == 4) {
            let errors = |seen: u64| u64::from((mask & ((1 << seen) - 1)).count_ones());
            let seen = (1..=5).map(|look| 2 * look).find(|&seen| goal.is_reached(errors(seen), seen));
            let seen = seen.unwrap_or(10);
            let [low, high] = goal.interval(errors(seen), seen);
            held += u32::from((low..=high).contains(&0.4));
            orders += 1;
        }
        let expected = f64::from(held) / f64::from(orders);
        let found = goal.coverage(&logs, &stops, 4);
        assert!(held > 0 && held < orders, "{held} of {orders}");
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        // Drawing stops at one look or another.
        let surely = |stop: &Stop| Stop { interval: [0.0, 1.0], ..*stop };
        let stops: Stops =
            stops.iter().map(|(look, stop)| (*look, stop.iter().map(surely).collect())).collect();
        let all = goal.coverage(&logs, &stops, 4);
        assert!((all - 1.0).abs() < 1e-12, "{all}");
        Ok(())
    }

    #[test]
    fn coverage_is_kept_for_every_share() -> Result<(), Error> {
        for (half, of, every) in [(0.02, 2000, 128), (0.05, 777, 64), (0.1, 10_000, 16), (0.03, 100, 128)] {
            let goal = PrecisionGoal::new(half, of, every)?;
            assert!(goal.least_coverage() >= COVERAGE, "{goal:?}");
            assert!((Z..2.6).contains(&goal.quantile()), "{goal:?}");
        }
        // One that takes no heed of stopping does not keep it.
        let naive = PrecisionGoal { half: 0.05, of: 10_000, every: 32, z: Z };
        assert!(naive.least_coverage() < COVERAGE - 0.002, "{}", naive.least_coverage());
        Ok(())
    }

    /// What is computed happens: sets in random order, drawn until the goal is reached.
    #[test]
    fn drawing_keeps_its_coverage() -> Result<(), Error> {
        use rand::{Rng, SeedableRng};
        const WORLDS: u32 = 4000;
        let goal = PrecisionGoal::new(0.05, 2000, 50)?;
        let logs = LogFactorials::new(2000);
        let stops = goal.stops(&logs);
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for errors in [0u64, 9, 60, 200, 700, 1000, 1930] {
            let (mut held, mut images) = (0, 0);
            for _ in 0..WORLDS {
                let (mut seen, mut found) = (0, 0);
                while !goal.is_reached(found, seen) {
                    for _ in 0..50 {
                        found += u64::from(random.random_range(0..2000 - seen) < errors - found);
                        seen += 1;
                    }
                }
                let ([low, high], share) = (goal.interval(found, seen), errors as f64 / 2000.0);
                assert!(high - low <= 0.1 + 1e-12, "{low} {high}");
                held += u32::from(low <= share && share <= high);
                images += seen;
            }
            let (found, expected) =
                (f64::from(held) / f64::from(WORLDS), goal.coverage(&logs, &stops, errors));
            // Four standard deviations of a binomial number.
            let noise = 4.0 * (expected * (1.0 - expected) / f64::from(WORLDS)).sqrt() + 1e-9;
            assert!((found - expected).abs() <= noise, "{errors}: {found}, computed {expected}");
            assert!(found >= COVERAGE - noise, "{errors}: {found}");
            // Never more than for one half, and for few errors far less.
            let most = if (10..=1925).contains(&errors) { 400 } else { 200 };
            assert!(images / u64::from(WORLDS) <= most, "{errors}: {images}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_goal_is_refused() {
        for (half, of, every) in [(0.0, 10, 1), (0.5, 10, 1), (f64::NAN, 10, 1), (0.1, 0, 1), (0.1, 10, 0)] {
            assert!(PrecisionGoal::new(half, of, every).is_err(), "{half} {of} {every}");
        }
    }
}
