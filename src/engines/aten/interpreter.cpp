#include "engines/aten/interpreter.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "base/error.h"
#include "engines/aten/control_flow.h"
#include "engines/aten/fusion/fused_call.h"
#include "engines/aten/fusion/fused_op.h"
#include "engines/aten/instruction.h"
#include "engines/kernel_times.h"
#include "engines/runtime_sizes.h"
#include "ir/assertion.h"
#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/symbol_binding.h"
#include "ir/symbolic_constant.h"

namespace tracejet::aten {

namespace {

RuntimeInputs all_inputs_of(const Graph& graph) {
  RuntimeInputs inputs(graph.inputs().size());
  std::iota(inputs.begin(), inputs.end(), size_t{0});
  return inputs;
}

class Interpreter final : public Interpreted {
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
                                        const Observe& observe) const override {
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
    frame.bind_symbols(input_bindings_);
    torch::jit::Stack stack;
    for (const Instruction& instruction : instructions_) {
      stack.clear();
      if (instruction.assertion) {
        check(*instruction.assertion, frame.sizes);
        continue;
      }
      for (const Source& argument : instruction.arguments) stack.push_back(std::visit(frame, argument));
      try {
        call_measured(instruction, stack, frame);
      } catch (c10::Error& error) {  // it stays eager's, an IndexError for example
        error.add_context("in " + Call(*instruction.node).name() + "\n" + describe(instruction.node->where(), *graph_));
        throw;
      }
      store(instruction, stack, frame);
      if (observe) show(instruction, frame, observe);
      frame.bind_symbols(instruction.bindings);
      for (const Slot slot : instruction.freed) frame.values[slot] = {};
    }
    std::vector<c10::IValue> results;
    for (const Source& output : outputs_) results.push_back(std::visit(frame, output));
    return results;
  }

  void call_measured(const Instruction& instruction, torch::jit::Stack& stack, const Frame& frame) const {
    KernelTimes* times = KernelTimes::current();
    // What bodies of control flow take is said of their own nodes.
    if (times == nullptr || !instruction.subgraphs.empty()) return call(instruction, stack, frame);
    const auto begin = std::chrono::steady_clock::now();
    call(instruction, stack, frame);
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begin;
    times->add(instruction.op.operator_name().name, std::array{instruction.node}, *graph_, taken.count());
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
      bind_later(slot, *input.value, input_bindings_);
    }
  }

  /// A symbol is read where it is first met.
  void bind_later(Slot slot, const Value& value, std::vector<SlotBinding>& bindings) {
    for_each_bound_symbol(value, [&](const SymbolBinding& binding) {
      if (known_.insert(binding.symbol.id).second) bindings.push_back({slot, binding.symbol.id, binding.axis});
    });
  }

  Slot new_slot(const Value& value) {
    weights_.emplace_back();
    return slots_[&value] = weights_.size() - 1;
  }

  std::shared_ptr<const Executable> body_of(const Node& node, const std::shared_ptr<Graph>& body,
                                            const CompileBody& compile_body) {
    const auto interpreted = [&] {
      return std::make_shared<const Interpreter>(body, all_inputs_of(*body), known_, compile_body);
    };
    if (is_fused(node)) return make_fused_call(body, interpreted(), kernel_cache(device_of(*body)));
    std::shared_ptr<const Executable> executable = compile_body ? compile_body(graph_, node, body) : nullptr;
    return executable == nullptr ? interpreted() : executable;
  }

  static c10::DeviceType device_of(const Graph& fused) { return fused.outputs().front().value->tensor().device.type(); }

  Instruction compile(const Node& node, const CompileBody& compile_body) {
    Instruction instruction{
        &node, for_any_layout(node.op()), {}, {}, {}, {}, {}, assertion_of(node), wants_contiguous(node.op())};
    if (instruction.assertion) return instruction;
    for (const auto& body : node.subgraphs()) {
      instruction.subgraphs.push_back(body_of(node, body, compile_body));
    }
    const auto& schema = node.op().schema().arguments();
    for (size_t i = 0; i < node.arguments().size(); ++i) {
      instruction.arguments.push_back(source_of(node.arguments()[i], schema[i], slots_));
    }
    for (const Value* output : node.outputs()) {
      const Slot slot = output == nullptr ? kNowhere : new_slot(*output);
      instruction.outputs.push_back(slot);
      if (output != nullptr) bind_later(slot, *output, instruction.bindings);
    }
    return instruction;
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

  std::shared_ptr<const Graph> graph_;
  std::unordered_set<uint64_t> known_;  ///< symbols that are bound so far
  std::unordered_map<const Value*, Slot> slots_;
  std::vector<c10::IValue> weights_;  // the first state of a frame: everything else is empty
  std::vector<Slot> input_slots_;
  std::vector<SlotBinding> input_bindings_;
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

std::unique_ptr<Interpreted> make_interpreter(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
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
