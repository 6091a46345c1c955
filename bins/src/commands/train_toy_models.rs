//! `train_toy_models`: fits kernels that give images another spectral density (Lin, Gao & Sang, IJCAI 2022, CDES).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use candle_core::{Device, Tensor};
use cdes::{
    EpochLosses, Fit, FitEvent, FitSettings, ImageSource, KernelFolder, Objective, Outcome, Start,
    ToyKernels, target_density,
};
use clap::{Parser, ValueEnum};
use datasets::Dataset;
use models::Backend;
use serde::Serialize;
use serde_json::Value;
use training::{FolderLock, RunFolder, Schedule};

use crate::{
    backend, data,
    flags::{Format, MachineFlags, Precision, at_least_one, seed},
    interrupt::Interrupted,
    launch::UnusableFlags,
    session::Session,
    terminal,
    toy::{FitWatcher, Images, KernelFlags, Part, Scope, ToyData, epoch_pictures, events, scopes},
    train::{below_one, not_negative},
};

/// Fits kernels that give images a spectral density with a second peak at high frequencies: a set for each class (SCR) or
/// one for all (WCR).
#[derive(Debug, Parser, Serialize)]
#[command(name = "train_toy_models", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    data: ToyData,
    #[command(flatten)]
    #[serde(flatten)]
    kernels: KernelFlags,
    /// Kernels of the first convolution
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one)]
    number: usize,
    /// Side of a kernel in pixels, odd
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = odd)]
    kernel_size: usize,
    /// Epochs in all
    #[arg(long, alias = "epoch", value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    epochs: usize,
    /// Images per batch
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
    batch_size: usize,
    /// Learning rate at the start
    #[arg(long, value_name = "X", default_value_t = 0.01, value_parser = not_negative)]
    lr: f64,
    /// Epochs after which the rate falls
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one)]
    step_lr: usize,
    /// What it is multiplied with then
    #[arg(long, value_name = "X", default_value_t = 0.1, value_parser = not_negative)]
    step_lr_gamma: f64,
    /// Momentum of SGD
    #[arg(long, value_name = "X", default_value_t = 0.9, value_parser = below_one)]
    momentum: f64,
    /// Weight decay, of all parameters
    #[arg(long, value_name = "X", default_value_t = 1e-4, value_parser = not_negative)]
    weight_decay: f64,
    /// Height of the second peak of the target density, relative to the first
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative)]
    rho: f64,
    /// Begin each class with the kernels of the class before, as the published script does
    #[arg(long)]
    warm_start: bool,
    /// Which images to fit on
    #[arg(long, value_enum, default_value_t = FitOn::All)]
    fit_on: FitOn,
    /// Seed of everything random: the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed)]
    seed: u64,
    #[command(flatten)]
    #[serde(flatten)]
    machine: MachineFlags,
    /// Go on where the fit stopped
    #[arg(long, conflicts_with = "overwrite")]
    #[serde(skip)]
    resume: bool,
    /// Remove earlier kernels of the same experiment first
    #[arg(long)]
    #[serde(skip)]
    overwrite: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum FitOn {
    /// Training and test images, as published
    All,
    /// Training images alone
    Train,
}

/// Pictures are drawn after every so many epochs, and after the last.
const PICTURE_EPOCHS: usize = 4;

/// Images whose density the pictures show.
const PICTURE_IMAGES: usize = 500;

/// The folder of pictures in that of a kernel set.
const PICTURES: &str = "Img";

/// Runs the command.
///
/// # Errors
/// If the data cannot be read, there is an earlier fit, a class has no images, or a file cannot be written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = Session::start(&flags.machine)?;
    if flags.machine.precision != Precision::F32 {
        session.terminal.note("note: --precision has no effect: kernels are fitted in f32");
    }
    print(&fit(&flags, &session)?, flags.machine.format)
}

