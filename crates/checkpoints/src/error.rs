//! What can go wrong with files of weights, by cause.

use std::path::PathBuf;

/// Anything that this crate reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// A folder, a pipe or a device in the place of a file.
    #[error("{}: this is a {}, expected a file", path.display(), if *is_folder { "folder" } else { "pipe or a device" })]
    NoFile { path: PathBuf, is_folder: bool },
    /// A file of something else.
    #[error("{}: this is {found}, not a checkpoint; expected a safetensors file, or one of PyTorch's", path.display())]
    SomethingElse { path: PathBuf, found: String },
    /// A checkpoint that cannot be read.
    #[error("{}: not a checkpoint that can be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: String },
    /// Several networks, none of which comes before the others.
    #[error("{}: holds several networks: {}", path.display(), keys.join(", "))]
    SeveralNetworks { path: PathBuf, keys: Vec<String> },
    /// A name of weights that is not in the file.
    #[error("{}: holds no weights `{key}`, only {}", path.display(), keys.join(", "))]
    NoSuchWeights { path: PathBuf, key: String, keys: Vec<String> },
    /// Weights of a type that is none of weights.
    #[error("{}: `{key}` is of {kind}, expected floating-point numbers", path.display())]
    NumberType { path: PathBuf, key: String, kind: &'static str },
    /// A weight that code would have to make.
    #[error("{}: {}", path.display(), made_by(key, code))]
    MadeByCode { path: PathBuf, key: String, code: String },
    /// A normaliser that is none.
    #[error("{}: the normaliser `{key}`: {problem}", path.display())]
    Normaliser { path: PathBuf, key: String, problem: String },
    /// Several normalisers beside the weights, which differ.
    #[error("{}: holds several normalisers: {}", path.display(), keys.join(", "))]
    SeveralNormalisers { path: PathBuf, keys: Vec<String> },
    /// A configuration beside the weights that cannot be used.
    #[error("{}: the configuration beside it cannot be used: {problem}", path.display())]
    Configuration { path: PathBuf, problem: String },
    /// The weights are not those of the architecture.
    #[error("{}: {source}{}", path.display(), near(nearest.as_deref()))]
    DoesNotFit { path: PathBuf, source: Box<models::Error>, nearest: Option<String> },
    /// A file of the `robustness` style is to be written without a normaliser.
    #[error("no normaliser is known, and a file of the robustness style has one")]
    NoNormaliser,
    /// A file could not be written.
    #[error("{0}")]
    Write(#[source] std::io::Error),
    /// A file cannot be used.
    #[error("{0}")]
    File(#[from] files::Error),
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
}

fn made_by(key: &str, code: &str) -> String {
    let what = match code {
        "torch._utils._rebuild_qtensor" => {
            "is quantised; expected the network before quantisation".to_owned()
        }
        "torch._utils._rebuild_meta_tensor_no_storage" => {
            "is a tensor on the device `meta`, which has no numbers".to_owned()
        }
        code => format!("is made by `{code}`, which is not run; expected numbers"),
    };
    format!("`{key}` {what}")
}

fn near(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; {nearest}"))
}
