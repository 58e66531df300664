// Functions of mathematical physics, number by number.
#include "ops/families.h"
#include "ops/pointwise_rules.h"
#include "ops/pointwise_samples.h"

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
      {.name = "aten::digamma", .meta = function, .samples = samples::unary},
      {.name = "aten::igamma", .meta = binary_float, .samples = samples::binary_positive},
      {.name = "aten::igammac", .meta = binary_float, .samples = samples::binary_positive},
      {.name = "aten::lgamma", .meta = function, .samples = samples::unary},
      {.name = "aten::polygamma", .meta = function, .samples = samples::polygamma},
      {.name = "aten::special_zeta", .meta = binary_float, .samples = samples::binary_float},

      // Error functions
      {.name = "aten::erfinv", .meta = function, .samples = samples::unary},
      {.name = "aten::special_erfcx", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_ndtri", .meta = function, .samples = samples::unary_full},

      // Bessel and Airy functions
      {.name = "aten::i0", .meta = function, .samples = samples::unary},
      {.name = "aten::special_airy_ai", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_bessel_j0", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_bessel_j1", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_bessel_y0", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_bessel_y1", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_i0e", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_i1", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_i1e", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_modified_bessel_i0", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_modified_bessel_i1", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_modified_bessel_k0", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_modified_bessel_k1", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_scaled_modified_bessel_k0", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_scaled_modified_bessel_k1", .meta = function, .samples = samples::unary_full},
      {.name = "aten::special_spherical_bessel_j0", .meta = function, .samples = samples::unary_full},

      // Orthogonal polynomials
      {.name = "aten::special_chebyshev_polynomial_t", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_chebyshev_polynomial_u", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_chebyshev_polynomial_v", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_chebyshev_polynomial_w", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_hermite_polynomial_h", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_hermite_polynomial_he", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_laguerre_polynomial_l", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_legendre_polynomial_p", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_shifted_chebyshev_polynomial_t", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_shifted_chebyshev_polynomial_u", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_shifted_chebyshev_polynomial_v", .meta = polynomial, .samples = samples::polynomial},
      {.name = "aten::special_shifted_chebyshev_polynomial_w", .meta = polynomial, .samples = samples::polynomial},
  };
  return table;
}

}  // namespace tracejet
