//! The frequency components of images that `--freq`, `--r` and `--band` name.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use spectral::{Filter, Pass, Rescale};

use crate::{launch::UnusableFlags, mask::MaskName};

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
pub(crate) enum Freq {
    /// d < r
    Low,
    /// d ≥ r
    High,
}

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

/// The radii of `--freq` without `--r`.
const RADII: [usize; 4] = [4, 8, 12, 16];

/// Beyond it no image has frequencies.
const MOST: usize = 65_535;

/// What a network looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Component {
    /// The images themselves.
    Original,
    /// The images, changed by an adversary.
    Adversarial,
    /// What is left of them.
    Part(Pass),
}

impl Component {
    /// As tables have it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Original => "original".to_owned(),
            Self::Adversarial => "adversarial".to_owned(),
            Self::Part(Pass::Low(r)) => format!("low r = {r}"),
            Self::Part(Pass::High(r)) => format!("high r = {r}"),
            Self::Part(Pass::Ring(inner, outer)) => format!("band {inner}-{outer}"),
        }
    }

    /// As figures have it: which distances remain.
    pub(crate) fn distances(self) -> String {
        match self {
            Self::Original => "original".to_owned(),
            Self::Adversarial => "adversarial".to_owned(),
            Self::Part(Pass::Low(r)) => format!("low, d < {r}"),
            Self::Part(Pass::High(r)) => format!("high, d ≥ {r}"),
            Self::Part(Pass::Ring(inner, outer)) => format!("band, {inner} ≤ d < {outer}"),
        }
    }

    /// As files have it: its kind, and its radii where it has any.
    pub(crate) fn json(self) -> Value {
        match self {
            Self::Original => json!({ "component": "original" }),
            Self::Adversarial => json!({ "component": "adversarial" }),
            Self::Part(Pass::Low(r)) => json!({ "component": "low", "r": r }),
            Self::Part(Pass::High(r)) => json!({ "component": "high", "r": r }),
            Self::Part(Pass::Ring(inner, outer)) => {
                json!({ "component": "band", "r1": inner, "r2": outer })
            }
        }
    }
}

/// All components of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The images themselves, attacked ones, low-pass ones, high-pass ones, bands; each by radius.
    pub components: Vec<Component>,
    /// Those whose feature densities are drawn, from low to high.
    pub drawn: Vec<Component>,
    /// What accuracy is drawn against, ascending; empty where no cut-off is asked for.
    pub radii: Vec<usize>,
    /// The curves of accuracy.
    pub freqs: Vec<Freq>,
}

impl Plan {
    /// Measures attacked images too, next to the images themselves.
    pub(crate) fn attacked(mut self) -> Self {
        self.components.insert(1, Component::Adversarial);
        self
    }
}

impl ComponentFlags {
    /// What becomes of filtered values.
    pub(crate) fn rescale(&self) -> Rescale {
        match self.rescale {
            RescaleName::Minmax => Rescale::MinMax,
            RescaleName::Clip => Rescale::Clip,
            RescaleName::None => Rescale::None,
        }
    }

