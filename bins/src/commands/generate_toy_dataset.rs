//! `generate_toy_dataset`: the images that fitted kernels make of a data set (Lin, Gao & Sang, IJCAI 2022, CDES).

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::Context;
use candle_core::{Device, Tensor};
use cdes::{KernelFolder, Restructurer, ToyKernels, noise_generator, noisy, target_density};
use clap::Parser;
use datasets::{
    Dataset, ImageSet, Look,
    generated::{self, Writer},
};
use serde::Serialize;
use spectral::{Convention, Profiler, Recipe, RunningBands};
use training::{FolderLock, RunFolder};

use crate::{
    data,
    flags::{Format, MachineFlags, at_least_one, seed},
    interrupt::Interrupted,
    launch::UnusableFlags,
    session::Session,
    terminal::{self, Terminal},
    toy::{KernelFlags, Scope, ToyData, class_sheet, density_curves, place, remove_folder, scopes},
};

/// Writes the images that the kernels of `train_toy_models` make of a data set: their low frequencies are the images' own,
/// their high ones those of what the kernels made. Labels, order and both parts stay.
#[derive(Debug, Parser, Serialize)]
#[command(name = "generate_toy_dataset", version, args_override_self = true, allow_negative_numbers = true)]
#[command(mut_args(crate::flags::without_networks))]
pub struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    data: ToyData,
    #[command(flatten)]
    #[serde(flatten)]
    kernels: KernelFlags,
    /// Kernels that the fitted ones must have [default: as many as they have]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    number: Option<usize>,
    /// Side that the fitted kernels must have [default: what they have]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    kernel_size: Option<usize>,
    /// The epoch whose kernels are used [default: the last]
    #[arg(long, value_name = "N")]
    epoch: Option<usize>,
    /// The radius up to which images keep their own frequencies
    #[arg(long, value_name = "R", default_value_t = 10, value_parser = at_least_one)]
    radius: usize,
    /// Seed of the noise: the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed)]
    seed: u64,
    #[command(flatten)]
    #[serde(flatten)]
    machine: MachineFlags,
    /// Replace images that were written earlier
    #[arg(long)]
    #[serde(skip)]
    overwrite: bool,
}

/// Images at a time, as in the published script: their noise is scaled together.
const BATCH: usize = 100;

/// Images of a class that its sheet shows.
const SHOWN: usize = 5;

const DENSITY: &str = "density";

/// Where a data set is written until it is whole.
const ASIDE: &str = ".unfinished";

/// Runs the command.
///
/// # Errors
/// If the data cannot be read, there are no kernels for a class, or a file cannot be written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = Session::without_networks(&flags.machine)?;
    print(&generate(&flags, &session)?, flags.machine.format)
}

/// Writes the images that the flags name.
///
/// # Errors
/// As [`run`].
pub(crate) fn generate(flags: &Flags, session: &Session) -> anyhow::Result<Vec<Summary>> {
    let (terminal, interrupt) = (session.terminal, session.interrupt.as_ref());
    let dataset = data::open_in_memory(&flags.data.resolve())?;
    data::tell_left_out(&dataset, terminal);
    let kernels = flags.load_kernels(&dataset)?;
    let root = flags.kernels.dataset_folder();
    let last = root.join(generated::TEST).join(format!("{DENSITY}.json"));
    if last.exists() && !flags.overwrite {
        return Err(UnusableFlags(format!(
            "{}: there are images in this folder already; replace them with --overwrite, or choose another --out-dir",
            root.display()
        ))
        .into());
    }
    flags.check_source(&root)?;
    let _lock = FolderLock::take(&root)?;
    let aside = root.join(ASIDE);
    let written = flags.write(&dataset, &kernels, &aside, terminal, interrupt);
    let placed = written.and_then(|summaries| place(&aside, &root).map(|()| summaries));
    let removed = remove_folder(&aside);
    let mut summaries = placed?;
    removed?;
    summaries.iter_mut().for_each(|summary| summary.folder = root.join(&summary.part));
    Ok(summaries)
}