/// Fits the kernels that the flags name.
///
/// # Errors
/// As [`run`].
pub(crate) fn fit(flags: &Flags, session: &Session) -> anyhow::Result<Vec<Fitted>> {
    let dataset = data::open_in_memory(&flags.data.resolve())?;
    data::tell_left_out(&dataset, session.terminal);
    let part = if flags.fit_on == FitOn::All { Part::All } else { Part::Train };
    let scopes = scopes(flags.kernels.exp_name, dataset.train.classes().len());
    let each = scopes.into_iter().map(|scope| Ok((scope, Images::new(&dataset, scope, part)?)));
    let sets: Vec<(Scope, Images<'_>)> = each.collect::<anyhow::Result<_>>()?;
    // Everything that can be refused comes first: earlier kernels are removed only for ones that can be fitted.
    flags.fit(Scope::All, &dataset, session)?;
    flags
        .fresh_kernels(Scope::All)
        .map_err(|error| UnusableFlags(format!("--number, --kernel-size: {error}")))?;
    let _lock = flags.prepare(&sets, &dataset, &session.backend)?;
    let mut fitter = Fitter { flags, dataset: &dataset, session, before: None };
    let results =
        sets.iter().map(|(scope, images)| fitter.run(*scope, images)).collect::<anyhow::Result<Vec<_>>>()?;
    // Only now is it known that a fit that went on did so with these settings.
    flags.save_config(&dataset, &session.backend)?;
    Ok(results)
}

impl Flags {
    /// The fit of one kernel set.
    fn fit(&self, scope: Scope, dataset: &Dataset, session: &Session) -> anyhow::Result<Fit> {
        let shape = dataset.train.shape();
        let radii = spectral::RadialBins::new(shape.height, shape.width, spectral::Convention::Reference);
        let target = target_density(radii.len(), shape.height, self.rho);
        let settings = FitSettings {
            epochs: self.epochs,
            lr: self.lr,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            schedule: Schedule::Step { epochs: self.step_lr, factor: self.step_lr_gamma },
            batch_size: self.batch_size,
            seed: scope.seed(self.seed),
        };
        let fit = settings.check(Objective::new(shape.height, shape.width, target)?)?;
        match &session.backend {
            Backend::Blocked(_) => Ok(fit),
            Backend::Tensors { device, .. } => Ok(fit.on(device)?),
        }
    }

    fn folder(&self, scope: Scope) -> KernelFolder {
        KernelFolder::at(self.kernels.folder().join(scope.folder()))
    }

    /// Refuses or removes earlier kernels, and takes the folder.
    fn prepare(
        &self,
        sets: &[(Scope, Images<'_>)],
        dataset: &Dataset,
        backend: &Backend,
    ) -> anyhow::Result<FolderLock> {
        let root = self.kernels.folder();
        let unusable = |problem: &str| UnusableFlags(format!("{}: {problem}", root.display()));
        let mut is_begun = false;
        for (scope, _) in sets {
            let folder = self.folder(*scope);
            let (has_state, has_kernels) = (folder.state_path().exists(), !folder.checkpoints()?.is_empty());
            is_begun |= has_state || has_kernels;
            if has_kernels && !has_state && !self.overwrite {
                return Err(UnusableFlags(format!(
                    "{}: this file is missing, and without it the fit in its folder cannot go on; replace it with \
                     --overwrite, or choose another --out-dir",
                    folder.state_path().display()
                ))
                .into());
            }
        }
        if is_begun && !self.resume && !self.overwrite {
            return Err(unusable(
                "there are kernels in this folder already; go on with --resume, replace them with --overwrite, or choose \
                 another --out-dir",
            )
            .into());
        }
        if self.resume && !is_begun {
            return Err(unusable(
                "there is no fit to resume in this folder; leave --resume out to start one",
            )
            .into());
        }
        if self.resume {
            self.check_run(dataset)?;
        }
        let lock = FolderLock::take(&root)?;
        if self.overwrite {
            remove_kernels(&root)?;
        }
        if !self.resume {
            self.save_config(dataset, backend)?;
        }
        Ok(lock)
    }

    /// A fit that goes on must be of the same images, and begin its classes in the same way; what else must not change its
    /// state knows.
    fn check_run(&self, dataset: &Dataset) -> anyhow::Result<()> {
        let root = self.kernels.folder();
        let config = RunFolder::at(&root).config()?.unwrap_or_default();
        let now: [(&str, &Value, Value); 2] = [
            ("--dataset", &config["settings"]["dataset"], self.data.resolve().dataset.as_str().into()),
            ("--warm-start", &config["settings"]["warm_start"], self.warm_start.into()),
        ];
        let changed = now.into_iter().find(|(_, before, now)| !before.is_null() && *before != now);
        let changed = changed.map(|(name, before, now)| {
            format!("the fit was started with {name} {before}, but now it is {now}; resume with the same")
        });
        let images = &config["images_checksum"];
        let others = (!images.is_null() && *images != dataset.checksum()).then(|| {
            "the images or their labels are not those that the fit was started with; put back the files of --data as they were, \
             give the same --labels, --image-size, --limit-train and --limit-test"
                .to_owned()
        });
        let Some(problem) = changed.or(others) else { return Ok(()) };
        let root = root.display();
        Err(UnusableFlags(format!("{root}: {problem}, or start anew with --overwrite or another --out-dir"))
            .into())
    }

    fn fresh_kernels(&self, scope: Scope) -> Result<ToyKernels, cdes::Error> {
        ToyKernels::new(self.number, self.kernel_size, scope.seed(self.seed))
    }

    fn save_config(&self, dataset: &Dataset, backend: &Backend) -> anyhow::Result<()> {
        let mut settings = serde_json::to_value(self)?;
        settings["dataset"] = self.data.resolve().dataset.as_str().into();
        RunFolder::at(self.kernels.folder()).save_config(&serde_json::json!({
            "command": "train_toy_models",
            "version": env!("CARGO_PKG_VERSION"),
            "git_commit": option_env!("FREQBIAS_GIT_COMMIT"),
            "device": backend.to_string(),
            "kernels": backend::kernels(backend),
            "threads": rayon::current_num_threads(),
            "train_images": dataset.train.len(),
            "test_images": dataset.test.len(),
            "images_checksum": dataset.checksum(),
            "classes": dataset.train.classes(),
            "settings": settings,
        }))?;
        Ok(())
    }
}

/// Removes kernels, logs and pictures of earlier fits, by their names.
fn remove_kernels(root: &Path) -> anyhow::Result<()> {
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name == Scope::All.folder() || name.strip_prefix("class").is_some_and(|n| n.parse::<usize>().is_ok())
    };
    for folder in entries(root)?.into_iter().filter(named) {
        KernelFolder::at(&folder).clear()?;
        let events = events::path(&folder);
        if events.exists() {
            fs::remove_file(&events).with_context(|| events.display().to_string())?;
        }
        for picture in entries(&folder.join(PICTURES))? {
            let name = picture.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("Sp-epoch") || name.starts_with("Img-epoch") {
                fs::remove_file(&picture).with_context(|| picture.display().to_string())?;
            }
        }
    }
    Ok(())
}

/// What is in a folder; nothing if there is no such folder.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => {
            let each = read.with_context(|| folder.display().to_string())?;
            Ok(each.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?)
        }
    }
}

