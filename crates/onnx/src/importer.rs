//! The network under construction: what operations add to it.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use models::{ArrayOp, GraphBuilder, Nonlinearity, NormSettings, View};

use crate::{
    problem::{Problem, Result},
    value::{Live, Source, Value, laid_out, permuted},
};

/// More elements than an image's value may have: sixteen images of them take 4 GiB.
const MOST_ELEMENTS: usize = 1 << 26;

/// More places than all tables of a graph may have together.
const MOST_PLACES: usize = 1 << 28;

/// A network under construction.
pub(crate) struct Importer {
    pub(crate) builder: GraphBuilder,
    pub(crate) weights: BTreeMap<String, Tensor>,
    /// What to say of the graph.
    pub(crate) notes: Vec<String>,
    /// The planes that linear layers read, by those that they make.
    pub(crate) read_by: BTreeMap<models::Value, Live>,
    /// How many images the graph takes at once.
    batch: usize,
    names: usize,
    places: usize,
}

impl Importer {
    /// A network of images of three channels, and these. `batch` is how many the graph takes at once.
    pub(crate) fn new([height, width]: [usize; 2], batch: usize) -> (Self, Live) {
        let (builder, value) = GraphBuilder::images(3);
        let (weights, read_by) = (BTreeMap::new(), BTreeMap::new());
        let importer = Self { builder, weights, notes: Vec::new(), read_by, batch, names: 0, places: 0 };
        (importer, Live { value, planes: [3, height, width] })
    }

    /// How many images the graph takes at once.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// Says something once.
    pub(crate) fn note(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.notes.contains(&what) {
            self.notes.push(what);
        }
    }

    /// A name for the weights of an operation.
    pub(crate) fn module(&mut self) -> String {
        self.names += 1;
        format!("{}", self.names)
    }

    /// Keeps weights under a name that the builder has declared.
    pub(crate) fn keep(&mut self, name: String, values: Vec<f32>, shape: &[usize]) -> Result<()> {
        self.weights.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
        Ok(())
    }

    /// Declares and keeps numbers that are not learned.
    pub(crate) fn number(&mut self, values: Vec<f32>) -> Result<String> {
        let name = self.module();
        self.builder.number(&name, &[values.len()]);
        let shape = [values.len()];
        self.keep(name.clone(), values, &shape)?;
        Ok(name)
    }

    /// Takes a part of the room that tables have.
    pub(crate) fn reserve(&mut self, places: usize) -> Result<()> {
        self.places = self.places.saturating_add(places);
        match self.places > MOST_PLACES {
            true => Err(Problem::wrong(format!("tables of more than {MOST_PLACES} places in all"))),
            false => Ok(()),
        }
    }

    /// An operation on arrays.
    pub(crate) fn array(&mut self, op: ArrayOp, inputs: &[Live], planes: [usize; 3]) -> Result<Live> {
        let count = planes.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
        if count.is_none_or(|count| count > MOST_ELEMENTS || count == 0) {
            return Err(Problem::wrong(format!(
                "{planes:?} elements an image, expected 1 to {MOST_ELEMENTS}"
            )));
        }
        let inputs: Vec<models::Value> = inputs.iter().map(|live| live.value).collect();
        Ok(Live { value: self.builder.array(op, &inputs, planes), planes })
    }

    /// A value of the network: known numbers become one that is the same for all images.
    pub(crate) fn live_of(&mut self, value: &Value) -> Result<Value> {
        match &value.source {
            Source::Live(_) => Ok(value.clone()),
            Source::Known(_) => {
                let numbers = value.numbers().expect("known numbers").as_floats().to_vec();
                let planes = column(numbers.len());
                self.reserve(numbers.len())?;
                let name = self.number(numbers)?;
                let live = self.array(ArrayOp::Constant { parameter: name }, &[], planes)?;
                Ok(of_live(live, View::rows(value.shape())))
            }
        }
    }

    /// The elements as planes of a size, those with the axes in this order row by row; moved only where they lie otherwise.
    pub(crate) fn planes(&mut self, value: &Value, order: &[usize], planes: [usize; 3]) -> Result<Live> {
        let value = self.live_of(value)?;
        let live = value.live().expect("a value of the network");
        let view = permuted(&value.view, order);
        if !view.is_plain(live.len()) {
            return self.array(ArrayOp::Copy(view), &[live], planes);
        }
        if live.planes == planes {
            return Ok(live);
        }
        self.array(ArrayOp::Relabel, &[live], planes)
    }

    /// The value with its elements each exactly once in its source, in whatever order they lie.
    pub(crate) fn whole(&mut self, value: &Value) -> Result<(Live, View)> {
        let value = self.live_of(value)?;
        if value.is_whole() {
            return Ok((value.live().expect("a value of the network"), value.view));
        }
        self.moved(&value, &value.order())
    }

    /// The value with its elements lying with the axes in this order.
    pub(crate) fn moved(&mut self, value: &Value, order: &[usize]) -> Result<(Live, View)> {
        let live = self.planes(value, order, column(value.count()))?;
        Ok((live, laid_out(value.shape(), order)))
    }

    /// A function of each element that engines have a fast operation for.
    pub(crate) fn nonlinear(&mut self, x: &Value, function: Nonlinearity) -> Result<Value> {
        let (live, view) = self.whole(x)?;
        let value = self.builder.nonlinear(live.value, function);
        Ok(of_live(Live { value, planes: live.planes }, view))
    }

    /// The ε of the batch-norms that follow.
    pub(crate) fn set_epsilon(&mut self, epsilon: f64) {
        self.builder.set_norms(NormSettings { epsilon, ..NormSettings::default() });
    }
}

/// So many elements as channels of one pixel.
pub(crate) fn column(elements: usize) -> [usize; 3] {
    [elements, 1, 1]
}

/// A value of the network, read by a view.
pub(crate) fn of_live(live: Live, view: View) -> Value {
    Value { source: Source::Live(live), view, origin: None }
}
