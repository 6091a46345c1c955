//! Layers with weights: convolutions, batch-norms, linear layers, layer norms.

use models::{Activation, ConvolutionShape, View};

use super::{choices::padded, windows::Windows};
use crate::{
    call::{Call, Outputs},
    importer::{Importer, of_live},
    problem::{Problem, Result},
    value::{Live, Origin, Value, laid_out},
};

/// Values (1, C, H, W) or (1, C, L) as planes: channels, rows, columns.
pub(super) fn plane_sizes(x: &Value) -> Result<[usize; 3]> {
    match x.shape() {
        &[1, c, h, w] => Ok([c, h, w]),
        &[1, c, l] => Ok([c, l, 1]),
        shape => Err(Problem::wrong(format!(
            "{shape:?}, expected images of one or two axes: (1, C, H, W) or (1, C, L)"
        ))),
    }
}

/// `Conv`.
pub(super) fn convolution(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (x, weight) = (call.input(0)?, call.input(1)?);
    let [c, h, w] = plane_sizes(x)?;
    let axes = x.shape().len() - 2;
    let (o, part, kernel) = match weight.shape() {
        &[o, part, rows, columns] if axes == 2 => (o, part, [rows, columns]),
        &[o, part, taps] if axes == 1 => (o, part, [taps, 1]),
        shape => return Err(Problem::wrong(format!("weights {shape:?} for {:?}", x.shape()))),
    };
    let groups = usize::try_from(call.int_or("group", 1)).unwrap_or(0);
    if groups == 0 || part.checked_mul(groups) != Some(c) || o % groups != 0 || o == 0 || kernel.contains(&0)
    {
        return Err(Problem::wrong(format!(
            "weights {:?} in {groups} groups for {:?}",
            weight.shape(),
            x.shape()
        )));
    }
    let windows = Windows::new(call, axes, [h, w], Some(kernel))?;
    let counts = windows.counts([h, w])?;
    let weights = call.known(1)?.as_floats().to_vec();
    let bias = call.optional(2).map(|_| call.known(2)).transpose()?.map(|bias| bias.as_floats().to_vec());
    if bias.as_ref().is_some_and(|bias| bias.len() != o) {
        return Err(Problem::wrong(format!("a bias of other length than {o}")));
    }
    let (weights, kernel) = dilated(weights, o * part, kernel, windows.dilations);
    // Padding that is not the same on both sides, or reaches further than the kernel, is put on first.
    let plain =
        |axis: usize| windows.pads[axis][0] == windows.pads[axis][1] && windows.pads[axis][0] < kernel[axis];
    let (x, padding) = if plain(0) && plain(1) {
        (x.clone(), windows.pads.map(|pad| pad[0]))
    } else {
        let mut pads = vec![[0i64; 2]; x.shape().len()];
        (0..axes).for_each(|axis| pads[2 + axis] = windows.pads[axis].map(|pad| pad as i64));
        (padded(to, x, &pads, "constant", 0.0)?, [0; 2])
    };
    let [stride, other] = windows.strides;
    let is_even = stride == other || axes == 1;
    let shape = ConvolutionShape {
        inputs: c,
        outputs: o,
        kernel,
        stride: if is_even { stride } else { 1 },
        padding,
        groups,
    };
    let planes = plane_sizes(&x)?;
    let order: Vec<usize> = (0..x.shape().len()).collect();
    let live = to.planes(&x, &order, planes)?;
    let found = with_weights(to, live, shape, weights, bias)?;
    let mut sizes = vec![1, o];
    sizes.extend(
        &shape.output_size([planes[1], planes[2]]).ok_or_else(|| Problem::wrong("no window fits"))?[..axes],
    );
    let y = Value { view: View::rows(&sizes), ..found };
    if is_even {
        return Ok(vec![y]);
    }
    // Strides that differ choose among all windows.
    let mut view = y.view.clone();
    view.shape[2..].copy_from_slice(&counts);
    view.strides[2..].iter_mut().zip(windows.strides).for_each(|(step, by)| *step *= by as isize);
    Ok(vec![y.through(view)])
}

/// The same kernels with zeros between their weights.
fn dilated(weights: Vec<f32>, kernels: usize, kernel: [usize; 2], by: [usize; 2]) -> (Vec<f32>, [usize; 2]) {
    if by == [1; 2] {
        return (weights, kernel);
    }
    let reach = [0, 1].map(|axis| (kernel[axis] - 1) * by[axis] + 1);
    let mut all = vec![0.0; kernels * reach[0] * reach[1]];
    for (at, weight) in weights.into_iter().enumerate() {
        let (of, tap) = (at / (kernel[0] * kernel[1]), at % (kernel[0] * kernel[1]));
        let (row, column) = (tap / kernel[1] * by[0], tap % kernel[1] * by[1]);
        all[of * reach[0] * reach[1] + row * reach[1] + column] = weight;
    }
    (all, reach)
}

