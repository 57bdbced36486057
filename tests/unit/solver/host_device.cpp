// value_table.cu on a CPU: the CUDA words it uses, and for each kernel a loop over its threads.
#include <cstdint>
#define __global__
#define __device__
struct Index { long long x; };
static thread_local Index blockIdx, threadIdx;
static const Index blockDim = {1};
static int __ffs(int bits) { return __builtin_ffs(bits); }
static int __ffsll(long long bits) { return __builtin_ffsll(bits); }
static int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
static void atomicOr(unsigned long long* at, unsigned long long bits) { *at |= bits; }

#include "value_table.cu"

#define RUN(kernel, ...) for (blockIdx.x = 0; blockIdx.x < threads; blockIdx.x++) kernel(__VA_ARGS__)

extern "C" {
void run_mark_level(i64 threads, Layout* a, Rules* b, i64 c, i64 d, u64* e, u32* f) { RUN(mark_level, a, b, c, d, e, f); }
void run_value_level(i64 threads, Layout* a, Rules* b, i64 c, i64 d, u64* e, signed char* f) {
    RUN(value_level, a, b, c, d, e, f);
}
void run_states_of_ranks(i64 threads, Layout* a, Rules* b, i64 c, i64* d, u64* e, u32* f, i64* g, i64* h) {
    RUN(states_of_ranks, a, b, c, d, e, f, g, h);
}
void run_q_of_states(i64 threads, Layout* a, Rules* b, i64 c, i64* d, u64* e, signed char* f, i64* g, signed char* h) {
    RUN(q_of_states, a, b, c, d, e, f, g, h);
}
i64 size_of_rules() { return sizeof(Rules); }
i64 size_of_layout() { return sizeof(Layout); }
}
