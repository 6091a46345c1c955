//! No crate has a circle of modules: which file uses which is read off the sources.
//!
//! A file is a module. It uses another where a path in its code leads there: `crate::a::Item`, `super::Item`, or the name of a child.
//! What a module re-exports stands where it is defined, so that tables of contents use nothing. Tests do not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A module: the names that lead to it from the root of its crate.
type Module = Vec<String>;

/// A crate as far as paths need it.
struct Crate {
    /// The code of each module, without comments, texts and tests.
    code: BTreeMap<Module, String>,
    /// By module and name: what the name stands for, as a path from the root.
    reexports: BTreeMap<(Module, String), Module>,
}

#[test]
fn no_crate_has_a_circle_of_modules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates =
        fs::read_dir(root.join("crates")).expect("the crates").map(|entry| entry.expect("a crate").path());
    let mut circles = Vec::new();
    for folder in crates.chain([root.join("bins")]) {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let uses = Crate::read(&folder.join("src")).uses();
        assert!(!uses.is_empty(), "{name} has modules");
        circles.extend(circle(&uses).map(|path| format!("{name}: {path}")));
    }
    assert!(circles.is_empty(), "modules that use each other:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_and_a_table_of_contents_is_none() {
    let uses = |files: &[(&str, &str)]| {
        let code = files.iter().map(|(name, code)| (path(name), plain(code))).collect();
        circle(&Crate::new(code).uses())
    };
    let contents = "mod a; mod b; pub use a::A; pub use b::B;";
    assert_eq!(
        uses(&[("", contents), ("a", "pub struct A;"), ("b", "use crate::A; pub struct B(A);")]),
        None
    );
    let both = [
        ("", contents),
        ("a", "use crate::b::B; pub struct A(B);"),
        ("b", "use crate::{A}; pub struct B(A);"),
    ];
    assert_eq!(uses(&both).as_deref(), Some("a → b → a"));
    let child = [
        ("", "mod a;"),
        ("a", "mod c; fn f() { c::g() }"),
        ("a::c", "use super::h; // crate::x\npub fn g() {}"),
    ];
    assert_eq!(uses(&child).as_deref(), Some("a → a::c → a"));
    let test = [
        ("", "mod a;"),
        ("a", "mod c; fn f() { c::g() }"),
        ("a::c", "#[cfg(test)]\nmod tests { use super::super::f; }"),
    ];
    assert_eq!(uses(&test), None, "tests do not count");
}

impl Crate {
    fn read(source: &Path) -> Self {
        let mut code = BTreeMap::new();
        for file in rust_files(source) {
            let place = file.strip_prefix(source).expect("a file of the crate").with_extension("");
            let mut module: Module = place.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            module.retain(|part| !["lib", "mod", "main"].contains(&part.as_str()));
            // Programs in `bin` are crates of their own.
            if module.first().is_none_or(|first| first != "bin") {
                code.insert(module, plain(&fs::read_to_string(&file).expect("a source file")));
            }
        }
        Self::new(code)
    }

    fn new(code: BTreeMap<Module, String>) -> Self {
        let mut found = Self { code, reexports: BTreeMap::new() };
        let modules: Vec<Module> = found.code.keys().cloned().collect();
        for module in modules {
            let (uses, _) = uses_and_code(&found.code[&module]);
            for Used { path, name, .. } in uses.into_iter().filter(|used| used.is_reexport) {
                if let Some(target) = found.absolute(&module, &path) {
                    found.reexports.insert((module.clone(), name), target);
                }
            }
        }
        found
    }

    /// Which module uses which others.
    fn uses(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let of = |module: &Module| {
            let (uses, code) = uses_and_code(&self.code[module]);
            let declared = uses.into_iter().filter(|used| !used.is_reexport).map(|used| used.path);
            let paths = declared.chain(inline_paths(&code));
            let targets =
                paths.filter_map(|path| self.absolute(module, &path)).filter_map(|path| self.home(path));
            targets.filter(|target| target != module).collect()
        };
        self.code.keys().map(|module| (module.clone(), of(module))).collect()
    }

    /// A path from the root of the crate, if it is one of this crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let mut base = module.clone();
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop()?;
            }
            child => {
                base.push(child.to_owned());
                // A name that is no child is another crate's, or in scope by a `use` that counts itself.
                self.code.contains_key(&base).then_some(())?;
            }
        }
        for part in rest {
            if part == "super" {
                base.pop()?;
            } else {
                base.push(part.clone());
            }
        }
        Some(base)
    }

    /// The module where what a path names is defined.
    fn home(&self, mut path: Module) -> Option<Module> {
        // As often as names are re-exported, which is a few times.
        for _ in 0..8 {
            let depth = (0..=path.len()).rev().find(|&depth| self.code.contains_key(&path[..depth]))?;
            let module = path[..depth].to_vec();
            let Some(name) = path.get(depth) else { return Some(module) };
            match self.reexports.get(&(module.clone(), name.clone())) {
                Some(target) => path = target.iter().chain(&path[depth + 1..]).cloned().collect(),
                None => return Some(module),
            }
        }
        None
    }
}

