//! What each opcode builds, and what is refused, without a panic and within the limits.

use pickle::{Answer, Calls, Error, Limits, Object, Pickle, Refusal, Value, Values};

const LIMITS: Limits = Limits { bytes: 1 << 20, steps: 10_000, objects: 1_000 };

/// Makes of `m.double(list)` a list twice as long, and of everything else what the defaults do.
struct Doubling;

impl Calls for Doubling {
    type Made = u8;

    fn name(&self, module: &[u8], _: &[u8]) -> Result<(), Refusal> {
        if module == b"os" { Err(Refusal::new("the module os", "another")) } else { Ok(()) }
    }

    fn call(&self, values: Values<'_, u8>, function: Value, arguments: Value) -> Result<Answer<u8>, Refusal> {
        let list = values.items(arguments).and_then(|arguments| values.items(*arguments.first()?));
        match (values.global(function), list) {
            (Some((b"m", b"double")), Some(list)) => Ok(Object::List([list, list].concat()).into()),
            (Some((b"m", b"made")), _) => Ok(Object::Made(1).into()),
            _ => Err(Refusal::new("a call", "double(list)")),
        }
    }

    fn build(&self, values: Values<'_, u8>, object: Value, _: Value) -> Result<Option<Object<u8>>, Refusal> {
        let made = values.made(object).ok_or_else(|| Refusal::new("a state", "none"))?;
        Ok(Some(Object::Made(made + 1)))
    }
}

fn read(bytes: &[u8]) -> Result<Pickle<&[u8], u8>, Error> {
    Pickle::from_slice(bytes, LIMITS, &Doubling)
}

/// The value as Python would print it, of what the tests build.
fn shown(values: Values<'_, u8>, value: Value) -> String {
    let all = |items: &[Value]| items.iter().map(|&item| shown(values, item)).collect::<Vec<_>>().join(", ");
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Long(span) => format!("{:x?}", values.bytes(span)),
        Value::Text(_) | Value::Bytes(_) => {
            format!("{:?}", String::from_utf8_lossy(values.string(value).unwrap()))
        }
        Value::Escaped(..) => format!("{:?}", String::from_utf8_lossy(&values.latin1(value).unwrap())),
        Value::Object(_) => match values.object(value).unwrap() {
            Object::Tuple(items) => format!("({})", all(items)),
            Object::List(items) => format!("[{}]", all(items)),
            Object::Dict(entries) => {
                let entry =
                    |&(key, of): &(Value, Value)| format!("{}: {}", shown(values, key), shown(values, of));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            Object::Global { module, name } => {
                String::from_utf8([values.bytes(*module), b".", values.bytes(*name)].concat()).unwrap()
            }
            Object::Made(made) => format!("made {made}"),
        },
    }
}

