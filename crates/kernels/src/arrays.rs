//! What engines compute on arrays of any shape: how they are read, and the functions of their elements.

/// How the elements of an image's value are read as an array: element (i, j, …) is at `offset` + i · `strides[0]` + j · `strides[1]` + ….
///
/// ```
/// use kernels::View;
///
/// let transposed = View { shape: vec![3, 2], strides: vec![1, 3], offset: 0 };
/// assert_eq!(transposed.places(), [0, 3, 1, 4, 2, 5]);
/// assert_eq!(View::rows(&[2, 3]).places(), [0, 1, 2, 3, 4, 5]);
/// assert!(!transposed.is_plain(6) && View::rows(&[2, 3]).is_plain(6));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The array's shape.
    pub shape: Vec<usize>,
    /// How far neighbours along each axis are apart; 0 where an axis repeats one element.
    pub strides: Vec<isize>,
    /// Where the first element is.
    pub offset: usize,
}

impl View {
    /// All elements of a value, row by row.
    pub fn rows(shape: &[usize]) -> Self {
        let mut strides = vec![0; shape.len()];
        let mut stride = 1;
        for (axis, &size) in shape.iter().enumerate().rev() {
            strides[axis] = stride;
            stride *= size as isize;
        }
        Self { shape: shape.to_vec(), strides, offset: 0 }
    }

    /// The same with its last two axes exchanged.
    ///
    /// # Panics
    /// If there are not two.
    pub fn transposed(&self) -> Self {
        let (mut view, axes) = (self.clone(), self.shape.len());
        view.shape.swap(axes - 1, axes - 2);
        view.strides.swap(axes - 1, axes - 2);
        view
    }

    /// How many elements it has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it is all of a value of so many elements, in their order.
    pub fn is_plain(&self, len: usize) -> bool {
        self.offset == 0 && self.count() == len && self.is_in_order()
    }

    /// Whether its elements follow each other.
    fn is_in_order(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size as isize;
            fits
        })
    }

    /// Whether every element is one of a value of so many.
    pub fn fits(&self, len: usize) -> bool {
        if self.shape.len() != self.strides.len() {
            return false;
        }
        if self.count() == 0 {
            return true;
        }
        let reach = |sign: isize| {
            let steps = self.shape.iter().zip(&self.strides).filter(|(_, stride)| **stride * sign > 0);
            steps.map(|(&size, &stride)| (size as isize - 1) * stride).sum::<isize>()
        };
        let (first, last) = (self.offset as isize + reach(-1), self.offset as isize + reach(1));
        first >= 0 && last < len as isize
    }

    /// The place of each element, row by row.
    pub fn places(&self) -> Vec<u32> {
        let mut places = Vec::with_capacity(self.count());
        for run in Runs::new(&self.shape, [self], 0, self.count()) {
            let at = |step: usize| (run.from[0] + step as isize * run.steps[0]) as u32;
            places.extend((0..run.len).map(at));
        }
        places
    }

    /// Reads a value as this view's array does, such that the array's elements come out in the value's order; none unless the view has
    /// each of the `len` elements exactly once.
    pub fn inverse(&self, len: usize) -> Option<Self> {
        let rows = Self::rows(&self.shape);
        let mut axes: Vec<usize> = (0..self.shape.len()).filter(|&axis| self.shape[axis] > 1).collect();
        axes.sort_by_key(|&axis| std::cmp::Reverse(self.strides[axis]));
        let inverse = Self {
            shape: axes.iter().map(|&axis| self.shape[axis]).collect(),
            strides: axes.iter().map(|&axis| rows.strides[axis]).collect(),
            offset: 0,
        };
        let sorted = Self {
            shape: inverse.shape.clone(),
            strides: axes.iter().map(|&axis| self.strides[axis]).collect(),
            offset: self.offset,
        };
        sorted.is_plain(len).then_some(inverse)
    }
}

/// Neighbouring elements of an array, and where views of its shape have them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<const N: usize> {
    pub(crate) len: usize,
    pub(crate) from: [isize; N],
    pub(crate) steps: [isize; N],
}

/// A range of an array's elements, row by row, in runs that all views of it read with a fixed step.
#[derive(Debug)]
pub(crate) struct Runs<const N: usize> {
    shape: Vec<usize>,
    strides: Vec<[isize; N]>,
    index: Vec<usize>,
    from: [isize; N],
    left: usize,
}

