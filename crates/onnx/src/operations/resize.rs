//! `Resize` and `Upsample`: each axis by a matrix with few factors.

use std::sync::Arc;

use models::{ArrayOp, Sparse};

use crate::{
    call::{Call, Outputs},
    importer::{Importer, of_live},
    numbers::sizes,
    problem::{Problem, Result},
    value::{Value, laid_out},
};

/// How an axis is resized.
struct Resampling {
    mode: String,
    coordinates: String,
    nearest: String,
    cubic: f64,
    excludes_outside: bool,
    antialias: bool,
}

/// `Resize`, and `Upsample` before it.
pub(super) fn resize(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    if x.count() == 0 {
        return Err(Problem::wrong("no elements to resize"));
    }
    let is_new = call.operation() == "Resize" && call.opset >= 11;
    let (of_scales, of_sizes) = if is_new { (2, Some(3)) } else { (1, None) };
    let axes: Vec<usize> = match call.ints("axes") {
        Some(axes) => axes.iter().map(|&axis| x.axis(axis)).collect::<Result<_>>()?,
        None => (0..x.shape().len()).collect(),
    };
    let policy = call.text_or("keep_aspect_ratio_policy", "stretch");
    if policy != "stretch" {
        return Err(Problem::Unknown("export with keep_aspect_ratio_policy `stretch`"));
    }
    let (mut shape, mut scales) = (x.shape().to_vec(), vec![1.0; x.shape().len()]);
    let given = |input: Option<usize>| {
        input.filter(|&input| call.optional(input).is_some_and(|value| value.count() > 0))
    };
    if let Some(input) = given(of_sizes) {
        let (wanted, _) = sizes(&call.known(input)?.as_ints())?;
        check(wanted.len(), axes.len())?;
        for (&axis, &size) in axes.iter().zip(&wanted) {
            scales[axis] = size as f64 / x.shape()[axis] as f64;
            shape[axis] = size;
        }
    } else {
        let factors = match (given(Some(of_scales)), call.floats("scales")) {
            (Some(input), _) => call.known(input)?.as_doubles(),
            (None, Some(factors)) => factors.into_iter().map(f64::from).collect(),
            (None, None) => return Err(Problem::wrong("neither scales nor sizes")),
        };
        check(factors.len(), axes.len())?;
        for (&axis, &factor) in axes.iter().zip(&factors) {
            let size = (x.shape()[axis] as f64 * factor).floor();
            if !(1.0..1e6).contains(&size) {
                return Err(Problem::wrong(format!("a factor of {factor}")));
            }
            (scales[axis], shape[axis]) = (factor, size as usize);
        }
    }
    let usual = if is_new { "half_pixel" } else { "asymmetric" };
    let how = Resampling {
        mode: call.text_or("mode", "nearest"),
        coordinates: call.text_or("coordinate_transformation_mode", usual),
        nearest: call.text_or("nearest_mode", if is_new { "round_prefer_floor" } else { "floor" }),
        cubic: f64::from(call.float_or("cubic_coeff_a", -0.75)),
        excludes_outside: call.is_set("exclude_outside"),
        antialias: call.is_set("antialias"),
    };
    let mut found = x.clone();
    for axis in 0..shape.len() {
        let is_same = shape[axis] == x.shape()[axis] && scales[axis] == 1.0;
        if !is_same {
            found = resized(to, &found, axis, shape[axis], scales[axis], &how)?;
        }
    }
    Ok(vec![found])
}

fn check(found: usize, expected: usize) -> Result<()> {
    match found == expected {
        true => Ok(()),
        false => Err(Problem::wrong(format!("{found} sizes or scales of {expected} axes"))),
    }
}

