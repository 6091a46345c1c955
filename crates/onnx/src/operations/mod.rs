//! What each operation of ONNX comes to.

mod attention;
mod choices;
mod elements;
mod folding;
mod indexed;
mod joined;
mod layers;
mod made;
mod pooling;
mod products;
mod reductions;
mod resize;
mod views;
mod windows;

use models::{Binary, Nonlinearity, Reduction, Unary};

use crate::{
    call::{Call, Outputs},
    importer::Importer,
    problem::{Problem, Result},
    value::{Origin, Value},
};

/// What a node computes, added to the network or folded.
pub(crate) fn run(to: &mut Importer, call: &Call<'_>) -> Outputs {
    match call.operation() {
        "Reshape" => views::reshape(to, call),
        "Flatten" => views::flatten(to, call),
        "Transpose" => views::transpose(call),
        "Squeeze" => views::squeeze(to, call),
        "Unsqueeze" => views::unsqueeze(to, call),
        "Expand" => views::expand(call),
        "Slice" => views::slice(call),
        "Split" => views::split(call),
        "Shape" => views::shape(call),
        "Size" => views::size(call),
        "DepthToSpace" => views::space(to, call, true),
        "SpaceToDepth" => views::space(to, call, false),
        "Concat" => choices::concat(to, call),
        "Gather" => indexed::gather(to, call),
        "Pad" => choices::pad(to, call),
        "Tile" => made::tile(to, call),
        "ConstantOfShape" => made::constant_of_shape(to, call),
        "Range" => made::range(to, call),
        "Cast" => made::cast(call),
        "GatherND" => indexed::gather_nd(to, call),
        "ScatterND" => indexed::scatter(to, call),
        "Trilu" => choices::triangle(to, call),
        "Where" => elements::choose(to, call),
        "Identity" | "Dropout" => call.itself().map(|y| vec![y]),
        "CastLike" => made::cast_like(call),
        "Conv" => layers::convolution(to, call),
        "BatchNormalization" => layers::batch_norm(to, call),
        "LayerNormalization" => layers::layer_norm(to, call),
        "MatMul" => products::matmul(to, call),
        "Gemm" => products::gemm(to, call),
        "Einsum" => products::einsum(to, call),
        "Attention" => attention::attention(to, call),
        "MaxPool" => pooling::max_pool(to, call),
        "AveragePool" => pooling::average_pool(to, call),
        "GlobalAveragePool" => pooling::global(to, call, Reduction::Mean),
        "GlobalMaxPool" => pooling::global(to, call, Reduction::Max),
        "LRN" => pooling::local_response(to, call),
        "Softmax" => reductions::softmax(to, call, false),
        "LogSoftmax" => reductions::softmax(to, call, true),
        "InstanceNormalization" => reductions::instance_norm(to, call),
        "GroupNormalization" => reductions::group_norm(to, call),
        "LpNormalization" => reductions::norm(to, call),
        "Resize" | "Upsample" => resize::resize(to, call),
        name if name.starts_with("Reduce") => reductions::reduce(to, call),
        _ => of_elements(to, call),
    }
}

/// Functions of elements and of pairs of elements.
fn of_elements(to: &mut Importer, call: &Call<'_>) -> Outputs {
    if call.inputs.is_empty() {
        return Err(Problem::Unknown(way_out(call.operation())));
    }
    let x = call.input(0)?;
    let one = |y: Result<Value>| y.map(|y| vec![y]);
    let unary = |to: &mut Importer, function| one(elements::unary(to, x, function));
    match call.operation() {
        "Relu" => elements::relu(to, call),
        "LeakyRelu" => one(elements::leaky_relu(to, x, call.float_or("alpha", 0.01))),
        "PRelu" => one(elements::pair(to, x, &slopes(call)?, Binary::Slope)),
        "Clip" => elements::clip(to, call),
        "Sigmoid" => one(elements::sigmoid(to, x)),
        "HardSigmoid" => elements::hard_sigmoid(to, call),
        "HardSwish" => one(to.nonlinear(x, Nonlinearity::Hardswish)),
        "Swish" if call.float_or("alpha", 1.0) == 1.0 => one(to.nonlinear(x, Nonlinearity::Silu)),
        "Tanh" => one(to.nonlinear(x, Nonlinearity::Tanh)),
        "Gelu" => one(elements::gelu(to, x, call.text_or("approximate", "none") != "tanh")),
        "Mish" => {
            let soft = elements::unary(to, x, Unary::Softplus)?;
            let gate = to.nonlinear(&soft, Nonlinearity::Tanh)?;
            one(elements::pair(to, x, &gate, Binary::Multiply))
        }
        "Softsign" => {
            let size = elements::unary(to, x, Unary::Abs)?;
            let below = elements::pair_with_number(to, &size, Binary::Add, 1.0)?;
            one(elements::pair(to, x, &below, Binary::Divide))
        }
        "Elu" => unary(to, Unary::Elu { alpha: call.float_or("alpha", 1.0) }),
        "Celu" => {
            let alpha = call.float_or("alpha", 1.0);
            let scaled = elements::pair_with_number(to, x, Binary::Divide, alpha)?;
            let y = elements::unary(to, &scaled, Unary::Elu { alpha: 1.0 })?;
            one(elements::pair_with_number(to, &y, Binary::Multiply, alpha))
        }
        "Selu" => {
            let (alpha, gamma) = (call.float_or("alpha", 1.673_263_2), call.float_or("gamma", 1.050_701));
            let y = elements::unary(to, x, Unary::Elu { alpha })?;
            one(elements::pair_with_number(to, &y, Binary::Multiply, gamma))
        }
        "ThresholdedRelu" => unary(to, Unary::ThresholdedRelu { alpha: call.float_or("alpha", 1.0) }),
        "Erf" => {
            let y = elements::unary(to, x, Unary::Erf)?;
            Ok(vec![Value { origin: joined::origin_of_erf(x), ..y }])
        }
        "Exp" => unary(to, Unary::Exp),
        "Log" => unary(to, Unary::Log),
        "Sqrt" => unary(to, Unary::Sqrt),
        "Reciprocal" => unary(to, Unary::Reciprocal),
        "Abs" => unary(to, Unary::Abs),
        "Softplus" => unary(to, Unary::Softplus),
        "Sin" => unary(to, Unary::Sin),
        "Cos" => unary(to, Unary::Cos),
        "Floor" => unary(to, Unary::Floor),
        "Ceil" => unary(to, Unary::Ceil),
        "Round" => unary(to, Unary::Round),
        "Sign" => unary(to, Unary::Sign),
        "Neg" => one(negated(to, x)),
        "Not" => one(elements::pair_with_number(to, x, Binary::Equal, 0.0)),
        _ => of_pairs(to, call),
    }
}

