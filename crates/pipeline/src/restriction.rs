//! Heads with more outputs than a data set has classes.

use datasets::{HeadOutputs, OutputsOrigin};

use crate::Error;

/// The outputs of a network's head that are left: those of the data set's classes. Of the logits of others nothing is computed; softmax,
/// loss and the largest logit are among these, as accuracy on ImageNet-A and ImageNet-R is defined (Hendrycks et al. 2021).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// How many outputs the head has in the file.
    pub outputs: usize,
    /// Which of them each class is.
    pub classes: HeadOutputs,
}

impl Restriction {
    /// Of a head with so many outputs, for a data set of so many classes that says which outputs they are. A head with as many outputs
    /// as the set has classes is taken as it is: its network was trained on the set, and class i is output i. A class map is what
    /// somebody says of this very head: it holds whatever the number of outputs.
    pub(crate) fn new(
        outputs: Option<usize>,
        classes: usize,
        of_classes: Option<&HeadOutputs>,
        names: &[String],
    ) -> Result<Option<Self>, Error> {
        let Some((outputs, of_classes)) = outputs.zip(of_classes) else { return Ok(None) };
        let is_as_it_is = match of_classes.origin() {
            OutputsOrigin::ClassMap(_) => outputs == classes && of_classes.is_plain(),
            _ => outputs <= classes,
        };
        if is_as_it_is {
            return Ok(None);
        }
        let beyond = of_classes.indices().iter().position(|&output| output >= outputs);
        if let Some(class) = beyond {
            return Err(Error::NoSuchOutput {
                class: names.get(class).cloned().unwrap_or_default(),
                output: of_classes.indices()[class],
                outputs,
                origin: of_classes.origin().to_string(),
            });
        }
        Ok(Some(Self { outputs, classes: of_classes.clone() }))
    }

    /// What was done, in words.
    pub fn words(&self) -> String {
        let (left, origin) = (self.classes.indices().len(), self.classes.origin());
        if left == self.outputs {
            return format!("logits in the order of the data set's classes, {origin}");
        }
        format!("logits restricted to {left} of {} outputs, {origin}", self.outputs)
    }
}

/// What to say of a class map that leaves a head as it is.
pub(crate) fn changes_nothing(outputs: Option<&HeadOutputs>) -> Option<String> {
    let OutputsOrigin::ClassMap(path) = outputs?.origin() else { return None };
    Some(format!("{} changes nothing: class i is output i of the head without it", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restriction(
        outputs: Option<usize>,
        of_classes: Option<&[usize]>,
    ) -> Result<Option<Restriction>, Error> {
        let of_classes = of_classes.map(|indices| HeadOutputs::new(indices.to_vec(), OutputsOrigin::WordNet));
        let names = ["tench", "shark"].map(String::from);
        Restriction::new(outputs, 2, of_classes.as_ref(), &names)
    }

    #[test]
    fn only_a_larger_head_is_restricted() -> Result<(), Error> {
        let found = restriction(Some(1000), Some(&[0, 2]))?.expect("two of a thousand");
        assert_eq!(found.classes.indices(), [0, 2]);
        assert_eq!(
            found.words(),
            "logits restricted to 2 of 1000 outputs, by the WordNet numbers of its classes"
        );
        // The set's own network, another one, and one that is not known.
        for (outputs, of_classes) in [
            (Some(2), Some(&[0, 2][..])),
            (Some(1), Some(&[0, 2])),
            (None, Some(&[0, 2])),
            (Some(1000), None),
        ] {
            assert_eq!(restriction(outputs, of_classes)?, None, "{outputs:?} {of_classes:?}");
        }
        Ok(())
    }

    #[test]
    fn a_class_map_may_give_another_order() -> Result<(), Error> {
        let of =
            |indices: &[usize]| HeadOutputs::new(indices.to_vec(), OutputsOrigin::ClassMap("map.txt".into()));
        let names = ["tench", "shark"].map(String::from);
        let found = Restriction::new(Some(2), 2, Some(&of(&[1, 0])), &names)?.expect("another order");
        assert!(
            found.words().starts_with("logits in the order of the data set's classes"),
            "{}",
            found.words()
        );
        assert_eq!(Restriction::new(Some(2), 2, Some(&of(&[0, 1])), &names)?, None, "the same order");
        // Counted from 1; and a head that is smaller than the map.
        for (outputs, indices, words) in [
            (2, [1, 2], "the class `shark` is output 2, by map.txt, but the head has 2; expected 0 to 1"),
            (1, [0, 1], "the class `shark` is output 1, by map.txt, but the head has 1; expected 0 to 0"),
        ] {
            let said = Restriction::new(Some(outputs), 2, Some(&of(&indices)), &names).expect_err(words);
            assert!(said.to_string().starts_with(words), "{said}");
        }
        Ok(())
    }

    #[test]
    fn an_output_that_the_head_lacks_is_told() {
        let said = restriction(Some(5), Some(&[4, 5])).expect_err("of 0 to 4").to_string();
        assert!(
            said.starts_with("the class `shark` is output 5, ") && said.contains("expected 0 to 4"),
            "{said}"
        );
    }

    #[test]
    fn a_class_map_that_changes_nothing_is_told() {
        let said = |origin| changes_nothing(Some(&HeadOutputs::new(vec![0, 1], origin)));
        let told = said(OutputsOrigin::ClassMap("map.txt".into()));
        assert!(told.is_some_and(|said| said.starts_with("map.txt changes nothing")));
        assert_eq!((said(OutputsOrigin::WordNet), changes_nothing(None)), (None, None));
    }
}
