//! The rules of the house, read off `cargo metadata`: which crate may know which.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Members and the members that their code may use, from the leaves up. What is not listed here may use no other member.
const MAY_USE: &[(&str, &[&str])] = &[
    // Leaves: none knows another.
    ("progress", &[]),
    ("files", &[]),
    ("random", &[]),
    ("jpeg", &[]),
    ("pickle", &[]),
    ("kernels", &[]),
    ("evaluation", &[]),
    // One thing each.
    ("ranks", &["random"]),
    ("mpi_ranks", &["ranks"]),
    ("spectral", &["evaluation", "files"]),
    ("plots", &["files", "spectral"]),
    ("pages", &["plots", "spectral"]),
    ("datasets", &["files", "jpeg", "pickle", "progress", "random"]),
    ("models", &["kernels", "ranks"]),
    ("checkpoints", &["files", "models", "pickle"]),
    ("onnx", &["files", "models"]),
    ("training", &["files", "kernels", "random", "ranks"]),
    ("cdes", &["files", "kernels", "random", "spectral", "training"]),
    ("runs", &["checkpoints", "files", "models", "training"]),
    ("reports", &["files", "pages", "plots", "runs", "spectral", "training"]),
    // The product.
    ("pipeline", &["datasets", "kernels", "models", "onnx", "progress", "ranks", "runs", "training"]),
    (
        "analysis",
        &[
            "datasets",
            "evaluation",
            "files",
            "kernels",
            "models",
            "pages",
            "pipeline",
            "plots",
            "progress",
            "random",
            "ranks",
            "runs",
            "spectral",
            "training",
        ],
    ),
    ("derived", &["cdes", "datasets", "files", "plots", "progress", "ranks", "spectral", "training"]),
    (
        "reproduction",
        &[
            "evaluation",
            "files",
            "pages",
            "plots",
            "progress",
            "ranks",
            "reports",
            "runs",
            "spectral",
            "training",
        ],
    ),
    // What users see.
    (
        "freqbias",
        &[
            "analysis",
            "cdes",
            "checkpoints",
            "datasets",
            "derived",
            "evaluation",
            "models",
            "mpi_ranks",
            "pages",
            "pipeline",
            "plots",
            "progress",
            "ranks",
            "reports",
            "reproduction",
            "runs",
            "spectral",
            "training",
        ],
    ),
    (
        "bins",
        &[
            "analysis",
            "cdes",
            "checkpoints",
            "datasets",
            "derived",
            "evaluation",
            "files",
            "kernels",
            "models",
            "mpi_ranks",
            "onnx",
            "pipeline",
            "progress",
            "ranks",
            "reports",
            "reproduction",
            "runs",
            "spectral",
            "training",
        ],
    ),
    ("freqbias-cli", &["bins"]),
    ("freqbias-python", &["bins", "freqbias"]),
    ("examples", &[]),
    ("benches", &["kernels"]),
    ("tests", &[]),
];

/// What belongs to the command line alone.
const ONLY_IN_BINS: &[&str] =
    &["anyhow", "clap", "clap_complete", "clap_mangen", "ctrlc", "indicatif", "signal-hook"];

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata of this workspace")
}

/// The direct dependencies of a package's own code, optional ones included, by the names that its code has for them.
fn dependencies(package: &Package) -> BTreeSet<&str> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.rename.as_deref().unwrap_or(&dependency.name)).collect()
}

/// What code calls a package.
fn name(package: &Package) -> &str {
    let library = package.targets.iter().find(|target| target.is_lib());
    library.map_or(package.name.as_str(), |library| &library.name)
}

#[test]
fn members_use_only_the_members_they_may() {
    let metadata = metadata();
    let rules: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let members: BTreeSet<&str> = metadata.packages.iter().map(name).collect();
    assert_eq!(members, rules.keys().copied().collect(), "every member has a rule, every rule a member");
    for package in &metadata.packages {
        let used: Vec<&str> = dependencies(package).intersection(&members).copied().collect();
        let allowed = rules[name(package)];
        let forbidden: Vec<&&str> = used.iter().filter(|name| !allowed.contains(name)).collect();
        assert!(forbidden.is_empty(), "`{}` must not depend on {forbidden:?}", package.name);
    }
}

