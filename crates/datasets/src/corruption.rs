//! Which corruption of images is read, of sets that have many.

use std::{fmt, str::FromStr};

use crate::Error;

/// A corruption of images and its severity, as CIFAR-10-C and ImageNet-C have them.
///
/// ```
/// use datasets::Corruption;
/// let corruption: Corruption = "gaussian_noise:3".parse()?;
/// assert_eq!((corruption.name.as_str(), corruption.severity), ("gaussian_noise", Some(3)));
/// assert_eq!("fog".parse::<Corruption>()?.severity, None);
/// assert_eq!(corruption.to_string(), "gaussian_noise:3");
/// assert!("fog:6".parse::<Corruption>().is_err());
/// # Ok::<(), datasets::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Corruption {
    /// The name of its file or folder, `gaussian_noise`.
    pub name: String,
    /// From 1 to 5; without it all of them, one after the other.
    pub severity: Option<u8>,
}

impl Corruption {
    /// The severities that images have.
    pub const SEVERITIES: std::ops::RangeInclusive<u8> = 1..=5;
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.severity {
            Some(severity) => write!(f, "{}:{severity}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl FromStr for Corruption {
    type Err = Error;

    /// # Errors
    /// [`Error::CorruptionText`] if there is no name, or the severity is not from 1 to 5.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, severity) = match text.split_once(':') {
            Some((name, severity)) => (name, Some(severity.parse().ok())),
            None => (text, None),
        };
        let severity = match severity {
            Some(Some(severity)) if Self::SEVERITIES.contains(&severity) => Some(severity),
            None => None,
            Some(_) => return Err(Error::CorruptionText { found: text.to_owned() }),
        };
        if name.is_empty() {
            return Err(Error::CorruptionText { found: text.to_owned() });
        }
        Ok(Self { name: name.to_owned(), severity })
    }
}
