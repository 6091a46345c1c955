//! The frequency components of images that `--freq`, `--r` and `--band` name.

use analysis::{ComponentRequest, Side};
use clap::{Args, ValueEnum};
use spectral::Rescale;

use super::{MaskName, names::stands_for};

/// Which components, and how filtered values become images again.
#[derive(Debug, Clone, Args)]
pub(crate) struct ComponentFlags {
    /// Low-pass images (d < r), high-pass images (d ≥ r) or both, d the distance to the zero frequency [default with --r: both]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "low,high")]
    freq: Vec<Freq>,
    /// Cut-off radii r in cycles per image [default with --freq: 4,8,12,16]
    #[arg(long, value_delimiter = ',', value_name = "R,…", value_parser = radius)]
    r: Vec<usize>,
    /// Images of the ring r1 ≤ d < r2; with commas or repeated for several
    #[arg(long, value_delimiter = ',', value_name = "R1-R2", value_parser = band)]
    band: Vec<(usize, usize)>,
    /// What the distance d is
    #[arg(long, value_enum, default_value_t)]
    mask: MaskName,
    /// How filtered images become inputs again: per-channel min–max in 256 steps, as the published tool writes them; values clipped to
    /// [0, 1]; or as they are
    #[arg(long, value_enum, default_value_t = RescaleName::Minmax)]
    rescale: RescaleName,
}

/// Which side of a cut-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Freq {
    /// d < r
    Low,
    /// d ≥ r
    High,
}

stands_for!(Freq => Side { Low, High });

/// The names of [`Rescale`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RescaleName {
    /// Each channel's least value becomes 0, its largest 1, in steps of 1/255, rounded down
    Minmax,
    /// Below 0 becomes 0, above 1 becomes 1
    Clip,
    /// Nothing is done
    None,
}

stands_for!(RescaleName => Rescale { Minmax => MinMax, Clip, None });

/// Beyond it no image has frequencies.
const MOST: usize = 65_535;

impl ComponentFlags {
    /// What is asked for.
    pub(crate) fn request(&self) -> ComponentRequest {
        ComponentRequest {
            sides: self.freq.iter().copied().map(Side::from).collect(),
            radii: self.r.clone(),
            bands: self.band.clone(),
            shape: self.mask.into(),
            rescale: self.rescale.into(),
        }
    }

    /// Which of the flags that say how change nothing, because no component is asked for.
    pub(crate) fn without_effect(&self) -> Vec<&'static str> {
        let given = [
            ("--mask", self.mask != MaskName::default()),
            ("--rescale", self.rescale != RescaleName::Minmax),
        ];
        let is_asked = !(self.freq.is_empty() && self.r.is_empty() && self.band.is_empty());
        given.into_iter().filter(|(_, is_given)| *is_given && !is_asked).map(|(flag, _)| flag).collect()
    }

    /// What is asked for more than once.
    pub(crate) fn repeated(&self) -> Vec<String> {
        let radii = repeated(&self.r).into_iter().map(|r| format!("--r {r}"));
        let bands = repeated(&self.band).into_iter().map(|(inner, outer)| format!("--band {inner}-{outer}"));
        radii.chain(bands).collect()
    }
}

/// Those that occur more than once, ascending.
fn repeated<T: Ord + Copy>(values: &[T]) -> Vec<T> {
    let more_than_once = |value: &T| values.iter().filter(|other| *other == value).count() > 1;
    let set: std::collections::BTreeSet<T> = values.iter().copied().filter(more_than_once).collect();
    set.into_iter().collect()
}

fn radius(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("expected whole numbers from 1 to {MOST} with commas between, as 4,8,12,16"))
}

fn band(text: &str) -> Result<(usize, usize), String> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| *number <= MOST);
    let ends = text.split_once('-').and_then(|(inner, outer)| Some((number(inner)?, number(outer)?)));
    ends.filter(|(inner, outer)| inner < outer).ok_or_else(|| {
        format!("expected two whole numbers up to {MOST}, the smaller first, with a hyphen between, as 4-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_twice_is_reported() {
        assert!(flags(&[4, 8], &[(4, 8), (4, 9)]).repeated().is_empty());
        assert_eq!(flags(&[8, 4, 8, 8], &[(1, 2), (1, 2)]).repeated(), ["--r 8", "--band 1-2"]);
    }

    #[test]
    fn a_mask_for_no_component_is_reported() {
        let square = |flags: ComponentFlags| ComponentFlags { mask: MaskName::Square, ..flags };
        assert_eq!(square(flags(&[], &[])).without_effect(), ["--mask"]);
        assert!(square(flags(&[4], &[])).without_effect().is_empty());
        assert!(flags(&[], &[]).without_effect().is_empty());
    }

    fn flags(r: &[usize], band: &[(usize, usize)]) -> ComponentFlags {
        let (freq, mask, rescale) = (vec![], MaskName::Radial, RescaleName::Minmax);
        ComponentFlags { freq, r: r.to_vec(), band: band.to_vec(), mask, rescale }
    }

    #[test]
    fn bands_are_read_strictly() {
        assert_eq!(band("4-8"), Ok((4, 8)));
        for text in ["8-4", "4", "4-4", "-1-3", "a-b", "4-99999999999999999999"] {
            assert!(band(text).is_err_and(|said| said.contains("4-8")), "{text}");
        }
        assert!(radius("0").is_err() && radius("65536").is_err() && radius(" 7") == Ok(7));
    }
}
