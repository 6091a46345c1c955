//! The flags that several programs share. Two-word flags are accepted with `-` and with `_`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{
    Arg, Args, ValueEnum,
    builder::{PathBufValueParser, TypedValueParser},
};
use models::{Architecture, Family, Math};
use serde::Serialize;

use crate::{launch::UnusableFlags, terminal::Terminal};

/// Which images: a data set by name and, where it is on disk, its place.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct DataFlags {
    /// The data set; `synthetic` is generated and needs nothing on disk
    #[arg(long, value_enum, default_value_t = DatasetName::Synthetic)]
    pub dataset: DatasetName,
    #[command(flatten)]
    #[serde(flatten)]
    pub images: ImageFlags,
    /// Images per batch [default: 128; 64 on synthetic and for gradients]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub batch_size: Option<usize>,
    /// Threads that prepare batches ahead of the network
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = workers)]
    pub workers: usize,
}

/// Where a data set is, and which of its images are taken.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct ImageFlags {
    /// The data set's root, the folder that holds its batches, or its archive
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Fetch cifar10 or cifar100 first if it is not there, into --data [default: the user's cache folder]
    #[arg(long)]
    pub download: bool,
    /// The folder of a server that --download fetches archives from, instead of their authors'
    #[arg(long, value_name = "URL", value_parser = mirror)]
    pub mirror: Option<String>,
    /// Which labels of cifar100: its 100 classes, or its 20 superclasses
    #[arg(long, value_enum, value_name = "KIND", default_value_t = LabelKind::Fine)]
    pub labels: LabelKind,
    /// Rows and columns of an image, for imagenet, resIN and folder [default: 224; folder: the size of its images if all have one]
    #[arg(long, value_name = "N", value_parser = image_size)]
    pub image_size: Option<usize>,
    /// What becomes of images in a folder that cannot be decoded
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnCorrupt::Error)]
    pub on_corrupt: OnCorrupt,
    /// Use only the first N training images
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit_train: Option<usize>,
    /// Use only the first N test images
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit_test: Option<usize>,
}

impl ImageFlags {
    /// The flags of a program that makes no batches.
    pub(crate) fn of(&self, dataset: DatasetName) -> DataFlags {
        DataFlags { dataset, images: self.clone(), batch_size: None, workers: 1 }
    }
}

impl DataFlags {
    /// The data set as people call it: one of many of its kind by its folder, or by its archive without endings.
    pub(crate) fn label(&self) -> String {
        let name = self.images.data.as_deref().and_then(Path::file_name);
        let folder = name.map(|name| {
            let name = name.to_string_lossy();
            name.split(".tar").next().unwrap_or(&name).to_owned()
        });
        let of_set = folder.filter(|_| self.dataset.is_one_of_many());
        of_set.unwrap_or_else(|| self.dataset.as_str().to_owned())
    }
}

/// The data sets that `--dataset` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DatasetName {
    /// Ten kinds of textured shapes, generated: nothing to download
    Synthetic,
    /// CIFAR-10: the binary or Python version, or the archive of either
    Cifar10,
    /// CIFAR-100, likewise
    Cifar100,
    /// Images that `generate_toy_dataset` wrote
    Generated,
    /// Any images: `train/<class>/` and `val/<class>/` or `test/<class>/`, in a folder or a tar archive
    Folder,
    /// ImageNet: such a folder with its 1000 classes
    #[value(name = "imagenet")]
    ImageNet,
    /// Restricted ImageNet: nine kinds of animals in that folder
    #[value(name = "resIN", alias = "resin")]
    #[serde(rename = "resIN")]
    ResIn,
}

/// What becomes of a damaged image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnCorrupt {
    /// The program ends and names it
    Error,
    /// It is left out, and told at the end
    Skip,
}

impl From<OnCorrupt> for datasets::OnCorrupt {
    fn from(what: OnCorrupt) -> Self {
        match what {
            OnCorrupt::Error => Self::Error,
            OnCorrupt::Skip => Self::Skip,
        }
    }
}

