//! What the numbers of a quantity are of: bands, frequencies, corruptions, classes …

use pages::names;
use serde_json::Value;

/// One side of a table of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellAxis {
    /// What it counts.
    pub label: String,
    /// The name of each place.
    pub names: Vec<String>,
    /// How a place is called in a sentence: before its name.
    pub short: &'static str,
}

/// A side of a quantity: where results have its names, what it is called.
type Side = (&'static str, &'static str, &'static str);

const RINGS: Side = ("radii", "ring of frequencies r, cycles per image", "r = ");
const CORRUPTIONS: Side = ("corruptions", "corruption", "");
const OCTAVES: Side = ("octave_centres", "centre of the octave, cycles per image", "octave around ");
const CLASSES: Side = ("classes", "class", "");
const SHARES: Side = ("dominant_percent", "dominant frequencies, %", "dominant % ");

/// By measure and quantity; of what is not here places have numbers.
const KNOWN: [(&str, &str, &[Side]); 15] = [
    ("gradient-spectrum", "gradient_spectrum", &[("radii", "frequency band (radius ρ)", "ρ = ")]),
    (
        "fourier-heat-map",
        "error_rate",
        &[
            ("vertical_frequencies", "vertical frequency", "vertical "),
            ("horizontal_frequencies", "horizontal frequency", "horizontal "),
        ],
    ),
    ("fourier-heat-map", "ring_error_rate", &[RINGS]),
    ("sensitivity", "mean", &[RINGS]),
    ("corruptions", "error", &[CORRUPTIONS, ("", "severity", "severity ")]),
    ("corruptions", "sensitivity", &[RINGS]),
    ("critical-bands", "accuracy", &[OCTAVES, ("noise", "standard deviation of the noise", "σ = ")]),
    ("critical-bands", "threshold", &[OCTAVES]),
    ("critical-bands", "sensitivity", &[OCTAVES]),
    ("shortcuts", "classes.tpr", &[CLASSES, SHARES]),
    ("shortcuts", "classes.fpr", &[CLASSES, SHARES]),
    ("attack-spectrum", "change", &[RINGS]),
    ("attack-spectrum", "gradient", &[RINGS]),
    ("attack-spectrum", "octave_error", &[("octaves", "octave of frequencies r", "r = ")]),
    ("layer-spectra", "delta", &[("blocks", "block", "")]),
];

/// The axes of a quantity of a shape, by what results say of themselves.
pub(super) fn of_quantity(measure: &str, quantity: &str, shape: &[usize], axes: &Value) -> Vec<CellAxis> {
    let sides = KNOWN
        .iter()
        .find(|(own, name, _)| (*own, *name) == (measure, quantity))
        .map_or(&[][..], |(_, _, sides)| sides);
    let axis = |(at, &count): (usize, &usize)| {
        let side = sides.get(at).filter(|_| sides.len() == shape.len());
        let names = side.map_or_else(Vec::new, |(key, _, _)| names(&axes[*key]));
        let counted = || (1..=count).map(|place| place.to_string()).collect();
        let is_whole = names.len() == count;
        match side {
            Some((key, label, short)) if is_whole || key.is_empty() => CellAxis {
                label: (*label).to_owned(),
                names: if is_whole { names } else { counted() },
                short,
            },
            _ => CellAxis { label: "number".to_owned(), names: counted(), short: "number " },
        }
    };
    shape.iter().enumerate().map(axis).collect()
}

/// A cell in words.
pub(super) fn cell(axes: &[CellAxis], at: usize) -> String {
    let mut rest = at;
    let mut words: Vec<String> = Vec::new();
    for axis in axes.iter().rev() {
        let count = axis.names.len().max(1);
        let name = axis.names.get(rest % count).map_or("?", String::as_str);
        words.push(format!("{}{}", axis.short, name.replace('_', " ")));
        rest /= count;
    }
    words.reverse();
    words.join(", ")
}

/// Which numbers count: of the frequencies ±k, which are one number twice, the first; of everything else all.
pub(super) fn counted(axes: &[CellAxis], all: usize) -> Vec<bool> {
    let is_of_frequencies =
        |axis: &&CellAxis| ["vertical frequency", "horizontal frequency"].contains(&axis.label.as_str());
    if axes.len() != 2
        || axes.iter().filter(is_of_frequencies).count() != 2
        || axes[0].names.len() * axes[1].names.len() != all
    {
        return vec![true; all];
    }
    let columns = axes[1].names.len();
    let partner = |axis: &CellAxis, at: usize| {
        let mirrored = match axis.names[at].strip_prefix('−') {
            Some(positive) => positive.to_owned(),
            None if axis.names[at] == "0" => "0".to_owned(),
            None => format!("−{}", axis.names[at]),
        };
        // Of an even side the most negative frequency is its own partner.
        axis.names.iter().position(|name| *name == mirrored).unwrap_or(at)
    };
    (0..all)
        .map(|at| partner(&axes[0], at / columns) * columns + partner(&axes[1], at % columns) >= at)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_has_the_names_of_its_places() {
        let axes = json!({ "corruptions": ["gaussian_noise", "contrast"], "radii": [1, 2, 3] });
        let of =
            |measure: &str, quantity: &str, shape: &[usize]| of_quantity(measure, quantity, shape, &axes);
        assert_eq!(cell(&of("corruptions", "error", &[2, 5]), 7), "contrast, severity 3");
        assert_eq!(cell(&of("sensitivity", "mean", &[3]), 1), "r = 2");
        assert_eq!(cell(&of("sensitivity", "mean", &[4]), 1), "number 2", "not as many as there are names");
        assert_eq!(cell(&of("sensitivity", "centre", &[]), 0), "");
    }

    #[test]
    fn both_frequencies_of_a_wave_count_once() {
        let side = |from: i64, to: i64| (from..=to).collect::<Vec<_>>();
        for (rows, columns, waves) in [
            (side(-1, 1), side(-1, 1), 5),
            (side(-2, 1), side(-2, 1), 10),
            (side(-16, 15), side(-16, 15), 514),
        ] {
            let axes = json!({ "vertical_frequencies": rows, "horizontal_frequencies": columns });
            let axes = of_quantity("fourier-heat-map", "error_rate", &[rows.len(), columns.len()], &axes);
            assert_eq!(
                counted(&axes, rows.len() * columns.len()).into_iter().filter(|&is| is).count(),
                waves
            );
        }
        assert_eq!(counted(&of_quantity("sensitivity", "mean", &[4], &Value::Null), 4), [true; 4]);
    }
}
