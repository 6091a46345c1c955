//! Files that say which output of a network's head each class is.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::{ClassMapError, Error, HeadOutputs, OutputsOrigin};

/// Files are not larger: names of the 21,843 classes of the whole ImageNet take a third of it.
const LARGEST: u64 = 4 << 20;

const EXPECTED: &str = "a line for each class, its name and the number of its output from 0, as `n01440764 0`, or a JSON object \
                        {\"n01440764\": 0} or {\"0\": [\"n01440764\", \"tench\"]}";

/// Outputs by the names of classes.
pub(crate) struct ClassMap {
    path: PathBuf,
    outputs: BTreeMap<String, Output>,
}

/// What a file says of a name.
#[derive(Clone, Copy)]
enum Output {
    One(usize),
    /// ImageNet has two cranes.
    Several([usize; 2]),
}

impl ClassMap {
    /// Reads a file of lines, or of JSON.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = text(path)?;
        let mut map = Self { path: path.to_path_buf(), outputs: BTreeMap::new() };
        match text.trim_start().starts_with(['{', '[']) {
            true => map.read_json(&text)?,
            false => map.read_lines(&text)?,
        }
        if map.outputs.is_empty() { Err(map.refused("no class".to_owned())) } else { Ok(map) }
    }

    /// The output of each class.
    pub(crate) fn outputs(&self, classes: &[String]) -> Result<HeadOutputs, Error> {
        let missing: Vec<&String> =
            classes.iter().filter(|class| !self.outputs.contains_key(*class)).collect();
        if let Some(&class) = missing.first() {
            let (path, class) = (self.path.clone(), class.clone());
            return Err(Error::ClassMap(ClassMapError::WithoutOutput {
                path,
                class,
                missing: missing.len(),
                classes: classes.len(),
            }));
        }
        let output = |class: &String| match self.outputs[class] {
            Output::One(output) => Ok(output),
            Output::Several(outputs) => {
                let (path, class) = (self.path.clone(), class.clone());
                Err(Error::ClassMap(ClassMapError::TwoOutputs { path, class, outputs }))
            }
        };
        let indices = classes.iter().map(output).collect::<Result<_, Error>>()?;
        Ok(HeadOutputs::new(indices, OutputsOrigin::ClassMap(self.path.clone())))
    }

    fn read_lines(&mut self, text: &str) -> Result<(), Error> {
        let lines = text.lines().enumerate().map(|(at, line)| (at, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        for (place, (at, line)) in lines.enumerate() {
            match named(line) {
                Some((name, output)) => self.insert(name, output),
                // A header; a class that it hides would be missed.
                None if place == 0 => {}
                None => {
                    let shown: String = line.chars().take(60).collect();
                    return Err(self.refused(format!("`{shown}` in line {}", at + 1)));
                }
            }
        }
        Ok(())
    }

    fn read_json(&mut self, text: &str) -> Result<(), Error> {
        let object: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| self.refused(format!("other JSON ({error})")))?;
        for (key, value) in &object {
            match (value.as_u64().and_then(|output| output.try_into().ok()), key.parse()) {
                (Some(output), _) => self.insert(key.clone(), output),
                (None, Ok(output)) => {
                    let names =
                        texts(value).ok_or_else(|| self.refused(format!("`{key}`: {}", kind(value))))?;
                    names.into_iter().for_each(|name| self.insert(name.to_owned(), output));
                }
                (None, Err(_)) => return Err(self.refused(format!("`{key}`: {}", kind(value)))),
            }
        }
        Ok(())
    }

    fn insert(&mut self, name: String, output: usize) {
        let merge = |found: &mut Output| match *found {
            Output::One(first) if first != output => *found = Output::Several([first, output]),
            _ => {}
        };
        self.outputs.entry(name).and_modify(merge).or_insert(Output::One(output));
    }

    fn refused(&self, found: String) -> Error {
        Error::ClassMap(ClassMapError::Unreadable { path: self.path.clone(), found, expected: EXPECTED })
    }
}

/// Name and output of a line: the number is what stands last, for names have blanks and commas.
fn named(line: &str) -> Option<(String, usize)> {
    let is_between = |c: char| c.is_whitespace() || c == ',';
    let (name, output) = line.rsplit_once(is_between)?;
    let name = name.trim_end_matches(is_between);
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let name = quoted.map_or_else(|| name.to_owned(), |name| name.replace("\"\"", "\""));
    let output = output.trim_matches('"').parse().ok()?;
    (!name.is_empty()).then_some((name, output))
}

