// NPV measures of portfolios, fused: the NPVs of a portfolio are summed, measured and dropped without leaving registers.
//
// A group of threads takes one portfolio; thread t holds scenarios 4 t + 4 GROUP q + 0..3, so that each warp reads whole
// lines of the candidates' rows (16 bytes per thread) from the second-level cache, where 400 rows of 1,000 scenarios stay.
#include "group.cu"

__device__ __forceinline__ int scenario_of(int v) { return 4 * ((v / 4) * GROUP + (int)threadIdx.x) + v % 4; }

// npv += level x row, for this thread's scenarios.
__device__ __forceinline__ void add_row(Real (&npv)[VALUES], const Real* __restrict__ row, Real level) {
    const Four* fours = reinterpret_cast<const Four*>(row) + threadIdx.x;
#pragma unroll
    for (int v = 0; v < VALUES; v += 4) {
        const Four unit = fours[(v / 4) * GROUP];
#pragma unroll
        for (int i = 0; i < 4; ++i) npv[v + i] = fma(level, unit.of[i], npv[v + i]);
    }
}

// Candidate after candidate in the listed order; the lanes fetch the next 32 members at once and hand them round.
__device__ __forceinline__ void sum_members(Real (&npv)[VALUES], const Real* __restrict__ unit, long long first, long long last,
                                            const int* __restrict__ candidates, const Real* __restrict__ levels) {
    const int lane = threadIdx.x % WARP;
    for (long long chunk = first; chunk < last; chunk += WARP) {
        const int held = last - chunk < WARP ? (int)(last - chunk) : WARP;
        const int my_candidate = lane < held ? candidates[chunk + lane] : 0;
        const Real my_level = lane < held ? levels[chunk + lane] : (Real)0;
        for (int member = 0; member < held; ++member) {
            const int candidate = __shfl_sync(WHOLE_WARP, my_candidate, member);
            add_row(npv, unit + (long long)candidate * PITCH, __shfl_sync(WHOLE_WARP, my_level, member));
        }
    }
}

// Rows of `out` (5, portfolios): mean, standard deviation, share of losses, VaR, CVaR of L = -NPV.
//
// `beyond` draws lie strictly beyond VaR by rank; `tail_scale` is 1 / ((1 - alpha) x scenarios). The part of an atom at
// VaR that belongs to the tail is what the second term of CVaR leaves to VaR itself.
__device__ __forceinline__ void write_measures(Real (&npv)[VALUES], int scenarios, int beyond, Real tail_scale, long long portfolio,
                                               long long portfolios, Real* __restrict__ out) {
    Real sum = 0;
    int losses = 0;
#pragma unroll
    for (int v = 0; v < VALUES; ++v) {
        const bool inside = scenario_of(v) < scenarios;
        sum += inside ? npv[v] : (Real)0;
        losses += inside && npv[v] < 0;
        npv[v] = inside ? npv[v] : no_value();
    }
    const Real mean = over_group(sum, Sum()) / scenarios;
    losses = over_group(losses, Sum());
    Real squares = 0;
#pragma unroll
    for (int v = 0; v < VALUES; ++v) {
        const Real distance = scenario_of(v) < scenarios ? npv[v] - mean : (Real)0;
        squares = fma(distance, distance, squares);
    }
    squares = over_group(squares, Sum());
    const Real threshold = select_rank(npv, beyond);
    Real excess = 0;
#pragma unroll
    for (int v = 0; v < VALUES; ++v) excess += npv[v] < threshold ? threshold - npv[v] : (Real)0;
    excess = over_group(excess, Sum());
    if (threadIdx.x != 0) return;
    out[portfolio] = mean;
    out[portfolio + portfolios] = sqrt(squares / scenarios);
    out[portfolio + 2 * portfolios] = (Real)losses / scenarios;
    out[portfolio + 3 * portfolios] = -threshold;
    out[portfolio + 4 * portfolios] = fma(excess, tail_scale, -threshold);
}

// unit (candidates, PITCH); starts (portfolios + 1,), candidates and levels as in compressed sparse rows.
extern "C" __global__ void __launch_bounds__(BLOCK)
    portfolio_measures(const Real* __restrict__ unit, const long long* __restrict__ starts, const int* __restrict__ candidates,
                       const Real* __restrict__ levels, long long portfolios, int scenarios, int beyond, Real tail_scale,
                       Real* __restrict__ out) {
    const long long portfolio = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (portfolio >= portfolios) return;  // whole warps leave, and no barrier follows where a block holds several groups
    Real npv[VALUES] = {};
    sum_members(npv, unit, starts[portfolio], starts[portfolio + 1], candidates, levels);
    write_measures(npv, scenarios, beyond, tail_scale, portfolio, portfolios, out);
}

// Subsets first .. first + portfolios - 1 of the packages: bit j of a subset's number says whether it holds row j of
// `unit` (packages + 1, PITCH). The last row is what every portfolio holds. No list of members is ever stored.
extern "C" __global__ void __launch_bounds__(BLOCK)
    subset_measures(const Real* __restrict__ unit, int packages, unsigned long long first, long long portfolios, int scenarios,
                    int beyond, Real tail_scale, Real* __restrict__ out) {
    const long long portfolio = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (portfolio >= portfolios) return;
    Real npv[VALUES] = {};
    add_row(npv, unit + (long long)packages * PITCH, (Real)1);
    for (unsigned long long left = first + (unsigned long long)portfolio; left != 0; left &= left - 1)
        add_row(npv, unit + (long long)(__ffsll((long long)left) - 1) * PITCH, (Real)1);
    write_measures(npv, scenarios, beyond, tail_scale, portfolio, portfolios, out);
}
