//! Operations on arrays of any shape, forward and backward.

use kernels::{
    View,
    blocked::{
        self, Blocked, Dims,
        arrays::{self, Factor, Operand},
    },
};

use super::engine::{Engine, Pass};
use crate::graph::{ArrayOp, Side};

/// What an operation computes: planes of the size `dims`.
pub(super) fn forward(
    engine: &Engine,
    pass: Pass<'_>,
    op: &ArrayOp,
    inputs: &[&Blocked],
    dims: Dims,
) -> Blocked {
    let (arena, instructions) = (&engine.arena, engine.instructions);
    let labelled = |y: Blocked| arrays::relabel(y, dims);
    match op {
        ArrayOp::Relabel => labelled(blocked::concatenate(&[inputs[0]], arena)),
        ArrayOp::Constant { parameter } => arrays::repeat(pass.weights[parameter.as_str()], dims, arena),
        ArrayOp::Copy(view) => arrays::copy(inputs[0], view, dims, arena),
        ArrayOp::Pick { places, filler } => arrays::pick(inputs, places, *filler, dims, arena),
        ArrayOp::Unary(function) => labelled(arrays::unary(inputs[0], *function, instructions, arena)),
        ArrayOp::Binary { function, views, parameter } => {
            let operands = operands(pass, views, parameter.as_ref(), inputs);
            arrays::binary(*function, operands, dims, instructions, arena)
        }
        ArrayOp::Reduce { axis, reduction } => {
            labelled(arrays::reduce(inputs[0], *axis, *reduction, instructions, arena))
        }
        ArrayOp::Softmax { axis, log } => {
            labelled(arrays::softmax(inputs[0], *axis, *log, instructions, arena))
        }
        ArrayOp::Products([a, b]) => {
            let (a, b) = (Factor { values: inputs[0], view: a }, Factor { values: inputs[1], view: b });
            arrays::matrix_products(a, b, dims, instructions, arena)
        }
        ArrayOp::Transform(map) => arrays::transform(inputs[0], map, dims, arena),
    }
}

/// Both arguments of a function of pairs: inputs, but for that which is a parameter.
fn operands<'a>(
    pass: Pass<'a>,
    [a, b]: &'a [View; 2],
    parameter: Option<&'a (Side, String)>,
    inputs: &[&'a Blocked],
) -> [Operand<'a>; 2] {
    let numbers = |name: &String| pass.weights[name.as_str()];
    match parameter {
        None => [Operand::Images(inputs[0], a), Operand::Images(inputs[1], b)],
        Some((Side::First, name)) => [Operand::Numbers(numbers(name), a), Operand::Images(inputs[0], b)],
        Some((Side::Second, name)) => [Operand::Images(inputs[0], a), Operand::Numbers(numbers(name), b)],
    }
}

/// A value that an operation read: its size, and the value itself where gradients need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) dims: Dims,
    pub(super) x: Option<&'a Blocked>,
}

impl<'a> Seen<'a> {
    fn x(self) -> &'a Blocked {
        self.x.expect("the plan keeps what gradients need")
    }
}

/// The gradient of one of the inputs from that of the result, plus that of `others`; none if there is none.
pub(super) fn backward(
    engine: &Engine,
    pass: Pass<'_>,
    (op, input): (&ArrayOp, usize),
    g: &Blocked,
    seen: &[Seen<'_>],
    others: Option<Blocked>,
) -> Option<Blocked> {
    let (arena, instructions) = (&engine.arena, engine.instructions);
    let dims = seen[input].dims;
    let copied = || blocked::concatenate(&[g], arena);
    let dx = match op {
        ArrayOp::Constant { .. } => return others,
        ArrayOp::Relabel => copied(),
        ArrayOp::Copy(view) => return Some(arrays::copy_gradient(g, view, dims, others, arena)),
        ArrayOp::Pick { places, .. } => {
            let start = seen[..input].iter().map(|seen| elements(seen.dims)).sum();
            return Some(arrays::pick_gradient(g, places, start, dims, others, arena));
        }
        ArrayOp::Unary(function) => {
            let mut dx = arrays::relabel(copied(), dims);
            arrays::unary_gradient(&mut dx, seen[0].x(), *function, instructions);
            dx
        }
        ArrayOp::Binary { function, views, parameter } => {
            let of = usize::from(input == 1 || matches!(parameter, Some((Side::First, _))));
            let view = &views[of];
            // Sums and differences do without their arguments: the gradient stands in for them.
            let needs = !op.needs_on_the_way_back().is_empty();
            let dx = if needs {
                let inputs: Vec<&Blocked> = seen.iter().map(|seen| seen.x()).collect();
                let operands = operands(pass, views, parameter.as_ref(), &inputs);
                arrays::binary_gradient(g, *function, operands, of, instructions, arena)
            } else {
                let rows = View::rows(&view.shape);
                let itself = Operand::Images(g, &rows);
                arrays::binary_gradient(g, *function, [itself; 2], of, instructions, arena)
            };
            if view.is_plain(elements(dims)) {
                dx
            } else {
                let gathered = arrays::copy_gradient(&dx, view, dims, others, arena);
                arena.recycle(dx);
                return Some(gathered);
            }
        }
        ArrayOp::Reduce { axis, reduction } => {
            arrays::reduce_gradient(g, seen[0].x, dims, *axis, *reduction, arena)
        }
        ArrayOp::Softmax { axis, log } => {
            arrays::softmax_gradient(g, seen[0].x(), *axis, *log, instructions, arena)
        }
        ArrayOp::Products(views) => {
            let dx = product_gradient(engine, g, views, [seen[0].x(), seen[1].x()], input);
            let gathered = arrays::copy_gradient(&dx, &views[input], dims, others, arena);
            arena.recycle(dx);
            return Some(gathered);
        }
        ArrayOp::Transform(map) => arrays::transform_gradient(g, map, dims, arena),
    };
    let mut dx = arrays::relabel(dx, dims);
    if let Some(others) = others {
        blocked::accumulate(&mut dx, &others, instructions);
        arena.recycle(others);
    }
    Some(dx)
}

/// Of A B the gradients G Bᵀ and Aᵀ G, an element for each of the view's.
fn product_gradient(
    engine: &Engine,
    g: &Blocked,
    [a, b]: &[View; 2],
    [of_a, of_b]: [&Blocked; 2],
    input: usize,
) -> Blocked {
    let axes = a.shape.len();
    let mut shape = a.shape.clone();
    shape[axes - 1] = b.shape[axes - 1];
    let gradient = View::rows(&shape);
    let count = if input == 0 { a.count() } else { b.count() };
    let dims = Dims { images: g.dims().images, channels: count, height: 1, width: 1 };
    let (first, second);
    let factors = if input == 0 {
        second = b.transposed();
        [Factor { values: g, view: &gradient }, Factor { values: of_b, view: &second }]
    } else {
        first = a.transposed();
        [Factor { values: of_a, view: &first }, Factor { values: g, view: &gradient }]
    };
    let [first, second] = factors;
    arrays::matrix_products(first, second, dims, engine.instructions, &engine.arena)
}

fn elements(dims: Dims) -> usize {
    dims.channels * dims.pixels()
}
