// What a group of threads does together for one portfolio: sums in a fixed order, counts, and the selection of a quantile.
//
// A group is WARPS whole warps; each of its threads keeps VALUES values (a multiple of 4) in registers, so that nothing
// is sorted and nothing but WARPS partial results passes through shared memory. Set when compiling: REAL, WARPS, VALUES.
#ifndef GROUP_CU
#define GROUP_CU

#ifndef REAL
#define REAL float
#endif
#ifndef WARPS
#define WARPS 1
#endif
#ifndef VALUES
#define VALUES 8
#endif

typedef REAL Real;

constexpr int WARP = 32;
constexpr unsigned int WHOLE_WARP = 0xffffffffu;
constexpr int GROUP = WARP * WARPS;
constexpr int PITCH = GROUP * VALUES;              // values per row of a table, zeros behind the last scenario
constexpr int BLOCK = WARPS < 4 ? 128 : GROUP;     // most threads of a block

struct alignas(4 * sizeof(Real)) Four {
    Real of[4];
};

// -- numbers in the order of their bits ------------------------------------------------------------------------------

__device__ __forceinline__ unsigned int bits_of(float x) { return __float_as_uint(x); }
__device__ __forceinline__ unsigned long long bits_of(double x) { return (unsigned long long)__double_as_longlong(x); }
__device__ __forceinline__ float of_bits(unsigned int bits) { return __uint_as_float(bits); }
__device__ __forceinline__ double of_bits(unsigned long long bits) { return __longlong_as_double((long long)bits); }

typedef decltype(bits_of(Real())) Key;
constexpr Key SIGN = (Key)1 << (8 * sizeof(Key) - 1);

// An unsigned number that rises with x: negative numbers have all bits turned, others the sign alone.
__device__ __forceinline__ Key key_of(Real x) {
    const Key bits = bits_of(x);
    return bits & SIGN ? ~bits : bits | SIGN;
}

__device__ __forceinline__ Real of_key(Key key) { return of_bits(key & SIGN ? key & ~SIGN : ~key); }

// A value behind the last scenario: no comparison with it holds, and fmin and fmax pass over it.
__device__ __forceinline__ Real no_value() { return of_bits((Key)~SIGN); }

__device__ __forceinline__ Real infinity() {
    return sizeof(Real) == 4 ? (Real)of_bits(0x7f800000u) : (Real)of_bits(0x7ff0000000000000ull);
}

// -- one thread's values ---------------------------------------------------------------------------------------------

__device__ __forceinline__ int count_at_most(const Real (&x)[VALUES], Real bound) {
    int count = 0;
#pragma unroll
    for (int v = 0; v < VALUES; ++v) count += x[v] <= bound;
    return count;
}

__device__ __forceinline__ Real least_above(const Real (&x)[VALUES], Real bound) {
    Real least = no_value();
#pragma unroll
    for (int v = 0; v < VALUES; ++v) least = x[v] > bound ? fmin(least, x[v]) : least;
    return least;
}

__device__ __forceinline__ Real greatest_at_most(const Real (&x)[VALUES], Real bound) {
    Real greatest = no_value();
#pragma unroll
    for (int v = 0; v < VALUES; ++v) greatest = x[v] <= bound ? fmax(greatest, x[v]) : greatest;
    return greatest;
}

// -- all threads of the group; every thread receives the same bits -----------------------------------------------------

struct Sum {
    template <class T>
    __device__ __forceinline__ T operator()(T a, T b) const { return a + b; }
};
struct Least {
    __device__ __forceinline__ Real operator()(Real a, Real b) const { return fmin(a, b); }
};
struct Greatest {
    __device__ __forceinline__ Real operator()(Real a, Real b) const { return fmax(a, b); }
};

template <class T, class Join>
__device__ __forceinline__ T over_warp(T mine, Join join) {
#pragma unroll
    for (int step = WARP / 2; step > 0; step /= 2) mine = join(mine, __shfl_xor_sync(WHOLE_WARP, mine, step));
    return mine;
}

__device__ __forceinline__ int over_warp(int mine, Sum join) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    return __reduce_add_sync(WHOLE_WARP, mine);
#else
    return over_warp<int, Sum>(mine, join);
#endif
}

template <class T, class Join>
__device__ __forceinline__ T over_group(T mine, Join join) {
    T all = over_warp(mine, join);
#if WARPS > 1
    __shared__ T partial[WARPS];
    if (threadIdx.x % WARP == 0) partial[threadIdx.x / WARP] = all;
    __syncthreads();
    all = partial[0];
    for (int warp = 1; warp < WARPS; ++warp) all = join(all, partial[warp]);
    __syncthreads();  // before a later call writes again
#endif
    return all;
}

// The value of 0-based `rank` among the group's values, ties counted one by one.
//
// The order of the bits is halved until one value is left, or until the count itself singles the value out: after some
// 12 halvings for a thousand scattered values, at worst one for each bit. Each halving is one comparison per value.
//
// Invariant: low <= key of the answer <= high, where keys are the bits of a value made ascending (see `key_of`); so it
// ends, also for equal values, infinities and both zeros. Selection by bisection on the key rather than by partition
// (quickselect) or by digits (radix select), since values stay in registers: nothing is moved, no shared memory is
// written but the counts, and all threads of the group take the same branch. `no_value` is a NaN:
// comparisons, fmin and fmax pass it over, so groups wider than the scenarios need no special case. The reference is
// numpy.partition; both count ties one by one and give the same value bit for bit.
__device__ __forceinline__ Real select_rank(const Real (&x)[VALUES], int rank) {
    Real least = no_value(), greatest = no_value();
#pragma unroll
    for (int v = 0; v < VALUES; ++v) {
        least = fmin(least, x[v]);
        greatest = fmax(greatest, x[v]);
    }
    Key low = key_of(over_group(least, Least())), high = key_of(over_group(greatest, Greatest()));
    while (low < high) {
        const Key middle = low + (high - low) / 2;
        const Real bound = of_key(middle);
        const int count = over_group(count_at_most(x, bound), Sum());
        if (count == rank + 1) return over_group(greatest_at_most(x, bound), Greatest());
        if (count == rank) return over_group(least_above(x, bound), Least());
        if (count > rank) high = middle;
        else low = middle + 1;
    }
    return of_key(low);
}

#endif
