//! Frequency shortcuts: few frequencies that a network takes for a class, in images of that class and of others.
//!
//! * **Rise**: ΔL_c(k) is the rise of the mean cross-entropy of class c's images when ±k are taken out of all channels.
//! * **Dominant frequencies** of c: the 1, 5, 10 and 20 % of directions ±k with the highest ΔL_c. Images filtered to them have nothing else.
//! * **TPR_c**: the share of class c's images that are right so filtered. **FPR_c**: the share of all other images that are then taken for
//!   c. A class for which both are high has a shortcut.
//! * **Amplitudes**: ADCS_c(k) = Σ_j sign(mean |F x| of class c − mean |F x| of class j), of the data alone.
//!
//! Zero is one of the directions. Pixels are not clipped. Images of more than 64 pixels are searched by squares of frequencies
//! first: see the measure's settings.

use datasets::Batch;
use evaluation::predictions;
use models::Frozen;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    findings::{self, Asked},
    row::{ClassShortcut, MOST_MAPPED, SHARES, ShortcutsRow},
    search::{Measured, Search, ranked},
    spectrum::ImageSpectra,
};
use crate::{
    Error,
    measuring::{Directions, Findings, Measure, Subject, logits},
};

/// Few frequencies that a network takes for a class.
///
/// ```
/// use analysis::{Measure, Shortcuts, Subject};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session};
///
/// let images = Synthetic { seed: 0, train: 0, test: 20 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let architecture: models::Architecture = "resnet20".parse()?;
/// let subject = Subject { images: &images, profile: &profile, network: architecture.into(), session: &session };
/// let measure = Shortcuts::new(&subject)?.of_classes(&[0, 3])?;
/// // As they are and without each of 514 directions; then four shares of them for two classes.
/// assert_eq!(measure.passes(), [1 + 514, 2 * 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Shortcuts {
    names: Vec<String>,
    /// Those that are asked for.
    classes: Vec<u32>,
    batch_size: usize,
    directions: Directions,
    search: Search,
    spectra: ImageSpectra,
}

/// By image: its loss, the class that it is taken for, and the amplitudes of all directions where they are wanted.
type Found = (Vec<f64>, Vec<u32>, Vec<Vec<f64>>);

/// What is summed over images.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sums {
    pass: usize,
    /// Images of each class.
    images: Vec<u64>,
    correct: Vec<u64>,
    /// By level: the squares of frequencies that are left out.
    squares: Vec<Vec<[usize; 2]>>,
    /// By level: class by class, the sums of the rises of the loss without each square.
    rises: Vec<Vec<f64>>,
    /// Class by class: sums of amplitudes by direction.
    amplitudes: Vec<f64>,
    /// Of the batch: each image's loss as it is.
    losses: Vec<f64>,
    /// By class that is asked for: directions by rise, the highest first.
    ranking: Vec<Vec<usize>>,
    /// By class that is asked for, then by share.
    true_positives: Vec<Vec<u64>>,
    false_positives: Vec<Vec<u64>>,
}

