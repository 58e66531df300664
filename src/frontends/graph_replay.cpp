#include "frontends/graph_replay.h"

#include <algorithm>

#include <ATen/ScalarOps.h>
#include <ATen/ops/scalar_tensor.h>

#include "base/error.h"
#include "capture/control_flow/control_flow.h"
#include "capture/tensor_arguments.h"
#include "ir/control_flow.h"
#include "ir/schema.h"
#include "ir/symbol_binding.h"
#include "ir/symbolic_constant.h"
#include "ir/tensor_list.h"
#include "symbolic/sym_node.h"

namespace tracejet {

using symbolic::Expression;

// Values and sizes ---------------------------------------------------------------------------------------------------

namespace {

Expression known(const c10::IValue& number) {
  if (number.isDouble()) return Expression::real(number.toDouble());
  return number.isBool() ? Expression::truth(number.toBool()) : Expression(number.toInt());
}

}  // namespace

void GraphReplay::set(const Value& value, c10::IValue given) {
  c10::IValue now = own_number(tracer_.hooks(), given);  // a float of data comes as the language has it
  for_each_bound_symbol(value, [&](const SymbolBinding& binding) {
    if (symbols_.contains(binding.symbol.id)) return;
    const auto size = binding.axis < 0 ? symbolic_expression(now)
                                       : std::optional(expression_of(now.toTensor().sym_size(binding.axis)));
    symbols_.emplace(binding.symbol.id, size ? *size : known(now));
  });
  values_.insert_or_assign(&value, std::move(now));
}

void GraphReplay::check_inputs() {
  for (const GraphInput& input : graph_.inputs()) {
    if (input.value == nullptr || !input.value->is_tensor()) continue;
    const Sizes& sizes = input.value->tensor().sizes;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      const auto declared = symbolic_expression(sizes[axis]);
      if (!declared) continue;
      const c10::SymInt size = values_.at(input.value).toTensor().sym_size(static_cast<int64_t>(axis));
      const Expression actual = expression_of(size), expected = translated(*declared);
      if (actual == expected) continue;
      c10::SymBool(symbolic::make_sym_node(symbolic::equal(actual, expected), tracer_.shapes()))
          .expect_true(__FILE__, __LINE__);
    }
  }
}

Expression GraphReplay::translated(const Expression& expression) const {
  return symbolic::substitute(expression, [&](const Expression& symbol) {
    const auto known = symbols_.find(symbol.symbol().id);
    if (known != symbols_.end()) return known->second;
    throw UnsupportedOperator(
        "the program computes with " + symbol.str() + ", which is no axis of an input and which no call before gives",
        ErrorCode::kFileContent);
  });
}

c10::IValue GraphReplay::number(const Expression& expression) const {
  if (expression.is_int()) return tracer_.shapes().sym_int(expression);
  if (expression.is_float()) return tracer_.shapes().sym_float(expression);
  if (expression.is_constant()) return expression.truth();
  return c10::SymBool(symbolic::make_sym_node(expression, tracer_.shapes()));
}

c10::IValue GraphReplay::constant(const c10::IValue& constant) const {
  if (!is_symbolic(constant)) return constant;
  if (!constant.isList()) return number(translated(*symbolic_expression(constant)));
  std::vector<c10::SymInt> list;  // no other lists of the schemas can hold symbolic numbers
  for (const c10::IValue& item : constant.toListRef()) {
    const auto expression = symbolic_expression(item);
    list.push_back(expression ? number(translated(*expression)).toSymInt() : c10::SymInt(item.toInt()));
  }
  return c10::SymIntArrayRef(list);
}

// Calls --------------------------------------------------------------------------------------------------------------

namespace {

bool takes_tensor(const c10::Argument& declared) {
  return declared.type()->kind() == c10::TypeKind::TensorType ||
         (declared.type()->kind() == c10::TypeKind::OptionalType &&
          declared.type()->expectRef<c10::OptionalType>().getElementType()->kind() == c10::TypeKind::TensorType);
}

/// A number in the place of a tensor, which takes no part in type promotion.
at::Tensor wrapped(const c10::IValue& number) {
  if (!is_symbolic_number(number)) return at::native::wrapped_scalar_tensor(number.toScalar());
  const at::ScalarType dtype = number.isSymInt() ? at::kLong : number.isSymFloat() ? at::kDouble : at::kBool;
  return at::scalar_tensor(number.toScalar(), dtype);
}

/// What is decomposed otherwise may lie in memory otherwise, and then a view of it is one of a copy.
const c10::OperatorHandle& for_any_layout(const c10::OperatorHandle& op) {
  static const c10::OperatorName view("aten::view", "");
  static const c10::OperatorHandle reshape = c10::Dispatcher::singleton().findSchemaOrThrow("aten::reshape", "");
  return op.operator_name() == view ? reshape : op;
}

}  // namespace

c10::IValue GraphReplay::argument(const Argument& argument, const c10::Argument& declared) const {
  if (const auto* value = std::get_if<const Value*>(&argument)) return values_.at(*value);
  if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
    std::vector<std::optional<at::Tensor>> tensors;
    for (const Value* value : *list) {
      tensors.push_back(value == nullptr ? std::nullopt : std::optional(values_.at(value).toTensor()));
    }
    return tensor_list(declared, tensors);
  }
  c10::IValue now = constant(std::get<c10::IValue>(argument));
  return takes_tensor(declared) && now.isScalar() ? c10::IValue(wrapped(now)) : now;
}