/// What became of one kernel set.
#[derive(Debug, Serialize)]
pub(crate) struct Fitted {
    scope: String,
    folder: PathBuf,
    epochs: Vec<EpochLosses>,
}

struct Fitter<'a> {
    flags: &'a Flags,
    dataset: &'a Dataset,
    session: &'a Session,
    /// The kernels of the class before, for a warm start.
    before: Option<PathBuf>,
}

impl Fitter<'_> {
    fn run(&mut self, scope: Scope, images: &Images<'_>) -> anyhow::Result<Fitted> {
        let (flags, label) = (self.flags, scope.label(self.dataset.train.classes()));
        let fit = flags.fit(scope, self.dataset, self.session)?;
        let mut kernels = self.start(scope)?;
        let path = flags.folder(scope).path().to_owned();
        let start = if flags.folder(scope).state_path().exists() { Start::Resume } else { Start::Fresh };
        let folder = KernelFolder::begin(&path, start)?;
        let mut watcher = FitWatcher::new(self.session.terminal, flags.epochs, images.len(), label.clone());
        let pictures = Pictures {
            folder: path.join(PICTURES),
            label,
            images: sample(images)?,
            fit: &fit,
            last: flags.epochs - 1,
        };
        let mut drawn = Ok(());
        let outcome =
            fit.run(&mut kernels, images, Some(&folder), &self.session.interrupt, &mut |event| {
                watcher.see(&event);
                if let (FitEvent::Epoch { losses, kernels }, Ok(())) = (&event, &drawn) {
                    drawn = pictures.draw(losses.epoch, kernels);
                }
            })?;
        watcher.clear();
        drawn?;
        self.before = Some(folder.latest_path());
        // Stopped in the first epoch, there is no log yet.
        let epochs = if folder.log_path().exists() { read_log(&folder)? } else { Vec::new() };
        events::save(&path, &pictures.folder, &epochs)?;
        match outcome {
            Outcome::Finished => Ok(Fitted { scope: scope.folder(), folder: path, epochs }),
            Outcome::Interrupted { epoch, batch } => Err(Interrupted(format!(
                "stopped in {}, epoch {epoch}, after {}; everything is kept in {}; to go on, give the same command with --resume \
                 added",
                pictures.label,
                terminal::counted(batch, "batch"),
                flags.kernels.folder().display()
            ))
            .into()),
        }
    }

    fn start(&self, scope: Scope) -> anyhow::Result<ToyKernels> {
        match self.before.as_ref().filter(|_| self.flags.warm_start) {
            Some(before) => Ok(ToyKernels::load(before)?),
            None => Ok(self.flags.fresh_kernels(scope)?),
        }
    }
}

