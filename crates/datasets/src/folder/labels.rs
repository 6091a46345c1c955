//! Lists of labels, for images that lie flat in a folder.
//!
//! ```text
//! val_0.JPEG  n03444034  0  32  44  62                     Tiny-ImageNet: val/val_annotations.txt
//! ILSVRC2012_val_00048981,n03995372 85 1 499 272           Kaggle: LOC_val_solution.csv
//! ILSVRC2012_val_00000001.JPEG 65                          Caffe: the place of the class, from 0
//! a.png,English springer                                   a name with blanks
//! n01751748                                                a class a line, in the order of the images' names
//! 490                                                      the development kit: a number a line, which its meta.mat explains
//! ```

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    devkit,
    names::{LABEL_LISTS, META, file_name},
    tree::Tree,
};
use crate::{Error, Note};

/// More bytes than any list of labels has.
const LONGEST: u64 = 256 << 20;

/// More classes than any data set of images has.
const MOST_CLASSES: usize = 1 << 20;

/// Labels of images.
pub(super) struct Labels {
    path: PathBuf,
    form: Form,
}

enum Form {
    /// The class of each image by its file's name, without the extension.
    ByName(HashMap<String, Written>),
    /// The class of each image in the order of their names.
    InOrder(Vec<Written>),
}

/// A class as it is written, and its first word: a rectangle may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    whole: String,
    first: String,
}

impl Written {
    /// A class that is all that is written.
    fn whole(text: &str) -> Self {
        Self { whole: text.to_owned(), first: text.to_owned() }
    }

    /// The name that is meant, if it is not known which there are: all of it, unless numbers follow.
    fn name(&self) -> &str {
        let is_number = |word: &str| word.parse::<f64>().is_ok();
        if self.whole.split_whitespace().skip(1).any(is_number) { &self.first } else { &self.whole }
    }
}

impl Labels {
    /// The list that somebody names.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_path_buf(), source };
        let refused = |found: String| Error::LabelList {
            path: path.to_path_buf(),
            found,
            expected: "a file with the labels of images".to_owned(),
        };
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => return Err(refused("something that is no file".to_owned())),
            Ok(found) if found.len() > LONGEST => return Err(refused(format!("{} bytes", found.len()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(refused("no such file".to_owned()));
            }
            _ => {}
        }
        let text = fs::read(path).map_err(failed)?;
        let list = Self::parse(path, &String::from_utf8_lossy(&text))?;
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
        for name in LABEL_LISTS {
            let Some((path, text)) = tree.text(name)? else { continue };
            let list = Self::parse(&path, &String::from_utf8_lossy(&text))?;
            let meta = if list.has_numbers() { tree.text(META)? } else { None };
            return Ok(Some(match meta {
                Some((path, bytes)) => list.explained(&devkit::classes(&path, &bytes)?)?,
                None => list,
            }));
        }
        Ok(None)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let text = text.trim_start_matches('\u{feff}');
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        let pairs: Vec<(&str, Written)> = lines().filter_map(pair).collect();
        let path = path.to_path_buf();
        if 2 * pairs.len() <= lines().count() {
            return Ok(Self { path, form: Form::InOrder(lines().map(Written::whole).collect()) });
        }
        let mut by_name = HashMap::new();
        for (name, class) in pairs {
            match by_name.insert(stem(name), class.clone()) {
                Some(before) if before != class => {
                    let found = format!("the classes `{}` and `{}` of {name}", before.whole, class.whole);
                    return Err(Error::LabelList {
                        path,
                        found,
                        expected: "one class of each image".to_owned(),
                    });
                }
                _ => {}
            }
        }
        Ok(Self { path, form: Form::ByName(by_name) })
    }

    /// Whether it is a number a line.
    fn has_numbers(&self) -> bool {
        matches!(&self.form, Form::InOrder(list) if list.iter().all(|class| class.whole.parse::<u32>().is_ok()))
    }