/// A convolution of planes with weights (O, C / groups, kH, kW) of its own. Its view is of the planes.
pub(super) fn with_weights(
    to: &mut Importer,
    x: Live,
    shape: ConvolutionShape,
    weights: Vec<f32>,
    bias: Option<Vec<f32>>,
) -> Result<Value> {
    let size = shape.output_size([x.planes[1], x.planes[2]]);
    let [rows, columns] = size.ok_or_else(|| {
        Problem::wrong(format!("a kernel {:?} on planes of {}×{}", shape.kernel, x.planes[1], x.planes[2]))
    })?;
    let planes = [shape.outputs, rows, columns];
    let module = to.module();
    let has_bias = bias.is_some();
    let value = to.builder.convolution(x.value, &module, shape, has_bias, Activation::None);
    let dims = [shape.outputs, shape.inputs / shape.groups, shape.kernel[0], shape.kernel[1]];
    to.keep(format!("{module}.weight"), weights, &dims)?;
    if let Some(bias) = bias {
        to.keep(format!("{module}.bias"), bias, &[shape.outputs])?;
    }
    to.read_by.insert(value, x);
    let origin = Origin::Convolution { x: x.value, module, shape, bias: has_bias };
    let found = of_live(Live { value, planes }, View::rows(&planes));
    Ok(Value { origin: Some(origin), ..found })
}

/// `BatchNormalization`, with the statistics of training.
pub(super) fn batch_norm(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    if call.is_set("training_mode") {
        return Err(Problem::Unknown(
            "export the network in evaluation mode: its batch-norms have the batch's statistics",
        ));
    }
    let channels = match x.shape() {
        [1, channels, ..] => *channels,
        shape => return Err(Problem::wrong(format!("{shape:?}, expected one image of channels"))),
    };
    let order: Vec<usize> = (0..x.shape().len()).collect();
    let pixels: usize = x.shape()[2..].iter().product();
    let planes = match x.shape() {
        &[_, c, h, w] => [c, h, w],
        _ => [channels, pixels, 1],
    };
    let parameters: Vec<Vec<f32>> =
        (1..5).map(|input| Ok(call.known(input)?.as_floats().to_vec())).collect::<Result<_>>()?;
    if parameters.iter().any(|values| values.len() != channels) {
        return Err(Problem::wrong(format!("parameters of other lengths than {channels}")));
    }
    let live = to.planes(x, &order, planes)?;
    let (module, epsilon) = (to.module(), f64::from(call.float_or("epsilon", 1e-5)));
    to.set_epsilon(epsilon);
    let value = to.builder.batch_norm(live.value, &module, Activation::None);
    for (name, values) in ["weight", "bias", "running_mean", "running_var"].into_iter().zip(parameters) {
        to.keep(format!("{module}.{name}"), values, &[channels])?;
    }
    let found = of_live(Live { value, planes }, View::rows(x.shape()));
    Ok(vec![Value { origin: Some(Origin::BatchNorm { x: live.value, module, epsilon }), ..found }])
}

/// `LayerNormalization`: of the last axes, whose elements lie as channels.
pub(super) fn layer_norm(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    if call.outputs() > 1 && call.node.output[1..].iter().any(|name| !name.is_empty()) {
        return Err(Problem::Unknown(
            "export the network for evaluation: mean and deviation are outputs of their own",
        ));
    }
    let axis = x.axis(call.int_or("axis", -1))?;
    let channels: usize = x.shape()[axis..].iter().product();
    let parameter = |input: usize, usual: f32| -> Result<Vec<f32>> {
        match call.optional(input) {
            Some(value) => {
                let shape = &x.shape()[axis..];
                let view = crate::value::expanded(&View::rows(value.shape()), shape)?;
                Ok(call.known(input)?.at(&view.places()).as_floats().to_vec())
            }
            None => Ok(vec![usual; channels]),
        }
    };
    let (weight, bias) = (parameter(1, 1.0)?, parameter(2, 0.0)?);
    // The axes that are normalised first, then the others as they lie.
    let mut order: Vec<usize> = (axis..x.shape().len()).collect();
    order.extend(x.order().into_iter().filter(|&other| other < axis));
    let planes = token_planes(x, channels);
    let live = to.planes(x, &order, planes)?;
    let module = to.module();
    let value = to.builder.layer_norm(live.value, &module, f64::from(call.float_or("epsilon", 1e-5)));
    to.keep(format!("{module}.weight"), weight, &[channels])?;
    to.keep(format!("{module}.bias"), bias, &[channels])?;
    Ok(vec![of_live(Live { value, planes }, laid_out(x.shape(), &order))])
}

/// Planes of so many channels, of the rows and columns that the value has if it has them.
pub(super) fn token_planes(x: &Value, channels: usize) -> [usize; 3] {
    match x.live() {
        Some(live) if live.planes[0] == channels && live.len() == x.count() => live.planes,
        _ => [channels, x.count() / channels.max(1), 1],
    }
}