#[test]
fn only_bins_knows_the_command_line() {
    for package in &metadata().packages {
        if matches!(name(package), "bins" | "examples" | "tests") {
            continue;
        }
        let found: Vec<&str> =
            dependencies(package).into_iter().filter(|d| ONLY_IN_BINS.contains(d)).collect();
        assert!(found.is_empty(), "`{}` depends on {found:?}, which only `bins` may use", package.name);
    }
}

#[test]
fn spectral_needs_no_tensor_library_by_default() {
    let metadata = metadata();
    let spectral = metadata.packages.iter().find(|package| name(package) == "spectral").expect("a member");
    let candle = spectral
        .dependencies
        .iter()
        .filter(|d| d.kind == DependencyKind::Normal && d.name.starts_with("candle"));
    assert!(candle.into_iter().all(|dependency| dependency.optional), "candle is optional in `spectral`");
}

#[test]
fn versions_stand_in_one_table() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for package in &metadata().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest");
        let own =
            manifest.lines().find(|line| line.contains("version = \"") || line.contains("path = \"../"));
        assert_eq!(
            own, None,
            "{} names a version or path itself; use the workspace's table",
            package.manifest_path
        );
    }
    assert!(root.join("Cargo.lock").exists(), "the lock file is part of the repository");
}

#[test]
fn unsafe_code_stands_in_kernels_alone() {
    for package in &metadata().packages {
        let folder = package.manifest_path.parent().expect("a folder");
        if name(package) == "kernels" {
            continue;
        }
        for file in rust_files(folder.as_std_path()) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            let lifted =
                ["allow", "expect"].iter().any(|word| text.contains(&format!("{word}({}", "unsafe_code")));
            assert!(!lifted, "{} lifts the lint on unsafe code", file.display());
        }
    }
}

/// What changes files, by the standard library; whoever does it beside `files` cannot be made to fail there.
const OF_FILES: &[&str] = &[
    "fs::write(",
    "fs::rename(",
    "fs::remove_",
    "fs::create_dir",
    "fs::copy(",
    "fs::hard_link(",
    "File::create",
    "create_new(",
];

/// Code that is no test's: documentation and what stands behind `#[cfg(test)]` may do as it likes.
#[test]
fn files_are_written_by_one_crate() {
    for package in &metadata().packages {
        if ["files", "tests", "examples", "benches"].contains(&name(package)) {
            continue;
        }
        for file in rust_files(package.manifest_path.parent().expect("a folder").join("src").as_std_path()) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            let path = file.display().to_string();
            // Pages of a manual, which are no results.
            if path.contains("test") || path.ends_with("bins/src/freqbias.rs") {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let mut lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let found = lines.find(|line| OF_FILES.iter().any(|words| line.contains(words)));
            assert_eq!(found, None, "{path}: use `files`");
        }
    }
}

fn rust_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("a readable folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                vec![path]
            } else {
                Vec::new()
            }
        })
        .collect()
}

/// One feature more in a leaf, and all crates above it are compiled again.
#[test]
fn programs_and_tests_share_what_they_compile() {
    let crates = |edges: &str, of: &[&str]| -> BTreeSet<String> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "tree",
            "--locked",
            "--offline",
            "--prefix",
            "none",
            "--format",
            "{p} {f}",
            "--edges",
            edges,
        ]);
        let tree = cargo.args(of).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo starts");
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        let lines = String::from_utf8(tree.stdout).expect("names are UTF-8");
        lines.lines().map(|line| line.replace(" (*)", "").trim_end().to_owned()).collect()
    };
    let (programs, all) = (
        crates("normal", &["--package", "bins"]),
        crates("normal,dev", &["--workspace", "--exclude", "freqbias-python"]),
    );
    let apart: Vec<&String> = programs.difference(&all).collect();
    assert!(apart.is_empty(), "other features in tests: {apart:#?}; ask for those in bins/Cargo.toml, too");
}
