//! The papers whose claims are tested: what each compares.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::training_set::TrainingSet;

/// A paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paper {
    /// Lin, Gao & Sang, IJCAI 2022.
    #[default]
    FrequencyBias,
    /// Ricci, Merger & Goldt, ICML 2026.
    AmplitudePhase,
    /// Park & Kim, ICLR 2022.
    Transformers,
    /// Yin et al., NeurIPS 2019.
    Robustness,
    /// Wang et al., ICCV 2023.
    Shortcuts,
}

/// A network of a paper's, and what is measured of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// Its name in identifiers of figures.
    pub(crate) id: &'static str,
    /// What its run's name ends with.
    pub(crate) key: &'static str,
    /// What it is, for people: `the … network`.
    pub(crate) label: &'static str,
    /// Another architecture than the reproduction's.
    pub(crate) arch: Option<&'static str>,
    /// The images that it is trained on.
    pub(crate) set: TrainingSet,
    /// Flags of `easy_train` in place of the scale's recipe.
    pub(crate) recipe: Option<&'static str>,
    /// Further flags of `easy_train`.
    pub(crate) training: &'static str,
    /// The measures.
    pub(crate) measures: &'static [MeasureOf],
}

/// A measure of a network, as `measure` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MeasureOf {
    /// The subcommand.
    pub(crate) name: &'static str,
    /// What it measures, for people.
    pub(crate) label: &'static str,
    /// Further flags.
    pub(crate) flags: &'static str,
    /// Whether only the last epoch is measured.
    pub(crate) is_of_last: bool,
}

impl MeasureOf {
    const fn of_last(name: &'static str, label: &'static str, flags: &'static str) -> Self {
        Self { name, label, flags, is_of_last: true }
    }
}

const SENSITIVITY: MeasureOf = MeasureOf::of_last("sensitivity", "the Fourier sensitivity", "");

const PHASE: MeasureOf = MeasureOf {
    name: "phase-amplitude",
    label: "the use of phase and amplitude",
    flags: "",
    is_of_last: false,
};

/// Of [`Paper::FrequencyBias`], after each epoch: measures of other papers that take seconds.
pub(crate) const ORIGINAL_MEASURES: [MeasureOf; 2] = [MeasureOf { is_of_last: false, ..SENSITIVITY }, PHASE];

/// A network on the images themselves, by the reproduction's recipe.
const STANDARD: Network = Network {
    id: "standard",
    key: "baseline",
    label: "standard",
    arch: None,
    set: TrainingSet::Original,
    recipe: None,
    training: "",
    measures: &[],
};

const AMPLITUDE_PHASE: &[Network] = &[Network { measures: &[PHASE], ..STANDARD }];

const BLOCKS: &[MeasureOf] =
    &[SENSITIVITY, MeasureOf::of_last("layer-spectra", "what blocks leave of frequencies", "")];

const TRANSFORMERS: &[Network] = &[
    Network { id: "convolutional", label: "convolutional", measures: BLOCKS, ..STANDARD },
    Network {
        id: "transformer",
        label: "transformer",
        arch: Some("vit_tiny_patch4_32"),
        recipe: Some("--optimizer adamw --lr 0.001 --weight-decay 0.05 --schedule cosine --batch-size 32"),
        measures: BLOCKS,
        ..STANDARD
    },
];

const ATTACK: MeasureOf = MeasureOf::of_last(
    "attack-spectrum",
    "the spectrum of attacks",
    "--constraint 2 --eps 0.5 --attack-steps 7",
);
const CORRUPTIONS: MeasureOf = MeasureOf::of_last("corruptions", "errors on corrupted images", "");

const ROBUSTNESS: &[Network] = &[
    Network { measures: &[SENSITIVITY, ATTACK, CORRUPTIONS], ..STANDARD },
    Network {
        id: "adversarial",
        key: "adversarial",
        label: "adversarially trained",
        training: "--adv-train 1 --constraint 2 --eps 0.5 --attack-steps 3",
        measures: &[SENSITIVITY, ATTACK, CORRUPTIONS],
        ..STANDARD
    },
];

const DOMINANT: &[MeasureOf] = &[MeasureOf::of_last("shortcuts", "frequency shortcuts", "")];

const SHORTCUTS: &[Network] = &[
    Network { id: "scr", label: "SCR", set: TrainingSet::Scr, measures: DOMINANT, ..STANDARD },
    Network { id: "wcr", label: "WCR", set: TrainingSet::Wcr, measures: DOMINANT, ..STANDARD },
];

impl Paper {
    /// All of them; the first is what a reproduction is of unless another is named.
    pub const ALL: [Self; 5] =
        [Self::FrequencyBias, Self::AmplitudePhase, Self::Transformers, Self::Robustness, Self::Shortcuts];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::FrequencyBias => "frequency-bias",
            Self::AmplitudePhase => "amplitude-phase",
            Self::Transformers => "transformers",
            Self::Robustness => "robustness",
            Self::Shortcuts => "shortcuts",
        }
    }

    /// The authors, its title, where it appeared, and its number at arXiv.
    pub fn citation(self) -> [&'static str; 4] {
        match self {
            Self::FrequencyBias => [
                "Lin, Gao & Sang",
                "Investigating and Explaining the Frequency Bias in Image Classification",
                "IJCAI 2022",
                "2205.03154",
            ],
            Self::AmplitudePhase => [
                "Ricci, Merger & Goldt",
                "A Fourier perspective on the learning dynamics of neural networks: from sample complexities to mechanistic insights",
                "ICML 2026",
                "2605.16913",
            ],
            Self::Transformers => {
                ["Park & Kim", "How Do Vision Transformers Work?", "ICLR 2022", "2202.06709"]
            }
            Self::Robustness => [
                "Yin, Gontijo Lopes, Shlens, Cubuk & Gilmer",
                "A Fourier Perspective on Model Robustness in Computer Vision",
                "NeurIPS 2019",
                "1906.08988",
            ],
            Self::Shortcuts => [
                "Wang, Veldhuis, Brune & Strisciuglio",
                "What do neural networks learn in image classification? A frequency shortcut perspective",
                "ICCV 2023",
                "2307.09829",
            ],
        }
    }

    /// Whether it is the one that is meant where none is named.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The networks that are measured, but for [`Paper::FrequencyBias`], whose networks are the [`TrainingSet`]s'.
    pub(crate) fn networks(self) -> &'static [Network] {
        match self {
            Self::FrequencyBias => &[],
            Self::AmplitudePhase => AMPLITUDE_PHASE,
            Self::Transformers => TRANSFORMERS,
            Self::Robustness => ROBUSTNESS,
            Self::Shortcuts => SHORTCUTS,
        }
    }
}

impl FromStr for Paper {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|paper| paper.name() == text);
        known.ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_settings() -> Result<(), serde_json::Error> {
        for paper in Paper::ALL {
            assert_eq!(serde_json::to_value(paper)?, paper.name());
            assert_eq!(paper.name().parse(), Ok(paper));
        }
        assert!("frequency".parse::<Paper>().is_err_and(|error| error.contains("amplitude-phase")));
        Ok(())
    }
}
