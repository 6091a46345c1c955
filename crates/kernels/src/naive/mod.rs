//! The slow obvious version of every operation, forward and backward, in f64 on plain slices: the tests'
//! oracle, and the place to read what an operation means.
//!
//! Arrays are row-major, images (N, C, H, W) or, where only channels matter, (N, C, pixels). Backward
//! functions take the gradient `g` of the result. Sizes that do not fit panic.
//!
//! ```
//! use kernels::naive::{self, Conv2d};
//!
//! let (x, weight) = ([1.0, 2.0, 3.0, 4.0], [1.0, -1.0]);
//! let (x_dims, weight_dims) = ([1, 1, 2, 2], [1, 1, 1, 2]);
//! let y = naive::convolution::forward(&x, x_dims, &weight, weight_dims, Conv2d::default());
//! assert_eq!(y, [-1.0, -1.0]);
//! ```

pub mod activation;
pub mod arrays;
pub mod attention;
pub mod convolution;
pub mod layer_norm;
pub mod linear;
pub mod loss;
pub mod nonlinearity;
pub mod norm;
pub mod pool;
pub mod response;
pub mod unit;

pub use convolution::Conv2d;
