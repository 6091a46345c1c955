//! Which values a setting may have.

use crate::{Error, setting::Setting};

/// Values that a number may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds {
    /// 0 or more.
    NotNegative,
    /// More than 0.
    Positive,
    /// From 0 to below 1.
    BelowOne,
    /// From 0 to 1.
    UpToOne,
}

impl Bounds {
    /// Refuses a number beyond the bounds.
    ///
    /// ```
    /// use training::{Bounds, Setting};
    /// assert!(Bounds::BelowOne.check(Setting::Ema, 0.999).is_ok());
    /// let said = Bounds::BelowOne.check(Setting::Ema, 1.0).unwrap_err().to_string();
    /// assert_eq!(said, "decay of the average 1: expected a number from 0 to below 1");
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    pub fn check(self, setting: Setting, found: f64) -> Result<(), Error> {
        let (fits, expected) = match self {
            Self::NotNegative => (found >= 0.0, "a number, 0 or more"),
            Self::Positive => (found > 0.0, "a number above 0"),
            Self::BelowOne => ((0.0..1.0).contains(&found), "a number from 0 to below 1"),
            Self::UpToOne => ((0.0..=1.0).contains(&found), "a number from 0 to 1"),
        };
        let is_sound = fits && found.is_finite();
        if is_sound { Ok(()) } else { Err(Error::OutOfRange { setting, found, expected }) }
    }
}
