//! Architectures by name.

use std::str::FromStr;

use crate::{Error, graph::Graph, resnet, vgg};

/// A named architecture: a recipe that builds the graph for a number of classes.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    name: &'static str,
    build: fn(usize) -> Graph,
}

/// Every architecture, in the order in which help texts list them. Adding one is a line here and a function that
/// builds its graph.
const ARCHITECTURES: &[Architecture] = &[
    Architecture { name: "resnet18", build: resnet::resnet18 },
    Architecture { name: "resnet34", build: resnet::resnet34 },
    Architecture { name: "resnet50", build: resnet::resnet50 },
    Architecture { name: "resnet101", build: resnet::resnet101 },
    Architecture { name: "resnet152", build: resnet::resnet152 },
    Architecture { name: "resnet18thin", build: resnet::resnet18thin },
    Architecture { name: "resnet18wide", build: resnet::resnet18wide },
    Architecture { name: "resnet20", build: resnet::resnet20 },
    Architecture { name: "resnet32", build: resnet::resnet32 },
    Architecture { name: "resnet44", build: resnet::resnet44 },
    Architecture { name: "resnet56", build: resnet::resnet56 },
    Architecture { name: "resnet110", build: resnet::resnet110 },
    Architecture { name: "vgg11", build: vgg::vgg11 },
    Architecture { name: "vgg13", build: vgg::vgg13 },
    Architecture { name: "vgg16", build: vgg::vgg16 },
    Architecture { name: "vgg19", build: vgg::vgg19 },
];

impl Architecture {
    /// All of them.
    pub fn all() -> &'static [Self] {
        ARCHITECTURES
    }

    /// The name that `--arch` takes.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The network for `classes` classes.
    pub fn graph(&self, classes: usize) -> Graph {
        (self.build)(classes)
    }
}

impl PartialEq for Architecture {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl FromStr for Architecture {
    type Err = Error;

    /// ```
    /// let resnet: models::Architecture = "resnet18".parse()?;
    /// assert_eq!(resnet.graph(10).parameters()["linear.weight"], [10, 512]);
    /// let error = "resnet81".parse::<models::Architecture>().unwrap_err();
    /// assert!(error.to_string().contains("resnet18"));
    /// # Ok::<(), models::Error>(())
    /// ```
    fn from_str(name: &str) -> Result<Self, Error> {
        ARCHITECTURES.iter().find(|known| known.name == name).copied().ok_or_else(|| {
            Error::UnknownArchitecture {
                found: name.to_owned(),
                nearest: nearest(name),
                known: ARCHITECTURES.iter().map(|known| known.name).collect::<Vec<_>>().join(", "),
            }
        })
    }
}

/// The name that needs the fewest edits.
fn nearest(name: &str) -> &'static str {
    let distance = |known: &&Architecture| strsim::damerau_levenshtein(known.name, name);
    ARCHITECTURES.iter().min_by_key(distance).map_or("resnet18", |known| known.name)
}