/// One axis, which then lies last.
fn resized(
    to: &mut Importer,
    x: &Value,
    axis: usize,
    size: usize,
    scale: f64,
    how: &Resampling,
) -> Result<Value> {
    let before = x.shape()[axis];
    let rows: Vec<Vec<(u32, f32)>> =
        (0..size).map(|at| how.row(at, before, size, scale)).collect::<Result<_>>()?;
    to.reserve(rows.iter().map(Vec::len).sum())?;
    let mut order: Vec<usize> = x.order().into_iter().filter(|&other| other != axis).collect();
    order.push(axis);
    let (live, _) = to.moved(x, &order)?;
    let mut shape = x.shape().to_vec();
    shape[axis] = size;
    let map = Sparse::new(before, rows.into_iter());
    let others: usize = live.len() / before;
    let y = to.array(ArrayOp::Transform(Arc::new(map)), &[live], [others, size, 1])?;
    Ok(of_live(y, laid_out(&shape, &order)))
}

impl Resampling {
    /// Places and factors of an element of the result.
    fn row(&self, at: usize, before: usize, size: usize, scale: f64) -> Result<Vec<(u32, f32)>> {
        let at = self.coordinate(at as f64, before as f64, size as f64, scale)?;
        let last = before as i64 - 1;
        let mut factors: Vec<(i64, f64)> = match self.mode.as_str() {
            "nearest" => return Ok(vec![(self.nearest_to(at)?.clamp(0, last) as u32, 1.0)]),
            "linear" | "bilinear" => self.weighed(at, scale, 1.0, |x| (1.0 - x.abs()).max(0.0)),
            "cubic" => self.weighed(at, scale, 2.0, |x| self.cubic_at(x.abs())),
            other => return Err(Problem::wrong(format!("the mode `{other}`"))),
        };
        if self.excludes_outside {
            factors.retain(|(place, _)| (0..=last).contains(place));
        }
        let sum: f64 = factors.iter().map(|(_, factor)| factor).sum();
        let mut row: Vec<(u32, f32)> = Vec::new();
        for (place, factor) in factors.into_iter().filter(|(_, factor)| *factor != 0.0) {
            let (place, factor) = (place.clamp(0, last) as u32, (factor / sum) as f32);
            match row.iter_mut().find(|(at, _)| *at == place) {
                Some((_, all)) => *all += factor,
                None => row.push((place, factor)),
            }
        }
        Ok(row)
    }

    fn coordinate(&self, at: f64, before: f64, size: f64, scale: f64) -> Result<f64> {
        Ok(match self.coordinates.as_str() {
            "half_pixel" => (at + 0.5) / scale - 0.5,
            "half_pixel_symmetric" => {
                let adjusted = size / (scale * before);
                before / 2.0 * (1.0 - adjusted) + (at + 0.5) / scale - 0.5
            }
            "pytorch_half_pixel" if size > 1.0 => (at + 0.5) / scale - 0.5,
            "pytorch_half_pixel" => 0.0,
            "align_corners" if size > 1.0 => at * (before - 1.0) / (size - 1.0),
            "align_corners" => 0.0,
            "asymmetric" => at / scale,
            other => return Err(Problem::wrong(format!("the coordinates `{other}`"))),
        })
    }

    fn nearest_to(&self, at: f64) -> Result<i64> {
        Ok(match self.nearest.as_str() {
            "round_prefer_floor" => (at - 0.5).ceil() as i64,
            "round_prefer_ceil" => (at + 0.5).floor() as i64,
            "floor" => at.floor() as i64,
            "ceil" => at.ceil() as i64,
            other => return Err(Problem::wrong(format!("the nearest mode `{other}`"))),
        })
    }

    /// Factors by the distance from a place; where a result is smaller and wanted so, over as much of the axis as it stands for.
    fn weighed(&self, at: f64, scale: f64, reach: f64, of: impl Fn(f64) -> f64) -> Vec<(i64, f64)> {
        let width = if self.antialias { (1.0 / scale).max(1.0) } else { 1.0 };
        let (first, last) = ((at - reach * width).floor() as i64, (at + reach * width).ceil() as i64);
        (first..=last).map(|place| (place, of((place as f64 - at) / width))).collect()
    }

    fn cubic_at(&self, x: f64) -> f64 {
        let a = self.cubic;
        match x {
            x if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
            _ => 0.0,
        }
    }
}
