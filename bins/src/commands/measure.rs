//! `measure`: what the field measures of networks beside the gradient spectrum, each measure a subcommand.

use std::path::{Path, PathBuf};

use analysis::{
    AttackSpectrum, CorruptionSource, Corruptions, CriticalBands, FourierHeatMap, LayerSpectra, Measure,
    MeasureReport, PhaseAmplitude, Sensitivity, Shortcuts, Subject, help_measure, network_words,
    resume_measure,
};
use clap::{Args, Parser};
use datasets::catalog::{CorruptedImages, Request};
use files::FolderLock;
use pipeline::{NetworkDescription, Session};
use runs::{StoredCheckpoint, results};

use super::images;
use crate::cli::{
    self, UsageError,
    flags::{
        AttackFlags, CheckpointFlags, DataFlags, Format, MachineFlags, RunFlags, above_zero_to_one,
        at_least_one, between_zero_and_one, half_width, positive, zero_or_one,
    },
};

/// The program, without its subcommands.
pub fn command() -> clap::Command {
    clap::Command::new("measure")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Measures networks as the field does, checkpoint by checkpoint, each measure a subcommand")
        .arg_required_else_help(true)
        .subcommand_required(true)
}

/// Flags of a measure.
#[derive(Debug, Parser)]
#[command(
    name = Own::NAME, about = Own::ABOUT, long_about = Own::ABOUT, version, args_override_self = true, allow_negative_numbers = true
)]
pub struct Flags<Own: MeasureFlags> {
    #[command(flatten)]
    own: Own,
    #[command(flatten)]
    data: DataFlags,
    #[command(flatten)]
    run: RunFlags,
    #[command(flatten)]
    machine: MachineFlags,
    #[command(flatten)]
    checkpoints: CheckpointFlags,
    /// The epochs of the run whose checkpoints are measured, with commas between [default: all]
    #[arg(long, value_delimiter = ',', value_name = "N,…", conflicts_with = "checkpoints")]
    epoch: Vec<usize>,
}

/// What measures may need beside their own flags.
#[derive(Debug)]
pub struct Context {
    seed: u64,
    images: Request,
}

/// What a measure's own flags say.
pub trait MeasureFlags: Args + std::fmt::Debug {
    /// The subcommand.
    const NAME: &'static str;
    /// What it measures.
    const ABOUT: &'static str;
    /// What measures it.
    type Measure<'a>: Measure;

    /// The measure that the flags describe.
    ///
    /// # Errors
    /// If it does not suit the images.
    fn measure<'a>(&self, subject: &Subject<'a>, of: &Context) -> anyhow::Result<Self::Measure<'a>>;
}

/// Of `measure fourier-heat-map`.
#[derive(Debug, Args)]
pub struct FourierHeatMapFlags {
    /// Length v of the wave that is added, in units of pixels in [0, 1] [default: 4 at 32×32, 15.7 at 224×224, in proportion between]
    #[arg(long, value_name = "X", value_parser = positive)]
    norm: Option<f32>,
    /// Measure frequencies of up to N cycles per image in either direction [default: all; 31 for images of more than 64 pixels]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    window: Option<usize>,
    /// Whether pixels with the wave are clipped to [0, 1]
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1", value_parser = zero_or_one)]
    clip: bool,
    /// Draw images for each direction only until its error rate among all images is known to ±X, at 95 %, such as 0.02 [default: measure all
    /// images]
    #[arg(long, value_name = "X", value_parser = half_width)]
    precision_goal: Option<f64>,
}

impl MeasureFlags for FourierHeatMapFlags {
    const NAME: &'static str = FourierHeatMap::NAME;
    const ABOUT: &'static str = "Error rate with a wave of each single frequency added to the images (Yin et al., NeurIPS 2019), and what \
        one gradient says of the same. An image of 32×32 pixels has 514 directions, each an evaluation of all images: \
        --precision-goal 0.02 draws as few as that takes, --limit-test N takes the first N";
    type Measure<'a> = FourierHeatMap;

