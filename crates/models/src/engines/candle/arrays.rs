//! Operations on arrays of any shape, forward and backward.

use candle_core::{Result, Tensor};
use kernels::{View, device::arrays};

use super::engine::Pass;
use crate::graph::{ArrayOp, Side};

/// What an operation computes for so many images: planes of a size.
pub(super) fn forward(
    pass: Pass<'_>,
    op: &ArrayOp,
    inputs: &[&Tensor],
    [channels, height, width]: [usize; 3],
    images: usize,
) -> Result<Tensor> {
    let inputs: Vec<Tensor> = inputs.iter().map(|x| x.flatten_from(1)).collect::<Result<_>>()?;
    let y = match op {
        ArrayOp::Relabel => inputs[0].clone(),
        ArrayOp::Constant { parameter } => {
            let numbers = pass.weights[parameter].flatten_all()?.unsqueeze(0)?;
            numbers.broadcast_as((images, channels * height * width))?
        }
        ArrayOp::Copy(view) => arrays::copy(&inputs[0], view)?,
        ArrayOp::Pick { places, filler } => arrays::pick(&inputs, places, *filler)?,
        ArrayOp::Unary(function) => arrays::unary(&inputs[0], *function)?,
        ArrayOp::Binary { function, views, parameter } => {
            let [a, b] = operands(pass, views, parameter.as_ref(), &inputs)?;
            arrays::binary(&a, &b, *function)?
        }
        ArrayOp::Reduce { axis, reduction } => arrays::reduce(&inputs[0], *axis, *reduction)?,
        ArrayOp::Softmax { axis, log } => arrays::softmax(&inputs[0], *axis, *log)?,
        ArrayOp::Products([a, b]) => arrays::matrix_products((&inputs[0], a), (&inputs[1], b))?,
        ArrayOp::Transform(map) => arrays::transform(&inputs[0], map)?,
    };
    y.contiguous()?.reshape((images, channels, height, width))
}

/// Both arguments of a function of pairs, element by element; a parameter's are one row for all images.
fn operands(
    pass: Pass<'_>,
    [a, b]: &[View; 2],
    parameter: Option<&(Side, String)>,
    inputs: &[Tensor],
) -> Result<[Tensor; 2]> {
    let numbers = |name: &String| pass.weights[name].flatten_all()?.unsqueeze(0);
    Ok(match parameter {
        None => [arrays::copy(&inputs[0], a)?, arrays::copy(&inputs[1], b)?],
        Some((Side::First, name)) => [arrays::copy(&numbers(name)?, a)?, arrays::copy(&inputs[0], b)?],
        Some((Side::Second, name)) => [arrays::copy(&inputs[0], a)?, arrays::copy(&numbers(name)?, b)?],
    })
}

/// A value that an operation read: its size, (N, C, H, W), and the value itself where gradients need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) dims: &'a [usize],
    pub(super) x: Option<&'a Tensor>,
}

impl Seen<'_> {
    fn x(self) -> Result<Tensor> {
        self.x.expect("the plan keeps what gradients need").flatten_from(1)
    }

    fn elements(self) -> usize {
        self.dims[1..].iter().product()
    }
}

/// The gradient of one of the inputs from that of the result; none if there is none.
pub(super) fn backward(
    pass: Pass<'_>,
    (op, input): (&ArrayOp, usize),
    g: &Tensor,
    seen: &[Seen<'_>],
) -> Result<Option<Tensor>> {
    let (g, own) = (g.flatten_from(1)?, seen[input]);
    let dx = match op {
        ArrayOp::Constant { .. } => return Ok(None),
        ArrayOp::Relabel => g,
        ArrayOp::Copy(view) => arrays::copy_gradient(&g, view, own.elements())?,
        ArrayOp::Pick { places, .. } => {
            let start = seen[..input].iter().map(|seen| seen.elements()).sum();
            arrays::pick_gradient(&g, places, start, own.elements())?
        }
        ArrayOp::Unary(function) => arrays::unary_gradient(&own.x()?, &g, *function)?,
        ArrayOp::Binary { function, views, parameter } => {
            let of = usize::from(input == 1 || matches!(parameter, Some((Side::First, _))));
            // Sums and differences do without their arguments: the gradient stands in for them.
            let [a, b] = if op.needs_on_the_way_back().is_empty() {
                [g.clone(), g.clone()]
            } else {
                let inputs: Vec<Tensor> = seen.iter().map(|seen| seen.x()).collect::<Result<_>>()?;
                operands(pass, views, parameter.as_ref(), &inputs)?
            };
            let dx = arrays::binary_gradient(&a, &b, &g, *function, of)?;
            arrays::copy_gradient(&dx, &views[of], own.elements())?
        }
        ArrayOp::Reduce { axis, reduction } => {
            let x = own.x.map(|x| x.flatten_from(1)).transpose()?;
            arrays::reduce_gradient(&g, x.as_ref(), *axis, *reduction)?
        }
        ArrayOp::Softmax { axis, log } => arrays::softmax_gradient(&g, &own.x()?, *axis, *log)?,
        ArrayOp::Products(views) => {
            let dx = product_gradient(&g, views, [seen[0].x()?, seen[1].x()?], input)?;
            arrays::copy_gradient(&dx, &views[input], own.elements())?
        }
        ArrayOp::Transform(map) => arrays::transform_gradient(&g, map)?,
    };
    dx.contiguous()?.reshape(own.dims).map(Some)
}

/// Of A B the gradients G Bᵀ and Aᵀ G, an element for each of the view's.
fn product_gradient(
    g: &Tensor,
    [a, b]: &[View; 2],
    [of_a, of_b]: [Tensor; 2],
    input: usize,
) -> Result<Tensor> {
    let axes = a.shape.len();
    let mut shape = a.shape.clone();
    shape[axes - 1] = b.shape[axes - 1];
    let gradient = (g, &View::rows(&shape));
    if input == 0 {
        arrays::matrix_products(gradient, (&of_b, &b.transposed()))
    } else {
        arrays::matrix_products((&of_a, &a.transposed()), gradient)
    }
}