impl DatasetName {
    /// The name as `--dataset` takes it, and as folders and files carry it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Generated => "generated",
            Self::Folder => "folder",
            Self::ImageNet => "imagenet",
            Self::ResIn => "resIN",
        }
    }

    /// Whether it is a kind of set of which people have many, told apart by their folders.
    pub(crate) fn is_one_of_many(self) -> bool {
        matches!(self, Self::Generated | Self::Folder)
    }
}

/// The kinds of labels that CIFAR-100 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LabelKind {
    /// 100 classes
    Fine,
    /// 20 superclasses
    Coarse,
}

impl From<LabelKind> for datasets::cifar::Labels {
    fn from(kind: LabelKind) -> Self {
        match kind {
            LabelKind::Fine => Self::Fine,
            LabelKind::Coarse => Self::Coarse,
        }
    }
}

impl LabelKind {
    /// The kind as `--labels` takes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Coarse => "coarse",
        }
    }
}

/// Which network, and where its run is kept.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct RunFlags {
    /// The architecture
    #[arg(long, value_name = "NAME", default_value = "resnet18", value_parser = architecture)]
    #[serde(serialize_with = "architecture_name")]
    pub arch: Architecture,
    /// For which images: `cifar` (about 32 pixels) or `imagenet` (about 224) [default: imagenet above 64 pixels]
    #[arg(long, value_name = "FAMILY", value_parser = family)]
    #[serde(serialize_with = "family_name")]
    pub arch_family: Option<Family>,
    /// The folder that holds all runs
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = folder_to_write())]
    pub out_dir: PathBuf,
    /// The run's name [default: {arch}_baseline; {arch}_{folder} on a generated set or a folder]
    #[arg(long, value_name = "NAME", value_parser = folder_name)]
    pub task: Option<String>,
    /// Seed of everything random: the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed)]
    pub seed: u64,
}

impl RunFlags {
    /// The architecture for images of this many rows and columns.
    ///
    /// # Errors
    /// If its family has none of this name.
    pub(crate) fn architecture(&self, size: [usize; 2]) -> anyhow::Result<Architecture> {
        let family = self.arch_family.unwrap_or_else(|| Family::for_size(size));
        self.arch
            .of(family)
            .map_err(|error| UnusableFlags(format!("--arch {}: {error}", self.arch.name())).into())
    }

    /// The run's name: `--task`, or what the other flags make it. Sets that are one of many give it their folder's name.
    pub(crate) fn task(&self, data: &DataFlags) -> String {
        let is_one_of_many = data.dataset.is_one_of_many();
        let of_set = if is_one_of_many { data.label() } else { "baseline".to_owned() };
        self.task.clone().unwrap_or_else(|| format!("{}_{of_set}", self.arch.name()))
    }

    /// `{out-dir}/{dataset}/{task}`.
    pub(crate) fn folder(&self, data: &DataFlags) -> PathBuf {
        self.out_dir.join(data.dataset.as_str()).join(self.task(data))
    }
}

/// How the program runs and what it says.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct MachineFlags {
    /// Number of the GPU; a build without CUDA says so and runs on the CPU
    #[arg(long, alias = "cuda-index", value_name = "N", conflicts_with = "device", value_parser = gpu)]
    pub gpu: Option<usize>,
    /// What the factors of convolutions are rounded to: bf16 is faster and less exact than f32; on a GPU there is tf32 between them
    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        default_value = "f32",
        default_value_ifs = [("bf16", "true", "bf16"), ("tf32", "true", "tf32")],
        conflicts_with_all = ["bf16", "tf32"]
    )]
    pub precision: Precision,
    /// Short for --precision tf32
    #[arg(long, conflicts_with = "bf16")]
    #[serde(skip)]
    pub tf32: bool,
    /// Short for --precision bf16
    #[arg(long)]
    #[serde(skip)]
    pub bf16: bool,
    /// `cpu`, `cuda:0` or `auto`; `cpu-plain` is the CPU with the operations of GPUs, slow, to compare with
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = device_name)]
    pub device: String,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// How the result is printed on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// No progress and no notes, only the result and errors
    #[arg(long)]
    pub quiet: bool,
    /// A JSON file with defaults for these flags, such as the config.json of a run
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// Hides what is for networks from the help of a program that runs none: it still takes these flags, which scripts give to all.
pub(crate) fn without_networks(argument: Arg) -> Arg {
    let is_of_networks =
        ["gpu", "precision", "tf32", "bf16", "device"].iter().any(|id| argument.get_id() == id);
    argument.hide(is_of_networks)
}