    /// What becomes of filtered values, as `--rescale` takes it.
    pub(crate) fn rescale_name(&self) -> &'static str {
        match self.rescale {
            RescaleName::Minmax => "minmax",
            RescaleName::Clip => "clip",
            RescaleName::None => "none",
        }
    }

    /// What d is.
    pub(crate) fn mask(&self) -> MaskName {
        self.mask
    }

    /// The filter of a part of images of these sides.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub(crate) fn filter(&self, pass: Pass, [height, width]: [usize; 2]) -> Result<Filter, spectral::Error> {
        Filter::shaped(self.mask.shape(), height, width, pass, self.rescale())
    }

    /// Refuses components of which nothing or everything would be left.
    ///
    /// # Errors
    /// If there is such a one, by its flag.
    pub(crate) fn check(&self, plan: &Plan, sides: [usize; 2]) -> anyhow::Result<()> {
        for component in &plan.components {
            let Component::Part(pass) = *component else { continue };
            let (kept, all) = (self.filter(pass, sides)?.kept(), sides[0] * sides[1]);
            if kept > 0 && kept < all {
                continue;
            }
            let message = match pass {
                Pass::Low(r) | Pass::High(r) => self.mask.refusal(r, sides),
                Pass::Ring(inner, outer) => {
                    let [height, width] = sides;
                    let holds = if kept == 0 { "none" } else { "all" };
                    let most = self.mask.shape().farthest(height, width);
                    format!(
                        "--band {inner}-{outer}: {holds} of the frequencies of {height}×{width} pixels are in it with {} masks, which \
                         reach {most}; expected a part of them",
                        self.mask.as_str()
                    )
                }
            };
            return Err(UnusableFlags(message).into());
        }
        Ok(())
    }

    /// What is asked for more than once.
    pub(crate) fn repeated(&self) -> Vec<String> {
        let radii = repeated(&self.r).into_iter().map(|r| format!("--r {r}"));
        let bands = repeated(&self.band).into_iter().map(|(inner, outer)| format!("--band {inner}-{outer}"));
        radii.chain(bands).collect()
    }

    /// The components; with `features` also a low, a middle and a high one to compare.
    pub(crate) fn plan(&self, features: bool) -> Plan {
        let nothing_asked = self.freq.is_empty() && self.r.is_empty() && self.band.is_empty();
        let usual = !self.freq.is_empty() || features && nothing_asked;
        let radii = sorted(if self.r.is_empty() && usual { &RADII } else { &self.r });
        let both = [Freq::Low, Freq::High];
        let freqs = match (radii.is_empty(), self.freq.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => both.to_vec(),
            (false, false) => sorted(&self.freq),
        };
        let bands = sorted(&self.band);
        let drawn = if features { drawn(&radii, &bands) } else { Vec::new() };
        let has = |pass: Pass| drawn.contains(&Component::Part(pass));
        let side = |freq: Freq, pass: fn(usize) -> Pass| -> Vec<Pass> {
            let asked = |&&r: &&usize| freqs.contains(&freq) || has(pass(r));
            radii.iter().filter(asked).map(|&r| pass(r)).collect()
        };
        let mut rings: Vec<Pass> = bands.iter().map(|&(inner, outer)| Pass::Ring(inner, outer)).collect();
        let middle = drawn.iter().filter_map(|component| match *component {
            Component::Part(ring @ Pass::Ring(..)) if !rings.contains(&ring) => Some(ring),
            _ => None,
        });
        let middle: Vec<Pass> = middle.collect();
        rings.extend(middle);
        let parts = [side(Freq::Low, Pass::Low), side(Freq::High, Pass::High), rings].concat();
        let parts = parts.into_iter().map(Component::Part);
        Plan { components: std::iter::once(Component::Original).chain(parts).collect(), drawn, radii, freqs }
    }
}

/// Low, middle and high: cut at those of the radii that stand a third of the way in from either end; or the bands, where
/// there are no radii.
fn drawn(radii: &[usize], bands: &[(usize, usize)]) -> Vec<Component> {
    let Some(last) = radii.len().checked_sub(1) else {
        return bands.iter().map(|&(inner, outer)| Component::Part(Pass::Ring(inner, outer))).collect();
    };
    let (inner, outer) = (radii[last / 3], radii[last - last / 3]);
    let middle = (inner < outer).then_some(Pass::Ring(inner, outer));
    let passes = std::iter::once(Pass::Low(inner)).chain(middle).chain([Pass::High(outer)]);
    passes.map(Component::Part).collect()
}

fn sorted<T: Ord + Copy>(values: &[T]) -> Vec<T> {
    let set: std::collections::BTreeSet<T> = values.iter().copied().collect();
    set.into_iter().collect()
}

