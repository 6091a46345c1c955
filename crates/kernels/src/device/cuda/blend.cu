// to ← keep · to + factor · x, or, where there is a y, to ← keep · to + (x + factor · y).
extern "C" __global__ void blend(float *to, const float *x, const float *y, float keep, float factor, size_t count) {
    const size_t stride = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        const float added = y ? x[i] + factor * y[i] : factor * x[i];
        to[i] = keep * to[i] + added;
    }
}