fn negated(to: &mut Importer, x: &Value) -> Result<Value> {
    let minus = match x.numbers() {
        Some(crate::numbers::Numbers::Ints(_)) => Value::known(&[], crate::numbers::Numbers::ints(vec![-1])),
        _ => Value::known(&[], crate::numbers::Numbers::floats(vec![-1.0])),
    };
    elements::pair(to, x, &minus, Binary::Multiply)
}

/// The slopes of PReLU: a number, or one for each channel.
fn slopes(call: &Call<'_>) -> Result<Value> {
    Ok(call.input(1)?.clone())
}

fn of_pairs(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let pair = |to: &mut Importer, function, turned: bool| {
        let (a, b) = (call.input(0)?, call.input(1)?);
        let (a, b) = if turned { (b, a) } else { (a, b) };
        elements::pair(to, a, b, function).map(|y| vec![y])
    };
    match call.operation() {
        "Add" => elements::add(to, call),
        "Mul" => elements::multiply(to, call),
        "Div" => elements::divide(to, call),
        "Sub" => pair(to, Binary::Subtract, false),
        "Pow" => pair(to, Binary::Power, false),
        "Equal" => pair(to, Binary::Equal, false),
        "Greater" => pair(to, Binary::Greater, false),
        "GreaterOrEqual" => pair(to, Binary::GreaterOrEqual, false),
        "Less" => pair(to, Binary::Greater, true),
        "LessOrEqual" => pair(to, Binary::GreaterOrEqual, true),
        "And" => pair(to, Binary::Multiply, false),
        "Or" => pair(to, Binary::Maximum, false),
        "Sum" => elements::several(to, call, Binary::Add, false),
        "Mean" => elements::several(to, call, Binary::Add, true),
        "Max" => elements::several(to, call, Binary::Maximum, false),
        "Min" => elements::several(to, call, Binary::Minimum, false),
        "Mod" => remainder(to, call),
        name => Err(Problem::Unknown(way_out(name))),
    }
}

/// `Mod`: what is left of a division, of known numbers.
fn remainder(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (a, b) = (call.input(0)?, call.input(1)?);
    let (Some(of_a), Some(of_b)) = (a.numbers(), b.numbers()) else {
        return Err(Problem::Unknown("export the network without remainders of what depends on the pixels"));
    };
    folding::remainder(to, (a.shape(), &of_a), (b.shape(), &of_b), call.is_set("fmod")).map(|y| vec![y])
}

/// The nearest way out of an operation that is missing.
fn way_out(name: &str) -> &'static str {
    match name {
        "If" | "Loop" | "Scan" => "export the network without branches and loops, for images of one size",
        "QuantizeLinear"
        | "DequantizeLinear"
        | "QLinearConv"
        | "ConvInteger"
        | "MatMulInteger"
        | "DynamicQuantizeLinear" => "export the network before it is quantised",
        "NonMaxSuppression" | "TopK" | "ArgMax" | "RoiAlign" => {
            "export the network up to its logits: what comes after has no gradient"
        }
        "LSTM" | "GRU" | "RNN" => "recurrent networks are not classifiers of images here",
        "ConvTranspose" => "transposed convolutions are not known here; classifiers do without them",
        _ => {
            "export the network with another version (opset 18 is the best known), or ask for this operation"
        }
    }
}

/// The value that softmax was made of, if it is softmax.
pub(crate) fn before_softmax(value: &Value) -> Option<Value> {
    match &value.origin {
        Some(Origin::Softmax(of)) => Some((**of).clone()),
        _ => None,
    }
}