#[test]
fn opcodes_build_what_python_builds() {
    let cases: [(&[u8], &str); 24] = [
        (b"N.", "None"),
        (b"\x80\x05\x95\x02\0\0\0\0\0\0\0\x88.", "true"),
        (b"I00\n.", "false"),
        (b"I-70000\n.", "-70000"),
        (b"K\xff.", "255"),
        (b"M\xff\xff.", "65535"),
        (b"J\xfe\xff\xff\xff.", "-2"),
        (b"\x8a\x02\x00\x80.", "-32768"),
        (b"\x8a\x00.", "0"),
        (b"\x8b\x01\0\0\0\x7f.", "127"),
        (b"\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09.", "[1, 2, 3, 4, 5, 6, 7, 8, 9]"),
        (b"G\x3f\xe0\0\0\0\0\0\0.", "0.5"),
        (
            b"(U\x01aT\x01\0\0\0bX\x01\0\0\0c\x8c\x01d\x8d\x01\0\0\0\0\0\0\0et.",
            r#"("a", "b", "c", "d", "e")"#,
        ),
        (b"(C\x01aB\x01\0\0\0b\x8e\x01\0\0\0\0\0\0\0c\x96\x01\0\0\0\0\0\0\0dl.", r#"["a", "b", "c", "d"]"#),
        (b"K\x01K\x02K\x03\x87.", "(1, 2, 3)"),
        (b"](K\x01K\x02eK\x03a.", "[1, 2, 3]"),
        (b"\x8f(K\x01K\x02\x90.", "[1, 2]"),
        (b"(K\x01K\x02\x91.", "[1, 2]"),
        (b"}K\x01NsK\x01K\x02s.", "{1: None, 1: 2}"),
        (b"(K\x01N(K\x02NK\x03N1d.", "{1: None}"),
        (b"K\x05q\x01p2\n\x940h\x01g2\nj\x02\0\0\0\x87.", "(5, 5, 5)"),
        (b"K\x01K\x02202\x85.", "(2)"),
        (b"cm\ndouble\n](K\x01K\x02e\x85R.", "[1, 2, 1, 2]"),
        (b"\x8c\x01m\x8c\x04made\x93)RNb.", "made 2"),
    ];
    for (bytes, expected) in cases {
        let pickle = read(bytes).unwrap_or_else(|error| panic!("{expected}: {error}"));
        assert_eq!(shown(pickle.values(), pickle.top()), expected);
        assert_eq!(pickle.length(), bytes.len() as u64);
    }
}

#[test]
fn the_last_of_equal_keys_counts() {
    let pickle = read(b"}(U\x01aK\x01C\x01aK\x02u.").unwrap();
    assert_eq!(pickle.values().entry(pickle.top(), "a"), Some(Value::Int(2)));
    assert_eq!(pickle.values().entry(pickle.top(), "b"), None);
}

#[test]
fn a_stream_gives_what_a_slice_gives_and_no_more_is_taken() {
    let bytes = [b"\x80\x04](".to_vec(), b"\x8c\x03abcK\x07".repeat(1000), b"e.and more".to_vec()].concat();
    let slice = read(&bytes).unwrap();
    let stream = Pickle::from_stream(bytes.as_slice(), LIMITS, &Doubling).unwrap();
    assert_eq!(stream.length(), bytes.len() as u64 - 8);
    assert_eq!(slice.length(), stream.length());
    assert_eq!(shown(slice.values(), slice.top()), shown(stream.values(), stream.top()));
}

#[test]
fn an_error_names_the_opcode_and_its_place() {
    let cases: [(&[u8], &str); 20] = [
        (b"", "0 bytes before the end at byte 0 of a pickle, expected 1: it is cut short"),
        (
            b"NT\xff\xff\xff\0ab",
            "2 bytes before the end at byte 1 of a pickle, expected 16777215: it is cut short",
        ),
        (b"\x80\x06.", "protocol 6 at byte 0 of a pickle, expected protocol 0 to 5"),
        (b"N\x82.", "the opcode 0x82 at byte 1 of a pickle, expected one that builds values"),
        (b".", "nothing on the stack at byte 0 of a pickle, expected a value"),
        (b"K\x01(\x85.", "nothing on the stack at byte 3 of a pickle, expected a value"),
        (b"K\x01\x86.", "nothing on the stack at byte 2 of a pickle, expected a value"),
        (b"Nt.", "no mark at byte 1 of a pickle, expected one"),
        (b"h\x03.", "a place that nothing was put in at byte 0 of a pickle, expected one that was"),
        (b"Np-1\n.", "a place beyond the memo at byte 1 of a pickle, expected one of 32 bits"),
        (b"Ix\n.", "a line that is no number at byte 0 of a pickle, expected a whole number"),
        (
            b"K\x01K\x02a.",
            "nothing to add that to at byte 4 of a pickle, expected a list, a set or a dictionary",
        ),
        (
            b"]K\x01K\x02s.",
            "nothing to add that to at byte 5 of a pickle, expected a list, a set or a dictionary",
        ),
        (b"}(K\x01u.", "a key without a value at byte 4 of a pickle, expected keys and values"),
        (b"K\x01K\x02\x93.", "a name of code that is no text at byte 4 of a pickle, expected two strings"),
        (b"cos\nsystem\n.", "the module os at byte 0 of a pickle, expected another"),
        (b"cm\nother\n)R.", "a call at byte 10 of a pickle, expected double(list)"),
        (b"cm\nmade\n)\x81.", "an object of a class at byte 9 of a pickle, expected plain values"),
        (
            b"NQ.",
            "a reference to what stands outside the pickle at byte 1 of a pickle, expected values inside it",
        ),
        (b"NNb.", "a state at byte 2 of a pickle, expected none"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(read(bytes).expect_err(expected).to_string(), expected);
    }
}

#[test]
fn limits_stop_what_is_short_and_makes_much() {
    let double =
        [b"cm\ndouble\nq\0](K\x01K\x02e".to_vec(), b"q\x01h\0h\x01\x85R".repeat(40), b".".to_vec()].concat();
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("doubling", double, "more than 10000 steps"),
        ("steps", b"N0".repeat(6_000), "more than 10000 steps"),
        ("lists", b"]".repeat(2_000), "more than 1000 objects"),
        ("bytes", [b"B\0\0\x20\0".to_vec(), vec![0; 2 << 20]].concat(), "more than 1048576 bytes"),
    ];
    for (name, bytes, expected) in cases {
        let error = read(&bytes).expect_err(name).to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
        let error = Pickle::from_stream(bytes.as_slice(), LIMITS, &Doubling).expect_err(name).to_string();
        assert!(error.starts_with(expected), "{name}, as a stream: {error}");
    }
    let endless =
        Pickle::from_stream(std::io::repeat(b'I'), LIMITS, &Doubling).expect_err("a line without end");
    assert!(matches!(endless, Error::TooLarge { limit: 1_048_576, unit: "bytes", .. }), "{endless}");
}

#[test]
fn depth_and_cycles_cost_nothing() {
    let deep = Limits { bytes: 1 << 24, steps: 1 << 22, objects: 1 << 22 };
    let nested = [b")".to_vec(), b"\x85".repeat(1 << 20), b".".to_vec()].concat();
    let pickle = Pickle::from_slice(&nested, deep, &Doubling).unwrap();
    assert_eq!(pickle.values().objects().len(), (1 << 20) + 1);
    let own = read(b"]q\0h\0a.").unwrap();
    assert_eq!(own.values().items(own.top()), Some(&[own.top()][..]));
}

#[test]
fn any_bytes_give_a_pickle_or_an_error() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    const OPCODES: &[u8] = b"\x80\x95(012N\x88\x89JKMI\x8a\x8bGXTUBC\x8c\x8d\x8e\x96)]}\x8ftld\x91\x85\x86\x87aesu\x90qrp\x94hjgc\x93RQb\x81\x92oi.\x00\x01\n";
    let (mut read_whole, rounds) = (0, 50_000);
    for _ in 0..rounds {
        let length = next() % 40;
        let bytes: Vec<u8> = (0..length).map(|_| OPCODES[(next() % OPCODES.len() as u64) as usize]).collect();
        match read(&bytes) {
            Ok(pickle) => read_whole += usize::from(pickle.length() <= length),
            Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
        }
    }
    assert!(read_whole > 100 && read_whole < rounds, "{read_whole}");
}

/// `pickle.dumps({"a\n": 1.5, "b": 2**40, b"c": True}, 0)`, and a string of Python 2.
#[test]
fn protocol_0_is_lines() {
    let text = b"(dp0\nVa\\u000a\np1\nF1.5\nsVb\np2\nL1099511627776L\nsS'c\\x00'\np3\nI01\ns.";
    let pickle = read(text).unwrap();
    assert_eq!(shown(pickle.values(), pickle.top()), r#"{"a\n": 1.5, "b": 1099511627776, "c\0": true}"#);
    for (bytes, words) in [
        (&b"Sabc\n."[..], "a string without quotes"),
        (b"Fabc\n.", "a line that is no number"),
        (b"S'\n.", "a string without quotes"),
        (b"Vabc", "cut short"),
    ] {
        assert!(read(bytes).unwrap_err().to_string().contains(words), "{words}");
    }
}
