// Enough of CUDA C++ to run a kernel on one CPU thread, block after block.
//
// Each CUDA thread is a fiber with a stack of its own, which runs until it meets a barrier; a barrier opens once every
// living thread of its warp or block waits at it. Where no thread can go on, or two threads of a warp meet different
// barriers, the launch fails. Threads take their turns in an order drawn from a seed, so that a missing barrier changes
// results. Whole warps alone may use the functions of warps (mask 0xffffffff).
#pragma once
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // one block at a time
#define __restrict__ __restrict

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

namespace on_cpu {

enum class Waits { nowhere, at_warp, at_block, done };

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    dim3 index;
    unsigned warp = 0, lane = 0;
    Waits waits = Waits::nowhere;
};

constexpr size_t STACK = 64 * 1024;

inline std::vector<Fiber> fibers;
inline Fiber* current = nullptr;
inline ucontext_t scheduler;
inline dim3 block_index, block_shape, grid_shape;
inline std::vector<uint64_t> exchanged;  // 32 places for each warp
inline void (*body)(void*) = nullptr;
inline void* body_arguments = nullptr;

inline void wait(Waits where) {
    current->waits = where;
    swapcontext(&current->context, &scheduler);
}

inline void enter() {
    body(body_arguments);
    current->waits = Waits::done;
    swapcontext(&current->context, &scheduler);
}

// Whether every living thread among first .. last - 1 waits at such a barrier; if so, they go on.
inline bool open_barrier(Waits where, unsigned first, unsigned last) {
    bool any = false;
    for (unsigned t = first; t < last; ++t) {
        if (fibers[t].waits != where && fibers[t].waits != Waits::done) return false;
        any = any || fibers[t].waits == where;
    }
    for (unsigned t = first; t < last; ++t)
        if (fibers[t].waits == where) fibers[t].waits = Waits::nowhere;
    return any;
}

// Run a warp alone, mostly until it meets a barrier of the block, so that warps drift apart as far as barriers let them.
inline bool run_warp(unsigned first, unsigned last, std::mt19937& random) {
    bool moved = false;
    std::vector<unsigned> turns(last - first);
    for (unsigned t = first; t < last; ++t) turns[t - first] = t;
    do {
        std::shuffle(turns.begin(), turns.end(), random);
        for (unsigned t : turns) {
            if (fibers[t].waits != Waits::nowhere) continue;
            current = &fibers[t];
            moved = true;
            swapcontext(&scheduler, &current->context);
        }
    } while (open_barrier(Waits::at_warp, first, last) && random() % 64 != 0);
    return moved;
}

inline void run_block(std::mt19937& random) {
    const unsigned threads = block_shape.x * block_shape.y * block_shape.z, warps = (threads + 31) / 32;
    if (fibers.size() != threads) fibers = std::vector<Fiber>(threads);
    exchanged.assign(32 * warps, 0);
    for (unsigned t = 0; t < threads; ++t) {
        Fiber& fiber = fibers[t];
        if (!fiber.stack) fiber.stack.reset(new char[STACK]);
        fiber.index = {t % block_shape.x, t / block_shape.x % block_shape.y, t / block_shape.x / block_shape.y};
        fiber.warp = t / 32;
        fiber.lane = t % 32;
        fiber.waits = Waits::nowhere;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, enter, 0);
    }
    std::vector<unsigned> turns(warps);
    for (unsigned warp = 0; warp < warps; ++warp) turns[warp] = warp;
    for (;;) {
        bool moved = false, living = false;
        std::shuffle(turns.begin(), turns.end(), random);
        for (unsigned warp : turns) moved = run_warp(32 * warp, std::min(32 * warp + 32, threads), random) || moved;
        for (const Fiber& fiber : fibers) living = living || fiber.waits != Waits::done;
        if (!living) return;
        moved = open_barrier(Waits::at_block, 0, threads) || moved;
        if (!moved) throw std::runtime_error("threads wait at barriers that never open");
    }
}

// A warp's threads lay down a value each, and take the one of another lane.
template <class T>
T exchange(unsigned mask, T mine, unsigned from) {
    static_assert(sizeof(T) <= 8, "at most eight bytes");
    if (mask != 0xffffffffu) throw std::runtime_error("whole warps alone are emulated");
    uint64_t* places = &exchanged[32 * current->warp];
    std::memcpy(&places[current->lane], &mine, sizeof(T));
    wait(Waits::at_warp);
    T taken;
    std::memcpy(&taken, &places[from % 32], sizeof(T));
    wait(Waits::at_warp);
    return taken;
}

template <class... A, size_t... I>
int launch(void (*kernel)(A...), const unsigned* shape, unsigned seed, void** arguments, const size_t* sizes, size_t count,
           std::index_sequence<I...>) {
    const size_t expected[] = {sizeof(A)...};
    if (count != sizeof...(A)) return std::fprintf(stderr, "%zu arguments expected, got %zu\n", sizeof...(A), count), 1;
    for (size_t i = 0; i < count; ++i)
        if (sizes[i] != expected[i]) return std::fprintf(stderr, "argument %zu has %zu bytes, not %zu\n", i, sizes[i], expected[i]), 1;
    struct Call {
        void (*kernel)(A...);
        void** arguments;
    } call{kernel, arguments};
    body = [](void* raw) {
        Call* made = static_cast<Call*>(raw);
        made->kernel(*static_cast<A*>(made->arguments[I])...);
    };
    body_arguments = &call;
    grid_shape = {shape[0], shape[1], shape[2]};
    block_shape = {shape[3], shape[4], shape[5]};
    std::mt19937 random(seed);
    try {
        for (unsigned z = 0; z < grid_shape.z; ++z)
            for (unsigned y = 0; y < grid_shape.y; ++y)
                for (unsigned x = 0; x < grid_shape.x; ++x) {
                    block_index = {x, y, z};
                    run_block(random);
                }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}

template <class... A>
int launch(void (*kernel)(A...), const unsigned* shape, unsigned seed, void** arguments, const size_t* sizes, size_t count) {
    return launch(kernel, shape, seed, arguments, sizes, count, std::index_sequence_for<A...>());
}

}  // namespace on_cpu

#define threadIdx (on_cpu::current->index)
#define blockIdx (on_cpu::block_index)
#define blockDim (on_cpu::block_shape)
#define gridDim (on_cpu::grid_shape)

// A kernel's door for ctypes: shape is grid x, y, z and block x, y, z; arguments by address, as cuLaunchKernel takes them.
#define CALLABLE(kernel)                                                                                                     \
    extern "C" int launch_##kernel(const unsigned* shape, unsigned seed, void** arguments, const size_t* sizes, size_t count) { \
        return on_cpu::launch(kernel, shape, seed, arguments, sizes, count);                                                \
    }

inline void __syncthreads() { on_cpu::wait(on_cpu::Waits::at_block); }

template <class T>
T __shfl_sync(unsigned mask, T mine, int lane) {
    return on_cpu::exchange(mask, mine, (unsigned)lane);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T mine, int step) {
    return on_cpu::exchange(mask, mine, on_cpu::current->lane ^ (unsigned)step);
}

inline int __ffsll(long long bits) { return __builtin_ffsll(bits); }

template <class To, class From>
To same_bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    To y;
    std::memcpy(&y, &x, sizeof(y));
    return y;
}

inline unsigned __float_as_uint(float x) { return same_bits<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return same_bits<float>(x); }
inline long long __double_as_longlong(double x) { return same_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return same_bits<double>(x); }

using std::fma;
using std::fmax;
using std::fmin;
using std::sqrt;