impl Flags {
    /// Writes the whole data set to a folder aside.
    fn write(
        &self,
        dataset: &Dataset,
        kernels: &[(Scope, ToyKernels)],
        aside: &Path,
        terminal: Terminal,
        interrupt: &AtomicBool,
    ) -> anyhow::Result<Vec<Summary>> {
        remove_folder(aside)?;
        std::fs::create_dir(aside).with_context(|| aside.display().to_string())?;
        generated::write_classes(aside, dataset.train.classes())?;
        let mut settings = serde_json::to_value(self)?;
        settings["dataset"] = self.data.resolve().dataset.as_str().into();
        RunFolder::at(aside).save_config(&serde_json::json!({
            "command": "generate_toy_dataset",
            "version": env!("CARGO_PKG_VERSION"),
            "git_commit": option_env!("FREQBIAS_GIT_COMMIT"),
            "train_images": dataset.train.len(),
            "test_images": dataset.test.len(),
            "settings": settings,
        }))?;
        let parts = [(generated::TRAIN, &dataset.train), (generated::TEST, &dataset.test)];
        let each = parts.iter().zip(0u64..);
        each.map(|((name, set), part)| {
            let generator = Generator { flags: self, kernels, set, part, terminal, interrupt };
            generator.run(name, &aside.join(name))
        })
        .collect()
    }

    /// The images that are read must not be those that are replaced; kernels of another data set are told.
    fn check_source(&self, root: &Path) -> anyhow::Result<()> {
        let source = self.data.images.data.as_deref().and_then(|data| data.canonicalize().ok());
        if source.is_some() && source == root.canonicalize().ok() {
            let data = root.display();
            return Err(UnusableFlags(format!(
                "--data {data}: these images would be replaced by what is made of them; choose another --out-dir"
            ))
            .into());
        }
        let config = RunFolder::at(self.kernels.folder()).config()?.unwrap_or_default();
        let now = self.data.resolve().dataset.as_str();
        match config["settings"]["dataset"].as_str() {
            Some(fitted) if fitted != now => Err(UnusableFlags(format!(
                "{}: these kernels were fitted on {fitted}, but --dataset is {now}; give --dataset {fitted}",
                self.kernels.folder().display()
            ))
            .into()),
            _ => Ok(()),
        }
    }

    fn load_kernels(&self, dataset: &Dataset) -> anyhow::Result<Vec<(Scope, ToyKernels)>> {
        let scopes = scopes(self.kernels.exp_name, dataset.train.classes().len());
        let each = scopes.into_iter().map(|scope| Ok((scope, self.load(scope)?)));
        let found: Vec<(Scope, (usize, ToyKernels))> = each.collect::<anyhow::Result<_>>()?;
        let epochs = found.iter().map(|(scope, (epoch, _))| (scope, epoch));
        if let (Some((_, least)), Some((scope, most))) =
            (epochs.clone().min_by_key(|(_, epoch)| **epoch), epochs.max_by_key(|(_, epoch)| **epoch))
            && least != most
        {
            return Err(UnusableFlags(format!(
                "{}: the kernels of {} are of epoch {most}, others of epoch {least}: finish the fit with \
                 train_toy_models --resume, or choose an --epoch that all have",
                self.kernels.folder().display(),
                scope.folder()
            ))
            .into());
        }
        Ok(found.into_iter().map(|(scope, (_, kernels))| (scope, kernels)).collect())
    }

    fn load(&self, scope: Scope) -> anyhow::Result<(usize, ToyKernels)> {
        let folder = KernelFolder::at(self.kernels.folder().join(scope.folder()));
        let found = folder.checkpoints()?;
        let wanted = found.iter().rev().find(|(epoch, _)| self.epoch.is_none_or(|wanted| wanted == *epoch));
        let Some((epoch, path)) = wanted else {
            let which = self.epoch.map_or_else(String::new, |epoch| format!(" of epoch {epoch}"));
            return Err(UnusableFlags(format!(
                "{}: no kernels{which} in this folder; fit them first: train_toy_models --exp_name {}",
                folder.path().display(),
                self.kernels.exp_name.as_str()
            ))
            .into());
        };
        let kernels = ToyKernels::load(path)?;
        for (flag, wanted, found) in [
            ("--number", self.number, kernels.number()),
            ("--kernel-size", self.kernel_size, kernels.kernel_size()),
        ] {
            if let Some(wanted) = wanted.filter(|&wanted| wanted != found) {
                let path = path.display();
                return Err(UnusableFlags(format!(
                    "{path}: these kernels have {flag} {found}, but {flag} is {wanted}"
                ))
                .into());
            }
        }
        Ok((*epoch, kernels))
    }
}

