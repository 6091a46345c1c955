//! Loss, ranks and confusions of a classifier's outputs.

use serde::{Deserialize, Serialize};

use crate::{
    Accuracy, Error,
    error::check_rows,
    ranks::{best, rank},
};

/// What a classifier made of the images seen so far; a stream, nothing grows with their number.
///
/// ```
/// let mut scores = evaluation::Scores::new(3)?;
/// scores.push(&[0.0, 0.0, 0.0], &[2])?; // a tie: the first class wins
/// assert_eq!(scores.loss(), Some(3f64.ln()));
/// assert_eq!(scores.confusion()[2 * 3], 1);
/// assert_eq!(scores.top5().correct, 1); // of three classes every one is among five
/// # Ok::<(), evaluation::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    classes: usize,
    confusion: Vec<u64>,
    top5: u64,
    loss_sum: f64,
}

/// What [`Scores`] have counted: small also where there are many classes, of which most are never taken for each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreCounts {
    /// Places in the confusion matrix that are not zero, row by row, with their counts.
    pub pairs: Vec<(usize, u64)>,
    /// Images whose class is among the five that score highest.
    pub top5: u64,
    /// The sum of the cross-entropies.
    pub loss_sum: f64,
}

impl Scores {
    /// For a number of classes; nothing is seen yet.
    ///
    /// # Errors
    /// If there is no class.
    pub fn new(classes: usize) -> Result<Self, Error> {
        if classes == 0 {
            return Err(Error::TooFew { what: "classes", found: 0, least: 1 });
        }
        Ok(Self { classes, confusion: vec![0; classes * classes], top5: 0, loss_sum: 0.0 })
    }

    /// Counts a batch: logits (N, classes), a label each image. The batches' sizes do not matter to the result.
    ///
    /// # Errors
    /// If logits are not (N, classes), one is not finite, or a label is none of the classes; then nothing is counted.
    pub fn push(&mut self, logits: &[f32], labels: &[u32]) -> Result<(), Error> {
        check_rows("logits", logits, self.classes, labels.len())?;
        if let Some(&label) = labels.iter().find(|&&label| label as usize >= self.classes) {
            return Err(Error::Label { label, classes: self.classes });
        }
        for (row, &label) in logits.chunks_exact(self.classes).zip(labels) {
            let label = label as usize;
            self.confusion[label * self.classes + best(row)] += 1;
            self.top5 += u64::from(rank(row, label) < 5);
            self.loss_sum += cross_entropy(row, label);
        }
        Ok(())
    }

    /// What is counted so far, to be kept and gone on with.
    pub fn counts(&self) -> ScoreCounts {
        let counts = self.confusion.iter().copied().enumerate().filter(|(_, count)| *count > 0);
        ScoreCounts { pairs: counts.collect(), top5: self.top5, loss_sum: self.loss_sum }
    }

    /// Scores that go on where others were kept.
    ///
    /// ```
    /// use evaluation::Scores;
    /// let (mut whole, mut part) = (Scores::new(2)?, Scores::new(2)?);
    /// whole.push(&[1.0, 0.0, 1.0, 0.0], &[0, 1])?;
    /// part.push(&[1.0, 0.0], &[0])?;
    /// let mut rest = Scores::from_counts(2, &part.counts())?;
    /// rest.push(&[1.0, 0.0], &[1])?;
    /// assert_eq!(rest, whole);
    /// # Ok::<(), evaluation::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no class, or what was kept is of more classes.
    pub fn from_counts(classes: usize, counts: &ScoreCounts) -> Result<Self, Error> {
        let mut scores = Self { top5: counts.top5, loss_sum: counts.loss_sum, ..Self::new(classes)? };
        for &(pair, count) in &counts.pairs {
            let label = u32::try_from(pair / classes).unwrap_or(u32::MAX);
            *scores.confusion.get_mut(pair).ok_or(Error::Label { label, classes })? = count;
        }
        Ok(scores)
    }

    /// (classes, classes): how many images of the row's class were taken for the column's.
    pub fn confusion(&self) -> &[u64] {
        &self.confusion
    }

    /// Images whose own class scores highest; among equals the first class wins.
    pub fn accuracy(&self) -> Accuracy {
        let correct = (0..self.classes).map(|class| self.confusion[class * (self.classes + 1)]).sum();
        Accuracy { correct, of: self.count() }
    }

    /// Images whose own class is among the five that score highest.
    pub fn top5(&self) -> Accuracy {
        Accuracy { correct: self.top5, of: self.count() }
    }

