// What the GPU itself can do at most of the two things that measuring portfolios is made of: reading rows, and comparing.
#include "group.cu"

// Each warp reads `rounds` rows of `table` (rows, 4 fours), scattered over the table, and keeps nothing but their sum.
extern "C" __global__ void __launch_bounds__(128)
    read_rows(const Four* __restrict__ table, int rows, int fours, int rounds, Real* __restrict__ out) {
    const unsigned int thread = blockIdx.x * blockDim.x + threadIdx.x, warp = thread / WARP;
    Real sum[4] = {};
    for (int round = 0; round < rounds; ++round) {
        const unsigned int row = (warp * 7919u + round * 104729u) % rows;
#pragma unroll 8
        for (int four = threadIdx.x % WARP; four < fours; four += WARP) {
            const Four read = table[(long long)row * fours + four];
#pragma unroll
            for (int i = 0; i < 4; ++i) sum[i] += read.of[i];
        }
    }
    out[thread] = sum[0] + sum[1] + sum[2] + sum[3];
}

// Each thread compares its values with `rounds` bounds, none of which is known before the last comparison is counted.
extern "C" __global__ void __launch_bounds__(128) compare(const Real* __restrict__ values, int rounds, int* __restrict__ out) {
    const unsigned int thread = blockIdx.x * blockDim.x + threadIdx.x;
    Real x[VALUES];
#pragma unroll
    for (int v = 0; v < VALUES; ++v) x[v] = values[(thread + v) % PITCH];
    int count = 0;
    for (int round = 0; round < rounds; ++round) count += count_at_most(x, (Real)(count & 7));
    out[thread] = count;
}