/// Those that occur more than once, ascending.
fn repeated<T: Ord + Copy>(values: &[T]) -> Vec<T> {
    let more_than_once = |value: &T| values.iter().filter(|other| *other == value).count() > 1;
    sorted(values).into_iter().filter(more_than_once).collect()
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

    fn plan(freq: &[Freq], r: &[usize], band: &[(usize, usize)], features: bool) -> Plan {
        let (freq, r, band) = (freq.to_vec(), r.to_vec(), band.to_vec());
        ComponentFlags { freq, r, band, mask: MaskName::Radial, rescale: RescaleName::Minmax }.plan(features)
    }

    fn names(components: &[Component]) -> Vec<String> {
        components.iter().map(|component| component.name()).collect()
    }

    #[test]
    fn what_is_left_out_has_sensible_defaults() {
        assert_eq!(names(&plan(&[], &[], &[], false).components), ["original"]);
        let low = plan(&[Freq::Low], &[], &[], false);
        assert_eq!((low.radii, low.freqs), (RADII.to_vec(), vec![Freq::Low]));
        let both = plan(&[], &[8, 4, 8], &[(4, 8), (0, 4)], false);
        let expected =
            ["original", "low r = 4", "low r = 8", "high r = 4", "high r = 8", "band 0-4", "band 4-8"];
        assert_eq!(names(&both.components), expected);
        assert!(plan(&[], &[], &[(1, 2)], false).radii.is_empty());
    }

    #[test]
    fn features_are_compared_on_low_middle_and_high_components() {
        let found = plan(&[], &[], &[], true);
        assert_eq!(names(&found.drawn), ["low r = 8", "band 8-12", "high r = 12"]);
        assert_eq!((found.components.len(), names(&found.components)[9].as_str()), (10, "band 8-12"));
        let one = plan(&[Freq::Low], &[6], &[], true);
        assert_eq!(names(&one.components), ["original", "low r = 6", "high r = 6"]);
        assert_eq!(
            (names(&one.drawn), one.freqs),
            (vec!["low r = 6".into(), "high r = 6".into()], vec![Freq::Low])
        );
        assert_eq!(names(&plan(&[], &[], &[(8, 9), (1, 2)], true).drawn), ["band 1-2", "band 8-9"]);
        assert_eq!(
            names(&plan(&[], &[2, 4, 6, 8, 9], &[], true).drawn),
            ["low r = 4", "band 4-8", "high r = 8"]
        );
    }

    #[test]
    fn components_must_be_parts_of_the_images() {
        let check = |mask: MaskName, r: &[usize], band: &[(usize, usize)]| {
            let (freq, r, band) = (vec![], r.to_vec(), band.to_vec());
            let flags = ComponentFlags { freq, r, band, mask, rescale: RescaleName::Minmax };
            flags.check(&flags.plan(false), [32, 32]).map_err(|error| error.to_string())
        };
        for (mask, most) in
            [(MaskName::Radial, 22), (MaskName::Square, 16), (MaskName::L1, 32), (MaskName::Dct, 31)]
        {
            assert_eq!(check(mask, &[1, most], &[(4, 99), (0, most)]), Ok(()), "{mask:?}");
            let said = check(mask, &[4, most + 1], &[]).expect_err("everything is low");
            assert!(
                said.contains(&format!("--r {}: ", most + 1)) && said.ends_with(&most.to_string()),
                "{said}"
            );
            let said = check(mask, &[], &[(most + 1, 50)]).expect_err("nothing is in it");
            assert!(said.contains(": none of"), "{said}");
            assert!(check(mask, &[], &[(0, 50)]).is_err_and(|said| said.contains(": all of")));
        }
    }

    #[test]
    fn what_is_asked_for_twice_is_told() {
        let flags = |r: &[usize], band: &[(usize, usize)]| {
            let (freq, mask, rescale) = (vec![], MaskName::Radial, RescaleName::Minmax);
            ComponentFlags { freq, r: r.to_vec(), band: band.to_vec(), mask, rescale }.repeated()
        };
        assert!(flags(&[4, 8], &[(4, 8), (4, 9)]).is_empty());
        assert_eq!(flags(&[8, 4, 8, 8], &[(1, 2), (1, 2)]), ["--r 8", "--band 1-2"]);
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