    fn measure<'a>(&self, subject: &Subject<'a>, of: &Context) -> anyhow::Result<FourierHeatMap> {
        let mut measure = FourierHeatMap::new(subject)?.clipped(self.clip).seeded(of.seed);
        if let Some(norm) = self.norm {
            measure = measure.with_norm(norm)?;
        }
        if let Some(window) = self.window {
            note_window(window, subject);
            measure = measure.within(window)?;
        }
        if let Some(half) = self.precision_goal {
            measure = measure.with_precision(half)?;
        }
        Ok(measure)
    }
}

/// Says so where a window is no limit.
fn note_window(window: usize, subject: &Subject<'_>) {
    let shape = subject.images.shape();
    let most = shape.height.max(shape.width) / 2;
    if window >= most {
        subject.session.progress.note(&format!(
            "--window {window} measures all frequencies: images of {shape} have none beyond {most} cycles in either direction"
        ));
    }
}

/// Of `measure sensitivity`, which has none of its own.
#[derive(Debug, Args)]
pub struct SensitivityFlags {}

impl MeasureFlags for SensitivityFlags {
    const NAME: &'static str = Sensitivity::NAME;
    const ABOUT: &'static str =
        "The share of each ring of frequencies in the energy of input gradients (Chari et al., TMLR 2022)";
    type Measure<'a> = Sensitivity;

    fn measure<'a>(&self, subject: &Subject<'a>, _of: &Context) -> anyhow::Result<Sensitivity> {
        Ok(Sensitivity::new(subject)?)
    }
}

/// Of `measure phase-amplitude`.
#[derive(Debug, Args)]
pub struct PhaseAmplitudeFlags {
    /// Whether recombined pixels are clipped to [0, 1]
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1", value_parser = zero_or_one)]
    clip: bool,
}

impl MeasureFlags for PhaseAmplitudeFlags {
    const NAME: &'static str = PhaseAmplitude::NAME;
    const ABOUT: &'static str = "Whether images of one image's phase and another's amplitude are taken for the one or the other (Chen et al., ICCV 2021)";
    type Measure<'a> = PhaseAmplitude<'a>;

    fn measure<'a>(&self, subject: &Subject<'a>, of: &Context) -> anyhow::Result<PhaseAmplitude<'a>> {
        Ok(PhaseAmplitude::new(subject, of.seed)?.clipped(self.clip))
    }
}

/// Of `measure attack-spectrum`.
#[derive(Debug, Args)]
pub struct AttackSpectrumFlags {
    #[command(flatten)]
    attack: AttackFlags,
}

impl MeasureFlags for AttackSpectrumFlags {
    const NAME: &'static str = AttackSpectrum::NAME;
    const ABOUT: &'static str = "Which frequencies an adversary changes, and the error rate where it has those of an octave alone \
        (Yin et al., NeurIPS 2019; Ortiz-Jiménez et al., NeurIPS 2020). --eps says how far it may go";
    type Measure<'a> = AttackSpectrum;

    fn measure<'a>(&self, subject: &Subject<'a>, _of: &Context) -> anyhow::Result<AttackSpectrum> {
        let attack = self.attack.attack(Self::NAME)?;
        self.attack.note_ball(&subject.session.progress);
        Ok(AttackSpectrum::new(subject, attack)?)
    }
}

/// Of `measure corruptions`.
#[derive(Debug, Args)]
pub struct CorruptionsFlags {
    /// The folder or archive of CIFAR-10-C, CIFAR-100-C or ImageNet-C, for the data set without corruptions that --dataset and --data
    /// name [default: five corruptions made of any images]
    #[arg(long, value_name = "DIR")]
    corruptions: Option<PathBuf>,
    /// Results of another network, corruptions.json, that errors are set in proportion to (mCE)
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
}

impl MeasureFlags for CorruptionsFlags {
    const NAME: &'static str = Corruptions::NAME;
    const ABOUT: &'static str = "Errors on corrupted images, which frequencies corruptions change, and whether these say what the network fails on \
        (Hendrycks & Dietterich, ICLR 2019; Yin et al., NeurIPS 2019)";
    type Measure<'a> = Corruptions<'a>;

