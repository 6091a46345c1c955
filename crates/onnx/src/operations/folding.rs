//! Arithmetic on numbers that are known when a graph is read: mostly shapes.

use models::{Binary, Unary, View};

use crate::{
    importer::Importer,
    numbers::{MOST, Numbers},
    problem::{Problem, Result},
    value::{Value, broadcast, expanded},
};

/// A function of each number.
pub(super) fn unary(to: &mut Importer, x: &Numbers, function: Unary) -> Result<Numbers> {
    to.reserve(x.len())?;
    if let Numbers::Ints(values) | Numbers::Flags(values) = x {
        let whole = |of: &dyn Fn(i64) -> i64| Numbers::ints(values.iter().map(|&value| of(value)).collect());
        match function {
            Unary::Abs => return Ok(whole(&i64::wrapping_abs)),
            Unary::Sign => return Ok(whole(&i64::signum)),
            Unary::Floor | Unary::Ceil | Unary::Round => return Ok(x.clone()),
            Unary::Clip { low, high } => {
                return Ok(whole(&|value| {
                    let value = if (value as f32) < low { low as i64 } else { value };
                    if value as f32 > high { high as i64 } else { value }
                }));
            }
            _ => {}
        }
    }
    Ok(Numbers::floats(x.as_doubles().into_iter().map(|x| function.of(x) as f32).collect()))
}

/// A function of pairs, of shapes that are brought to one.
pub(super) fn binary(
    to: &mut Importer,
    a: (&[usize], &Numbers),
    b: (&[usize], &Numbers),
    function: Binary,
) -> Result<Value> {
    let (shape, a, b) = alike(to, a, b)?;
    let compares = matches!(function, Binary::Equal | Binary::Greater | Binary::GreaterOrEqual);
    let found = match (&a, &b) {
        (Numbers::Floats(_), _) | (_, Numbers::Floats(_)) => {
            let pairs = a.as_doubles().into_iter().zip(b.as_doubles());
            let values = pairs.map(|(a, b)| function.of(a, b));
            match compares {
                true => Numbers::flags(values.map(|value| value as i64).collect()),
                false => Numbers::floats(values.map(|value| value as f32).collect()),
            }
        }
        _ => {
            let is_logic = matches!((&a, &b), (Numbers::Flags(_), Numbers::Flags(_)));
            let (a, b) = (a.as_ints(), b.as_ints());
            let values: Vec<i64> =
                a.iter().zip(b.iter()).map(|(&a, &b)| of_ints(function, a, b)).collect::<Result<_>>()?;
            if compares || is_logic { Numbers::flags(values) } else { Numbers::ints(values) }
        }
    };
    Ok(Value::known(&shape, found))
}

/// What is left of a division, with the sign of the divisor, or of the dividend.
pub(super) fn remainder(
    to: &mut Importer,
    a: (&[usize], &Numbers),
    b: (&[usize], &Numbers),
    of_dividend: bool,
) -> Result<Value> {
    let (shape, a, b) = alike(to, a, b)?;
    let found = match (&a, &b) {
        (Numbers::Floats(_), _) | (_, Numbers::Floats(_)) => {
            let left = |(a, b): (f64, f64)| if of_dividend { a % b } else { a - b * (a / b).floor() };
            let pairs = a.as_doubles().into_iter().zip(b.as_doubles());
            Numbers::floats(pairs.map(|pair| left(pair) as f32).collect())
        }
        _ => {
            let left = |(&a, &b): (&i64, &i64)| {
                let left =
                    a.checked_rem(b).ok_or_else(|| Problem::wrong("a division of whole numbers by 0"))?;
                Ok(if of_dividend || left == 0 || (left < 0) == (b < 0) { left } else { left + b })
            };
            Numbers::ints(a.as_ints().iter().zip(b.as_ints().iter()).map(left).collect::<Result<_>>()?)
        }
    };
    Ok(Value::known(&shape, found))
}

/// Both repeated to the shape that they come to.
fn alike(
    to: &mut Importer,
    a: (&[usize], &Numbers),
    b: (&[usize], &Numbers),
) -> Result<(Vec<usize>, Numbers, Numbers)> {
    let shape = broadcast(a.0, b.0)?;
    let count = shape.iter().try_fold(1usize, |count, &size| count.checked_mul(size)).unwrap_or(usize::MAX);
    if count > MOST {
        return Err(Problem::wrong(format!("the shape {shape:?}, expected at most {MOST} numbers")));
    }
    to.reserve(count)?;
    let all = |(of, numbers): (&[usize], &Numbers)| -> Result<Numbers> {
        if of == shape {
            return Ok(numbers.clone());
        }
        Ok(numbers.at(&expanded(&View::rows(of), &shape)?.places()))
    };
    let (a, b) = (all(a)?, all(b)?);
    Ok((shape, a, b))
}

fn of_ints(function: Binary, a: i64, b: i64) -> Result<i64> {
    Ok(match function {
        Binary::Add => a.wrapping_add(b),
        Binary::Subtract => a.wrapping_sub(b),
        Binary::Multiply => a.wrapping_mul(b),
        Binary::Divide => {
            a.checked_div(b).ok_or_else(|| Problem::wrong("a division of whole numbers by 0"))?
        }
        Binary::Power => (a as f64).powf(b as f64) as i64,
        Binary::Minimum => a.min(b),
        Binary::Maximum => a.max(b),
        Binary::Slope => {
            if a > 0 {
                a
            } else {
                a.wrapping_mul(b)
            }
        }
        Binary::Gate => {
            if b == 0 {
                0
            } else {
                a
            }
        }
        Binary::Equal => i64::from(a == b),
        Binary::Greater => i64::from(a > b),
        Binary::GreaterOrEqual => i64::from(a >= b),
    })
}
