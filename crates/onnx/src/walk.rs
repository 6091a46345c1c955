//! Through the nodes of a graph, in an order in which they can run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    call::Call,
    error::Error,
    file::Beside,
    importer::Importer,
    normaliser, numbers, operations,
    problem::{Problem, short},
    proto,
    value::{Origin, Value},
};

/// More nodes than any network has, those of functions counted each time that they run.
const MOST_NODES: usize = 500_000;

/// Functions and branches within each other.
const DEEPEST: usize = 12;

/// Where nodes are, and what is beside them.
pub(crate) struct Walk<'a> {
    model: &'a proto::Model,
    beside: Beside,
    path: &'a std::path::Path,
    opset: i64,
    functions: BTreeMap<(&'a str, &'a str), &'a proto::Function>,
    done: usize,
    pub(crate) to: Importer,
    /// What the graph makes of the pixels before anything else.
    pub(crate) pixels: Option<([f64; 3], [f64; 3])>,
}

/// The values of a graph or function that were computed.
type Values = HashMap<String, Value>;

impl<'a> Walk<'a> {
    pub(crate) fn new(model: &'a proto::Model, path: &'a std::path::Path, to: Importer) -> Self {
        let functions =
            model.functions.iter().map(|of| ((of.domain.as_str(), of.name.as_str()), of)).collect();
        let (beside, opset) = (Beside::new(path), opset(&model.opset_import));
        Self { model, beside, path, opset, functions, done: 0, to, pixels: None }
    }

    /// An output of the graph, given the input.
    pub(crate) fn output(&mut self, name: &str, values: Values) -> Result<Value, Error> {
        let graph = self.model.graph.as_ref().expect("a model that was read has a graph");
        let mut values = values;
        let found = self.graph(graph, &[name], &mut values, 0)?;
        Ok(found.into_iter().next().expect("one value for one name"))
    }

    /// The values of these names.
    fn graph(
        &mut self,
        graph: &'a proto::Graph,
        wanted: &[&str],
        values: &mut Values,
        depth: usize,
    ) -> Result<Vec<Value>, Error> {
        let mut weights: HashMap<&str, &proto::Tensor> = HashMap::new();
        for tensor in &graph.initializer {
            if weights.insert(&tensor.name, tensor).is_some() {
                return Err(self.wrong(
                    &format!("initialiser `{}`", short(&tensor.name)),
                    "its name is there twice".to_owned(),
                ));
            }
        }
        let nodes: Vec<&proto::Node> = graph.node.iter().collect();
        self.nodes(&nodes, &weights, wanted, values, depth)
    }

    fn nodes(
        &mut self,
        nodes: &[&proto::Node],
        weights: &HashMap<&str, &'a proto::Tensor>,
        wanted: &[&str],
        values: &mut Values,
        depth: usize,
    ) -> Result<Vec<Value>, Error> {
        let order = order(nodes, wanted, values).map_err(|problem| self.wrong("the graph", problem))?;
        let all = readers(nodes, &order, wanted);
        let mut left = all.clone();
        for &index in &order {
            let node = nodes[index];
            self.done += 1;
            if self.done > MOST_NODES {
                return Err(self.wrong("the graph", format!("more than {MOST_NODES} operations")));
            }
            for name in node.input.iter().filter(|name| !name.is_empty()) {
                self.load(name, weights, values)?;
            }
            for name in captured(node) {
                self.load(name, weights, values)?;
            }
            let missing = node.input.iter().find(|name| !name.is_empty() && !values.contains_key(*name));
            if let Some(name) = missing {
                return Err(self.wrong(
                    &said(node),
                    format!("its input `{}` is nowhere: no node or initialiser has it", short(name)),
                ));
            }
            let once = node.input.iter().map(|name| all.get(name.as_str()) == Some(&1)).collect();
            let inputs = node.input.iter().map(|name| values.get(name).cloned()).collect();
            for name in &node.input {
                if let Some(readers) = left.get_mut(name.as_str()) {
                    *readers -= 1;
                    if *readers == 0 {
                        values.remove(name);
                    }
                }
            }
            let found = self.node(node, inputs, once, values, depth)?;
            for (name, value) in node.output.iter().zip(found).filter(|(name, _)| !name.is_empty()) {
                values.insert(name.clone(), value);
            }
        }
        let output = |name: &&str| -> Result<Value, Error> {
            self.load(name, weights, values)?;
            values
                .get(*name)
                .cloned()
                .ok_or_else(|| self.wrong("the graph", format!("its output `{}` is nowhere", short(name))))
        };
        wanted.iter().map(output).collect()
    }

    /// Reads an initialiser, if the name is one's and no value has it.
    fn load(
        &mut self,
        name: &str,
        weights: &HashMap<&str, &'a proto::Tensor>,
        values: &mut Values,
    ) -> Result<(), Error> {
        if values.contains_key(name) {
            return Ok(());
        }
        let Some(tensor) = weights.get(name) else { return Ok(()) };
        let outside = self.beside.bytes(tensor)?;
        let (shape, numbers) = numbers::read(tensor, outside)
            .map_err(|problem| self.told(&format!("initialiser `{}`", short(name)), problem))?;
        values.insert(name.to_owned(), Value::known(&shape, numbers));
        Ok(())
    }