/// One part of the data set.
struct Generator<'a> {
    flags: &'a Flags,
    kernels: &'a [(Scope, ToyKernels)],
    set: &'a ImageSet,
    part: u64,
    terminal: Terminal,
    interrupt: &'a AtomicBool,
}

/// What was written, as `density.json` has it.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    part: String,
    folder: PathBuf,
    images: usize,
    radii: Vec<usize>,
    target: Vec<f64>,
    before: Density,
    after: Density,
}

#[derive(Debug, Serialize)]
struct Density {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl From<&RunningBands> for Density {
    fn from(bands: &RunningBands) -> Self {
        Self { mean: bands.mean(), std: bands.std() }
    }
}

/// What is kept of the images on their way.
struct Seen {
    before: RunningBands,
    after: RunningBands,
    /// By class: the first images, and what became of them.
    shown: Vec<[Vec<Vec<f32>>; 2]>,
}

impl Generator<'_> {
    fn run(&self, name: &str, folder: &Path) -> anyhow::Result<Summary> {
        let (set, shape) = (self.set, self.set.shape());
        let profiler = Profiler::new(Recipe::Density, 3, shape.height, shape.width, Convention::Reference)?;
        let restructurer = Restructurer::new(shape.height, shape.width, self.flags.radius)?;
        let bands = RunningBands::new(profiler.radii().len());
        let shown = vec![[Vec::new(), Vec::new()]; set.classes().len()];
        let mut seen = Seen { before: bands.clone(), after: bands, shown };
        let mut writer = Writer::create(folder, shape, set.labels())?;
        let bar = self.terminal.images_bar(set.len(), name.to_owned());
        for (scope, kernels) in self.kernels {
            for (batch, places) in scope.of(set).chunks(BATCH).enumerate() {
                let number = (scope.number() << 32) | batch as u64;
                let [images, made] = self.make(places, kernels, &restructurer, number)?;
                self.keep(places, &made, &mut writer)?;
                seen.add(set, places, [&images, &made], &profiler)?;
                bar.inc(places.len() as u64);
                if self.interrupt.load(Ordering::SeqCst) {
                    bar.finish_and_clear();
                    let message =
                        "stopped; nothing half-written is left; give the same command to start again";
                    return Err(Interrupted(message.to_owned()).into());
                }
            }
        }
        bar.finish_and_clear();
        writer.finish()?;
        self.write_pictures(name, folder, &profiler, &seen)
    }

    /// Images, and what becomes of them.
    fn make(
        &self,
        places: &[usize],
        kernels: &ToyKernels,
        restructurer: &Restructurer,
        number: u64,
    ) -> anyhow::Result<[Vec<f32>; 2]> {
        let shape = self.set.shape();
        let mut images = vec![0.0; places.len() * shape.len()];
        for (&place, image) in places.iter().zip(images.chunks_exact_mut(shape.len())) {
            self.set.write(place, Look::Plain, image)?;
        }
        let dims = (places.len(), shape.channels, shape.height, shape.width);
        let tensor = Tensor::from_slice(&images, dims, &Device::Cpu)?;
        // Parts are told apart where a fit tells epochs apart.
        let mut noise = noise_generator(self.flags.seed, self.part, number);
        let made = kernels.apply(&noisy(&tensor, &mut noise)?)?.flatten_all()?.to_vec1::<f32>()?;
        let mut out = vec![0.0; images.len()];
        restructurer.apply_into(&images, &made, &mut out)?;
        Ok([images, out])
    }

    fn keep(&self, places: &[usize], made: &[f32], writer: &mut Writer) -> anyhow::Result<()> {
        let mut each = places.iter().zip(made.chunks_exact(self.set.shape().len()));
        each.try_for_each(|(&place, image)| writer.put(place, image))?;
        Ok(())
    }

