//! Lists of labels, for images that lie flat in a folder.
//!
//! ```text
//! val_0.JPEG  n03444034  0  32  44  62                     Tiny-ImageNet: val/val_annotations.txt
//! ILSVRC2012_val_00048981,n03995372 85 1 499 272           Kaggle: LOC_val_solution.csv
//! ILSVRC2012_val_00000001.JPEG 65                          Caffe: the place of the class, from 0
//! n01751748                                                a class a line, in the order of the images' names
//! 490                                                      the development kit: a number a line, which its meta.mat explains
//! ```

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    devkit::{self, META},
    names::file_name,
    tree::Tree,
};
use crate::{Error, packed::open_regular};

/// More bytes than any list of labels has.
const LONGEST: u64 = 256 << 20;

/// More classes than any data set of images has.
const MOST_CLASSES: usize = 1 << 20;

/// What of a data set has its own list of labels, and under which name.
const KNOWN: [&str; 3] =
    ["val_annotations.txt", "LOC_val_solution.csv", "ILSVRC2012_validation_ground_truth.txt"];

/// Labels of images.
pub(super) struct Labels {
    path: PathBuf,
    form: Form,
}

enum Form {
    /// The class of each image by its file's name, without the extension.
    ByName(HashMap<String, String>),
    /// The class of each image in the order of their names.
    InOrder(Vec<String>),
}

impl Labels {
    /// The list that somebody names.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_path_buf(), source };
        let (_, size) = open_regular(path)?;
        if size > LONGEST {
            return Err(failed(std::io::Error::other(format!(
                "it has {size} bytes, more than a list of labels"
            ))));
        }
        let text = fs::read(path).map_err(failed)?;
        let list = Self::parse(path, &String::from_utf8_lossy(&text));
        let beside = path.with_file_name(META);
        match fs::metadata(&beside) {
            Ok(found) if list.has_numbers() && found.len() <= LONGEST => {
                let bytes =
                    fs::read(&beside).map_err(|source| Error::Read { path: beside.clone(), source })?;
                list.explained(&devkit::classes(&beside, &bytes)?)
            }
            _ => Ok(list),
        }
    }

    /// The list that a data set has itself.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of(tree: &Tree) -> Result<Option<Self>, Error> {
        for name in KNOWN {
            let Some((path, text)) = tree.text(name)? else { continue };
            let list = Self::parse(&path, &String::from_utf8_lossy(&text));
            let meta = if list.has_numbers() { tree.text(META)? } else { None };
            return Ok(Some(match meta {
                Some((path, bytes)) => list.explained(&devkit::classes(&path, &bytes)?)?,
                None => list,
            }));
        }
        Ok(None)
    }

    fn parse(path: &Path, text: &str) -> Self {
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        let pairs: Vec<(&str, &str)> = lines().filter_map(pair).collect();
        let form = match 2 * pairs.len() > lines().count() {
            true => {
                Form::ByName(pairs.into_iter().map(|(name, class)| (stem(name), class.to_owned())).collect())
            }
            false => Form::InOrder(lines().map(str::to_owned).collect()),
        };
        Self { path: path.to_path_buf(), form }
    }

    /// Whether it is a number a line.
    fn has_numbers(&self) -> bool {
        matches!(&self.form, Form::InOrder(list) if list.iter().all(|class| class.parse::<u32>().is_ok()))
    }

    /// The same list with names in the place of the development kit's numbers.
    fn explained(mut self, classes: &HashMap<u32, String>) -> Result<Self, Error> {
        if let Form::InOrder(list) = &mut self.form {
            for class in list {
                let name = class.parse().ok().and_then(|number: u32| classes.get(&number));
                let unknown = || Error::LabelList {
                    path: self.path.clone(),
                    found: format!("the class {class}"),
                    expected: format!("one of the {} that {META} explains", classes.len()),
                };
                *class = name.ok_or_else(unknown)?.clone();
            }
        }
        Ok(self)
    }

    /// The names of all classes in the list, in their order; numbers by size.
    pub(super) fn classes(&self) -> Vec<String> {
        let mut names: Vec<&String> = match &self.form {
            Form::ByName(by_name) => by_name.values().collect(),
            Form::InOrder(classes) => classes.iter().collect(),
        };
        names.sort_unstable();
        names.dedup();
        let number = |name: &&String| name.parse().ok().filter(|&place: &usize| place < MOST_CLASSES);
        match names.iter().map(number).collect::<Option<Vec<usize>>>() {
            // Classes without an image have their places too.
            Some(numbers) => {
                (0..=numbers.into_iter().max().unwrap_or(0)).map(|place| place.to_string()).collect()
            }
            None => names.into_iter().cloned().collect(),
        }
    }

    /// The label of each image, given their names in order.
    ///
    /// # Errors
    /// [`Error::LabelList`] if one has none, or one that is no class.
    pub(super) fn of_images(&self, names: &[&str], classes: &[String]) -> Result<Vec<u32>, Error> {
        let places: HashMap<&str, u32> =
            classes.iter().enumerate().map(|(place, name)| (name.as_str(), place as u32)).collect();
        let refused =
            |found: String, expected: String| Error::LabelList { path: self.path.clone(), found, expected };
        if let Form::InOrder(list) = &self.form
            && list.len() != names.len()
        {
            return Err(refused(
                format!("{} labels", list.len()),
                format!("one for each of {} images", names.len()),
            ));
        }
        let numbers = matches!(&self.form, Form::InOrder(list) if is_devkit(list, classes.len()));
        if numbers {
            return Err(refused(
                format!(
                    "numbers from 1 to {}, as the development kit of ImageNet counts classes",
                    classes.len()
                ),
                "its meta.mat in the same folder, which says what they mean".to_owned(),
            ));
        }
        let label = |(index, name): (usize, &&str)| {
            let class = match &self.form {
                Form::ByName(by_name) => by_name.get(&stem(name)),
                Form::InOrder(list) => list.get(index),
            };
            let class = class
                .ok_or_else(|| refused(format!("no label of {name}"), "one for each image".to_owned()))?;
            let by_place = || class.parse().ok().filter(|&place: &u32| (place as usize) < classes.len());
            let label = places.get(class.as_str()).copied().or_else(by_place);
            label.ok_or_else(|| {
                let expected = format!("one of the {} classes, or its place from 0", classes.len());
                refused(format!("the class `{class}` of {name}"), expected)
            })
        };
        names.iter().enumerate().map(label).collect()
    }
}

