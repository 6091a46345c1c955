//! The frequency components of images that networks are evaluated on.

use serde_json::{Value, json};
use spectral::{Filter, Pass, Rescale, Shape};

use super::mask;
use crate::Error;

/// Which side of a cut-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// d < r
    Low,
    /// d ≥ r
    High,
}

/// The radii where a side is asked for without any.
const RADII: [usize; 4] = [4, 8, 12, 16];

/// Which components are asked for, and how filtered values become images again. The default are the images themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentRequest {
    /// Low-pass images, high-pass images, or both; with radii alone, both.
    pub sides: Vec<Side>,
    /// Cut-off radii r; with sides alone, 4, 8, 12 and 16.
    pub radii: Vec<usize>,
    /// Rings r1 ≤ d < r2.
    pub bands: Vec<(usize, usize)>,
    /// What the distance d to the zero frequency is.
    pub shape: Shape,
    /// What becomes of filtered values.
    pub rescale: Rescale,
}

impl Default for ComponentRequest {
    /// None, with discs, scaled by minimum and maximum as published.
    fn default() -> Self {
        let (sides, radii, bands) = (Vec::new(), Vec::new(), Vec::new());
        Self { sides, radii, bands, shape: Shape::default(), rescale: Rescale::MinMax }
    }
}

/// What a network looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The images themselves.
    Original,
    /// The images, changed by an adversary.
    Adversarial,
    /// The images with all of their frequencies, rescaled as filtered values are: what min–max does by itself.
    Rescaled,
    /// What is left of them.
    Part(Pass),
}

impl Component {
    /// As tables have it.
    pub fn name(self) -> String {
        match self {
            Self::Original => "original".to_owned(),
            Self::Adversarial => "adversarial".to_owned(),
            Self::Rescaled => "rescaled only".to_owned(),
            Self::Part(Pass::Low(r)) => format!("low r = {r}"),
            Self::Part(Pass::High(r)) => format!("high r = {r}"),
            Self::Part(Pass::Ring(inner, outer)) => format!("band {inner}-{outer}"),
        }
    }

    /// As figures have it: which distances remain.
    pub fn distances(self) -> String {
        match self {
            Self::Original => "original".to_owned(),
            Self::Adversarial => "adversarial".to_owned(),
            Self::Rescaled => "rescaled only".to_owned(),
            Self::Part(Pass::Low(r)) => format!("low, d < {r}"),
            Self::Part(Pass::High(r)) => format!("high, d ≥ {r}"),
            Self::Part(Pass::Ring(inner, outer)) => format!("band, {inner} ≤ d < {outer}"),
        }
    }

