//! Batches of images that ranks share.
//!
//! Rank 0 says what is to be measured, all compute the batches that fall to them, and rank 0 adds what was found in the order of the
//! batches. What a batch gives is kept by image where sums depend on their order: the results have the same bits for any number of ranks.

use std::ops::Range;

use datasets::ImageSet;
use pipeline::Session;
use ranks::{Dealt, Ranks, Wire, in_order};

use crate::Error;

/// Images in batches, and who shares them.
#[derive(Clone, Copy)]
pub(crate) struct SharedBatches<'a> {
    pub(crate) images: &'a ImageSet,
    pub(crate) size: usize,
    pub(crate) session: &'a Session,
    /// Not always those of the session: what one rank measures by itself is shared with nobody.
    pub(crate) ranks: &'a Ranks,
}

/// What was found in a part of the work, and the images that were left out of its batch.
pub(crate) type Found<T> = (Vec<(usize, String)>, T);

impl SharedBatches<'_> {
    /// How many batches there are.
    pub(crate) fn count(&self) -> usize {
        self.images.len().div_ceil(self.size.max(1))
    }

    /// The images of a batch, damaged ones among them.
    pub(crate) fn images_of(&self, batch: usize) -> Range<usize> {
        let start = batch * self.size.max(1);
        start..self.images.len().min(start + self.size.max(1))
    }

    /// Computes each batch from one on, on the rank that it falls to: `next` takes this rank's next one. `add` hears of all of them in order, on rank 0.
    pub(crate) fn each<T: Wire>(
        &self,
        from: usize,
        mut next: impl FnMut() -> Result<T, Error>,
        mut add: impl FnMut(T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let dealt = Dealt { ranks: self.ranks, parts: from..self.count(), run: 1 };
        let compute = |batch: usize| {
            self.stop_if_asked()?;
            let found = next()?;
            Ok((self.images.left_out_of(self.images_of(batch)), found))
        };
        in_order(&dealt, compute, |_, (left_out, found): Found<T>| {
            self.images.note_left_out(left_out);
            add(found)
        })
    }

    /// Rank 0 looks at the interrupt flag where it adds.
    pub(crate) fn stop_if_asked(&self) -> Result<(), Error> {
        if self.ranks.is_first() { Ok(()) } else { Ok(self.session.progress.check()?) }
    }
}

/// Whether this rank works on what rank 0 works on.
///
/// # Errors
/// [`ranks::Error::Different`].
pub(crate) fn check_same(own: String, of_first: String) -> Result<(), Error> {
    if own == of_first {
        return Ok(());
    }
    Err(ranks::Error::different("measured", &own, &of_first).into())
}