/// A circle of modules, in words.
fn circle(uses: &BTreeMap<Module, BTreeSet<Module>>) -> Option<String> {
    let mut done = BTreeSet::new();
    uses.keys().find_map(|module| visit(module, uses, &mut Vec::new(), &mut done))
}

fn visit(
    module: &Module,
    uses: &BTreeMap<Module, BTreeSet<Module>>,
    path: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
) -> Option<String> {
    if let Some(start) = path.iter().position(|earlier| earlier == module) {
        let words = path[start..].iter().chain([module]).map(|module| match module.as_slice() {
            [] => "the root".to_owned(),
            names => names.join("::"),
        });
        return Some(words.collect::<Vec<_>>().join(" → "));
    }
    if !done.insert(module.clone()) {
        return None;
    }
    path.push(module.clone());
    let found = uses.get(module).into_iter().flatten().find_map(|used| visit(used, uses, path, done));
    path.pop();
    found
}

/// Code without comments, texts, and modules of tests.
fn plain(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let line = without_texts(line);
        let line = line.split("//").next().unwrap_or_default();
        code.push_str(line);
        code.push('\n');
    }
    match code.find("#[cfg(test)]\nmod tests {") {
        Some(start) => code[..start].to_owned(),
        None => code,
    }
}

/// A line whose texts are empty.
fn without_texts(line: &str) -> String {
    let (mut kept, mut is_text, mut is_escaped) = (String::new(), false, false);
    for letter in line.chars() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            letter if !is_text => kept.push(letter),
            _ => {}
        }
    }
    kept
}

/// A path that a `use` declaration brings into scope.
struct Used {
    path: Module,
    name: String,
    is_reexport: bool,
}

/// What `use` declarations bring into scope, and the code without them.
fn uses_and_code(code: &str) -> (Vec<Used>, String) {
    let (mut found, mut others, mut rest) = (Vec::new(), String::new(), code);
    while let Some(start) = find_use(rest) {
        let before = rest[..start].trim_end();
        let visibility = before.rsplit(['\n', ';', '}', '{', ']']).next().unwrap_or_default().trim();
        let end = rest[start..].find(';').map_or(rest.len(), |end| start + end);
        let is_reexport = visibility.starts_with("pub");
        found.extend(tree(&rest[start + 4..end]).into_iter().map(|(path, name)| Used {
            path,
            name,
            is_reexport,
        }));
        others.push_str(&rest[..start]);
        rest = &rest[end..];
    }
    others.push_str(rest);
    (found, others)
}

fn find_use(code: &str) -> Option<usize> {
    code.match_indices("use ").map(|(at, _)| at).find(|&at| {
        code[..at]
            .chars()
            .next_back()
            .is_none_or(|letter| letter.is_whitespace() || letter == '{' || letter == ')')
    })
}

/// The paths of a tree such as `a::{b, c::d as e}`, with their names.
fn tree(text: &str) -> Vec<(Module, String)> {
    let text = text.trim();
    if let Some((head, inner)) = text.split_once('{') {
        let head: Module = path(head.trim().trim_end_matches("::"));
        let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
        let parts = split(inner).into_iter().flat_map(tree);
        return parts
            .map(|(rest, name)| {
                let rest = if rest == ["self"] { Vec::new() } else { rest };
                (head.iter().cloned().chain(rest).collect(), name)
            })
            .collect();
    }
    let (text, renamed) = match text.split_once(" as ") {
        Some((text, name)) => (text, Some(name.trim().to_owned())),
        None => (text, None),
    };
    let mut whole = path(text.trim().trim_start_matches("::"));
    if whole.last().is_some_and(|last| last == "*") {
        whole.pop();
    }
    match renamed.or_else(|| whole.last().cloned()) {
        Some(name) => vec![(whole, name)],
        None => Vec::new(),
    }
}

/// The parts between the commas that stand in no inner braces.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn path(text: &str) -> Module {
    text.split("::").filter(|part| !part.is_empty()).map(|part| part.trim().to_owned()).collect()
}

/// Paths in the code itself.
fn inline_paths(code: &str) -> Vec<Module> {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words = code.split(|letter: char| !is_name(letter) && letter != ':');
    words.filter(|word| word.contains("::") && !word.starts_with(':')).map(path).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("a readable folder").map(|entry| entry.expect("an entry").path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