/// Whether labels are numbers that begin at 1.
fn is_devkit(labels: &[String], classes: usize) -> bool {
    let numbers: Option<Vec<usize>> = labels.iter().map(|label| label.parse().ok()).collect();
    let numbers = numbers.unwrap_or_default();
    numbers.iter().min().is_some_and(|&least| least == 1) && numbers.iter().max() == Some(&classes)
}

/// Name and class of an image; nothing of a line that has only one of them, or is the head of a table.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = match (line.split_once('\t'), line.split_once(',')) {
        (Some(pair), _) | (None, Some(pair)) => pair,
        (None, None) => line.split_once(char::is_whitespace)?,
    };
    // A rectangle may follow.
    let class = rest.split(['\t', ',', ' ']).find(|word| !word.is_empty())?;
    Some((name.trim_matches('"'), class.trim_matches('"')))
}

/// The name of a file without its folder and extension.
fn stem(path: &str) -> String {
    let name = file_name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str, names: &[&str], classes: &[&str]) -> Result<Vec<u32>, String> {
        let classes: Vec<String> = classes.iter().map(|&name| name.to_owned()).collect();
        let list = Labels::parse(Path::new("labels.txt"), text);
        list.of_images(names, &classes).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_says_the_class() {
        let names = ["val/images/val_0.JPEG", "val/images/val_1.JPEG"];
        let classes = ["n01", "n02"];
        for text in [
            "val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn01\t5\t6\t7\t8\n",
            "ImageId,PredictionString\nval_0,n02 85 1 499 272\nval_1,n01 1 2 3 4 n01 2 3 4 5\n",
            "val_1.JPEG 0\nval_0.JPEG 1\n",
            "n02\r\nn01\r\n",
            "1\n0\n",
        ] {
            assert_eq!(labels(text, &names, &classes), Ok(vec![1, 0]), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let names = ["a.png", "b.png"];
        let classes = ["x", "y"];
        for (text, said) in [
            ("a.png x\nc.png y\n", "no label of b.png"),
            ("x\n", "1 labels, expected one for each of 2 images"),
            ("a.png x\nb.png z\n", "the class `z` of b.png"),
            ("a.png 0\nb.png 2\n", "the class `2` of b.png"),
            ("2\n1\n", "its meta.mat"),
        ] {
            let found = labels(text, &names, &classes).expect_err(text);
            assert!(found.contains(said), "{found}");
        }
    }

    #[test]
    fn a_list_names_its_classes() {
        let classes = |text: &str| Labels::parse(Path::new("labels.txt"), text).classes();
        assert_eq!(classes("a y\nb x\nc y\n"), ["x", "y"]);
        assert_eq!(classes("a 10\nb 2\n").len(), 11);
        assert_eq!(classes("a 4294967295\nb 2\n").len(), 2);
    }
}