    fn node(
        &mut self,
        node: &proto::Node,
        inputs: Vec<Option<Value>>,
        once: Vec<bool>,
        values: &mut Values,
        depth: usize,
    ) -> Result<Vec<Value>, Error> {
        let key = (node.domain.as_str(), node.op_type.as_str());
        if let Some(function) = self.functions.get(&key).copied() {
            return self.function(function, node, inputs, depth);
        }
        if !matches!(node.domain.as_str(), "" | "ai.onnx") {
            let way_out = "export the network with the operations of ONNX itself";
            return Err(Error::Unknown { path: self.path.to_owned(), node: said(node), way_out });
        }
        match node.op_type.as_str() {
            "Constant" => return self.constant(node).map(|value| vec![value]),
            "If" => return self.branch(node, &inputs, values, depth),
            _ => {}
        }
        let call = Call { node, opset: self.opset, inputs, inputs_read_once: once };
        let mut found =
            operations::run(&mut self.to, &call).map_err(|problem| self.told(&said(node), problem))?;
        if let Some(origin) = normaliser::follow(&call)
            && let [first, ..] = &mut found[..]
        {
            if let Origin::Pixels { factor, added, .. } = &origin {
                self.pixels = Some((*factor, *added));
            }
            // Of a batch-norm that begins a network more may be joined to it than is known of pixels.
            if first.origin.is_none() {
                first.origin = Some(origin);
            }
        }
        Ok(found)
    }

    fn constant(&mut self, node: &proto::Node) -> Result<Value, Error> {
        let call = Call { node, opset: self.opset, inputs: Vec::new(), inputs_read_once: Vec::new() };
        if let Some(tensor) = call.tensor("value") {
            let outside = self.beside.bytes(tensor)?;
            let found = numbers::read(tensor, outside);
            let (shape, numbers) = found.map_err(|problem| self.told(&said(node), problem))?;
            return Ok(Value::known(&shape, numbers));
        }
        let floats =
            |values: Vec<f32>, shape: &[usize]| Value::known(shape, numbers::Numbers::floats(values));
        let ints = |values: Vec<i64>, shape: &[usize]| Value::known(shape, numbers::Numbers::ints(values));
        if call.has("value_float") {
            return Ok(floats(vec![call.float_or("value_float", 0.0)], &[]));
        }
        if let Some(value) = call.int("value_int") {
            return Ok(ints(vec![value], &[]));
        }
        if let Some(values) = call.floats("value_floats") {
            let shape = [values.len()];
            return Ok(floats(values, &shape));
        }
        if let Some(values) = call.ints("value_ints") {
            let shape = [values.len()];
            return Ok(ints(values, &shape));
        }
        Err(self.wrong(&said(node), "a constant without numbers".to_owned()))
    }

    /// `If`: the branch that is taken, where that is known.
    fn branch(
        &mut self,
        node: &proto::Node,
        inputs: &[Option<Value>],
        values: &mut Values,
        depth: usize,
    ) -> Result<Vec<Value>, Error> {
        let condition = inputs.first().cloned().flatten().and_then(|value| value.numbers());
        let Some(condition) = condition.filter(|numbers| numbers.len() == 1) else {
            let way_out = "export the network without branches that depend on the pixels";
            return Err(Error::Unknown { path: self.path.to_owned(), node: said(node), way_out });
        };
        if depth >= DEEPEST {
            return Err(self.wrong(&said(node), format!("more than {DEEPEST} branches within each other")));
        }
        let name = if condition.as_ints()[0] != 0 { "then_branch" } else { "else_branch" };
        let graph =
            node.attribute.iter().find(|attribute| attribute.name == name).and_then(|found| found.g.as_ref());
        let Some(graph) = graph else { return Err(self.wrong(&said(node), format!("no `{name}`"))) };
        let graph = graph.clone();
        self.inner_graph(&graph, values, depth + 1)
    }

    /// A graph within another, whose values it sees.
    fn inner_graph(
        &mut self,
        graph: &proto::Graph,
        values: &Values,
        depth: usize,
    ) -> Result<Vec<Value>, Error> {
        let mut own = values.clone();
        own.values_mut().for_each(stands_alone);
        for tensor in &graph.initializer {
            let outside = self.beside.bytes(tensor)?;
            let found = numbers::read(tensor, outside);
            let (shape, numbers) = found
                .map_err(|problem| self.told(&format!("initialiser `{}`", short(&tensor.name)), problem))?;
            own.insert(tensor.name.clone(), Value::known(&shape, numbers));
        }
        let nodes: Vec<&proto::Node> = graph.node.iter().collect();
        let wanted: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
        self.nodes(&nodes, &HashMap::new(), &wanted, &mut own, depth)
    }

