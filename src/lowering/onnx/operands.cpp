// What conversions read and write: operands, nodes, results.
// ONNX: Cast-19, ConstantOfShape-20.
#include <algorithm>
#include <cmath>
#include <string>

#include <ATen/ops/tensor.h>

#include "lowering/onnx/integers.h"
#include "lowering/onnx/lowering.h"
#include "symbolic/sym_node.h"

namespace tracejet::onnx {

namespace {

double largest_of(at::ScalarType dtype) { return dtype == at::kHalf ? 65504 : HUGE_VAL; }

}  // namespace

// Reading arguments --------------------------------------------------------------------------------------------------

Operand Lowering::operand(const Value& value) const { return operands_.at(&value); }

Operand Lowering::operand(const Call& call, std::string_view name, at::ScalarType dtype) {
  if (call.is_number(name)) return number(call.scalar(name), dtype);
  const Value& value = call.value(name);
  const ValueRange& range = ranges_->of(value);
  const bool may_be_far = std::min(range.magnitude(), largest_of(value.tensor().dtype)) >= 0x1p31;
  if (dtype == at::kLong && may_be_far && at::isFloatingType(value.tensor().dtype))
    forbid_beyond_32_bits(operand(value));
  return narrowed(operand(value), dtype, range);
}

void Lowering::forbid_beyond_32_bits(const Operand& number) {
  if (!target_.checks || target_.int64) return;
  const Operand size = emit("Abs", {number});
  const Operand is_large = emit_as(at::kBool, "GreaterOrEqual", {size, this->number(0x1p31, size.dtype)});
  const Operand is_defined = emit_as(at::kBool, "Less", {size, this->number(0x1p63, size.dtype)});
  forbid(emit_as(at::kBool, "And", {is_large, is_defined}),
         "a number of 2147483648 or more is cast to int64, which " + target_.name +
             " computes in 32 bits; PyTorch's kernels take all: name the operator in torch_executed_ops");
}

Operand Lowering::optional(const Call& call, std::string_view name) const {
  const Value* value = call.optional_value(name);
  return value == nullptr ? Operand{} : operand(*value);
}

at::Tensor Lowering::known(const Value& value) const {
  const auto found = known_.find(&value);
  return found == known_.end() ? at::Tensor() : found->second;
}

const TensorMeta& Lowering::output(size_t index) const { return node_->outputs()[index]->tensor(); }
size_t Lowering::output_count() const { return node_->outputs().size(); }
bool Lowering::is_used(size_t index) const { return used_.contains(node_->outputs()[index]); }

// Writing ------------------------------------------------------------------------------------------------------------

std::vector<Operand> Lowering::emit_many(const std::vector<at::ScalarType>& dtypes, std::string_view op,
                                         const std::vector<Operand>& inputs, Attributes attributes) {
  OnnxNode node{std::string(op), {}, {}, std::move(attributes), {}, nullptr};
  for (const Operand& input : inputs) node.inputs.push_back(input.name);
  std::vector<Operand> outputs;
  for (const at::ScalarType dtype : dtypes) {
    outputs.push_back({unique("t" + std::to_string(names_.size())), dtype});
    node.outputs.push_back(outputs.back().name);
  }
  node.name = label_ + "/" + outputs.front().name;
  node.source = node_;
  model_.nodes.push_back(std::move(node));
  return outputs;
}

Operand Lowering::emit_as(at::ScalarType dtype, std::string_view op, const std::vector<Operand>& inputs,
                          Attributes attributes) {
  return emit_many({dtype}, op, inputs, std::move(attributes)).front();
}

Operand Lowering::emit(std::string_view op, const std::vector<Operand>& inputs, Attributes attributes) {
  return emit_as(inputs.front().dtype, op, inputs, std::move(attributes));
}

void Lowering::result(const Operand& operand) {
  const Value* value = node_->outputs()[next_result_++];
  if (value == nullptr) return;
  const Operand declared = value->is_tensor() ? as_declared(operand, *value) : operand;
  operands_.insert_or_assign(value, declared);
  model_.results.emplace_back(declared.name, value);
  note_symbols(*value);
}

Operand Lowering::as_declared(const Operand& operand, const Value& value) {
  const TensorMeta& meta = value.tensor();
  const bool is_empty = symbolic::is_known_empty(meta.sizes);
  // Kernels are rarely tried on nothing: some divide by the number of elements.
  if (is_empty) return nothing(meta.sizes, meta.dtype);
  return narrowed(operand, meta.dtype, ranges_->unwrapped(value));
}

Operand Lowering::narrowed(const Operand& operand, at::ScalarType dtype, const ValueRange& range) {
  const bool wraps = convert::is_narrow(dtype) && operand.dtype != dtype && operand.dtype != at::kBool;
  if (!wraps || range.is_within(limits_of(dtype))) return cast(operand, dtype);
  return convert::wrapped(*this, cast(operand, operand.dtype == at::kLong ? at::kLong : at::kInt), dtype);
}

void Lowering::no_result(std::string_view why) {
  if (is_used(next_result_)) fail(why);
  ++next_result_;
}

Operand Lowering::cast(const Operand& operand, at::ScalarType dtype) {
  if (operand.dtype == dtype) return operand;
  const auto type = element_type(dtype);
  if (!type) fail(std::string("ONNX has no data type for ") + c10::toString(dtype));
  // Runtimes disagree on whether 0.5 becomes true.
  if (dtype == at::kBool)
    return emit_as(at::kBool, "Not", {emit_as(at::kBool, "Equal", {operand, number(0, operand.dtype)})});
  return emit_as(dtype, "Cast", {operand}, {{"to", *type}});
}

Operand Lowering::constant(const at::Tensor& data) {
  const at::Tensor dense = data.detach().contiguous();
  if (!element_type(dense.scalar_type()))
    fail(std::string("ONNX has no data type for ") + c10::toString(dense.scalar_type()));
  if (dense.dim() > 1 && dense.numel() == 0) return nothing(dense.sym_sizes(), dense.scalar_type());
  std::string key = std::to_string(static_cast<int>(dense.scalar_type()));
  for (const int64_t size : dense.sizes()) key += "," + std::to_string(size);
  key += ':';
  key.append(static_cast<const char*>(dense.const_data_ptr()), dense.nbytes());
  const auto [found, is_new] = constants_.try_emplace(std::move(key));
  if (is_new) {
    found->second = {unique("c" + std::to_string(names_.size())), dense.scalar_type()};
    model_.constants.push_back({found->second.name, dense});
  }
  return found->second;
}

Operand Lowering::nothing(c10::SymIntArrayRef sizes, at::ScalarType dtype) {
  return cast(emit_as(at::kFloat, "ConstantOfShape", {this->sizes(sizes)}), dtype);
}

Operand Lowering::integers(const std::vector<int64_t>& values) { return constant(at::tensor(values, at::kLong)); }

}  // namespace tracejet::onnx
