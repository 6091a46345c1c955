//! Claims of Park & Kim (ICLR 2022): attention lowers high frequencies, so that transformers lean on low ones.

use super::{
    measure::{Measure, Unit},
    networks::{Found, last},
    statement::{Outcome, Statement, Untested},
};
use crate::findings::Findings;

const NETWORKS: [&str; 2] = ["transformer", "convolutional"];

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "transformer-low",
        figures: &["sensitivity_all", "heat_map_transformer", "heat_map_convolutional"],
        title: "A transformer looks at lower frequencies than a convolutional network.",
        paper: "Attention is a low-pass filter, convolution a high-pass filter; transformers are robust against noise of high frequencies.",
        rule: "After the last epoch, the centre of the transformer's Fourier sensitivity is below that of the convolutional network's.",
        test: transformer_low,
    },
    Statement {
        id: "transformer-blocks",
        figures: &["transformer_layer-spectra", "convolutional_layer-spectra"],
        title: "Its blocks leave less of high frequencies.",
        paper: "Blocks of attention lower the amplitude of high frequencies relative to the lowest one, blocks of convolutions raise it.",
        rule: "After the last epoch, the log amplitude at the highest frequency, less that at zero, is lower after the last block of the \
               transformer than after that of the convolutional network.",
        test: transformer_blocks,
    },
];

fn transformer_low(findings: &Findings) -> Outcome {
    let centre = |network| {
        last(findings, network, "sensitivity")?.number("centre of the sensitivity", "centre", Unit::Radius)
    };
    let [transformer, convolutional] = each(centre)?;
    let holds = convolutional.above(&transformer);
    Ok((vec![transformer, convolutional], holds))
}

fn transformer_blocks(findings: &Findings) -> Outcome {
    // These rows have no accuracy.
    each(|network| last(findings, network, "sensitivity").map(drop))?;
    let delta = |network| {
        let found: Found<'_> = last(findings, network, "layer-spectra")?;
        let blocks = found.list("delta")?;
        let &(value, interval) = blocks.last().ok_or_else(|| found.lacks("delta"))?;
        let label = found.label(&format!("Δ of the last of {} blocks, nats", blocks.len()));
        Ok(Measure { interval: Some(interval), ..Measure::plain(label, Unit::Ratio, value) })
    };
    let [transformer, convolutional] = each(delta)?;
    let holds = convolutional.above(&transformer);
    Ok((vec![transformer, convolutional], holds))
}

fn each<T>(of: impl Fn(&'static str) -> Result<T, Untested>) -> Result<[T; 2], Untested> {
    let [first, second] = NETWORKS;
    Ok([of(first)?, of(second)?])
}