std::vector<at::Tensor> GraphReplay::tensors(const Argument& list) const {
  std::vector<at::Tensor> tensors;
  for (const Value* value : std::get<std::vector<const Value*>>(list)) tensors.push_back(values_.at(value).toTensor());
  return tensors;
}

/// What a call returns, then the copies that it has written to, lists flattened.
std::vector<c10::IValue> GraphReplay::call(const Node& node) {
  const auto& declared = node.op().schema().arguments();
  torch::jit::Stack stack, results;
  for (size_t i = 0; i < declared.size(); ++i) stack.push_back(argument(node.arguments()[i], declared[i]));
  torch::jit::Stack copies;
  const bool writes_in_place = node.returns().size() == node.op().schema().returns().size();
  for (size_t i = 0; i < declared.size(); ++i) {
    if (!is_written(declared[i]) || writes_in_place) continue;
    map_tensors(stack[i], [](const at::Tensor& tensor) { return tensor.clone(); });
    copies.push_back(stack[i]);
  }
  for_any_layout(node.op()).callBoxed(stack);
  stack.insert(stack.end(), copies.begin(), copies.end());
  for (const c10::IValue& result : stack) {
    if (result.isTensorList()) {
      for (const at::Tensor& tensor : result.toTensorVector()) results.emplace_back(tensor);
    } else {
      results.push_back(result);
    }
  }
  return results;
}

std::vector<at::Tensor> GraphReplay::run_control_flow(const Node& node) {
  namespace flow = control_flow;
  const auto body = [&](size_t index) {
    return [&, index](const std::vector<at::Tensor>& operands) {
      const Graph& graph = *node.subgraphs()[index];
      GraphReplay inside(tracer_, graph, texts_);
      inside.symbols_ = symbols_;
      inside.modules_ = modules_;
      for (size_t i = 0; i < operands.size(); ++i) inside.set(*graph.inputs()[i].value, operands[i]);
      inside.run();
      inside.enter({nullptr, modules_.empty() ? -1 : modules_.back()});
      std::vector<at::Tensor> results;
      for (const GraphOutput& output : graph.outputs()) results.push_back(inside.value(*output.value).toTensor());
      return results;
    };
  };
  const auto with = [](std::vector<at::Tensor> first, const std::vector<at::Tensor>& more) {
    first.insert(first.end(), more.begin(), more.end());
    return first;
  };
  const auto given = node.arguments();
  if (node.op() == flow::cond()) {
    const c10::IValue predicate = argument(given[0], node.op().schema().arguments()[0]);
    return flow::record_cond(tracer_, predicate, body(0), body(1), tensors(given[1]));
  }
  // What is the same in every run is taken from outside.
  const std::vector<at::Tensor> additional = tensors(given.back());
  const auto closed = [&](size_t index) {
    return [&, index](const std::vector<at::Tensor>& operands) { return body(index)(with(operands, additional)); };
  };
  if (node.op() == flow::while_loop()) {
    return flow::record_while_loop(tracer_, closed(0), closed(1), tensors(given[0]));
  }
  if (node.op() == flow::scan()) return flow::record_scan(tracer_, closed(0), tensors(given[0]), tensors(given[1]));
  if (node.op() == flow::map()) return flow::record_map(tracer_, body(0), tensors(given[0]), additional);
  if (node.op() == flow::associative_scan())
    return flow::record_associative_scan(tracer_, closed(0), tensors(given[0]));
  throw UnsupportedOperator("[" + full_name(node.op()) + "] isn't known as control flow", ErrorCode::kControlFlow);
}

void GraphReplay::run(const Node& node) {
  enter(node.where());
  std::vector<c10::IValue> results;
  if (node.subgraphs().empty()) {
    results = call(node);
  } else {
    for (at::Tensor& tensor : run_control_flow(node)) results.emplace_back(std::move(tensor));
  }
  if (results.size() != node.outputs().size()) {
    throw Error("[" + full_name(node.op()) + "] gives " + std::to_string(results.size()) +
                    " results, and the program has " + std::to_string(node.outputs().size()),
                ErrorCode::kInternalError);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (node.outputs()[i] != nullptr) set(*node.outputs()[i], std::move(results[i]));
  }
}

void GraphReplay::run() {
  for (const Node& node : graph_.nodes()) run(node);
}

// Where nodes come from ----------------------------------------------------------------------------------------------

std::vector<int32_t> GraphReplay::modules_around(int32_t frame) const {
  std::vector<int32_t> frames;
  for (; frame >= 0; frame = graph_.module_frames()[static_cast<size_t>(frame)].parent) frames.push_back(frame);
  std::ranges::reverse(frames);
  return frames;
}

void GraphReplay::enter(const Location& where) {
  auto& locations = tracer_.locations();
  const std::string& text = texts_.of(where);
  locations.set_replayed(std::make_shared<const std::string>(text));
  if (!modules_.empty() && modules_.back() == where.module_frame) return;
  const std::vector<int32_t> modules = modules_around(where.module_frame);
  const auto [left, entered] = std::ranges::mismatch(modules_, modules);
  for (auto module = left; module != modules_.end(); ++module) locations.exit_module();
  for (auto module = entered; module != modules.end(); ++module) {
    const ModuleFrame& frame = graph_.module_frames()[static_cast<size_t>(*module)];
    locations.enter_module(frame.path, frame.type);
  }
  modules_ = modules;
}

}  // namespace tracejet