    fn measure<'a>(&self, subject: &Subject<'a>, of: &Context) -> anyhow::Result<Corruptions<'a>> {
        let source = match &self.corruptions {
            Some(root) => CorruptionSource::Published(self.published(root, subject, of)?.into()),
            None => CorruptionSource::BuiltIn { seed: of.seed },
        };
        let measure = Corruptions::new(subject, source)?;
        Ok(match &self.reference {
            Some(results) => measure.beside(results)?,
            None => measure,
        })
    }
}

impl CorruptionsFlags {
    /// The corruptions of a folder or archive; one of its arrays stands for all.
    fn published(&self, root: &Path, subject: &Subject<'_>, of: &Context) -> anyhow::Result<CorruptedImages> {
        let is_array = root.extension().is_some_and(|extension| extension == "npy") && root.is_file();
        let root = match root.parent().filter(|_| is_array) {
            Some(folder) => {
                let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                subject.session.progress.note(&format!(
                    "--corruptions {} is one corruption of a set: all in {} are measured",
                    root.display(),
                    folder.display()
                ));
                folder
            }
            None => root,
        };
        CorruptedImages::find(&of.images, root).map_err(|error| match error {
            datasets::Error::NoCorruptions { .. } => error.into(),
            // What helps is another folder of corruptions, not another of the images without.
            error => anyhow::anyhow!("{error}; choose another folder or archive with --corruptions"),
        })
    }
}

/// Of `measure critical-bands`.
#[derive(Debug, Args)]
pub struct CriticalBandsFlags {
    /// The accuracy that noise of the threshold leaves, a share of images
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = between_zero_and_one)]
    criterion: f64,
    /// The contrast of the grey images; that of photographs is 1
    #[arg(long, value_name = "X", default_value_t = 0.2, value_parser = above_zero_to_one)]
    contrast: f64,
}

impl MeasureFlags for CriticalBandsFlags {
    const NAME: &'static str = CriticalBands::NAME;
    const ABOUT: &'static str = "How much noise of each octave of frequencies a network withstands on grey images of low contrast, and the channel that \
        it sees by (Subramanian et al., NeurIPS 2023)";
    type Measure<'a> = CriticalBands;

    fn measure<'a>(&self, subject: &Subject<'a>, of: &Context) -> anyhow::Result<CriticalBands> {
        Ok(CriticalBands::new(subject, of.seed)?
            .with_criterion(self.criterion)?
            .with_contrast(self.contrast)?)
    }
}

/// Of `measure layer-spectra`, which has none of its own.
#[derive(Debug, Args)]
pub struct LayerSpectraFlags {}

impl MeasureFlags for LayerSpectraFlags {
    const NAME: &'static str = LayerSpectra::NAME;
    const ABOUT: &'static str =
        "How much of high frequencies each block of a network leaves (Park & Kim, ICLR 2022)";
    type Measure<'a> = LayerSpectra;

    fn measure<'a>(&self, _subject: &Subject<'a>, of: &Context) -> anyhow::Result<LayerSpectra> {
        Ok(LayerSpectra::new(of.seed))
    }
}

/// Of `measure shortcuts`.
#[derive(Debug, Args)]
pub struct ShortcutsFlags {
    /// The classes that are measured, by number, with commas between [default: all]
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    classes: Vec<u32>,
}

impl MeasureFlags for ShortcutsFlags {
    const NAME: &'static str = Shortcuts::NAME;
    const ABOUT: &'static str = "Few frequencies that a network takes for a class, in images of that class and of others (Wang et al., ICCV 2023). An \
        image of 32×32 pixels has 514 directions, each an evaluation of all images: --limit-test N takes the first N";
    type Measure<'a> = Shortcuts;

    fn measure<'a>(&self, subject: &Subject<'a>, _of: &Context) -> anyhow::Result<Shortcuts> {
        let measure = Shortcuts::new(subject)?;
        Ok(if self.classes.is_empty() { measure } else { measure.of_classes(&self.classes)? })
    }
}

/// Runs the command.
///
/// # Errors
/// If there is nothing to measure, or a file cannot be read or written.
pub fn run<Own: MeasureFlags>(flags: Flags<Own>) -> anyhow::Result<()> {
    let session = cli::start(&flags.machine)?;
    let format = flags.machine.format;
    measure(flags, &session, |report, networks, files| print(report, networks, files, format))
}

