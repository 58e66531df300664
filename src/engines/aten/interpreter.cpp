#include "engines/aten/interpreter.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include <ATen/ScalarOps.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "base/error.h"
#include "engines/aten/control_flow.h"
#include "engines/runtime_sizes.h"
#include "ir/assertion.h"
#include "ir/schema.h"
#include "ir/symbol_binding.h"
#include "ir/symbolic_constant.h"
#include "ir/tensor_list.h"

namespace tracejet::aten {

namespace {

using Slot = size_t;
constexpr Slot kNowhere = static_cast<Slot>(-1);

// How an argument of an instruction comes to be when it runs.
struct Fixed {
  c10::IValue value;
};
struct Computed {  // holds symbolic numbers
  c10::IValue value;
};
struct WrappedNumber {  // symbolic, where the schema wants a Tensor
  c10::IValue value;
};
struct FromSlot {
  Slot slot;
};
struct TensorList {
  std::vector<Slot> slots;
};
struct OptionalTensorList {
  std::vector<Slot> slots;  // kNowhere for None
};
using Source = std::variant<Fixed, Computed, WrappedNumber, FromSlot, TensorList, OptionalTensorList>;

struct Told {
  Slot slot;
  uint64_t symbol;
  int64_t axis;  // -1: the value itself is the number
};

struct Instruction {
  const Node* node;
  c10::OperatorHandle op;
  std::vector<Source> arguments;
  std::vector<std::shared_ptr<const Executable>> subgraphs;
  std::vector<Slot> outputs;
  std::vector<Told> told;   // symbols that become known by the outputs
  std::vector<Slot> freed;  // values that nobody needs afterwards
  std::optional<RuntimeAssertion> assertion;
  bool wants_contiguous;
};

/// A number in the place of a tensor, as Python's argument parser makes it: it doesn't take part in type promotion.
at::Tensor wrapped(const c10::IValue& number) { return at::native::wrapped_scalar_tensor(number.toScalar()); }

bool takes_tensor(const c10::Argument& argument) {
  const auto& type = argument.type();
  if (type->kind() == c10::TypeKind::TensorType) return true;
  const auto optional = type->cast<c10::OptionalType>();
  return optional && optional->getElementType()->kind() == c10::TypeKind::TensorType;
}

struct Frame {
  std::vector<c10::IValue> values;
  RuntimeSizes sizes;