/// A text, or a list of texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// What stands where an output or names should.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number that is no output",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The text of a file that is not too large.
fn text(path: &Path) -> Result<String, Error> {
    let refused = |found: &str| {
        Error::ClassMap(ClassMapError::Unreadable {
            path: path.to_path_buf(),
            found: found.to_owned(),
            expected: EXPECTED,
        })
    };
    if !path.exists() {
        return Err(refused("no such file"));
    }
    files::refuse_special(path)?;
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused("more than 4 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("bytes that are no UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn outputs(content: impl AsRef<[u8]>, classes: &[&str]) -> Result<Vec<usize>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("classes.txt");
        fs::write(&path, content).expect("a file");
        let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
        let found = ClassMap::read(&path).and_then(|map| map.outputs(&classes));
        let found = found.map_err(|error| error.to_string())?;
        assert_eq!(found.origin(), &OutputsOrigin::ClassMap(path));
        Ok(found.indices().to_vec())
    }

    #[test]
    fn lines_of_any_kind_give_the_outputs() {
        for content in [
            "tench 0\ngreat white shark 2\nunused 7\n",
            "# of a head with 1000 outputs\r\n\r\ntench\t0\r\ngreat white shark\t2\r\n",
            "class,output\ntench,0\n\"great white shark\", 2\n",
            "\u{feff}tench, 0\n  great white shark  ,  2",
            "name index\ntench    0\ngreat white shark 2",
            r#"{"tench": 0, "great white shark": 2, "unused": 900}"#,
            r#"{"0": ["n01440764", "tench"], "2": ["n01484850", "great white shark"], "3": ["crane"], "4": ["crane"]}"#,
            " \n{\"0\": \"tench\", \"2\": \"great white shark\"}",
        ] {
            assert_eq!(outputs(content, &["great white shark", "tench"]), Ok(vec![2, 0]), "{content}");
        }
        assert_eq!(outputs("a 3\nb 3\na 3", &["a", "b"]), Ok(vec![3, 3]), "classes may share an output");
        assert_eq!(outputs("\"a \"\"b\"\"\",1\n", &["a \"b\""]), Ok(vec![1]), "quotes as in csv");
        assert_eq!(outputs("a,b 1", &["a,b"]), Ok(vec![1]));
    }

    #[test]
    fn a_class_without_an_output_or_with_two_is_told() {
        let said = outputs("a 0\nc 1", &["a", "b", "d"]).expect_err("no b");
        assert!(said.contains("no line for the class `b`, one of 2 of the data set's 3 classes"), "{said}");
        let said = outputs("a 0\na 1", &["a"]).expect_err("two");
        assert!(said.contains("two outputs for the class `a`, 0 and 1"), "{said}");
        let said = outputs("n01440764,O\nb 1", &["n01440764", "b"]).expect_err("no number");
        assert!(said.contains("no line for the class `n01440764`"), "{said}");
    }

    #[test]
    fn what_is_no_class_map_is_told() {
        let deep = "[".repeat(100_000);
        let cases: [(&[u8], &str); 11] = [
            (b"", "found no class"),
            (b"# a\n", "found no class"),
            (b"a 0\nn02119789 1 kit_fox\n", "found `n02119789 1 kit_fox` in line 2"),
            (b"a 0\nb -1\n", "found `b -1` in line 2"),
            (b"a 0\nb 1.5\n", "`b 1.5` in line 2"),
            (b"a 0\nb 99999999999999999999999\n", "in line 2"),
            (br#"{"a": 1.5}"#, "found `a`: a number that is no output"),
            (br#"{"0": {"a": 1}}"#, "found `0`: an object"),
            (br#"{"a": ["b"]}"#, "found `a`: a list"),
            (b"a 0\n\xff", "found bytes that are no UTF-8"),
            (deep.as_bytes(), "found other JSON"),
        ];
        for (content, words) in cases {
            let said = outputs(content, &["a"]).expect_err(words);
            assert!(said.contains(words) && said.contains("classes.txt"), "{words}: {said}");
        }
        let said = outputs(vec![b'\n'; 5 << 20], &["a"]).expect_err("large");
        assert!(said.contains("more than 4 MiB"), "{said}");
    }
}
