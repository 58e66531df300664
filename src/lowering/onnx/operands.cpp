// What conversions read and write: operands, nodes, results.
// ONNX: Cast-19, Shape-19, Reshape-19.
#include <algorithm>
#include <limits>
#include <string>

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "base/largest_number.h"
#include "ir/size_expression.h"
#include "ir/symbol_binding.h"
#include "lowering/onnx/integers.h"
#include "lowering/onnx/lowering.h"
#include "symbolic/sym_node.h"

namespace tracejet::onnx {

// Reading arguments --------------------------------------------------------------------------------------------------

Operand Lowering::operand(const Value& value) const { return operands_.at(&value); }

Operand Lowering::operand(const Call& call, std::string_view name, at::ScalarType dtype) {
  if (call.is_number(name)) return number(call.scalar(name), dtype);
  const Value& value = call.value(name);
  const ValueRange& range = ranges_->of(value);
  const bool may_be_far = std::min(range.magnitude(), largest_number(value.tensor().dtype)) >= 0x1p31;
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

bool Lowering::may_leave_32_bits(const symbolic::Expression& expression) const {
  if (target_.int64 || !expression.is_int()) return false;
  const symbolic::Range range = expression.range();
  return range.min < std::numeric_limits<int32_t>::min() || range.max > std::numeric_limits<int32_t>::max();
}

void Lowering::forbid_beyond_32_bits(const symbolic::Expression& expression, std::string_view op,
                                     const std::vector<Operand>& operands) {
  if (!may_leave_32_bits(expression)) return;
  const std::vector<symbolic::Symbol> symbols = symbolic::symbols_of(expression);
  const auto is_size = [this](const symbolic::Symbol& symbol) {
    const auto source = symbols_.find(symbol.id);
    return source != symbols_.end() && source->second.axis >= 0;
  };
  // There is no memory for so many elements.
  const bool counts = op == "Add" || (op == "Mul" && symbols.size() == 1);
  if (counts && std::ranges::all_of(symbols, is_size)) return;
  Operand size;
  for (const Operand& operand : operands) {
    const Operand real = cast(operand, at::kFloat);
    size = size.name.empty() ? real : emit(op, {size, real});
  }
  forbid_beyond_32_bits(size);
}

void Lowering::forbid_negative_sizes(const Node& node) {
  for (const Value* value : node.outputs()) {
    if (value == nullptr || !value->is_tensor()) continue;
    for (const c10::SymInt& size : value->tensor().sizes) {
      const symbolic::Expression expression = expression_of(size);
      // Those of sizes are looked at before anything runs.
      if (!target_.checks || !symbolic::is_data_dependent(expression)) continue;
      const std::string problem = "would give a tensor with a negative size: " + expression.str();
      if (!expression.is_symbol()) {
        if (expression.range().min < 0) require(symbolic::less_equal(0, expression), problem);
      } else if (symbols_.at(expression.symbol().id).axis < 0 && checked_.insert(expression).second) {
        // That a number is a size is taken for granted from there on.
        forbid(emit_as(at::kBool, "Less", {compute(expression), integer(0)}), problem);
      }
    }
  }
}

Operand Lowering::number(const c10::Scalar& value, at::ScalarType dtype) {
  if (!value.isSymbolic())
    return constant(at::scalar_tensor(convert::wrapped_number(value, dtype), at::TensorOptions(dtype)));
  const symbolic::Expression expression = expression_of(value);
  const bool is_integer = expression.is_int();
  // Computed before the call, it may be a float at once, whatever the bits of the reader's integers.
  if (is_integer && at::isFloatingType(dtype) && may_leave_32_bits(expression) && is_handed_over(expression))
    return cast(emit("Reshape", {compute(symbolic::to_float(expression)), integers({})}), dtype);
  if (node_ != nullptr && may_leave_32_bits(expression) && is_handed_over(expression))
    warn("takes " + expression.str() + " as an integer, which may leave the 32 bits that " + target_.name + " has");
  const Operand number = emit("Reshape", {compute(expression), integers({})});
  if (!is_integer) return cast(number, dtype);
  const symbolic::Range range = expression.range();
  return narrowed(number, dtype, {static_cast<double>(range.min), static_cast<double>(range.max)});
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

void Lowering::note_symbols(const Value& value) {
  const Operand tensor = operand(value);
  for_each_bound_symbol(value, [&](const SymbolBinding& binding) {
    symbols_.try_emplace(binding.symbol.id, SymbolSource{tensor, binding.axis});
  });
}

Operand Lowering::symbol_value(const symbolic::Symbol& symbol) {
  const auto source = symbols_.find(symbol.id);
  if (source == symbols_.end()) fail("depends on " + symbol.name + ", which is the size of no input");
  const auto& [tensor, axis] = source->second;
  if (axis < 0) return emit("Reshape", {cast(tensor, symbol.is_float ? at::kDouble : at::kLong), integers({1})});
  const Operand size = emit_as(at::kLong, "Shape", {tensor}, {{"start", axis}, {"end", axis + 1}});
  if (target_.size_arithmetic || symbol.backed) return size;
  // What is computed from it has to be computed here: the sum with a number of which nothing is known has no bounds.
  return emit("Add", {size, number_input(symbolic::Expression(0), /*is_shape=*/false)});
}

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
  return expand(constant(at::zeros({}, at::TensorOptions(dtype))), {}, sizes);
}

Operand Lowering::integers(const std::vector<int64_t>& values) { return constant(at::tensor(values, at::kLong)); }

}  // namespace tracejet::onnx