impl Shortcuts {
    /// Of all classes of the subject's images.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub fn new(subject: &Subject<'_>) -> Result<Self, Error> {
        let (images, shape) = (subject.images, subject.images.shape());
        let (sides, names) = ([shape.height, shape.width], images.classes().to_vec());
        let directions = Directions::new(sides, None);
        Ok(Self {
            classes: (0..names.len() as u32).collect(),
            names,
            batch_size: subject.profile.batch_size.max(1),
            search: Search::new(sides, &directions),
            spectra: ImageSpectra::new(shape, &directions)?,
            directions,
        })
    }

    /// Of some classes alone.
    ///
    /// # Errors
    /// [`Error::Setting`] if there are none, or no such class.
    pub fn of_classes(self, classes: &[u32]) -> Result<Self, Error> {
        let count = self.names.len();
        let unknown = classes.iter().find(|&&class| class as usize >= count);
        if classes.is_empty() || unknown.is_some() {
            let found = unknown.map_or_else(|| "none".to_owned(), u32::to_string);
            let expected = format!("numbers of classes from 0 to {}", count.saturating_sub(1));
            return Err(Error::Setting { what: "classes", found, expected });
        }
        let mut classes = classes.to_vec();
        classes.sort_unstable();
        classes.dedup();
        Ok(Self { classes, ..self })
    }

    /// How many directions a share has: at least one.
    fn dominant(&self, share: usize) -> usize {
        (self.directions.len() * SHARES[share]).div_ceil(100)
    }

    fn levels(&self) -> usize {
        self.search.units().len()
    }

    /// Each image's cross-entropy, and the class that it is taken for.
    fn losses(
        &self,
        network: &Frozen,
        batch: &Batch,
        pixels: Vec<f32>,
    ) -> Result<(Vec<f64>, Vec<u32>), Error> {
        let (logits, classes) = (logits(network, batch, pixels)?, network.classes());
        let loss = |(row, &label): (&[f32], &u32)| {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = row.iter().map(|&logit| f64::from(logit - most).exp()).sum();
            sum.ln() - f64::from(row[label as usize] - most)
        };
        let losses = logits.chunks(classes).zip(&batch.labels).map(loss).collect();
        Ok((losses, predictions(&logits, classes)?))
    }

    /// Images as they are.
    fn clean(&self, network: &Frozen, batch: &Batch, pass: usize) -> Result<Found, Error> {
        let (losses, guesses) = self.losses(network, batch, batch.images.clone())?;
        let wants_amplitudes = pass == 0 && self.ranks_amplitudes();
        let amplitudes = if wants_amplitudes { self.amplitudes(batch) } else { Vec::new() };
        Ok((losses, guesses, amplitudes))
    }

    fn add_clean(&self, batch: &Batch, (losses, guesses, amplitudes): Found, sums: &mut Sums) {
        sums.losses[..losses.len()].copy_from_slice(&losses);
        if sums.pass > 0 {
            return;
        }
        for (&label, guess) in batch.labels.iter().zip(guesses) {
            sums.images[label as usize] += 1;
            sums.correct[label as usize] += u64::from(guess == label);
        }
        let count = self.directions.len();
        for (&label, own) in batch.labels.iter().zip(amplitudes) {
            let of_class = &mut sums.amplitudes[label as usize * count..][..count];
            of_class.iter_mut().zip(own).for_each(|(sum, value)| *sum += value);
        }
    }

    /// Whether there is room for a number for each class and direction.
    fn ranks_amplitudes(&self) -> bool {
        self.names.len() * self.directions.len() <= MOST_MAPPED
    }

    fn amplitudes(&self, batch: &Batch) -> Vec<Vec<f64>> {
        let each = (batch.images.len() / batch.len().max(1)).max(1);
        batch.images.par_chunks(each).map(|image| self.spectra.amplitudes(image)).collect()
    }

    /// Images without a square of frequencies; nothing, if no direction is in it.
    fn without(&self, network: &Frozen, batch: &Batch, unit: usize, sums: &Sums) -> Result<Found, Error> {
        let square = sums.squares[sums.pass].get(unit);
        let directions = square.map_or_else(Vec::new, |&square| self.search.directions(sums.pass, square));
        if directions.is_empty() {
            return Ok((Vec::new(), Vec::new(), Vec::new()));
        }
        let pixels = self.spectra.filtered(&batch.images, &self.spectra.mask(&directions), false);
        let (losses, guesses) = self.losses(network, batch, pixels)?;
        Ok((losses, guesses, Vec::new()))
    }

    fn add_without(&self, batch: &Batch, unit: usize, losses: &[f64], sums: &mut Sums) {
        let level = sums.pass;
        let units = self.search.units()[level];
        for ((loss, before), &label) in losses.iter().zip(&sums.losses).zip(&batch.labels) {
            sums.rises[level][label as usize * units + unit] += loss - before;
        }
    }

    /// Images of a class's dominant frequencies alone.
    fn filtered(&self, network: &Frozen, batch: &Batch, step: usize, sums: &Sums) -> Result<Found, Error> {
        let (which, share) = (step / SHARES.len(), step % SHARES.len());
        let ranking = &sums.ranking[which];
        let mask = self.spectra.mask(&ranking[..self.dominant(share).min(ranking.len())]);
        let pixels = self.spectra.filtered(&batch.images, &mask, true);
        let (losses, guesses) = self.losses(network, batch, pixels)?;
        Ok((losses, guesses, Vec::new()))
    }

    fn add_filtered(&self, batch: &Batch, step: usize, guesses: Vec<u32>, sums: &mut Sums) {
        let (which, share) = (step / SHARES.len(), step % SHARES.len());
        let class = self.classes[which];
        for (guess, &label) in guesses.into_iter().zip(&batch.labels) {
            let counts = if label == class { &mut sums.true_positives } else { &mut sums.false_positives };
            counts[which][share] += u64::from(guess == class);
        }
    }

    /// By level and square: the directions in it. Finding them goes through all directions, so it is done once for all classes.
    fn members(&self, sums: &Sums) -> Vec<Vec<Vec<usize>>> {
        let of_level = |(level, squares): (usize, &Vec<[usize; 2]>)| {
            squares.iter().map(|&square| self.search.directions(level, square)).collect()
        };
        sums.squares.iter().enumerate().map(of_level).collect()
    }

    /// By direction: the rise for it, from the finest square that holds it, shared by the directions of that.
    fn rises(&self, sums: &Sums, members: &[Vec<Vec<usize>>], class: usize) -> Vec<f64> {
        let mut rises = vec![0.0; self.directions.len()];
        for (level, members) in members.iter().enumerate() {
            for (own, rise) in members.iter().zip(self.level_rises(sums, members, class, level)) {
                own.iter().for_each(|&at| rises[at] = rise);
            }
        }
        rises
    }

    fn level_rises(&self, sums: &Sums, members: &[Vec<usize>], class: usize, level: usize) -> Vec<f64> {
        let (images, units) = (sums.images[class].max(1) as f64, self.search.units()[level]);
        let of_unit = |(own, sum): (&Vec<usize>, &f64)| sum / (images * own.len().max(1) as f64);
        members.iter().zip(&sums.rises[level][class * units..][..units]).map(of_unit).collect()
    }

    fn amplitude_rank(&self, sums: &Sums, class: usize) -> Vec<i64> {
        if !self.ranks_amplitudes() {
            return Vec::new();
        }
        let count = self.directions.len();
        let mean = |of: usize, at: usize| sums.amplitudes[of * count + at] / sums.images[of] as f64;
        let others: Vec<usize> =
            (0..sums.images.len()).filter(|&other| other != class && sums.images[other] > 0).collect();
        let sign = |at: usize, other: usize| match mean(class, at).total_cmp(&mean(other, at)) {
            std::cmp::Ordering::Greater => 1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Less => -1,
        };
        (0..count).map(|at| others.iter().map(|&other| sign(at, other)).sum()).collect()
    }
}