    /// The same list with names in the place of the development kit's numbers.
    fn explained(mut self, classes: &HashMap<u32, String>) -> Result<Self, Error> {
        if let Form::InOrder(list) = &mut self.form {
            for class in list {
                let name = class.whole.parse().ok().and_then(|number: u32| classes.get(&number));
                let unknown = || Error::LabelList {
                    path: self.path.clone(),
                    found: format!("the class {}", class.whole),
                    expected: format!("one of the {} that {META} explains", classes.len()),
                };
                *class = Written::whole(name.ok_or_else(unknown)?);
            }
        }
        Ok(self)
    }

    /// The names of all classes in the list, in their order; numbers by size.
    pub(super) fn classes(&self) -> Vec<String> {
        let mut names: Vec<&str> = match &self.form {
            Form::ByName(by_name) => by_name.values().map(Written::name).collect(),
            Form::InOrder(classes) => classes.iter().map(|class| class.whole.as_str()).collect(),
        };
        names.sort_unstable();
        names.dedup();
        let number = |name: &&str| name.parse().ok().filter(|&place: &usize| place < MOST_CLASSES);
        match names.iter().map(number).collect::<Option<Vec<usize>>>() {
            // Classes without an image have their places too.
            Some(numbers) => {
                (0..=numbers.into_iter().max().unwrap_or(0)).map(|place| place.to_string()).collect()
            }
            None => names.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The label of each image, given their names in order, and what to tell of them.
    ///
    /// # Errors
    /// [`Error::LabelList`] if one has none, or one that is no class.
    pub(super) fn of_images(
        &self,
        names: &[&str],
        classes: &[String],
    ) -> Result<(Vec<u32>, Vec<Note>), Error> {
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
                format!("numbers from 1 to {}", classes.len()),
                "places from 0; ImageNet's development kit has such numbers, and its meta.mat in the same folder says what they mean".to_owned(),
            ));
        }
        let written: Vec<&Written> = match &self.form {
            Form::ByName(by_name) => {
                let class = |name: &&str| {
                    let none = || refused(format!("no label of {name}"), "one for each image".to_owned());
                    by_name.get(&stem(name)).ok_or_else(none)
                };
                names.iter().map(class).collect::<Result<_, _>>()?
            }
            Form::InOrder(list) => list.iter().collect(),
        };
        let by_name =
            |class: &Written| places.get(class.whole.as_str()).or(places.get(class.first.as_str())).copied();
        let by_place = |class: &Written| {
            let place =
                |text: &str| text.parse().ok().filter(|&place: &u32| (place as usize) < classes.len());
            place(&class.whole).or_else(|| place(&class.first))
        };
        let mut notes: Vec<Note> = Vec::new();
        if matches!(self.form, Form::InOrder(_)) {
            notes.extend(images_as_text(names));
        }
        // One reading for the whole list: a number that is a name too must not be taken for one here and for a place there.
        if let Some(labels) = written.iter().map(|class| by_name(class)).collect::<Option<_>>() {
            return Ok((labels, notes));
        }
        if let Some(labels) = written.iter().map(|class| by_place(class)).collect::<Option<Vec<u32>>>() {
            let first = written.iter().zip(&labels).next();
            notes.extend(first.map(|(class, &label)| Note::PlacesInList {
                written: class.first.clone(),
                class: classes[label as usize].clone(),
            }));
            return Ok((labels, notes));
        }
        let is_unknown = |class: &Written| by_name(class).is_none() && by_place(class).is_none();
        let found = written.iter().zip(names).find(|(class, _)| is_unknown(class));
        let (text, expected) = match found {
            Some((class, name)) => (
                format!("the class `{}` of {name}", class.whole),
                format!("one of the {} classes, or its place from 0", classes.len()),
            ),
            None => {
                let first = |is: &dyn Fn(&Written) -> bool| {
                    written.iter().find(|class| is(class)).map_or("", |class| class.whole.as_str())
                };
                let (name, place) =
                    (first(&|class| by_name(class).is_some()), first(&|class| by_name(class).is_none()));
                (
                    format!(
                        "`{name}`, the name of a class, and `{place}`, which can be the place of one alone"
                    ),
                    "names alone, or places from 0 alone".to_owned(),
                )
            }
        };
        Err(refused(text, expected))
    }
}

