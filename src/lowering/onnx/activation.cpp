// ONNX: Elu-6, Gelu-20, LeakyRelu-16, PRelu-16, Sigmoid-13, Softmax-13, Softplus-1, Split-18.
#include <limits>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

Operand self_in_dtype(Lowering& to, const Call& call) { return to.operand(call, "self", to.output().dtype); }

Attribute attribute(std::string_view name, double value) { return {name, static_cast<float>(value)}; }

Operand multiplied(Lowering& to, const Operand& x, double factor) {
  return factor == 1 ? x : to.emit("Mul", {x, to.number(factor, x.dtype)});
}

void gelu(Lowering& to, const Call& call, std::string_view) {
  to.result(to.emit("Gelu", {self_in_dtype(to, call)}, {{"approximate", std::string(call.text("approximate"))}}));
}

void elu(Lowering& to, const Call& call, std::string_view) {
  // scale * (x > 0 ? x : alpha * (exp(x * input_scale) - 1))
  const Operand x = self_in_dtype(to, call);
  const double alpha = call.number("alpha");
  const double scale = call.declares("scale") ? call.number("scale") : 1;
  const double input_scale = call.declares("input_scale") ? call.number("input_scale") : 1;
  if (input_scale == 1) return to.result(multiplied(to, to.emit("Elu", {x}, {attribute("alpha", alpha)}), scale));
  const Operand zero = to.number(0, x.dtype);
  const Operand curve =
      to.emit("Elu", {multiplied(to, extremum_of(to, "Min", x, zero), input_scale)}, {attribute("alpha", alpha)});
  to.result(multiplied(to, to.emit("Add", {extremum_of(to, "Max", x, zero), curve}), scale));
}

void leaky_relu(Lowering& to, const Call& call, std::string_view) {
  to.result(to.emit("LeakyRelu", {self_in_dtype(to, call)}, {attribute("alpha", call.number("negative_slope"))}));
}

void prelu(Lowering& to, const Call& call, std::string_view) {
  const TensorMeta& weight = call.tensor("weight");
  const auto rank = to.output().dim();
  Operand slope = to.operand(call, "weight");
  // aten::prelu has one slope per channel, on axis 1; the kernel's weight is broadcast already.
  if (weight.dim() == 1 && rank > 2) slope = to.unsqueeze(slope, axes_from(1, rank - 2));
  to.result(to.emit("PRelu", {self_in_dtype(to, call), slope}));
}

void softplus(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self_in_dtype(to, call);
  const double beta = call.number("beta");
  const double threshold = call.number("threshold");
  const Operand scaled = multiplied(to, x, beta);
  const Operand curve = multiplied(to, to.emit("Softplus", {scaled}), 1 / beta);
  // From the default threshold on, the curve is the line in float32.
  if (threshold >= 20 && x.dtype != at::kDouble) return to.result(curve);
  const Operand is_line = to.emit_as(at::kBool, "Greater", {scaled, to.number(threshold, x.dtype)});
  to.result(to.emit_as(x.dtype, "Where", {is_line, x, curve}));
}

void glu(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self_in_dtype(to, call);
  const auto axis = call.axis("dim", call.tensor("self").dim());
  const auto halves = to.emit_many({x.dtype, x.dtype}, "Split", {x}, {{"axis", axis}, {"num_outputs", int64_t{2}}});
  to.result(to.emit("Mul", {halves[0], to.emit("Sigmoid", {halves[1]})}));
}

void softmax(Lowering& to, const Call& call, std::string_view target) {
  const Operand x = self_in_dtype(to, call);  // in the result's dtype: float32 where half_to_float is set
  const auto rank = call.tensor("self").dim();
  if (rank > 0) return to.result(to.emit(target, {x}, {{"axis", call.axis("dim", rank)}}));
  const Operand one_axis = to.emit(target, {to.unsqueeze(x, {0})}, {{"axis", int64_t{0}}});
  to.result(to.squeeze(one_axis, {0}));
}

void safe_softmax(Lowering& to, const Call& call, std::string_view) {
  const Operand x = self_in_dtype(to, call);
  const auto rank = call.tensor("self").dim();
  if (rank == 0) to.fail("has no axis");
  const Operand result = to.emit("Softmax", {x}, {{"axis", call.axis("dim", rank)}});
  to.result(without_masked(to, result, x));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> activation_conversions() {
  static constexpr Conversion table[] = {
      {"aten::gelu", convert::gelu},
      {"aten::elu", convert::elu},
      {"aten::leaky_relu", convert::leaky_relu},
      {"aten::_prelu_kernel", convert::prelu},
      {"aten::softplus", convert::softplus},
      {"aten::glu", convert::glu},
      {"aten::_softmax", convert::softmax, "Softmax"},
      // Zeros where a row is all -inf.
      {"aten::_safe_softmax", convert::safe_softmax},
  };
  return table;
}

}  // namespace tracejet::onnx