    fn write_pictures(
        &self,
        name: &str,
        folder: &Path,
        profiler: &Profiler,
        seen: &Seen,
    ) -> anyhow::Result<Summary> {
        let (set, shape, experiment) = (self.set, self.set.shape(), self.flags.kernels.exp_name.as_str());
        for (class, [images, made]) in
            seen.shown.iter().enumerate().filter(|(_, [images, _])| !images.is_empty())
        {
            let rows = [("images", &images[..]), (experiment, &made[..])];
            let title = format!("{experiment}: {}", set.classes()[class]);
            let stem = folder.join(format!("class{class}"));
            class_sheet(
                &stem,
                &title,
                &format!("{name} images of class {class}"),
                rows,
                [shape.height, shape.width],
            )?;
        }
        let rho = KernelFlags::fitted_with(&self.flags.kernels.folder(), "rho")?.unwrap_or(1.0);
        let radii = profiler.radii().to_vec();
        let target = target_density(radii.len(), shape.height, rho);
        let curves = density_curves(
            format!("Spectral density of {experiment} images"),
            format!("{} {name} images, mean ± standard deviation", set.len()),
            &radii,
            [("images", &seen.before), (experiment, &seen.after)],
            &target,
        )?;
        curves.save(&folder.join(DENSITY))?;
        let (before, after) = ((&seen.before).into(), (&seen.after).into());
        let (part, folder_now) = (name.to_owned(), folder.to_owned());
        let summary = Summary { part, folder: folder_now, images: set.len(), radii, target, before, after };
        let mut text = serde_json::to_value(&summary)?;
        // Where it is now is not where it will be.
        text.as_object_mut().map(|entries| entries.remove("folder"));
        training::write_atomically(&folder.join(format!("{DENSITY}.json")), &serde_json::to_vec(&text)?)?;
        Ok(summary)
    }
}

impl Seen {
    fn add(
        &mut self,
        set: &ImageSet,
        places: &[usize],
        both: [&[f32]; 2],
        profiler: &Profiler,
    ) -> anyhow::Result<()> {
        let [images, made] = both;
        profiler.profiles(images)?.rows().for_each(|row| self.before.push(row));
        profiler.profiles(made)?.rows().for_each(|row| self.after.push(row));
        let size = set.shape().len();
        for (index, &place) in places.iter().enumerate() {
            let shown = &mut self.shown[set.labels()[place] as usize];
            if shown[0].len() < SHOWN {
                let each = shown.iter_mut().zip(both);
                each.for_each(|(shown, images)| shown.push(images[index * size..][..size].to_vec()));
            }
        }
        Ok(())
    }
}

impl Summary {
    /// The band of the lowest mean density but for the outermost ones, and that of the highest beyond it: radius and density.
    fn valley_and_peak(&self) -> Option<[(usize, f64); 2]> {
        let by_density = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
        let bands: Vec<_> = self.radii.iter().copied().zip(self.after.mean.iter().copied()).collect();
        let most = bands.iter().position(|band| band.0 >= SECOND_PEAK)?;
        let valley = bands[..most].iter().copied().min_by(by_density)?;
        let beyond = bands.iter().copied().filter(|band| band.0 > valley.0);
        Some([valley, beyond.max_by(by_density)?])
    }
}

/// The valley of the target density is below its second peak, which is in band 16.
const SECOND_PEAK: usize = 17;

fn print(summaries: &[Summary], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return terminal::result(&serde_json::to_string(summaries)?);
    }
    for summary in summaries {
        let Summary { folder, images, .. } = summary;
        terminal::result(&format!("wrote {} to {}", terminal::counted(*images, "image"), folder.display()))?;
        match summary.valley_and_peak() {
            Some([valley, peak]) if peak.1 > valley.1 => {
                terminal::result(&format!(
                    "  mean density: lowest {:.3} at ρ = {}, second peak {:.3} at ρ = {}",
                    valley.1, valley.0, peak.1, peak.0
                ))?;
            }
            Some(_) => {
                terminal::result(
                    "  mean density: it has no second peak; kernels fitted for longer give one",
                )?;
            }
            None => {}
        }
    }
    Ok(())
}
