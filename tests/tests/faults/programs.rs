//! The command lines that are made to fail, as small as has all parts.

/// A program at work, what must be there before, and how a person goes on after a failure.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Command lines that run first, without faults.
    pub(crate) before: &'static [&'static str],
    pub(crate) command: &'static str,
    /// What is added to go on: the first that the program accepts.
    pub(crate) again: &'static [&'static str],
}

/// A set that takes milliseconds, for a program.
pub(crate) fn small(program: &str) -> &'static str {
    match program {
        // Each class needs images, and steps have batches of their own.
        "reproduce" => "--limit-train 40 --limit-test 20",
        "generate_toy_dataset" | "generate_freq_dataset" => "--limit-train 16 --limit-test 8",
        "train_toy_models" => "--limit-train 16 --limit-test 8 --batch-size 4",
        _ => "--limit-train 16 --limit-test 8 --batch-size 8",
    }
}

const PLAIN: &[&str] = &[""];
const RESUME: &[&str] = &["--resume", ""];

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "easy_train",
        before: &[],
        command: "easy_train --arch resnet20 --epochs 2 --spectrum-every 1 --checkpoint-every 2 --ema 0.9 --save-every 0.00000001",
        again: RESUME,
    },
    Scenario {
        name: "easy_train --overwrite",
        before: &[
            "easy_train --arch resnet20 --epochs 2 --seed 7 --spectrum-every 1",
            "grad --arch resnet20",
            "evaluate --arch resnet20",
        ],
        command: "easy_train --arch resnet20 --epochs 1 --spectrum-every 1 --overwrite",
        again: &["--overwrite"],
    },
    Scenario {
        name: "easy_train --resume",
        before: &["easy_train --arch resnet20 --epochs 1 --spectrum-every 1"],
        command: "easy_train --arch resnet20 --epochs 2 --spectrum-every 1 --resume",
        again: &["--resume"],
    },
    Scenario {
        name: "grad",
        before: &["easy_train --arch resnet20 --epochs 2"],
        command: "grad --arch resnet20",
        again: PLAIN,
    },
    Scenario {
        name: "grad that trains",
        before: &[],
        command: "grad --arch resnet20 --epochs 1",
        again: PLAIN,
    },
    Scenario {
        name: "evaluate",
        before: &[
            "easy_train --arch resnet20 --epochs 1",
            "evaluate --arch resnet20 --freq low,high --r 4,8 --features",
        ],
        command: "evaluate --arch resnet20 --eps 0.5 --constraint 2 --attack-steps 1",
        again: PLAIN,
    },
    Scenario {
        name: "measure",
        before: &["easy_train --arch resnet20 --epochs 2"],
        command: "measure sensitivity --arch resnet20",
        again: PLAIN,
    },
    Scenario {
        name: "train_toy_models",
        before: &[],
        command: "train_toy_models --exp_name WCR --number 2 --kernel_size 3 --epochs 2",
        again: RESUME,
    },
    Scenario {
        name: "train_toy_models --overwrite",
        before: &["train_toy_models --exp_name WCR --number 2 --kernel_size 3 --epochs 1 --seed 5"],
        command: "train_toy_models --exp_name WCR --number 2 --kernel_size 3 --epochs 2 --overwrite",
        again: &["--overwrite"],
    },
    Scenario {
        name: "generate_toy_dataset",
        before: &["train_toy_models --exp_name WCR --number 2 --kernel_size 3 --epochs 1"],
        command: "generate_toy_dataset --exp_name WCR",
        again: PLAIN,
    },
    Scenario {
        name: "generate_toy_dataset --overwrite",
        before: &[
            "train_toy_models --exp_name WCR --number 2 --kernel_size 3 --epochs 1",
            "generate_toy_dataset --exp_name WCR --seed 3",
        ],
        command: "generate_toy_dataset --exp_name WCR --overwrite",
        again: &["--overwrite"],
    },
    Scenario { name: "generate_freq_dataset", before: &[], command: "generate_freq_dataset", again: PLAIN },
    Scenario {
        name: "generate_freq_dataset --overwrite",
        before: &["generate_freq_dataset --seed 3"],
        command: "generate_freq_dataset --overwrite",
        again: &["--overwrite"],
    },
    Scenario {
        name: "easy_train --freq",
        before: &[],
        command: "easy_train --arch resnet20 --epochs 1 --freq high",
        again: RESUME,
    },
    Scenario {
        name: "reproduce --paper",
        before: &[],
        command: "reproduce --paper amplitude-phase --epochs 1",
        again: PLAIN,
    },
    Scenario { name: "reproduce", before: &[], command: "reproduce --epochs 1 --fit-epochs 1", again: PLAIN },
];
