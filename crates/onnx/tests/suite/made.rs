//! ONNX files made here, message by message: each field is its number, its kind and its bytes.

/// A number in seven bits a byte.
pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 128 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field of bytes: a text or a message.
pub(crate) fn part(field: u64, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.as_ref().len() as u64), bytes.as_ref().to_vec()].concat()
}

/// A field of a whole number.
pub(crate) fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value as u64)].concat()
}

/// A node of ONNX's own operations.
pub(crate) fn node(op: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut message = Vec::new();
    inputs.iter().for_each(|input| message.extend(part(1, input)));
    message.extend(part(2, output));
    message.extend(part(3, format!("/{output}")));
    message.extend(part(4, op));
    attributes.iter().for_each(|attribute| message.extend(part(5, attribute)));
    message
}

/// An attribute that is a whole number, or several.
pub(crate) fn attribute(name: &str, values: &[i64]) -> Vec<u8> {
    let mut message = part(1, name);
    match values {
        [one] => message.extend(number(3, *one)),
        all => all.iter().for_each(|&value| message.extend(number(8, value))),
    }
    message
}

/// An initialiser of f32.
pub(crate) fn floats(name: &str, dims: &[i64], values: &[f32]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [tensor(name, dims, 1), part(9, raw)].concat()
}

/// An initialiser of whole numbers.
pub(crate) fn ints(name: &str, values: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [tensor(name, &[values.len() as i64], 7), part(9, raw)].concat()
}

/// An initialiser without numbers.
pub(crate) fn tensor(name: &str, dims: &[i64], kind: i64) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&size| number(1, size)).collect();
    [dims, number(2, kind), part(8, name)].concat()
}

/// The name, type f32 and shape of a value; 0 stands for a size that is not known.
pub(crate) fn value(name: &str, dims: &[i64]) -> Vec<u8> {
    let dim = |&size: &i64| part(1, if size == 0 { part(2, "N") } else { number(1, size) });
    let shape: Vec<u8> = dims.iter().flat_map(dim).collect();
    [part(1, name), part(2, part(1, [number(1, 1), part(2, shape)].concat()))].concat()
}

/// A file of images `x` of 8 × 8 pixels and one output.
pub(crate) fn model(nodes: &[Vec<u8>], weights: &[Vec<u8>], output: &str) -> Vec<u8> {
    let mut graph = Vec::new();
    nodes.iter().for_each(|node| graph.extend(part(1, node)));
    graph.extend(part(2, "graph"));
    weights.iter().for_each(|weight| graph.extend(part(5, weight)));
    graph.extend(part(11, value("x", &[0, 3, 8, 8])));
    graph.extend(part(12, value(output, &[0, 3])));
    [number(1, 9), part(2, "test"), part(7, graph), part(8, number(2, 18))].concat()
}
