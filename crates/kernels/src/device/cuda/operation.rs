//! An operation of candle that only CUDA devices have.

use candle_core::{CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape};

/// A tensor as an operation of candle sees it.
pub(in crate::device) type Argument<'a> = (&'a CudaStorage, &'a Layout);

/// What an operation gives.
pub(super) type Given = Result<(CudaStorage, Shape)>;

/// An operation of candle that runs on CUDA devices alone.
pub(super) struct OnCuda<F> {
    pub(super) name: &'static str,
    pub(super) run: F,
}

impl<F> OnCuda<F> {
    fn refuse(&self) -> Result<(CpuStorage, Shape)> {
        candle_core::bail!("{}: expected tensors on a CUDA device", self.name)
    }
}

impl<F: Fn([Argument<'_>; 1]) -> Given + Send + Sync> CustomOp1 for OnCuda<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.refuse()
    }

    fn cuda_fwd(&self, x: &CudaStorage, x_layout: &Layout) -> Given {
        (self.run)([(x, x_layout)])
    }
}

impl<F: Fn([Argument<'_>; 2]) -> Given + Send + Sync> CustomOp2 for OnCuda<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.refuse()
    }

    fn cuda_fwd(&self, x: &CudaStorage, x_layout: &Layout, y: &CudaStorage, y_layout: &Layout) -> Given {
        (self.run)([(x, x_layout), (y, y_layout)])
    }
}

impl<F: Fn([Argument<'_>; 3]) -> Given + Send + Sync> CustomOp3 for OnCuda<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.refuse()
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        y: &CudaStorage,
        y_layout: &Layout,
        z: &CudaStorage,
        z_layout: &Layout,
    ) -> Given {
        (self.run)([(x, x_layout), (y, y_layout), (z, z_layout)])
    }
}