/// Of names in the order of text: two that their numbers put the other way round.
fn images_as_text(names: &[&str]) -> Option<Note> {
    let number = |name: &str| {
        let stem = stem(name);
        let start = stem.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
        Some((stem[..start].to_owned(), stem[start..].parse::<u64>().ok()?))
    };
    let is_turned = |pair: &&[&str]| match (number(pair[0]), number(pair[1])) {
        (Some((one, before)), Some((other, after))) => one == other && before > after,
        _ => false,
    };
    let pair = names.windows(2).find(is_turned)?;
    Some(Note::ImagesAsText { before: pair[0].to_owned(), after: pair[1].to_owned() })
}

/// Whether labels are numbers that begin at 1.
fn is_devkit(labels: &[Written], classes: usize) -> bool {
    let numbers: Option<Vec<usize>> = labels.iter().map(|label| label.whole.parse().ok()).collect();
    let numbers = numbers.unwrap_or_default();
    numbers.iter().min().is_some_and(|&least| least == 1) && numbers.iter().max() == Some(&classes)
}

/// Name and class of an image; nothing of a line that has only one of them.
fn pair(line: &str) -> Option<(&str, Written)> {
    let separator = [',', '\t'].into_iter().find(|&separator| line.contains(separator));
    let (name, rest) = match separator {
        Some(separator) => line.split_once(separator)?,
        None => line.split_once(char::is_whitespace)?,
    };
    let field = rest.trim().split(separator.unwrap_or('\n')).next().unwrap_or(rest);
    let whole = if rest.trim().starts_with('"') { rest.trim() } else { field.trim() };
    let whole = whole.trim_matches('"').trim();
    let first = whole.split_whitespace().next()?;
    Some((name.trim().trim_matches('"'), Written { whole: whole.to_owned(), first: first.to_owned() }))
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
        let labels = list.and_then(|list| list.of_images(names, &classes)).map_err(|error| error.to_string());
        labels.map(|(labels, _)| labels)
    }

    #[test]
    fn every_form_says_the_class() {
        let names = ["val/images/val_0.JPEG", "val/images/val_1.JPEG"];
        let classes = ["n01", "n02"];
        for text in [
            "val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn01\t5\t6\t7\t8\n",
            "ImageId,PredictionString\nval_0,n02 85 1 499 272\nval_1,n01 1 2 3 4 n01 2 3 4 5\n",
            "val_1.JPEG 0\nval_0.JPEG 1\n",
            "\u{feff}val_1.JPEG\tn01\r\nval_0.JPEG\tn02\r\n",
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
            ("a.png x\na.png y\nb.png y\n", "the classes `x` and `y` of a.png"),
        ] {
            let found = labels(text, &names, &classes).expect_err(text);
            assert!(found.contains(said), "{found}");
        }
    }

    #[test]
    fn names_of_classes_may_have_blanks() {
        let names = ["val/x.png", "val/y.png"];
        for text in [
            "x.png,c d\ny.png,e\n",
            "x.png\tc d\ny.png\te\n",
            "x.png c d\ny.png e\n",
            "x.png,\"c d\"\ny.png,\"e\"\n",
        ] {
            assert_eq!(labels(text, &names, &["c d", "e"]), Ok(vec![0, 1]), "{text}");
        }
    }

    #[test]
    fn a_list_names_its_classes() {
        let classes = |text: &str| {
            Labels::parse(Path::new("labels.txt"), text).map(|list| list.classes()).unwrap_or_default()
        };
        assert_eq!(classes("a,c d\nb,n02 1 2 3 4\n"), ["c d", "n02"]);
        assert_eq!(classes("a y\nb x\nc y\n"), ["x", "y"]);
        assert_eq!(classes("a 10\nb 2\n").len(), 11);
        assert_eq!(classes("a 4294967295\nb 2\n").len(), 2);
    }
}
