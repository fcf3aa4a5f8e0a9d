// Path measures of portfolios: deepest cumulative cash and payback of each portfolio and scenario, then their spread.
//
// The candidates' running sums of cash lie as (months, candidates, pitch): one thread takes four scenarios of a portfolio
// through the months, four at a time, so that a member is fetched once for sixteen products. Blocks are
// numbered portfolios first, scenarios after: what runs at one time reads a strip of scenarios that the second-level
// cache holds, though the table as a whole is larger.
#include "group.cu"

constexpr int MONTHS_AT_ONCE = 4;

// One more month of one path.
__device__ __forceinline__ void pass_month(Real running, int month, Real& deepest, int& last_negative) {
    deepest = fmin(deepest, running);
    last_negative = running < 0 ? month + 1 : last_negative;
}

// Months after which the running sum stays at 0 or above; infinite where it ends below.
__device__ __forceinline__ Real payback_of(int last_negative, int months) {
    return last_negative == months ? infinity() : (Real)last_negative;
}

// running[m][i] of months first .. first + 3 and this thread's four scenarios, members in the listed order.
__device__ __forceinline__ void sum_months(Real (&running)[MONTHS_AT_ONCE][4], const Real* __restrict__ paths, int first, int months,
                                           int candidate_count, long long pitch, long long begin, long long end,
                                           const int* __restrict__ candidates, const Real* __restrict__ levels) {
    const long long month_step = (long long)candidate_count * pitch;
    for (long long member = begin; member < end; ++member) {
        const Real level = levels[member];
        const Real* row = paths + first * month_step + candidates[member] * pitch;
#pragma unroll
        for (int m = 0; m < MONTHS_AT_ONCE; ++m) {
            if (first + m >= months) break;
            const Four cash = *reinterpret_cast<const Four*>(row + m * month_step);
#pragma unroll
            for (int i = 0; i < 4; ++i) running[m][i] = fma(level, cash.of[i], running[m][i]);
        }
    }
}

// paths (months, candidates, pitch), pitch a multiple of 4; funding and payback (portfolios, pitch).
extern "C" __global__ void funding_and_payback(const Real* __restrict__ paths, int months, int candidate_count, long long pitch,
                                               const long long* __restrict__ starts, const int* __restrict__ candidates,
                                               const Real* __restrict__ levels, long long portfolios, Real* __restrict__ funding,
                                               Real* __restrict__ payback) {
    const long long portfolio = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    const long long scenario = 4 * ((long long)blockIdx.y * blockDim.x + threadIdx.x);
    if (portfolio >= portfolios || scenario >= pitch) return;
    Real deepest[4] = {};
    int last_negative[4] = {};
    for (int first = 0; first < months; first += MONTHS_AT_ONCE) {
        Real running[MONTHS_AT_ONCE][4] = {};
        sum_months(running, paths + scenario, first, months, candidate_count, pitch, starts[portfolio], starts[portfolio + 1], candidates,
                   levels);
#pragma unroll
        for (int m = 0; m < MONTHS_AT_ONCE; ++m) {
            if (first + m >= months) break;
#pragma unroll
            for (int i = 0; i < 4; ++i) pass_month(running[m][i], first + m, deepest[i], last_negative[i]);
        }
    }
    Four peak, paid;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        peak.of[i] = 0 - deepest[i];
        paid.of[i] = payback_of(last_negative[i], months);
    }
    *reinterpret_cast<Four*>(funding + portfolio * pitch + scenario) = peak;
    *reinterpret_cast<Four*>(payback + portfolio * pitch + scenario) = paid;
}

// Rows of `out` (4, portfolios): mean, lower median, mean of the worst (greatest) share, and the share of infinite values
// among values[portfolio, first .. first + draws - 1]. `middle` and `rank` are the ranks of median and quantile.
extern "C" __global__ void __launch_bounds__(BLOCK)
    spread(const Real* __restrict__ values, long long pitch, long long first, int draws, long long portfolios, int middle, int rank,
           Real tail_scale, Real* __restrict__ out) {
    const long long portfolio = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (portfolio >= portfolios) return;
    const Real* row = values + portfolio * pitch + first;
    Real x[VALUES];
    Real sum = 0;
    int never = 0;
#pragma unroll
    for (int v = 0; v < VALUES; ++v) {
        const int draw = v * GROUP + (int)threadIdx.x;
        x[v] = draw < draws ? row[draw] : no_value();
        sum += draw < draws ? x[v] : (Real)0;
        never += x[v] == infinity();
    }
    sum = over_group(sum, Sum());
    never = over_group(never, Sum());
    const Real median = select_rank(x, middle), threshold = select_rank(x, rank);
    Real excess = 0;
#pragma unroll
    for (int v = 0; v < VALUES; ++v) excess += x[v] > threshold ? x[v] - threshold : (Real)0;
    excess = over_group(excess, Sum());
    if (threadIdx.x != 0) return;
    out[portfolio] = sum / draws;
    out[portfolio + portfolios] = median;
    out[portfolio + 2 * portfolios] = fma(excess, tail_scale, threshold);
    out[portfolio + 3 * portfolios] = (Real)never / draws;
}