/// What the factors of convolutions are rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    /// Nothing: f32 throughout
    F32,
    /// 10 bits of mantissa, on GPUs that have it
    Tf32,
    /// 7 bits of mantissa
    Bf16,
}

impl From<Precision> for Math {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::Full,
            Precision::Tf32 => Self::Tf32,
            Precision::Bf16 => Self::Bf16,
        }
    }
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A table for people
    Text,
    /// One JSON object for programs
    Json,
}

impl MachineFlags {
    /// Sets the number of threads and opens the terminal.
    ///
    /// # Errors
    /// If the thread pool cannot be started.
    pub(crate) fn prepare(&self) -> anyhow::Result<Terminal> {
        let terminal = Terminal::new(self.quiet);
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build_global().with_context(|| format!("--threads {threads}"))?;
        }
        Ok(terminal)
    }
}

pub(crate) fn architecture(name: &str) -> Result<Architecture, models::Error> {
    name.parse()
}

fn architecture_name<S: serde::Serializer>(architecture: &Architecture, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(architecture.name())
}

fn family(name: &str) -> Result<Family, models::Error> {
    name.parse()
}

fn family_name<S: serde::Serializer>(family: &Option<Family>, to: S) -> Result<S::Ok, S::Error> {
    family.map(|family| family.to_string()).serialize(to)
}

pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a whole number from 0 to 2^64 − 1".to_owned())
}

fn gpu(text: &str) -> Result<usize, String> {
    if text.contains(',') {
        return Err("several GPUs at once are not supported; expected one number, as --gpu 0".to_owned());
    }
    text.parse().map_err(|_| "expected the number of a GPU, 0 or more".to_owned())
}

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number, 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

fn mirror(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_address =
        address.is_some_and(|address| !address.is_empty() && !address.contains(char::is_whitespace));
    let expected = || "expected the address of a folder, as https://mirror.example.org/cifar".to_owned();
    is_address.then(|| text.trim_end_matches('/').to_owned()).ok_or_else(expected)
}

/// The largest image that a network is fed.
const LARGEST_IMAGE: usize = 1024;

pub(crate) fn image_size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| (8..=LARGEST_IMAGE).contains(size));
    size.ok_or_else(|| format!("expected a whole number from 8 to {LARGEST_IMAGE}"))
}

/// More of either only costs memory; no machine has as many cores.
const MOST_THREADS: usize = 512;
const MOST_WORKERS: usize = 64;

fn threads(text: &str) -> Result<usize, String> {
    up_to(MOST_THREADS, text)
}

fn workers(text: &str) -> Result<usize, String> {
    up_to(MOST_WORKERS, text)
}

fn up_to(most: usize, text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("expected a whole number from 1 to {most}"))
}

/// A task is one folder below the data set's, never a path out of it.
fn folder_name(text: &str) -> Result<String, String> {
    let unfit = |c: char| c == '/' || c == '\\' || c.is_control();
    let plain = !text.is_empty() && text != "." && text != ".." && !text.contains(unfit);
    if plain { Ok(text.to_owned()) } else { Err("expected a plain folder name, without slashes".to_owned()) }
}

/// A folder that is there or can be made.
pub(crate) fn folder_to_write() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|folder: PathBuf| {
        // The nearest that is there, the folder itself or one above it.
        let there = folder.ancestors().find(|path| path.exists());
        let in_the_way = there.filter(|path| !path.is_dir()).map(|path| path.display().to_string());
        in_the_way
            .map_or(Ok(folder), |path| Err(format!("{path} is a file, expected a folder; choose another")))
    })
}

fn device_name(text: &str) -> Result<String, String> {
    let index = text.strip_prefix("cuda:").is_some_and(|index| index.parse::<usize>().is_ok());
    let known = index || ["cpu", "cpu-plain", "cuda", "auto"].contains(&text);
    if known { Ok(text.to_owned()) } else { Err("expected cpu, cpu-plain, cuda:0 or auto".to_owned()) }
}
