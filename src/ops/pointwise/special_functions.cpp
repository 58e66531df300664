// Functions of mathematical physics, number by number.
// PyTorch: aten/src/ATen/native/UnaryOps.cpp, aten/src/ATen/native/BinaryOps.cpp.
#include "ops/families.h"
#include "ops/pointwise/rules.h"

namespace tracejet {

namespace {

using namespace pointwise;

/// Operators call their operand one of two names.
Metas function(const Call& call) {
  const TensorMeta& x = call.tensor(call.declares("x") ? "x" : "self");
  return {shape::pointwise({&x}, promotion::to_float(x.dtype))};
}

Metas polynomial(const Call& call) { return binary_of<Result::kFloat>(call, "x", "n"); }

}  // namespace

std::span<const Operator> special_function_operators() {
  static constexpr auto binary_float = binary<Result::kFloat>;
  static constexpr Operator table[] = {
      // Gamma and zeta functions
      {.name = "aten::digamma", .meta = function},
      {.name = "aten::igamma", .meta = binary_float},
      {.name = "aten::igammac", .meta = binary_float},
      {.name = "aten::lgamma", .meta = function},
      {.name = "aten::polygamma", .meta = function},
      {.name = "aten::special_zeta", .meta = binary_float},

      // Error functions
      {.name = "aten::erfinv", .meta = function},
      {.name = "aten::special_erfcx", .meta = function},
      {.name = "aten::special_ndtri", .meta = function},

      // Bessel and Airy functions
      {.name = "aten::i0", .meta = function},
      {.name = "aten::special_airy_ai", .meta = function},
      {.name = "aten::special_bessel_j0", .meta = function},
      {.name = "aten::special_bessel_j1", .meta = function},
      {.name = "aten::special_bessel_y0", .meta = function},
      {.name = "aten::special_bessel_y1", .meta = function},
      {.name = "aten::special_i0e", .meta = function},
      {.name = "aten::special_i1", .meta = function},
      {.name = "aten::special_i1e", .meta = function},
      {.name = "aten::special_modified_bessel_i0", .meta = function},
      {.name = "aten::special_modified_bessel_i1", .meta = function},
      {.name = "aten::special_modified_bessel_k0", .meta = function},
      {.name = "aten::special_modified_bessel_k1", .meta = function},
      {.name = "aten::special_scaled_modified_bessel_k0", .meta = function},
      {.name = "aten::special_scaled_modified_bessel_k1", .meta = function},
      {.name = "aten::special_spherical_bessel_j0", .meta = function},

      // Orthogonal polynomials
      {.name = "aten::special_chebyshev_polynomial_t", .meta = polynomial},
      {.name = "aten::special_chebyshev_polynomial_u", .meta = polynomial},
      {.name = "aten::special_chebyshev_polynomial_v", .meta = polynomial},
      {.name = "aten::special_chebyshev_polynomial_w", .meta = polynomial},
      {.name = "aten::special_hermite_polynomial_h", .meta = polynomial},
      {.name = "aten::special_hermite_polynomial_he", .meta = polynomial},
      {.name = "aten::special_laguerre_polynomial_l", .meta = polynomial},
      {.name = "aten::special_legendre_polynomial_p", .meta = polynomial},
      {.name = "aten::special_shifted_chebyshev_polynomial_t", .meta = polynomial},
      {.name = "aten::special_shifted_chebyshev_polynomial_u", .meta = polynomial},
      {.name = "aten::special_shifted_chebyshev_polynomial_v", .meta = polynomial},
      {.name = "aten::special_shifted_chebyshev_polynomial_w", .meta = polynomial},
  };
  return table;
}

}  // namespace tracejet