/// Measures, and hands what was found to `show`, with the files that hold it; on ranks beside the first one, it helps that one.
///
/// # Errors
/// Those of [`run`], and of `show`.
pub fn measure<Own: MeasureFlags>(
    mut flags: Flags<Own>,
    session: &Session,
    show: impl FnOnce(&MeasureReport, &[NetworkDescription], &[PathBuf]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    flags.checkpoints.adopt_settings(&mut flags.data, &mut flags.run)?;
    let checkpoints = flags.checkpoints(session)?;
    let dataset = images::open(&flags.data.request(), Request::open, session)?;
    let (shape, profile) = (dataset.test.shape(), flags.checkpoints.profile(&flags.data)?);
    let network = flags.checkpoints.network(&flags.run, [shape.height, shape.width])?;
    let subject = Subject { images: &dataset.test, profile: &profile, network, session };
    let measure =
        flags.own.measure(&subject, &Context { seed: flags.run.seed, images: flags.data.request() })?;
    if !session.ranks.is_first() {
        return Ok(help_measure(&measure, &subject, &checkpoints)?);
    }
    let networks = subject.describe(&checkpoints)?;
    let run = flags.checkpoints.results_run(&flags.data, &flags.run);
    let output = results::measure_folder(&run, Own::NAME);
    let _lock = FolderLock::take(&output)?;
    let is_there = output.join(format!("{}.json", Own::NAME)).exists();
    let (rows, finished) = resume_measure(&measure, &subject, &checkpoints, &output)?;
    let report = MeasureReport::new(&measure, &subject, &networks, &rows)?;
    if is_there {
        session.progress.note(&format!("this replaces the earlier results in {}", output.display()));
    }
    let mut files = report.save(&output)?;
    finished.remove()?;
    files.push(reports::save_run_page(&run)?);
    images::note_left_out(&dataset, session);
    show(&report, &networks, &files)
}

/// Measures as a command line says, whose first words are the program and the measure, and prints nothing.
///
/// # Errors
/// Those of [`run`].
pub fn without_words(mut line: Vec<String>, session: &Session) -> anyhow::Result<()> {
    fn of<Own: MeasureFlags>(line: Vec<String>, session: &Session) -> anyhow::Result<()> {
        measure(Flags::<Own>::try_parse_from(line)?, session, |_, _, _| Ok(()))
    }
    let which = if line.len() > 1 { line.remove(1) } else { String::new() };
    match which.as_str() {
        FourierHeatMapFlags::NAME => of::<FourierHeatMapFlags>(line, session),
        SensitivityFlags::NAME => of::<SensitivityFlags>(line, session),
        PhaseAmplitudeFlags::NAME => of::<PhaseAmplitudeFlags>(line, session),
        CorruptionsFlags::NAME => of::<CorruptionsFlags>(line, session),
        CriticalBandsFlags::NAME => of::<CriticalBandsFlags>(line, session),
        ShortcutsFlags::NAME => of::<ShortcutsFlags>(line, session),
        AttackSpectrumFlags::NAME => of::<AttackSpectrumFlags>(line, session),
        LayerSpectraFlags::NAME => of::<LayerSpectraFlags>(line, session),
        _ => Err(UsageError(format!("measure {which:?}: expected the name of a measure")).into()),
    }
}

impl<Own: MeasureFlags> Flags<Own> {
    fn checkpoints(&self, session: &Session) -> anyhow::Result<Vec<StoredCheckpoint>> {
        match self.checkpoints.files(&session.progress)? {
            Some(files) => Ok(files),
            None => self.checkpoints.of_epochs(&self.data, &self.run, &self.epoch),
        }
    }
}

fn print(
    report: &MeasureReport,
    networks: &[NetworkDescription],
    files: &[PathBuf],
    format: Format,
) -> anyhow::Result<()> {
    if format == Format::Json {
        return cli::result(&serde_json::to_string(&report.summary(files))?);
    }
    network_words(networks).iter().chain(report.table()).try_for_each(|words| cli::result(words))?;
    files.iter().try_for_each(|file| cli::result(&format!("wrote {}", file.display())))
}
