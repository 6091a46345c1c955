//! Maximum pooling of the blocked engine against the naive one, forward and backward.

use crate::common::{bits, numbers, wide};
use kernels::{
    Pool2d,
    blocked::{Arena, Blocked, Dims, max_pool, max_pool_gradient},
    naive::pool,
};

const WINDOWS: [Pool2d; 6] = [
    Pool2d::new(2, 2),
    Pool2d { padding: 1, ..Pool2d::new(3, 2) },
    Pool2d::new(3, 1),
    Pool2d::new(1, 3),
    Pool2d { ceil: true, ..Pool2d::new(3, 2) },
    Pool2d { padding: 1, ceil: true, ..Pool2d::new(2, 3) },
];

const DIMS: Dims = Dims { images: 19, channels: 3, height: 7, width: 6 };

/// Numbers on a coarse grid, so that there are ties, and a gradient.
fn pooled(window: Pool2d) -> [Vec<f32>; 2] {
    let arena = Arena::default();
    let x = Blocked::from_nchw(&numbers(1, DIMS.images * 126), DIMS, &arena);
    let (y, winners) = max_pool(&x, window, &arena);
    let g = numbers(2, y.dims().images * y.dims().channels * y.dims().pixels());
    let g = Blocked::from_nchw(&g, y.dims(), &arena);
    [y.to_nchw(), max_pool_gradient(&g, &winners, &arena).to_nchw()]
}

#[test]
fn maxima_and_their_gradients_are_the_naive_ones() {
    let dims = [DIMS.images, DIMS.channels, DIMS.height, DIMS.width];
    let x = wide(&numbers(1, DIMS.images * 126));
    for window in WINDOWS {
        let y = pool::max(&x, dims, window);
        let dx = pool::max_backward(&x, dims, window, &wide(&numbers(2, y.len())));
        let [found, gradient] = pooled(window);
        assert_eq!(wide(&found), y, "{window:?}");
        assert_eq!(wide(&gradient), dx, "{window:?}");
    }
}

#[test]
fn threads_do_not_reach_the_bits() {
    let run = || pooled(WINDOWS[1]).to_vec();
    assert_eq!(bits(1, run), bits(3, run));
}

#[test]
#[should_panic(expected = "Pool2d")]
fn a_window_that_does_not_fit_is_refused() {
    pooled(Pool2d::new(9, 1));
}
