// NPV of units by scenario, fused: all terms of a unit in one pass, each a difference of two look-ups or a single one.
//
// One thread per unit and scenario; the threads of a block share the unit, so its terms are read once for all of
// them, and events and results are read and written in whole lines. Set when compiling: REAL.
#ifndef REAL
#define REAL float
#endif

typedef REAL Real;

constexpr int WINDOW = 0;  // the other kind is a schedule

// Discounted path summed over months start .. end - 1, from its prefix sums; an end before its start counts as no window.
__device__ __forceinline__ Real window_value(const Real* __restrict__ prefix, long long month_stride, int start, int end) {
    const int stop = end > start ? end : start;
    return prefix[stop * month_stride] - prefix[start * month_stride];
}

// prefix[path, scenario, month] by its strides, counted in elements; events (rows, scenarios); values (profiles, columns).
// Unit u has terms starts[u] .. starts[u + 1] - 1: kind, amount times after-tax weight, row of the prefix or of the
// values, row of the start event, row of the end event (of windows). npv (units, scenarios).
extern "C" __global__ void unit_npv(const int* __restrict__ starts, const int* __restrict__ kind, const Real* __restrict__ amount,
                                    const int* __restrict__ row, const int* __restrict__ start_event, const int* __restrict__ end_event,
                                    const Real* __restrict__ prefix, long long path_stride, long long scenario_stride,
                                    long long month_stride, const int* __restrict__ events, const Real* __restrict__ values, int columns,
                                    int scenarios, Real* __restrict__ npv) {
    const long long unit = blockIdx.x;
    const int scenario = blockIdx.y * blockDim.x + threadIdx.x;
    if (scenario >= scenarios) return;
    const Real* own = prefix + scenario * scenario_stride;
    Real total = 0;
    for (int term = starts[unit]; term < starts[unit + 1]; ++term) {
        const int start = events[(long long)start_event[term] * scenarios + scenario];
        Real value;
        if (kind[term] == WINDOW) {
            const int end = events[(long long)end_event[term] * scenarios + scenario];
            value = window_value(own + row[term] * path_stride, month_stride, start, end);
        } else {
            value = values[(long long)row[term] * columns + start];
        }
        total = fma(amount[term], value, total);
    }
    npv[unit * scenarios + scenario] = total;
}
