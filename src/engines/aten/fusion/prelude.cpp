#include "engines/aten/fusion/kernel_source.h"

namespace tracejet::aten {

// Without headers, which NVRTC would have to find and to read each time.

const char* const kCudaConversions = R"(
struct Half { unsigned short bits; };
struct BFloat16 { unsigned short bits; };

template <typename T> __device__ __forceinline__ T wide(T x) { return x; }
__device__ __forceinline__ float wide(Half x) {
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
  return wide;
}
__device__ __forceinline__ float wide(BFloat16 x) { return __uint_as_float(static_cast<unsigned>(x.bits) << 16); }

template <typename T> struct As {
  template <typename From> static __device__ __forceinline__ T of(From x) { return static_cast<T>(x); }
};
template <> struct As<Half> {
  static __device__ __forceinline__ Half of(float x) {
    Half half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half.bits) : "f"(x));
    return half;
  }
};
template <> struct As<BFloat16> {
  static __device__ __forceinline__ BFloat16 of(float x) {
    const unsigned bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return {0x7fffu};
    return {static_cast<unsigned short>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
  }
};
template <typename T> __device__ __forceinline__ T infinity();
template <> __device__ __forceinline__ float infinity<float>() { return __uint_as_float(0x7f800000u); }
template <> __device__ __forceinline__ double infinity<double>() { return __longlong_as_double(0x7ff0000000000000ll); }
)";

const char* const kKernelPrelude = R"(
template <typename T> __device__ __forceinline__ float rounded(float x) { return wide(As<T>::of(x)); }

// NaN goes on, whichever side it is on.
template <typename T> __device__ __forceinline__ T larger(T a, T b) { return a != a ? a : (b < a ? a : b); }
template <typename T> __device__ __forceinline__ T smaller(T a, T b) { return a != a ? a : (a < b ? a : b); }

template <typename T, int count> struct __align__(sizeof(T) * count) Many { T of[count]; };
template <int count, typename T> __device__ __forceinline__ Many<T, count> load(const T* from) {
  return *reinterpret_cast<const Many<T, count>*>(from);
}
template <typename T, int count> __device__ __forceinline__ void store(T* to, const Many<T, count>& many) {
  *reinterpret_cast<Many<T, count>*>(to) = many;
}

struct Sum { template <typename T> static __device__ __forceinline__ T of(T a, T b) { return a + b; } };
struct Most { template <typename T> static __device__ __forceinline__ T of(T a, T b) { return larger(a, b); } };

// What `threads` threads in a row, a power of 2, have together.
template <typename Op, int threads, typename T> __device__ __forceinline__ T of_row(T x) {
  #pragma unroll
  for (int other = (threads < 32 ? threads : 32) / 2; other > 0; other /= 2) x = Op::of(x, __shfl_xor_sync(0xffffffffu, x, other));
  if (threads > 32) {
    constexpr int warps = threads / 32;
    __shared__ T parts[warps];
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
    __syncthreads();
    x = parts[threadIdx.x % warps];
    #pragma unroll
    for (int other = warps / 2; other > 0; other /= 2) x = Op::of(x, __shfl_xor_sync(0xffffffffu, x, other));
  }
  return x;
}
template <int threads, typename T> __device__ __forceinline__ T row_sum(T x) { return of_row<Sum, threads>(x); }
template <int threads, typename T> __device__ __forceinline__ T row_max(T x) { return of_row<Most, threads>(x); }

)";

}  // namespace tracejet::aten
