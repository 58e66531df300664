// Short-time Fourier transforms. ATen's composites look at plain sizes and at the window's data.
#include "ops/families.h"
#include "ops/spectral_decompositions.h"
#include "ops/spectral_samples.h"

namespace tracejet {

std::span<const Operator> spectral_operators() {
  namespace given = samples::spectral;
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::stft.center", .decompose = expand<&as::stft>, .samples = given::stft},
      {.name = "aten::istft", .decompose = expand<&as::istft>, .samples = given::istft},
  };
  return table;
}

}  // namespace tracejet