impl Measure for Shortcuts {
    const NAME: &'static str = "shortcuts";
    type Sums = Sums;
    type Found = Found;
    type Row = ShortcutsRow;

    fn settings(&self) -> Value {
        json!({
            "classes": self.classes,
            "dominant_percent": SHARES,
            "frequencies": "directions ±k, zero among them; taken out of all channels, pixels not clipped",
            "search": if self.levels() == 1 {
                "each direction by itself"
            } else {
                "squares of 16×16 frequencies; the 64 that matter most to a class are cut into four, down to single directions"
            },
        })
    }

    fn passes(&self) -> Vec<usize> {
        let levels = self.search.units().into_iter().map(|units| 1 + units);
        levels.chain([self.classes.len() * SHARES.len()]).collect()
    }

    fn start(&self) -> Sums {
        let (classes, units) = (self.names.len(), self.search.units());
        let counts = vec![vec![0; SHARES.len()]; self.classes.len()];
        let squares = |(level, &units): (usize, &usize)| match level {
            0 => self.search.first(),
            _ => vec![[0; 2]; units],
        };
        Sums {
            pass: 0,
            images: vec![0; classes],
            correct: vec![0; classes],
            squares: units.iter().enumerate().map(squares).collect(),
            rises: units.iter().map(|units| vec![0.0; classes * units]).collect(),
            amplitudes: vec![0.0; if self.ranks_amplitudes() { classes * self.directions.len() } else { 0 }],
            losses: vec![0.0; self.batch_size],
            ranking: vec![vec![0; self.directions.len()]; self.classes.len()],
            true_positives: counts.clone(),
            false_positives: counts,
        }
    }

