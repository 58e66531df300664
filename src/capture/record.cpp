// The lower hook: what arrives here is functional and becomes nodes of the graph.
#include <ATen/core/enum_tag.h>
#include <ATen/ops/_assert_async.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/reshape.h>
#include <torch/library.h>

#include "base/error.h"
#include "capture/default_dtype.h"
#include "capture/keys.h"
#include "capture/strides.h"
#include "capture/tensor_arguments.h"
#include "capture/traced_tensor.h"
#include "capture/tracer.h"
#include "ir/assertion.h"
#include "ir/schema.h"
#include "ir/size_expression.h"
#include "symbolic/advice.h"
#include "symbolic/asker.h"
#include "symbolic/forced_branches.h"

namespace tracejet {

namespace {

/// `.item()`, `float(tensor)`, `if tensor:` all end in `_local_scalar_dense`; `equal` and `allclose` say so too.
bool reads_data(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::data_dependent_output) && op.schema().returns().size() == 1 &&
         op.schema().returns()[0].type()->kind() != c10::TypeKind::TensorType;
}

/// The first argument whose data doesn't follow from constants; null where all does.
const Value* first_unknown(Tracer& tracer, const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  const Value* unknown = nullptr;
  for (const c10::IValue& argument : arguments_on(stack, op)) {
    for_each_value(tracer.to_argument(argument), [&](const Value& value) {
      if (unknown == nullptr && !tracer.lifting().constants().of(value)) unknown = &value;
    });
  }
  return unknown;
}

/// Runs a call whose arguments all follow from constants. Its results are constants.
void compute(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  std::optional<c10::Device> device;
  for (c10::IValue& argument : arguments_on(stack, op)) {
    map_tensors(argument, [&](const at::Tensor& tensor) {
      const Argument read = tracer.to_argument(tensor);
      const Value* const* value = std::get_if<const Value*>(&read);
      if (value == nullptr) return tensor;
      if (!device) device = (*value)->tensor().device;
      return *tracer.lifting().constants().of(**value);
    });
  }
  {
    const ExcludeTracingGuard guard;
    op.callBoxed(stack);
  }
  for (size_t i = 0; i < op.schema().returns().size(); ++i) {
    map_tensors(torch::jit::peek(stack, i, op.schema().returns().size()),
                [&](const at::Tensor& result) { return tracer.lifting().lift_fresh(result, device); });
  }
}

void record_call(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (op.schema().is_mutable()) {
    throw UnsupportedOperator(
        "writes to a tensor in place where functionalization can't see it; use the functional form",
        ErrorCode::kInPlaceWrite);
  }
  spell_out_default_dtype(tracer, op, stack);
  std::vector<c10::IValue> results = tracer.record(op, tracer.arguments_of(op, stack));
  torch::jit::drop(stack, op.schema().arguments().size());
  for (c10::IValue& result : results) stack.push_back(std::move(result));
}

/// `reshape` in the place of `view`, with the same arguments. On other devices than the CPU, the layout of a result
/// (an attention's, a Fourier transform's) depends on the kernel that is chosen there, and a view may need a copy.
const c10::OperatorHandle& reshape_operator() {
  static const c10::OperatorHandle reshape = c10::Dispatcher::singleton().findSchemaOrThrow("aten::reshape", "");
  return reshape;
}

/// A view. Where the strides at some sizes aren't known, it shows a copy. Writes give new tensors, whose strides may
/// differ from those that eager's tensor has kept; where they don't bear the view, a copy of equal values takes its
/// place.
void record_view(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  c10::IValue& self = torch::jit::peek(stack, 0, 2);
  const Argument viewed = tracer.to_argument(self);
  const auto* value = std::get_if<const Value*>(&viewed);
  if (value != nullptr && (*value)->tensor().strides_may_differ) {
    self = at::clone(self.toTensor(), c10::MemoryFormat::Contiguous);
  }
  try {
    const bool on_cpu = torch::jit::peek(stack, 0, 2).toTensor().device().is_cpu();
    record_call(tracer, on_cpu ? op : reshape_operator(), stack);
  } catch (const ShapeError&) {
    if (tracer.strides().view_strides_verified()) throw;
    const std::vector<c10::SymInt> sizes = torch::jit::peek(stack, 1, 2).toSymIntVector();
    at::Tensor copy = at::reshape_symint(torch::jit::peek(stack, 0, 2).toTensor(), sizes);
    torch::jit::drop(stack, 2);
    stack.emplace_back(std::move(copy));
  }
}

/// The truth of a tensor for code that raises unless it is `needed`: the program does so when it runs.
void check_truth(Tracer& tracer, torch::jit::Stack& stack, bool needed) {
  const at::Tensor condition = torch::jit::pop(stack).toTensor();
  at::_assert_async(needed ? condition : at::logical_not(condition),
                    "the model raises an error of its own with these values\n" + tracer.locations().describe_current());
  stack.emplace_back(needed);
}

/// The way of a branch on data that this trace was told to take, if it was.
bool take_given_way(torch::jit::Stack& stack) {
  auto* answers = symbolic::ForcedBranches::current();
  const auto given = answers == nullptr ? std::nullopt : answers->next_data_answer();
  if (!given) return false;
  const at::Tensor condition = torch::jit::pop(stack).toTensor();
  if (given->is_asserted) {
    at::_assert_async(given->answer ? condition : at::logical_not(condition), kDataBranch);
  }
  stack.emplace_back(given->answer);
  return true;
}

/// A read of data: answered from constants; a number that depends on inputs becomes a symbol.
void read_data(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const Value* unknown = first_unknown(tracer, op, stack);
  if (unknown == nullptr) return compute(tracer, op, stack);
  const bool gives_one = op.schema().returns().front().type()->kind() == c10::TypeKind::NumberType;
  if (const auto only = gives_one ? tracer.lifting().constants().only_element(*unknown) : std::nullopt) {
    torch::jit::drop(stack, 1);
    stack.emplace_back(only->item());
    return;
  }
  const at::ScalarType dtype = unknown->tensor().dtype;
  if (gives_one && (at::isIntegralType(dtype, /*includeBool=*/false) || at::isFloatingType(dtype))) {
    return record_call(tracer, op, stack);
  }
  if (gives_one && dtype == at::kBool) {
    const auto needed_truth = tracer.hooks().needed_truth;
    const auto needed = needed_truth == nullptr ? std::nullopt : needed_truth();
    if (needed) return check_truth(tracer, stack, *needed);
    if (take_given_way(stack)) return;
  }
  throw DataDependent("the model reads the value of " + unknown->tensor().str() +
                      ", which only exists when the program runs; " + std::string(symbolic::advice_on_reading()));
}

symbolic::Expression number_in(const c10::IValue& value) {
  if (value.isSymInt()) return expression_of(value.toSymInt());
  if (value.isSymBool()) return expression_of(value.toSymBool());
  return value.isBool() ? symbolic::Expression::truth(value.toBool()) : symbolic::Expression(value.toInt());
}

/// Takes it for granted; the program checks it when it runs.
void record_constraint(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const std::vector<c10::IValue> arguments = torch::jit::pop(stack, op.schema().arguments().size());
  if (!op.schema().returns().empty()) stack.push_back(arguments.back());  // dep_token
  const auto expect = [&](const symbolic::Condition& condition, const std::string& otherwise) {
    if (!tracer.shapes().expect(condition)) throw ShapeError(otherwise);
  };
  const symbolic::Expression number = number_in(own_number(tracer.hooks(), arguments[0]));
  if (arguments[1].isString()) {
    expect(number.is_bool() ? number : symbolic::not_equal(number, 0), arguments[1].toStringRef());
    return;
  }
  const std::string out_of_range = number.str() + " is out of the range that the model promises";
  const auto bound = [&](const c10::IValue& limit) { return symbolic::Expression(limit.toInt()); };
  if (!arguments[1].isNone()) expect(symbolic::less_equal(bound(arguments[1]), number), out_of_range);
  if (!arguments[2].isNone()) expect(symbolic::less_equal(number, bound(arguments[2])), out_of_range);
}

void record(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  Tracer* tracer = Tracer::current();
  if (tracer == nullptr) {
    throw Error(
        "[" + full_name(op) +
            "] got a traced tensor after its trace has ended (a module, a global or a cache kept it), or on another "
            "thread than that of its trace",
        ErrorCode::kForeignTrace);
  }
  const Plan& plan = tracer->plan_of(op);
  const symbolic::AskedBy asked(asker_in(plan));
  tracer->locations().run_located(op, [&] {
    if (is_constraint_op(op)) return record_constraint(*tracer, op, *stack);
    if (reads_data(op)) return read_data(*tracer, op, *stack);
    if (op.hasTag(at::Tag::dynamic_output_shape) && first_unknown(*tracer, op, *stack) == nullptr) {
      return compute(*tracer, op, *stack);
    }
    if (is_as_strided_scatter(op)) check_as_strided_base(tracer->strides(), op, *stack);
    OpAction action = plan.action;
    if (action == OpAction::kReplace) {
      if (tracer->replacement().replace(op, plan, *stack, /*is_functional=*/true)) return;
      action = plan.otherwise;
    }
    switch (action) {
      case OpAction::kExpand:
        if (!is_decomposed(*plan.entry, op, *stack)) return record_call(*tracer, op, *stack);
        return tracer->expand(op, *plan.entry, *stack);
      case OpAction::kExpandComposite:
        tracer->replacement().run_functionalized(op, *stack, [&] {
          op.callBoxedForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd, *stack);
          return true;
        });
        return;
      case OpAction::kKeep:
        if (is_view(op)) return record_view(*tracer, op, *stack);
        if (is_as_strided(op)) check_as_strided_base(tracer->strides(), op, *stack);
        return record_call(*tracer, op, *stack);
      case OpAction::kRun: {
        const ExcludeTracingGuard guard;
        return op.callBoxed(stack);
      }
      case OpAction::kReplace:
        throw Error("a set of decompositions replaces nothing", ErrorCode::kInternalError);
    }
  });
}

}  // namespace

TORCH_LIBRARY_IMPL(_, Fake, library) {
  static_assert(kRecordKey == c10::DispatchKey::Fake);
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&record>());
}

}  // namespace tracejet
