// ONNX: Range-11, Expand-13.
#include <ATen/ops/tril_indices.h>
#include <ATen/ops/triu_indices.h>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

void full(Lowering& to, const Call& call, std::string_view target) {
  const auto dtype = to.output().dtype;
  const c10::Scalar value = target == "0" ? c10::Scalar(0) : target == "1" ? c10::Scalar(1) : call.scalar("fill_value");
  to.result(to.expand(to.number(value, dtype), {}, to.output().sizes));
}

void arange(Lowering& to, const Call& call, std::string_view) {
  const auto dtype = to.output().dtype;
  // Range takes few types; ATen counts in the type of the result, integers all fit into int64.
  const auto counted = is_float(dtype) ? (dtype == at::kDouble ? at::kDouble : at::kFloat) : at::kLong;
  const auto bound = [&](std::string_view name, int64_t otherwise) {
    return call.declares(name) ? to.number(call.scalar(name), counted) : to.number(otherwise, counted);
  };
  to.result(to.emit("Range", {bound("start", 0), bound("end", 0), bound("step", 1)}));
}

/// The places of a triangle of a matrix of plain sizes.
void triangle(Lowering& to, const Call& call, std::string_view which) {
  const int64_t rows = call.integer("row"), columns = call.integer("col"), offset = call.integer("offset");
  const at::TensorOptions options(to.output().dtype);
  to.result(to.constant(which == "upper" ? at::triu_indices(rows, columns, offset, options)
                                         : at::tril_indices(rows, columns, offset, options)));
}

void scalar_tensor(Lowering& to, const Call& call, std::string_view) {
  to.result(to.number(call.scalar("s"), to.output().dtype));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> creation_conversions() {
  static constexpr Conversion table[] = {
      // full and full_like; `zeros` and `ones` for operators whose name says the value. Uninitialised memory is zeros.
      {"aten::full", convert::full},
      {"aten::empty.memory_format", convert::full, "0"},
      {"aten::arange.start_step", convert::arange},
      {"aten::tril_indices", convert::triangle, "lower"},
      {"aten::triu_indices", convert::triangle, "upper"},
      {"aten::scalar_tensor", convert::scalar_tensor},
  };
  return table;
}

}  // namespace tracejet::onnx