    /// The accuracy on the images of each class.
    ///
    /// ```
    /// let mut scores = evaluation::Scores::new(2)?;
    /// scores.push(&[1.0, 0.0, 1.0, 0.0], &[0, 1])?;
    /// let fractions: Vec<_> = scores.per_class().iter().map(|class| class.fraction()).collect();
    /// assert_eq!(fractions, [Some(1.0), Some(0.0)]);
    /// # Ok::<(), evaluation::Error>(())
    /// ```
    pub fn per_class(&self) -> Vec<Accuracy> {
        let rows = self.confusion.chunks_exact(self.classes).enumerate();
        rows.map(|(class, row)| Accuracy { correct: row[class], of: row.iter().sum() }).collect()
    }

    /// Mean cross-entropy over the images, in nats; absent of none.
    pub fn loss(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.loss_sum / self.count() as f64)
    }

    fn count(&self) -> u64 {
        self.confusion.iter().sum()
    }
}

/// ln Σ exp(logits) − the label's logit, without overflow; of a network that is sure of the label, ln(1 + what is left for others).
fn cross_entropy(row: &[f32], label: usize) -> f64 {
    let highest = row.iter().fold(f32::NEG_INFINITY, |highest, &score| highest.max(score));
    let above = |score: f32| f64::from(score) - f64::from(highest);
    let others = row.iter().enumerate().filter(|(class, _)| *class != label);
    let others: f64 = others.map(|(_, &score)| above(score).exp()).sum();
    if others < 0.5 {
        return others.ln_1p();
    }
    row.iter().map(|&score| above(score).exp()).sum::<f64>().ln() - above(row[label])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_counted_as_by_hand() -> Result<(), Error> {
        let mut scores = Scores::new(6)?;
        scores.push(&[3.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 5.0, 4.0, 3.0, 2.0, 1.0], &[0, 0])?;
        assert_eq!(scores.accuracy(), Accuracy { correct: 1, of: 2 });
        assert_eq!(scores.top5(), Accuracy { correct: 1, of: 2 }, "the second image's class is the sixth");
        assert_eq!((scores.confusion()[0], scores.confusion()[1]), (1, 1));
        assert_eq!(scores.per_class()[0], Accuracy { correct: 1, of: 2 });
        assert_eq!(scores.per_class()[3].fraction(), None);
        // ln(e³ + e¹ + e² + 3) − 3 and ln(1 + e⁵ + e⁴ + e³ + e² + e) − 0.
        let by_hand: [f64; 2] = [
            (3f64.exp() + 1f64.exp() + 2f64.exp() + 3.0).ln() - 3.0,
            (0..6).map(|score| f64::from(score).exp()).sum::<f64>().ln(),
        ];
        assert!((scores.loss().unwrap_or(f64::NAN) - (by_hand[0] + by_hand[1]) / 2.0).abs() < 1e-14);
        Ok(())
    }

    #[test]
    fn sizes_of_batches_do_not_matter() -> Result<(), Error> {
        let logits: Vec<f32> = (0..40).map(|at| (at * 37 % 41) as f32 / 7.0).collect();
        let labels: Vec<u32> = (0..10).map(|at| at % 4).collect();
        let (mut whole, mut parts) = (Scores::new(4)?, Scores::new(4)?);
        whole.push(&logits, &labels)?;
        logits
            .chunks(12)
            .zip(labels.chunks(3))
            .try_for_each(|(logits, labels)| parts.push(logits, labels))?;
        assert_eq!(whole, parts);
        Ok(())
    }

    #[test]
    fn large_logits_do_not_overflow() -> Result<(), Error> {
        let mut scores = Scores::new(2)?;
        scores.push(&[3e38, -3e38], &[1])?;
        assert_eq!(scores.loss(), Some(f64::from(3e38f32) * 2.0));
        Ok(())
    }

    #[test]
    fn what_is_refused_counts_nothing() -> Result<(), Error> {
        assert!(Scores::new(0).is_err());
        let mut scores = Scores::new(2)?;
        assert!(matches!(scores.push(&[0.0; 3], &[0]), Err(Error::Length { expected: 2, .. })));
        assert!(matches!(scores.push(&[0.0; 4], &[0, 2]), Err(Error::Label { label: 2, classes: 2 })));
        let diverged = scores.push(&[0.0, 1.0, f32::NAN, 0.0], &[0, 1]);
        assert!(matches!(diverged, Err(Error::NotFinite { image: 1, .. })));
        assert_eq!((scores.accuracy(), scores.loss()), (Accuracy::default(), None));
        Ok(())
    }
}
