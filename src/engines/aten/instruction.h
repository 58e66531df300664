#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "engines/engine.h"
#include "engines/runtime_sizes.h"
#include "ir/assertion.h"
#include "ir/graph.h"

namespace tracejet::aten {

/// Where a value is kept in a run.
using Slot = size_t;
inline constexpr Slot kNowhere = static_cast<Slot>(-1);

/// How an argument of an instruction comes to be when it runs.
struct Fixed {
  c10::IValue value;
};
struct Computed {  ///< holds symbolic numbers
  c10::IValue value;
};
struct WrappedNumber {  ///< symbolic, where the schema wants a Tensor
  c10::IValue value;
};
struct FromSlot {
  Slot slot;
};
struct TensorList {
  std::vector<Slot> slots;
};
struct OptionalTensorList {
  std::vector<Slot> slots;  ///< kNowhere for None
};
using Source = std::variant<Fixed, Computed, WrappedNumber, FromSlot, TensorList, OptionalTensorList>;

/// Where a symbol is read from: see SymbolBinding.
struct SlotBinding {
  Slot slot;
  uint64_t symbol;
  int64_t axis;  ///< -1: the value itself is the number
};

/// A node, ready to be run.
struct Instruction {
  const Node* node;
  c10::OperatorHandle op;
  std::vector<Source> arguments;
  std::vector<std::shared_ptr<const Executable>> subgraphs;
  std::vector<Slot> outputs;
  std::vector<SlotBinding> bindings;  ///< symbols that become known by the outputs
  std::vector<Slot> freed;            ///< values that nobody needs afterwards
  std::optional<RuntimeAssertion> assertion;
  bool wants_contiguous;
};

/// The values of one run.
struct Frame {
  std::vector<c10::IValue> values;
  RuntimeSizes sizes;

  c10::IValue operator()(const Fixed& source) const { return source.value; }
  c10::IValue operator()(const Computed& source) const;
  c10::IValue operator()(const WrappedNumber& source) const;
  c10::IValue operator()(const FromSlot& source) const { return values[source.slot]; }
  c10::IValue operator()(const TensorList& source) const;
  c10::IValue operator()(const OptionalTensorList& source) const;

  /// Reads the symbols from values that are there.
  void bind_symbols(const std::vector<SlotBinding>& bindings);
};

Source source_of(const Argument& argument, const c10::Argument& declared,
                 const std::unordered_map<const Value*, Slot>& slots);

/// Calls an operator that writes to arguments on copies of them, which come as results after its own.
void call_on_copies(const c10::OperatorHandle& op, torch::jit::Stack& stack);

/// Arguments may lie in memory otherwise than the traced ones (channels last, transposed), and then what is computed
/// from them does, too. Views then show a copy.
const c10::OperatorHandle& for_any_layout(const c10::OperatorHandle& op);

/// What takes the first argument in one layout only: views as another dtype, which want elements that belong together
/// side by side, and kernels that are otherwise called behind contiguous().
bool wants_contiguous(const c10::OperatorHandle& op);

}  // namespace tracejet::aten