  c10::IValue operator()(const Fixed& source) const { return source.value; }
  c10::IValue operator()(const Computed& source) const { return resolve(source.value, sizes); }
  c10::IValue operator()(const WrappedNumber& source) const { return wrapped(resolve(source.value, sizes)); }
  c10::IValue operator()(const FromSlot& source) const { return values[source.slot]; }
  c10::IValue operator()(const TensorList& source) const {
    c10::List<at::Tensor> list;
    for (const Slot slot : source.slots) list.push_back(values[slot].toTensor());
    return list;
  }
  c10::IValue operator()(const OptionalTensorList& source) const {
    c10::List<std::optional<at::Tensor>> list;
    for (const Slot slot : source.slots) {
      list.push_back(slot == kNowhere ? std::nullopt : std::optional(values[slot].toTensor()));
    }
    return list;
  }
};

/// Calls an operator that writes to arguments on copies of them, which come as results after its own.
void call_on_copies(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto& declared = op.schema().arguments();
  torch::jit::Stack copies;
  for (size_t i = 0; i < declared.size(); ++i) {
    if (!is_written(declared[i])) continue;
    if (stack[i].isTensor()) {
      stack[i] = stack[i].toTensor().clone();
    } else if (stack[i].isTensorList()) {
      std::vector<at::Tensor> list = stack[i].toTensorVector();
      for (at::Tensor& tensor : list) tensor = tensor.clone();
      stack[i] = std::move(list);
    }
    copies.push_back(stack[i]);
  }
  op.callBoxed(stack);
  stack.insert(stack.end(), copies.begin(), copies.end());
}

/// Arguments may lie in memory otherwise than the traced ones (channels last, transposed), and then what is computed
/// from them does, too. Views then show a copy.
const c10::OperatorHandle& for_any_layout(const c10::OperatorHandle& op) {
  static const c10::OperatorName view("aten::view", "");
  static const c10::OperatorHandle reshape = c10::Dispatcher::singleton().findSchemaOrThrow("aten::reshape", "");
  return op.operator_name() == view ? reshape : op;
}

/// What takes the first argument in one layout only: views as another dtype, which want elements that belong together
/// side by side, and kernels that are otherwise called behind contiguous().
bool wants_contiguous(const c10::OperatorHandle& op) {
  static const std::array names{c10::OperatorName("aten::view", "dtype"),
                                c10::OperatorName("aten::view_as_complex", ""),
                                c10::OperatorName("aten::native_group_norm", "")};
  return std::ranges::find(names, op.operator_name()) != names.end();
}

RuntimeInputs all_inputs_of(const Graph& graph) {
  RuntimeInputs inputs(graph.inputs().size());
  std::iota(inputs.begin(), inputs.end(), size_t{0});
  return inputs;
}

class Interpreter final : public Executable {
 public:
  /// `known`: symbols whose values are given to a run: of its inputs or, in a subgraph, of the graph around.
  Interpreter(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs, std::unordered_set<uint64_t> known,
              const CompileBody& compile_body)
      : graph_(std::move(graph)), known_(std::move(known)) {
    declare_inputs(inputs);
    for (const Node& node : graph_->nodes()) instructions_.push_back(compile(node, compile_body));
    for (const GraphOutput& output : graph_->outputs()) {
      if (output.value != nullptr) outputs_.emplace_back(FromSlot{slots_.at(output.value)});
      if (output.value == nullptr && is_computed(output)) outputs_.emplace_back(Computed{output.literal});
    }
    free_after_last_use();
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override {
    return run_observed(std::move(inputs), sizes, {});
  }

  std::vector<c10::IValue> run_observed(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes,
                                        const Observe& observe) const {
    // Gradients don't pass through a compiled program. (InferenceMode would say so too, but its outputs couldn't be
    // changed in place outside of it.)
    const at::AutoDispatchBelowADInplaceOrView no_autograd;
    return run_frame(std::move(inputs), sizes, observe);
  }

  bool takes_ranks_from_data() const override { return true; }

 private:
  std::vector<c10::IValue> run_frame(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes,
                                     const Observe& observe) const {
    Frame frame{weights_, sizes};
    for (size_t i = 0; i < inputs.size(); ++i) frame.values[input_slots_[i]] = std::move(inputs[i]);
    inputs.clear();
    tell(input_symbols_, frame);
    torch::jit::Stack stack;
    for (const Instruction& instruction : instructions_) {
      stack.clear();
      if (instruction.assertion) {
        check(*instruction.assertion, frame.sizes);
        continue;
      }
      for (const Source& argument : instruction.arguments) stack.push_back(std::visit(frame, argument));
      call(instruction, stack, frame);
      store(instruction, stack, frame);
      if (observe) show(instruction, frame, observe);
      tell(instruction.told, frame);
      for (const Slot slot : instruction.freed) frame.values[slot] = {};
    }
    std::vector<c10::IValue> results;
    for (const Source& output : outputs_) results.push_back(std::visit(frame, output));
    return results;
  }

  static void call(const Instruction& instruction, torch::jit::Stack& stack, const Frame& frame) {
    if (!instruction.subgraphs.empty()) return run_subgraphs(instruction, stack, frame);
    if (instruction.op.schema().is_mutable()) return call_on_copies(instruction.op, stack);
    if (instruction.wants_contiguous) stack[0] = stack[0].toTensor().contiguous();
    instruction.op.callBoxed(stack);
  }

  static void run_subgraphs(const Instruction& instruction, torch::jit::Stack& stack, const Frame& frame) {
    std::vector<Run> subgraphs;
    for (const auto& subgraph : instruction.subgraphs) {
      subgraphs.emplace_back([&subgraph, &frame](std::vector<at::Tensor> operands) {
        std::vector<at::Tensor> results;
        for (c10::IValue& result : subgraph->run(std::move(operands), frame.sizes)) {
          results.push_back(std::move(result).toTensor());
        }
        return results;
      });
    }
    std::vector<at::Tensor> results = control_flow_of(instruction.op)(subgraphs, stack);
    stack.clear();
    stack.emplace_back(std::move(results));
  }

  void declare_inputs(const RuntimeInputs& inputs) {
    for (size_t i = 0; i < graph_->inputs().size(); ++i) {
      const GraphInput& input = graph_->inputs()[i];
      if (input.value == nullptr) continue;
      const Slot slot = new_slot(*input.value);
      if (std::ranges::find(inputs, i) == inputs.end()) {
        weights_[slot] = input.data;
        continue;
      }
      input_slots_.push_back(slot);
      tell_later(slot, *input.value, input_symbols_);
    }
  }

  /// A symbol is told where it is first met.
  void tell_later(Slot slot, const Value& value, std::vector<Told>& told) {
    for_each_bound_symbol(value, [&](const SymbolBinding& binding) {
      if (known_.insert(binding.symbol.id).second) told.push_back({slot, binding.symbol.id, binding.axis});
    });
  }

  Slot new_slot(const Value& value) {
    weights_.emplace_back();
    return slots_[&value] = weights_.size() - 1;
  }

  Instruction compile(const Node& node, const CompileBody& compile_body) {
    Instruction instruction{
        &node, for_any_layout(node.op()), {}, {}, {}, {}, {}, assertion_of(node), wants_contiguous(node.op())};
    if (instruction.assertion) return instruction;
    for (const auto& body : node.subgraphs()) {
      std::shared_ptr<const Executable> executable = compile_body ? compile_body(graph_, node, body) : nullptr;
      if (executable == nullptr)
        executable = std::make_shared<const Interpreter>(body, all_inputs_of(*body), known_, compile_body);
      instruction.subgraphs.push_back(std::move(executable));
    }
    const auto& schema = node.op().schema().arguments();
    for (size_t i = 0; i < node.arguments().size(); ++i) {
      instruction.arguments.push_back(source_of(node.arguments()[i], schema[i]));
    }
    for (const Value* output : node.outputs()) {
      const Slot slot = output == nullptr ? kNowhere : new_slot(*output);
      instruction.outputs.push_back(slot);
      if (output != nullptr) tell_later(slot, *output, instruction.told);
    }
    return instruction;
  }

  Source source_of(const Argument& argument, const c10::Argument& declared) const {
    if (const auto* value = std::get_if<const Value*>(&argument)) return FromSlot{slots_.at(*value)};
    if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
      std::vector<Slot> slots;
      for (const Value* value : *list) slots.push_back(value == nullptr ? kNowhere : slots_.at(value));
      if (takes_optional_tensors(declared)) return OptionalTensorList{std::move(slots)};
      return TensorList{std::move(slots)};
    }
    const auto& constant = std::get<c10::IValue>(argument);
    const bool wraps = takes_tensor(declared) && constant.isScalar();
    if (!is_symbolic(constant)) return Fixed{wraps ? c10::IValue(wrapped(constant)) : constant};
    if (wraps) return WrappedNumber{constant};
    return Computed{constant};
  }

