//! Whose weights these are: shapes compared with those of architectures.

use crate::{Architecture, Error, Family, Shapes};

/// How many differences are named of each side.
const NAMED: usize = 3;

impl Architecture {
    /// Compares names and shapes with those of this network for `classes` classes.
    ///
    /// # Errors
    /// [`Error::WeightsDoNotFit`], naming the first three that the network lacks or has otherwise, and the first three that only it has.
    pub fn check_fit(&self, classes: usize, found: &Shapes) -> Result<(), Error> {
        self.compare(&self.graph(classes).shapes(), found)
    }

    /// Every architecture with exactly these names and shapes, with its number of classes.
    pub fn guess(found: &Shapes) -> Vec<(Self, usize)> {
        let fits = |known: &Self| {
            let classes = known.classes(found)?;
            (known.graph(classes).shapes() == *found).then_some((*known, classes))
        };
        Self::all().iter().filter_map(fits).collect()
    }

    /// How many classes weights of this network are for, by the shape of its head.
    pub fn classes(&self, found: &Shapes) -> Option<usize> {
        let (two, three) = (self.graph(2).shapes(), self.graph(3).shapes());
        let (name, shape) = two.iter().find(|(name, shape)| three[*name] != **shape)?;
        let axis = shape.iter().zip(&three[name]).position(|(two, three)| two != three)?;
        found.get(name)?.get(axis).copied().filter(|&classes| classes > 0)
    }

    /// That the weights are those of this name's network for other images, if they are.
    fn other_family(&self, found: &Shapes) -> Option<String> {
        let other = match self.family() {
            Family::Cifar => self.of(Family::Imagenet),
            Family::Imagenet => self.of(Family::Cifar),
        };
        let other = other.ok()?;
        let classes = other.classes(found)?;
        let fits = other.graph(classes).shapes() == *found;
        fits.then(|| {
            let (name, family) = (self.name(), other.family());
            format!("they are those of {name} of the family {family} with {classes} classes (--arch-family {family})")
        })
    }

    pub(crate) fn compare(&self, wanted: &Shapes, found: &Shapes) -> Result<(), Error> {
        let lacking = wanted.iter().filter_map(|(name, shape)| match found.get(name) {
            None => Some(format!("`{name}` {shape:?} is missing")),
            Some(found) if found != shape => Some(format!("`{name}` is {found:?}, expected {shape:?}")),
            Some(_) => None,
        });
        let unexpected = found.iter().filter(|(name, _)| !wanted.contains_key(*name));
        let unexpected = unexpected.map(|(name, shape)| format!("`{name}` {shape:?} is unknown to it"));
        let mut differences = first(lacking);
        differences.extend(first(unexpected));
        if differences.is_empty() {
            return Ok(());
        }
        differences.extend(self.other_family(found));
        Err(Error::WeightsDoNotFit { arch: self.name(), differences })
    }
}

/// The first few, and how many more there are.
fn first(differences: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = differences.collect();
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if let Some(last) = all.last_mut().filter(|_| more > 0) {
        last.push_str(&format!(" (and {more} more)"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_is_known_by_its_shapes() -> Result<(), Error> {
        let resnet: Architecture = "resnet18".parse()?;
        let found = Architecture::guess(&resnet.graph(100).shapes());
        assert!(found.contains(&(resnet, 100)), "{found:?}");
        let mut others = resnet.graph(10).shapes();
        others.insert("fc.bias".to_owned(), vec![10]);
        assert_eq!(Architecture::guess(&others), []);
        Ok(())
    }

    #[test]
    fn the_same_name_for_other_images_is_told() -> Result<(), Error> {
        let small: Architecture = "resnet18".parse()?;
        let large = small.of(Family::Imagenet)?;
        for (one, other, words) in
            [(small, large, "--arch-family imagenet"), (large, small, "--arch-family cifar")]
        {
            let said = one.check_fit(10, &other.graph(7).shapes()).expect_err("another family").to_string();
            assert!(said.contains(words) && said.contains("7 classes"), "{said}");
        }
        Ok(())
    }

    #[test]
    fn differences_of_both_sides_are_named() -> Result<(), Error> {
        let (resnet, vgg): (Architecture, Architecture) = ("resnet18".parse()?, "vgg11".parse()?);
        let said = resnet.check_fit(10, &vgg.graph(10).shapes()).expect_err("another network").to_string();
        for words in
            ["resnet18", "`bn1.bias` [64] is missing", "more)", "`features.0.bias` [64] is unknown to it"]
        {
            assert!(said.contains(words), "{words}: {said}");
        }
        let said = resnet.check_fit(100, &resnet.graph(10).shapes()).expect_err("another head").to_string();
        assert!(said.contains("`linear.weight` is [10, 512], expected [100, 512]"), "{said}");
        Ok(())
    }
}