fn sample(images: &Images<'_>) -> anyhow::Result<Tensor> {
    let (count, pixels) = images.first(PICTURE_IMAGES);
    let [height, width] = images.size();
    Ok(Tensor::from_vec(pixels, (count, 3, height, width), &Device::Cpu)?)
}

struct Pictures<'a> {
    folder: PathBuf,
    label: String,
    images: Tensor,
    fit: &'a Fit,
    last: usize,
}

impl Pictures<'_> {
    fn draw(&self, epoch: usize, kernels: &ToyKernels) -> anyhow::Result<()> {
        if !epoch.is_multiple_of(PICTURE_EPOCHS) && epoch != self.last {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        epoch_pictures(&self.folder, epoch, &self.label, kernels, &self.images, self.fit.objective().target())
    }
}

fn read_log(folder: &KernelFolder) -> anyhow::Result<Vec<EpochLosses>> {
    let path = folder.log_path();
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let line = |line| serde_json::from_str(line).with_context(|| path.display().to_string());
    text.lines().map(line).collect()
}

fn print(results: &[Fitted], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return terminal::result(&serde_json::to_string(results)?);
    }
    terminal::result("kernels    density loss  image loss  folder")?;
    for Fitted { scope, folder, epochs } in results {
        let Some(EpochLosses { spectral_loss, image_loss, .. }) = epochs.last() else { continue };
        terminal::result(&format!(
            "{scope:9}  {spectral_loss:12.5}  {image_loss:10.5}  {}",
            folder.display()
        ))?;
    }
    Ok(())
}

/// The side of a kernel; even ones would not keep the size of images.
fn odd(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number: &usize| number % 2 == 1);
    number.ok_or_else(|| "expected an odd whole number, such as 7".to_owned())
}
