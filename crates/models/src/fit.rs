//! Whose weights these are: shapes compared with those of architectures.

use crate::{
    architectures::Architecture,
    difference::{Difference, OtherNetwork},
    error::Error,
    family::Family,
    graph::Shapes,
};

impl Architecture {
    /// Compares names and shapes with those of this network for `classes` classes.
    ///
    /// # Errors
    /// [`Error::WeightsDoNotFit`] with every name or shape that differs. Its message names the first three that the network lacks or
    /// has otherwise, and the first three that only the weights have.
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
    fn other_family(&self, found: &Shapes) -> Option<OtherNetwork> {
        let family = match self.family() {
            Family::Cifar => Family::Imagenet,
            Family::Imagenet => Family::Cifar,
        };
        let other = self.in_family(family).ok()?;
        let classes = other.classes(found)?;
        (other.graph(classes).shapes() == *found).then_some(OtherNetwork { family, classes })
    }

    pub(crate) fn compare(&self, wanted: &Shapes, found: &Shapes) -> Result<(), Error> {
        let of_ours = wanted.iter().filter(|(name, shape)| found.get(*name) != Some(shape));
        let of_theirs = found.keys().filter(|name| !wanted.contains_key(*name));
        let names = of_ours.map(|(name, _)| name).chain(of_theirs);
        let difference = |name: &String| Difference {
            name: name.clone(),
            expected: wanted.get(name).cloned(),
            found: found.get(name).cloned(),
        };
        let differences: Vec<Difference> = names.map(difference).collect();
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::WeightsDoNotFit { arch: self.name(), differences, other: self.other_family(found) })
    }
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
    fn a_namesake_for_other_images_is_reported() -> Result<(), Error> {
        let small: Architecture = "resnet18".parse()?;
        let large = small.in_family(Family::Imagenet)?;
        for (one, another, family) in [(small, large, Family::Imagenet), (large, small, Family::Cifar)] {
            let error = one.check_fit(10, &another.graph(7).shapes()).expect_err("another family");
            let said = error.to_string();
            let words = format!("they are those of resnet18 of the family {family} with 7 classes");
            assert!(said.ends_with(&words), "{said}");
            let Error::WeightsDoNotFit { other, .. } = error else { panic!("{said}") };
            assert_eq!(other, Some(OtherNetwork { family, classes: 7 }));
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