    /// As files have it: its kind, and its radii where it has any.
    pub fn json(self) -> Value {
        match self {
            Self::Original => json!({ "component": "original" }),
            Self::Adversarial => json!({ "component": "adversarial" }),
            Self::Rescaled => json!({ "component": "rescaled" }),
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
pub struct ComponentPlan {
    /// The images themselves, attacked ones, rescaled ones, low-pass ones, high-pass ones, bands; each by radius.
    pub components: Vec<Component>,
    /// Those whose feature densities are drawn, from low to high.
    pub drawn: Vec<Component>,
    /// What accuracy is drawn against, ascending; empty where no cut-off is asked for.
    pub radii: Vec<usize>,
    /// The curves of accuracy.
    pub sides: Vec<Side>,
}

impl ComponentPlan {
    /// Measures attacked images too, next to the images themselves.
    pub fn attacked(mut self) -> Self {
        self.components.insert(1, Component::Adversarial);
        self
    }
}

impl ComponentRequest {
    /// The filter of a part of images of these sides.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub fn filter(&self, pass: Pass, [height, width]: [usize; 2]) -> Result<Filter, spectral::Error> {
        Filter::shaped(self.shape, height, width, pass, self.rescale)
    }

    /// The filter of a component, where it is filtered.
    ///
    /// # Errors
    /// As [`ComponentRequest::filter`].
    pub(crate) fn filter_of(
        &self,
        component: Component,
        sides: [usize; 2],
    ) -> Result<Option<Filter>, spectral::Error> {
        match component {
            Component::Original | Component::Adversarial => Ok(None),
            Component::Rescaled => self.filter(Pass::High(0), sides).map(Some),
            Component::Part(pass) => self.filter(pass, sides).map(Some),
        }
    }

    /// Refuses components of which nothing would be left, and bands that are no part of the images. A low-pass filter of any radius
    /// leaves something; one that leaves everything changes no pixel.
    ///
    /// # Errors
    /// [`Error::CutOff`] or [`Error::Band`].
    pub fn check(&self, plan: &ComponentPlan, sides: [usize; 2]) -> Result<(), Error> {
        let ([height, width], mask) = (sides, mask::name(self.shape));
        let most = self.shape.farthest(height, width);
        for component in &plan.components {
            let Component::Part(pass) = *component else { continue };
            let kept = self.filter(pass, sides)?.kept();
            let (is_empty, holds_all) = (kept == 0, kept == height * width);
            match pass {
                Pass::Low(radius) | Pass::High(radius) if is_empty => {
                    return Err(Error::CutOff { radius, mask, height, width, most });
                }
                Pass::Ring(inner, outer) if is_empty || holds_all => {
                    return Err(Error::Band { inner, outer, holds_all, mask, height, width, most });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The components; with `features` also a low, a middle and a high one to compare. Where filtered values are rescaled by minimum
    /// and maximum, also the images that are rescaled alone.
    pub fn plan(&self, features: bool) -> ComponentPlan {
        let nothing_asked = self.sides.is_empty() && self.radii.is_empty() && self.bands.is_empty();
        let usual = !self.sides.is_empty() || features && nothing_asked;
        let radii = sorted(if self.radii.is_empty() && usual { &RADII } else { &self.radii });
        let both = [Side::Low, Side::High];
        let sides = match (radii.is_empty(), self.sides.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => both.to_vec(),
            (false, false) => sorted(&self.sides),
        };
        let bands = sorted(&self.bands);
        let drawn = if features { drawn(&radii, &bands) } else { Vec::new() };
        let has = |pass: Pass| drawn.contains(&Component::Part(pass));
        let side = |side: Side, pass: fn(usize) -> Pass| -> Vec<Pass> {
            let asked = |&&r: &&usize| sides.contains(&side) || has(pass(r));
            radii.iter().filter(asked).map(|&r| pass(r)).collect()
        };
        let mut rings: Vec<Pass> = bands.iter().map(|&(inner, outer)| Pass::Ring(inner, outer)).collect();
        let middle = drawn.iter().filter_map(|component| match *component {
            Component::Part(ring @ Pass::Ring(..)) if !rings.contains(&ring) => Some(ring),
            _ => None,
        });
        let middle: Vec<Pass> = middle.collect();
        rings.extend(middle);
        let parts = [side(Side::Low, Pass::Low), side(Side::High, Pass::High), rings].concat();
        let rescaled = (!parts.is_empty() && self.rescale == Rescale::MinMax).then_some(Component::Rescaled);
        let parts = parts.into_iter().map(Component::Part);
        ComponentPlan {
            components: std::iter::once(Component::Original).chain(rescaled).chain(parts).collect(),
            drawn,
            radii,
            sides,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sides: &[Side], radii: &[usize], bands: &[(usize, usize)], features: bool) -> ComponentPlan {
        let (sides, radii, bands) = (sides.to_vec(), radii.to_vec(), bands.to_vec());
        ComponentRequest { sides, radii, bands, ..ComponentRequest::default() }.plan(features)
    }

    fn names(components: &[Component]) -> Vec<String> {
        components.iter().map(|component| component.name()).collect()
    }

    #[test]
    fn what_is_left_out_has_sensible_defaults() {
        assert_eq!(names(&plan(&[], &[], &[], false).components), ["original"]);
        let low = plan(&[Side::Low], &[], &[], false);
        assert_eq!((low.radii, low.sides), (RADII.to_vec(), vec![Side::Low]));
        let both = plan(&[], &[8, 4, 8], &[(4, 8), (0, 4)], false);
        let parts = ["low r = 4", "low r = 8", "high r = 4", "high r = 8", "band 0-4", "band 4-8"];
        assert_eq!(names(&both.components), [&["original", "rescaled only"], &parts[..]].concat());
        // Only minimum and maximum change images that are not filtered.
        let bands = vec![(1, 2)];
        let clipped = ComponentRequest { bands, rescale: Rescale::Clip, ..ComponentRequest::default() };
        assert_eq!(names(&clipped.plan(false).components), ["original", "band 1-2"]);
        let attacked = names(&plan(&[Side::Low], &[4], &[], false).attacked().components);
        assert_eq!(attacked, ["original", "adversarial", "rescaled only", "low r = 4"]);
        assert!(plan(&[], &[], &[(1, 2)], false).radii.is_empty());
    }

    #[test]
    fn features_are_compared_on_low_middle_and_high_components() {
        let found = plan(&[], &[], &[], true);
        assert_eq!(names(&found.drawn), ["low r = 8", "band 8-12", "high r = 12"]);
        assert_eq!((found.components.len(), names(&found.components)[10].as_str()), (11, "band 8-12"));
        let one = plan(&[Side::Low], &[6], &[], true);
        assert_eq!(names(&one.components), ["original", "rescaled only", "low r = 6", "high r = 6"]);
        assert_eq!(
            (names(&one.drawn), one.sides),
            (vec!["low r = 6".into(), "high r = 6".into()], vec![Side::Low])
        );
        assert_eq!(names(&plan(&[], &[], &[(8, 9), (1, 2)], true).drawn), ["band 1-2", "band 8-9"]);
        assert_eq!(
            names(&plan(&[], &[2, 4, 6, 8, 9], &[], true).drawn),
            ["low r = 4", "band 4-8", "high r = 8"]
        );
    }

    #[test]
    fn components_must_be_parts_of_the_images() {
        let check_sides = |shape: Shape, sides: &[Side], radii: &[usize], bands: &[(usize, usize)]| {
            let (sides, radii, bands) = (sides.to_vec(), radii.to_vec(), bands.to_vec());
            let request = ComponentRequest { sides, radii, bands, shape, ..ComponentRequest::default() };
            request.check(&request.plan(false), [32, 32]).map_err(|error| error.to_string())
        };
        let check = |shape, radii: &[usize], bands: &[(usize, usize)]| check_sides(shape, &[], radii, bands);
        for (shape, most) in [(Shape::Radial, 22), (Shape::Square, 16), (Shape::L1, 32), (Shape::Dct, 31)] {
            assert_eq!(check(shape, &[1, most], &[(4, 99), (0, most)]), Ok(()), "{shape:?}");
            let said = check(shape, &[4, most + 1], &[]).expect_err("nothing is high");
            assert!(
                said.starts_with(&format!("high r = {}: ", most + 1)) && said.ends_with(&most.to_string()),
                "{said}"
            );
            assert_eq!(check_sides(shape, &[Side::Low], &[most + 1, 65_535], &[]), Ok(()), "{shape:?}");
            let said = check(shape, &[], &[(most + 1, 50)]).expect_err("nothing is in it");
            assert!(said.contains(": none of"), "{said}");
            assert!(check(shape, &[], &[(0, 50)]).is_err_and(|said| said.contains(": all of")));
        }
    }
}
