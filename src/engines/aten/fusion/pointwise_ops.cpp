#include "engines/aten/fusion/pointwise_ops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <unordered_map>

#include "engines/aten/fusion/kernel_types.h"
#include "ops/shape/promotion.h"

namespace tracejet::aten {

namespace {

using In = PointwiseOp::In;
using Results = PointwiseOp::Results;

// As PyTorch's kernels for CUDA have it, step by step: results differ by what the functions of mathematics do, if at
// all.
constexpr PointwiseOp kTable[] = {
    {"aten::add.Tensor", "{self} + {alpha} * {other}", Results::kNumbers},
    {"aten::add.Scalar", "{self} + {alpha} * {other}", Results::kNumbers},
    {"aten::sub.Tensor", "{self} - {alpha} * {other}", Results::kNumbers},
    {"aten::sub.Scalar", "{self} - {alpha} * {other}", Results::kNumbers},
    {"aten::mul.Tensor", "{self} * {other}", Results::kNumbers},
    {"aten::mul.Scalar", "{self} * {other}", Results::kNumbers},
    {"aten::div.Tensor", "{self} / {other}"},
    {"aten::div.Scalar", "{self} * (1 / {other})"},
    {"aten::pow.Tensor_Scalar", "pow({self}, {exponent})"},
    {"aten::maximum", "larger({self}, {other})", Results::kNumbers},
    {"aten::minimum", "smaller({self}, {other})", Results::kNumbers},
    {"aten::clamp", "smaller(larger({self}, {min}), {max})"},
    {"aten::hardtanh", "smaller(larger({self}, {min_val}), {max_val})"},
    {"aten::relu", "{self} <= 0 ? 0 : {self}", Results::kNumbers},
    {"aten::leaky_relu", "{self} > 0 ? {self} : {self} * {negative_slope}"},
    {"aten::elu", "{self} > 0 ? {self} * {scale} : expm1({self} * {input_scale}) * ({alpha} * {scale})"},
    {"aten::silu", "{self} / (1 + exp(-{self}))"},
    {"aten::sigmoid", "1 / (1 + exp(-{self}))"},
    {"aten::gelu", ""},  // as its argument `approximate` says
    {"aten::tanh", "tanh({self})"},
    {"aten::erf", "erf({self})"},
    {"aten::exp", "exp({self})"},
    {"aten::expm1", "expm1({self})"},
    {"aten::log", "log({self})"},
    {"aten::log1p", "log1p({self})"},
    {"aten::log2", "log2({self})"},
    {"aten::log10", "log10({self})"},
    {"aten::sqrt", "sqrt({self})"},
    {"aten::rsqrt", "rsqrt({self})"},
    {"aten::reciprocal", "1 / {self}"},
    {"aten::sin", "sin({self})"},
    {"aten::cos", "cos({self})"},
    {"aten::tan", "tan({self})"},
    {"aten::sinh", "sinh({self})"},
    {"aten::cosh", "cosh({self})"},
    {"aten::floor", "floor({self})"},
    {"aten::ceil", "ceil({self})"},
    {"aten::round", "rint({self})"},
    {"aten::trunc", "trunc({self})"},
    {"aten::neg", "-{self}", Results::kNumbers},
    {"aten::abs", "{self} < 0 ? -{self} : {self} + 0", Results::kNumbers},
    {"aten::where.self", "{condition} ? {self} : {other}", Results::kAny},
    {"aten::masked_fill.Scalar", "{mask} ? {value} : {self}", Results::kAny},
    {"aten::eq.Tensor", "{self} == {other}", Results::kAny, In::kOperands},
    {"aten::eq.Scalar", "{self} == {other}", Results::kAny, In::kOperands},
    {"aten::ne.Tensor", "{self} != {other}", Results::kAny, In::kOperands},
    {"aten::ne.Scalar", "{self} != {other}", Results::kAny, In::kOperands},
    {"aten::lt.Tensor", "{self} < {other}", Results::kAny, In::kOperands},
    {"aten::lt.Scalar", "{self} < {other}", Results::kAny, In::kOperands},
    {"aten::le.Tensor", "{self} <= {other}", Results::kAny, In::kOperands},
    {"aten::le.Scalar", "{self} <= {other}", Results::kAny, In::kOperands},
    {"aten::gt.Tensor", "{self} > {other}", Results::kAny, In::kOperands},
    {"aten::gt.Scalar", "{self} > {other}", Results::kAny, In::kOperands},
    {"aten::ge.Tensor", "{self} >= {other}", Results::kAny, In::kOperands},
    {"aten::ge.Scalar", "{self} >= {other}", Results::kAny, In::kOperands},
    {"aten::isnan", "{self} != {self}", Results::kAny, In::kOperands},
    {"aten::logical_and", "{self} && {other}", Results::kAny, In::kTruth},
    {"aten::logical_or", "{self} || {other}", Results::kAny, In::kTruth},
    {"aten::logical_xor", "{self} != {other}", Results::kAny, In::kTruth},
    {"aten::logical_not", "!{self}", Results::kAny, In::kTruth},
    {"aten::bitwise_and.Tensor", "{self} & {other}", Results::kAny},
    {"aten::bitwise_or.Tensor", "{self} | {other}", Results::kAny},
    {"aten::bitwise_xor.Tensor", "{self} ^ {other}", Results::kAny},
    {"aten::_to_copy", "{self}", Results::kAny},
    {"aten::clone", "{self}", Results::kAny},
    {"aten::full", "{fill_value}", Results::kAny},
    {"aten::full_like", "{fill_value}", Results::kAny},
};

bool is_known(const c10::Scalar& number) {
  return !number.isSymbolic() && !number.isComplex() && !(number.isFloatingPoint() && std::isnan(number.toDouble()));
}

bool gives(Results results, at::ScalarType dtype) {
  if (results == Results::kAny) return true;
  return results == Results::kFloats ? at::isFloatingType(dtype) : dtype != at::kBool;
}

/// Copies that aren't only about elements: to another device, or laid out otherwise than its argument.
bool only_converts(const Call& call) {
  if (call.declares("self") && call.declares("device") && call.device() && *call.device() != call.tensor("self").device)
    return false;
  if (call.declares("pin_memory") && call.has("pin_memory")) return false;
  return !call.declares("layout") || !call.has("layout") || call.integer("layout") == 0;
}

/// Whether its tensors and numbers are such that a kernel can take them.
bool takes_arguments(const Node& node, c10::Device device) {
  const auto& declared = node.op().schema().arguments();
  for (size_t i = 0; i < node.arguments().size(); ++i) {
    const Argument& argument = node.arguments()[i];
    if (std::holds_alternative<std::vector<const Value*>>(argument)) return false;
    if (const auto* value = std::get_if<const Value*>(&argument)) {
      if (!(*value)->is_tensor() || (*value)->tensor().device != device ||
          kernel_type((*value)->tensor().dtype) == nullptr)
        return false;
      continue;
    }
    const auto& constant = std::get<c10::IValue>(argument);
    const bool is_number = constant.isScalar() && declared[i].name() != "dtype" && declared[i].name() != "layout";
    if (is_number && !is_known(constant.toScalar())) return false;
  }
  return true;
}

std::string power_text(double exponent) {
  // Products of 16-bit floats are rounded one by one.
  if (exponent == 2) return "{self} * {self}";
  if (exponent == 3) return "{round}({self} * {self}) * {self}";
  if (exponent == 0.5) return "sqrt({self})";
  if (exponent == -0.5) return "rsqrt({self})";
  if (exponent == -1) return "1 / {self}";
  return "pow({self}, {exponent})";
}

std::string gelu_text(std::string_view approximate) {
  if (approximate == "none") return "{self} * {T}(0.5) * (1 + erf({self} * {T}(0.70710678118654752440)))";
  return "{T}(0.5) * {self} * (1 + tanh({T}(0.79788456080286535588) * "
         "({self} + {T}(0.044715) * ({self} * {self} * {self}))))";
}

}  // namespace

const PointwiseOp* pointwise_op(const Node& node) {
  static const auto* by_name = [] {
    auto* table = new std::unordered_map<std::string_view, const PointwiseOp*>();
    for (const PointwiseOp& op : kTable) table->emplace(op.name, &op);
    return table;
  }();
  const Call call(node);
  const auto found = by_name->find(call.name());
  if (found == by_name->end() || node.outputs().size() != 1 || node.outputs().front() == nullptr ||
      !node.outputs().front()->is_tensor())
    return nullptr;
  const TensorMeta& result = node.outputs().front()->tensor();
  if (kernel_type(result.dtype) == nullptr || !gives(found->second->results, result.dtype)) return nullptr;
  return takes_arguments(node, result.device) && only_converts(call) ? found->second : nullptr;
}

at::ScalarType computed_in(const PointwiseOp& op, const Node& node) {
  if (op.in == In::kTruth) return at::kBool;
  if (op.in == In::kResult) return node.outputs().front()->tensor().dtype;
  const Call call(node);
  promotion::ResultType type;
  type.add(call, "self");
  if (call.declares("other")) type.add(call, "other");
  return type.get();
}

std::string text_of(const PointwiseOp& op, const Node& node) {
  const Call call(node);
  if (op.name == "aten::gelu") return gelu_text(call.text("approximate"));
  if (op.name == "aten::pow.Tensor_Scalar") return power_text(call.scalar("exponent").toDouble());
  if (op.name == "aten::div.Tensor" && call.is_number("other")) return "{self} * (1 / {other})";
  return std::string(op.text);
}

std::string literal(const c10::Scalar& number, std::string_view type) {
  std::ostringstream text;
  if (number.isFloatingPoint() && std::isinf(number.toDouble())) {
    text << (number.toDouble() < 0 ? "-" : "") << "infinity<" << type << ">()";
    return text.str();
  }
  text.precision(17);
  text << "static_cast<" << type << ">(";
  if (number.isFloatingPoint()) {
    text << number.toDouble();
  } else {
    text << number.toLong() << "LL";
  }
  text << ")";
  return text.str();
}

}  // namespace tracejet::aten