impl<const N: usize> Runs<N> {
    /// The elements from number `start` on.
    pub(crate) fn new(shape: &[usize], views: [&View; N], start: usize, len: usize) -> Self {
        let (shape, strides) = merged(shape, views);
        let (mut index, mut from, mut rest) =
            (vec![0; shape.len()], views.map(|view| view.offset as isize), start);
        for axis in (0..shape.len()).rev() {
            index[axis] = rest % shape[axis].max(1);
            rest /= shape[axis].max(1);
            for (from, stride) in from.iter_mut().zip(strides[axis]) {
                *from += index[axis] as isize * stride;
            }
        }
        Self { shape, strides, index, from, left: len }
    }
}

/// Axes that all views go through in one step become one; there is at least one.
fn merged<const N: usize>(shape: &[usize], views: [&View; N]) -> (Vec<usize>, Vec<[isize; N]>) {
    let (mut sizes, mut strides): (Vec<usize>, Vec<[isize; N]>) = (Vec::new(), Vec::new());
    for (axis, &size) in shape.iter().enumerate().filter(|&(_, &size)| size != 1) {
        let stride = views.map(|view| view.strides[axis]);
        match (sizes.last_mut(), strides.last_mut()) {
            (Some(outer), Some(before)) if *before == stride.map(|stride| stride * size as isize) => {
                *outer *= size;
                *before = stride;
            }
            _ => {
                sizes.push(size);
                strides.push(stride);
            }
        }
    }
    if sizes.is_empty() {
        (sizes, strides) = (vec![1], vec![[0; N]]);
    }
    (sizes, strides)
}

impl<const N: usize> Iterator for Runs<N> {
    type Item = Run<N>;

    fn next(&mut self) -> Option<Run<N>> {
        if self.left == 0 {
            return None;
        }
        let last = self.shape.len() - 1;
        let len = (self.shape[last] - self.index[last]).min(self.left);
        let run = Run { len, from: self.from, steps: self.strides[last] };
        self.left -= len;
        self.advance(last, len);
        let mut axis = last;
        while axis > 0 && self.index[axis] == self.shape[axis] {
            self.advance(axis, -(self.shape[axis] as isize) as usize);
            axis -= 1;
            self.advance(axis, 1);
        }
        Some(run)
    }
}

impl<const N: usize> Runs<N> {
    fn advance(&mut self, axis: usize, by: usize) {
        self.index[axis] = self.index[axis].wrapping_add(by);
        for (from, stride) in self.from.iter_mut().zip(self.strides[axis]) {
            *from += by as isize * stride;
        }
    }
}

/// A function of each element that no fast operation has.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum Unary {
    /// eˣ.
    Exp,
    /// The natural logarithm.
    Log,
    /// √x.
    Sqrt,
    /// 1 / x.
    Reciprocal,
    /// |x|, with gradient 0 at 0.
    Abs,
    /// The error function.
    Erf,
    /// ln(1 + eˣ).
    Softplus,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// min(max(x, low), high), with gradient 0 at both corners.
    Clip { low: f32, high: f32 },
    /// x where it is positive, alpha · (eˣ − 1) elsewhere.
    Elu { alpha: f32 },
    /// x where it is above alpha, 0 elsewhere.
    ThresholdedRelu { alpha: f32 },
    /// The nearest integer towards −∞, with gradient 0.
    Floor,
    /// The nearest integer towards ∞, with gradient 0.
    Ceil,
    /// The nearest integer, the even one of two, with gradient 0.
    Round,
    /// −1, 0 or 1, with gradient 0.
    Sign,
}

impl Unary {
    /// The function of a number, in f64.
    ///
    /// ```
    /// use kernels::Unary;
    ///
    /// assert_eq!(Unary::Clip { low: -1.0, high: 1.0 }.of(3.0), 1.0);
    /// assert!((Unary::Erf.of(1.0) - 0.842_700_792_949_714_9).abs() < 1e-15);
    /// assert_eq!(Unary::Softplus.of(1000.0), 1000.0);
    /// ```
    pub fn of(self, x: f64) -> f64 {
        match self {
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Abs => x.abs(),
            Self::Erf => erf(x),
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Clip { low, high } => x.max(f64::from(low)).min(f64::from(high)),
            Self::Elu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    f64::from(alpha) * x.exp_m1()
                }
            }
            Self::ThresholdedRelu { alpha } => {
                if x > f64::from(alpha) {
                    x
                } else {
                    0.0
                }
            }
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round_ties_even(),
            Self::Sign => {
                if x == 0.0 {
                    x
                } else {
                    x.signum()
                }
            }
        }
    }
}

