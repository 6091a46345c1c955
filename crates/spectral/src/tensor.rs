//! Spectral densities as a differentiable operation on candle tensors (feature `candle`).

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Error, Layout, Result, Shape, Tensor};

use crate::DensityMap;

/// The densities of images, (B, C, H, W) f32 → (B, bands) f32, followed by autograd. See [`DensityMap`] for what is computed
/// and for its corners. The gradient is a constant: there are no second derivatives.
///
/// # Errors
/// If the images are not f32 on the CPU or not of the map's size.
///
/// ```
/// use std::sync::Arc;
/// use candle_core::{Device, Tensor, Var};
/// use spectral::{Convention, DensityMap, density};
/// let map = Arc::new(DensityMap::new(3, 8, 8, Convention::Reference)?);
/// let images = Var::from_tensor(&Tensor::arange(0f32, 384.0, &Device::Cpu)?.sin()?.reshape((2, 3, 8, 8))?)?;
/// let densities = density(&images, &map)?;
/// assert_eq!(densities.dims(), [2, 3]);
/// let gradients = densities.sqr()?.sum_all()?.backward()?;
/// assert_eq!(gradients.get(&images).unwrap().dims(), [2, 3, 8, 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn density(images: &Tensor, map: &Arc<DensityMap>) -> Result<Tensor> {
    let found = images.dims();
    let [channels, height, width] = map.image_dims();
    if found.len() != 4 || found[1..] != [channels, height, width] || images.dtype() != DType::F32 {
        candle_core::bail!(
            "density of {found:?} {:?}: expected (images, {channels}, {height}, {width}) f32",
            images.dtype()
        );
    }
    images.contiguous()?.apply_op1(Density(Arc::clone(map)))
}

struct Density(Arc<DensityMap>);

impl CustomOp1 for Density {
    fn name(&self) -> &'static str {
        "spectral-density"
    }

    fn cpu_fwd(&self, images: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (start, end) =
            layout.contiguous_offsets().ok_or_else(|| Error::Msg("density: images are contiguous".into()))?;
        let densities = self.0.forward(&images.as_slice::<f32>()?[start..end]).map_err(Error::wrap)?;
        let values = densities.rows().flatten().map(|&value| value as f32).collect();
        Ok((CpuStorage::F32(values), Shape::from((layout.dims()[0], self.0.radii().len()))))
    }

    fn bwd(&self, images: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let pixels = images.flatten_all()?.to_vec1::<f32>()?;
        let gradient = gradient.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        let densities = self.0.forward(&pixels).map_err(Error::wrap)?;
        let found = densities.gradient(&gradient).map_err(Error::wrap)?;
        Ok(Some(Tensor::from_vec(found, images.shape(), &Device::Cpu)?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::Convention;

    #[test]
    fn autograd_gives_the_gradient_of_the_map() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let map = Arc::new(DensityMap::new(3, 9, 8, Convention::Reference)?);
        let pixels: Vec<f32> = (0..2 * 216).map(|at| (at as f32 * 0.37).sin()).collect();
        let images = Var::from_vec(pixels.clone(), (2, 3, 9, 8), &Device::Cpu)?;
        let bands = map.radii().len();
        let weights: Vec<f32> = (0..2 * bands).map(|at| (at as f32).cos()).collect();
        let weights = Tensor::from_vec(weights, (2, bands), &Device::Cpu)?;
        let gradients = (density(&images, &map)? * &weights)?.sum_all()?.backward()?;
        let found = gradients.get(&images).ok_or("a gradient")?.flatten_all()?.to_vec1::<f32>()?;
        let weights = weights.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        assert_eq!(found, map.forward(&pixels)?.gradient(&weights)?);
        Ok(())
    }

    #[test]
    fn images_of_another_size_are_refused() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let map = Arc::new(DensityMap::new(3, 8, 8, Convention::Reference)?);
        let images = Tensor::zeros((2, 3, 8, 9), DType::F32, &Device::Cpu)?;
        let error = density(&images, &map).expect_err("nine columns");
        assert!(error.to_string().contains("(images, 3, 8, 8)"), "{error}");
        Ok(())
    }
}