  void free_after_last_use() {
    std::vector<bool> needed(weights_.size(), false);
    for (const Source& output : outputs_) {
      if (const auto* value = std::get_if<FromSlot>(&output)) needed[value->slot] = true;
    }
    for (auto instruction = instructions_.rbegin(); instruction != instructions_.rend(); ++instruction) {
      const auto last_use_of = [&](Slot slot) {
        if (slot == kNowhere || needed[slot]) return;
        needed[slot] = true;
        instruction->freed.push_back(slot);
      };
      for (const Slot slot : instruction->outputs) last_use_of(slot);
      for (const Source& argument : instruction->arguments) {
        if (const auto* one = std::get_if<FromSlot>(&argument)) last_use_of(one->slot);
        if (const auto* list = std::get_if<TensorList>(&argument)) std::ranges::for_each(list->slots, last_use_of);
        if (const auto* list = std::get_if<OptionalTensorList>(&argument))
          std::ranges::for_each(list->slots, last_use_of);
      }
    }
  }

  static void store(const Instruction& instruction, torch::jit::Stack& stack, Frame& frame) {
    size_t next = 0;
    const auto store_one = [&](c10::IValue value) {
      const Slot slot = instruction.outputs[next++];
      if (slot != kNowhere) frame.values[slot] = std::move(value);
    };
    for (c10::IValue& result : stack) {
      if (!result.isTensorList()) {
        store_one(std::move(result));
        continue;
      }
      for (const at::Tensor& tensor : result.toTensorVector()) store_one(tensor);
    }
  }

  static void show(const Instruction& instruction, Frame& frame, const Observe& observe) {
    std::vector<c10::IValue> outputs;
    for (const Slot slot : instruction.outputs)
      outputs.push_back(slot == kNowhere ? c10::IValue() : frame.values[slot]);
    observe(*instruction.node, outputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (instruction.outputs[i] != kNowhere) frame.values[instruction.outputs[i]] = std::move(outputs[i]);
    }
  }

  static void tell(const std::vector<Told>& told, Frame& frame) {
    for (const auto& [slot, symbol, axis] : told) {
      const c10::IValue& value = frame.values[slot];
      frame.sizes.bind(symbol, axis < 0 ? as_told(value) : value.toTensor().size(axis));
    }
  }

  std::shared_ptr<const Graph> graph_;
  std::unordered_set<uint64_t> known_;  ///< symbols that are told so far
  std::unordered_map<const Value*, Slot> slots_;
  std::vector<c10::IValue> weights_;  // the first state of a frame: everything else is empty
  std::vector<Slot> input_slots_;
  std::vector<Told> input_symbols_;
  std::vector<Instruction> instructions_;
  std::vector<Source> outputs_;
};

std::unique_ptr<Interpreter> made(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                  const CompileBody& compile_body) {
  std::unordered_set<uint64_t> known;
  for (const size_t input : inputs) {
    for_each_bound_symbol(*graph->inputs()[input].value,
                          [&](const SymbolBinding& binding) { known.insert(binding.symbol.id); });
  }
  return std::make_unique<Interpreter>(std::move(graph), inputs, std::move(known), compile_body);
}

}  // namespace

std::unique_ptr<Executable> make_interpreter(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                             const CompileBody& compile_body) {
  return made(std::move(graph), inputs, compile_body);
}

std::vector<c10::IValue> run_observed(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                      std::vector<at::Tensor> values, const Observe& observe) {
  RuntimeSizes sizes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    for_each_bound_symbol(*graph->inputs()[inputs[i]].value, [&](const SymbolBinding& binding) {
      sizes.bind(binding.symbol.id, values[i].size(binding.axis));
    });
  }
  return made(std::move(graph), inputs, {})->run_observed(std::move(values), sizes, observe);
}

}  // namespace tracejet::aten