    /// A function's nodes with its inputs, and the attributes of its call.
    fn function(
        &mut self,
        function: &proto::Function,
        node: &proto::Node,
        inputs: Vec<Option<Value>>,
        depth: usize,
    ) -> Result<Vec<Value>, Error> {
        if depth >= DEEPEST {
            return Err(self.wrong(&said(node), format!("more than {DEEPEST} functions within each other")));
        }
        let mut values: Values = function
            .input
            .iter()
            .cloned()
            .zip(inputs)
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        values.values_mut().for_each(stands_alone);
        let given = |reference: &str| {
            let of_call = node.attribute.iter().find(|attribute| attribute.name == reference);
            of_call.or_else(|| function.attribute_proto.iter().find(|attribute| attribute.name == reference))
        };
        let filled = |inner: &proto::Node| {
            let mut inner = inner.clone();
            inner.attribute.retain_mut(|attribute| {
                if attribute.ref_attr_name.is_empty() {
                    return true;
                }
                let Some(found) = given(&attribute.ref_attr_name) else { return false };
                *attribute = proto::Attribute { name: attribute.name.clone(), ..found.clone() };
                true
            });
            inner
        };
        let nodes: Vec<proto::Node> = function.node.iter().map(filled).collect();
        let nodes: Vec<&proto::Node> = nodes.iter().collect();
        let wanted: Vec<&str> = function.output.iter().map(String::as_str).collect();
        let own = if function.opset_import.is_empty() { self.opset } else { opset(&function.opset_import) };
        let outer = std::mem::replace(&mut self.opset, own);
        let found = self.nodes(&nodes, &HashMap::new(), &wanted, &mut values, depth + 1);
        self.opset = outer;
        found
    }

    fn wrong(&self, node: &str, problem: String) -> Error {
        Error::Node { path: self.path.to_owned(), node: node.to_owned(), problem }
    }

    fn told(&self, node: &str, problem: Problem) -> Error {
        match problem {
            Problem::Wrong(problem) => self.wrong(node, problem),
            Problem::Unknown(way_out) => {
                Error::Unknown { path: self.path.to_owned(), node: node.to_owned(), way_out }
            }
            Problem::Other(error) => error,
        }
    }
}

/// The version of ONNX's own operations.
pub(crate) fn opset(imports: &[proto::OperatorSet]) -> i64 {
    let own = imports.iter().filter(|of| matches!(of.domain.as_str(), "" | "ai.onnx"));
    own.map(|of| of.version).max().unwrap_or(1)
}

/// A node in words.
fn said(node: &proto::Node) -> String {
    let domain = if node.domain.is_empty() { String::new() } else { format!("{}.", short(&node.domain)) };
    let name = if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name };
    format!("node `{}` ({domain}{})", short(name), short(&node.op_type))
}

/// Forgets what a value is known to be: who else reads it is not known within a function or a branch, and an operation that is made one
/// with it must be its only reader.
fn stands_alone(value: &mut Value) {
    value.origin = None;
}

/// Names of values outside that the branches of a node read.
fn captured(node: &proto::Node) -> Vec<&str> {
    let graphs = node.attribute.iter().filter_map(|attribute| attribute.g.as_ref());
    let mut names = Vec::new();
    for graph in graphs {
        names.extend(graph.output.iter().map(|output| output.name.as_str()));
        for node in &graph.node {
            names.extend(node.input.iter().map(String::as_str).filter(|name| !name.is_empty()));
            names.extend(captured(node));
        }
    }
    names
}

/// The nodes that the wanted values need, each after those that it needs.
fn order(nodes: &[&proto::Node], wanted: &[&str], values: &Values) -> Result<Vec<usize>, String> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if makers.insert(name, index).is_some() {
                return Err(format!("the value `{}` is made twice", short(name)));
            }
        }
    }
    // (node, whether those that it needs are done).
    let maker = |name: &&str| makers.get(name).copied().filter(|_| !values.contains_key(*name));
    let mut stack: Vec<(usize, bool)> =
        wanted.iter().rev().filter_map(maker).map(|node| (node, false)).collect();
    let (mut begun, mut done, mut order) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    while let Some((index, is_ready)) = stack.pop() {
        if is_ready {
            done.insert(index);
            order.push(index);
            continue;
        }
        if done.contains(&index) {
            continue;
        }
        if !begun.insert(index) {
            continue;
        }
        stack.push((index, true));
        let needs = nodes[index].input.iter().map(String::as_str).chain(captured(nodes[index]));
        for need in needs.collect::<Vec<_>>().iter().rev().filter_map(maker) {
            if begun.contains(&need) && !done.contains(&need) {
                return Err(format!("a cycle through the value `{}`", short(&nodes[need].output[0])));
            }
            if !done.contains(&need) {
                stack.push((need, false));
            }
        }
    }
    Ok(order)
}

/// How often each value is read.
fn readers<'b>(nodes: &[&'b proto::Node], order: &[usize], wanted: &[&'b str]) -> HashMap<&'b str, usize> {
    let mut readers: HashMap<&str, usize> = HashMap::new();
    let read = order
        .iter()
        .flat_map(|&index| nodes[index].input.iter().map(String::as_str).chain(captured(nodes[index])));
    read.chain(wanted.iter().copied()).filter(|name| !name.is_empty()).for_each(|name| {
        *readers.entry(name).or_default() += 1;
    });
    readers
}