    fn next_pass(&self, sums: &mut Sums) {
        let (level, members) = (sums.pass, self.members(sums));
        sums.pass += 1;
        if sums.pass < self.levels() {
            let classes = self.classes.iter().map(|&class| class as usize);
            let classes = classes.filter(|&class| sums.images[class] > 0);
            let rises: Vec<Vec<f64>> =
                classes.map(|class| self.level_rises(sums, &members[level], class, level)).collect();
            let squares = &sums.squares[level];
            sums.squares[level + 1] = self.search.next(level, Measured { squares, rises: &rises });
        } else {
            let ranking = |&class: &u32| ranked(&self.rises(sums, &members, class as usize));
            sums.ranking = self.classes.iter().map(ranking).collect();
        }
    }

    fn find(&self, network: &Frozen, batch: &Batch, step: usize, sums: &Sums) -> Result<Found, Error> {
        if sums.pass == self.levels() {
            return self.filtered(network, batch, step, sums);
        }
        match step.checked_sub(1) {
            None => self.clean(network, batch, sums.pass),
            Some(unit) => self.without(network, batch, unit, sums),
        }
    }

    fn add(&self, batch: &Batch, step: usize, found: Found, sums: &mut Sums) {
        if sums.pass == self.levels() {
            return self.add_filtered(batch, step, found.1, sums);
        }
        match step.checked_sub(1) {
            None => self.add_clean(batch, found, sums),
            Some(unit) => self.add_without(batch, unit, &found.0, sums),
        }
    }

    fn row(&self, sums: Sums, _what: &str) -> Result<ShortcutsRow, Error> {
        let images: u64 = sums.images.iter().sum();
        let members = self.members(&sums);
        let of_class = |(which, &class): (usize, &u32)| {
            let at = class as usize;
            ClassShortcut {
                class,
                images: sums.images[at],
                correct: sums.correct[at],
                others: images - sums.images[at],
                loss_rise: self.rises(&sums, &members, at),
                amplitude_rank: self.amplitude_rank(&sums, at),
                true_positives: sums.true_positives[which].clone(),
                false_positives: sums.false_positives[which].clone(),
            }
        };
        let classes = self.classes.iter().enumerate().filter(|(_, class)| sums.images[**class as usize] > 0);
        Ok(ShortcutsRow { images, classes: classes.map(of_class).collect() })
    }

    fn head(&self) -> String {
        "accuracy %  TPR at 5 %  FPR at 5 %  most of both  of class".to_owned()
    }

    fn line(&self, row: &ShortcutsRow) -> String {
        let correct: u64 = row.classes.iter().map(|class| class.correct).sum();
        let of: u64 = row.classes.iter().map(|class| class.images).sum();
        let [tpr, fpr] = findings::means(row, 1).map(|mean| 100.0 * mean);
        let (most, class) = findings::strongest(row, 1);
        let name = class.map_or("–", |class| self.names[class as usize].as_str());
        let accuracy = 100.0 * correct as f64 / of.max(1) as f64;
        format!("{accuracy:10.2}  {tpr:10.1}  {fpr:10.1}  {:12.1}  {name}", 100.0 * most)
    }

    fn findings(&self, rows: &[&ShortcutsRow], epochs: &[usize], subject: &str) -> Result<Findings, Error> {
        let asked = Asked { names: &self.names, directions: &self.directions };
        findings::of(asked, rows, epochs, subject)
    }
}