/// The error function by its power series, which has no differences; beyond 6 it is ±1 to all digits.
fn erf(x: f64) -> f64 {
    let x = x.clamp(-6.0, 6.0);
    let (mut sum, mut term, mut n) = (x, x, 0.0);
    while term.abs() > 1e-17 * sum.abs() && n < 500.0 {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// A function of pairs of elements. Those that compare give 1 or 0, and no gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Subtract,
    /// a · b.
    Multiply,
    /// a / b.
    Divide,
    /// aᵇ.
    Power,
    /// The smaller one; of equal ones each has half of the gradient.
    Minimum,
    /// The larger one; of equal ones each has half of the gradient.
    Maximum,
    /// a where it is positive, a · b elsewhere, with the gradient of the latter at 0 (PReLU).
    Slope,
    /// a where b is not 0, 0 elsewhere.
    Gate,
    /// Whether a = b.
    Equal,
    /// Whether a > b.
    Greater,
    /// Whether a ≥ b.
    GreaterOrEqual,
}

impl Binary {
    /// The function of a pair, in f64.
    ///
    /// ```
    /// use kernels::Binary;
    ///
    /// assert_eq!([Binary::Slope.of(-2.0, 0.5), Binary::Gate.of(3.0, 0.0), Binary::Greater.of(2.0, 1.0)], [-1.0, 0.0, 1.0]);
    /// ```
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Power => a.powf(b),
            Self::Minimum => a.min(b),
            Self::Maximum => a.max(b),
            Self::Slope => {
                if a > 0.0 {
                    a
                } else {
                    a * b
                }
            }
            Self::Gate => {
                if b == 0.0 {
                    0.0
                } else {
                    a
                }
            }
            Self::Equal => f64::from(a == b),
            Self::Greater => f64::from(a > b),
            Self::GreaterOrEqual => f64::from(a >= b),
        }
    }
}

/// What becomes of the elements along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest; equal ones share the gradient.
    Max,
    /// The smallest; equal ones share the gradient.
    Min,
    /// The largest, whose gradient is the first one's: that of max pooling.
    FirstMax,
}

/// Three sizes of an array around one axis: what is before it, the axis, what is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// The product of the sizes before.
    pub outer: usize,
    /// Its own size.
    pub len: usize,
    /// The product of the sizes behind.
    pub inner: usize,
}

impl Axis {
    /// Elements of an array with this axis.
    pub fn count(&self) -> usize {
        self.outer * self.len * self.inner
    }
}

/// A linear map with few factors other than 0, and its transpose: sums of each row's elements times their factors.
///
/// ```
/// use kernels::Sparse;
///
/// // Two means of neighbours among three.
/// let map = Sparse::new(3, [vec![(0, 0.5), (1, 0.5)], vec![(1, 0.5), (2, 0.5)]].into_iter());
/// assert_eq!(map.rows(), 2);
/// let transposed: Vec<_> = (0..3).map(|row| map.transposed().row(row).collect::<Vec<_>>()).collect();
/// assert_eq!(transposed, [vec![(0, 0.5)], vec![(0, 0.5), (1, 0.5)], vec![(1, 0.5)]]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sparse {
    forward: SparseRows,
    backward: SparseRows,
}

/// Rows of factors.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseRows {
    starts: Vec<u32>,
    factors: Vec<(u32, f32)>,
}

impl Sparse {
    /// A map of `columns` elements; a row is the places and factors of its sum.
    ///
    /// # Panics
    /// If a place is beyond the columns.
    pub fn new(columns: usize, rows: impl Iterator<Item = Vec<(u32, f32)>>) -> Self {
        let forward = SparseRows::new(rows);
        let mut transposed = vec![Vec::new(); columns];
        for row in 0..forward.count() {
            forward.row(row).for_each(|(column, factor)| {
                transposed[column as usize].push((row as u32, factor));
            });
        }
        Self { backward: SparseRows::new(transposed.into_iter()), forward }
    }

    /// How many sums it makes.
    pub fn rows(&self) -> usize {
        self.forward.count()
    }

    /// How many elements it takes.
    pub fn columns(&self) -> usize {
        self.backward.count()
    }

    /// Its own rows.
    pub fn plain(&self) -> &SparseRows {
        &self.forward
    }

    /// Those of its transpose.
    pub fn transposed(&self) -> &SparseRows {
        &self.backward
    }
}

impl SparseRows {
    fn new(rows: impl Iterator<Item = Vec<(u32, f32)>>) -> Self {
        let (mut starts, mut factors) = (vec![0], Vec::new());
        for row in rows {
            factors.extend(row);
            starts.push(factors.len() as u32);
        }
        Self { starts, factors }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// Places and factors of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.factors[self.starts[row] as usize..self.starts[row + 1] as usize].iter().copied()
    }
}
