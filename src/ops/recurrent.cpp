// Recurrent networks. ATen's composites look for oneDNN's kernels, which need plain sizes; these unroll the sequence.
#include "ops/families.h"
#include "ops/recurrent_decompositions.h"
#include "ops/recurrent_samples.h"

namespace tracejet {

std::span<const Operator> recurrent_operators() {
  namespace given = samples::recurrent;
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::lstm.input", .decompose = expand<&as::lstm>, .samples = given::lstm},
      {.name = "aten::gru.input", .decompose = expand<&as::gru>, .samples = given::gru},
      {.name = "aten::rnn_tanh.input", .decompose = expand<&as::rnn_tanh>, .samples = given::simple},
      {.name = "aten::rnn_relu.input", .decompose = expand<&as::rnn_relu>, .samples = given::simple},
      {.name = "aten::lstm_cell", .decompose = expand<&as::lstm_cell>, .samples = given::lstm_cell},
      {.name = "aten::gru_cell", .decompose = expand<&as::gru_cell>, .samples = given::gru_cell},
  };
  return table;
}

}  // namespace tracejet
