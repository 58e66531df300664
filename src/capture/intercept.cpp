// The upper hook: sees every call before autocast, autograd and functionalization do.
#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <typeinfo>

#include <ATen/FunctionalTensorWrapper.h>
#include <ATen/core/grad_mode.h>
#include <torch/library.h>

#include "base/error.h"
#include "capture/collectives.h"
#include "capture/held_numbers.h"
#include "capture/keys.h"
#include "capture/known_modules.h"
#include "capture/plain_sizes.h"
#include "capture/strides.h"
#include "capture/tensor_arguments.h"
#include "capture/tensor_subclass.h"
#include "capture/traced_tensor.h"
#include "capture/tracer.h"
#include "capture/writing_call.h"
#include "symbolic/asker.h"

namespace tracejet {

namespace {

/// Real tensors among the arguments become stand-ins.
void lift_arguments(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  for (c10::IValue& argument : arguments_on(stack, op)) {
    map_tensors(argument, [&](const at::Tensor& tensor) { return tracer.lifting().lift(tensor); });
  }
}

/// `torch.tensor(…)` ends in one of these: its data becomes a constant that nobody else can write to.
bool makes_fresh_constant(const c10::OperatorHandle& op) {
  static const c10::OperatorName lift{"aten::lift", ""};
  static const c10::OperatorName lift_fresh{"aten::lift_fresh", ""};
  static const c10::OperatorName lift_fresh_copy{"aten::lift_fresh_copy", ""};
  const c10::OperatorName& name = op.operator_name();
  return name == lift_fresh || name == lift || name == lift_fresh_copy;
}

/// Autocast casts the arguments and redispatches; transforms of torch.func unwrap theirs.
bool will_redispatch(const c10::OperatorHandle& op, c10::DispatchKeySet keys) {
  if (keys.has_any(kTransformKeys)) return true;
  for (const c10::DispatchKey key : keys& c10::autocast_dispatch_keyset) {
    if (op.hasKernelForDispatchKey(key)) return true;
  }
  return false;
}

/// Code of PyTorch's that asks whether tensors are equal to compute the same in a shorter way: it is told whether they
/// are one tensor.
bool answer_whether_equal(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  static const c10::OperatorName equal{"aten::equal", ""};
  if (op.operator_name() != equal) return false;
  const KnownModule* module = running_known_module();
  if (module == nullptr || !module->compares_data) return false;
  const bool are_one = torch::jit::peek(stack, 0, 2).toTensor().is_same(torch::jit::peek(stack, 1, 2).toTensor());
  torch::jit::drop(stack, 2);
  stack.emplace_back(are_one);
  return true;
}

/// Whether several elements of a view may share one place in memory. Functionalization would add up what is written to
/// them. (PyTorch generates the types of views, and declares them in no header that it installs: their names tell.)
bool may_share_memory(const at::Tensor& tensor) {
  if (!at::functionalization::impl::isFunctionalTensor(tensor)) return false;
  const auto& views = at::functionalization::impl::unsafeGetFunctionalWrapper(tensor)->view_metas();
  return std::any_of(views.begin(), views.end(), [](const auto& view) {
    const std::string_view type = typeid(*view).name();
    return type.find("expand") != type.npos || type.find("unfold") != type.npos;
  });
}

void refuse_ambiguous_writes(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  for_each_written(op, stack, [](const at::Tensor& tensor) {
    if (!may_share_memory(tensor)) return;
    throw UnsupportedOperator(
        "writes to a view that expand or unfold has made. Where its elements share memory, eager refuses it, too: "
        "write to a clone() of it. Elsewhere write to the tensor behind it: to x itself for an expand() that repeats "
        "nothing, to x.unflatten(dim, (-1, size)) for unfold(dim, size, size), to x[..., ::step] for one element of "
        "each window",
        ErrorCode::kInPlaceWrite);
  });
}

/// What was written through another tensor can't be read, if only eager knows whether it is the same memory.
void check_contents(const AliasTracking& aliases, const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  if (!aliases.has_any()) return;
  for (const c10::IValue& argument : arguments_on(stack, op)) {
    for_each_tensor(argument, [&](const at::Tensor& tensor) {
      if (at::functionalization::impl::isFunctionalTensor(tensor)) aliases.check_content(tensor, "this call");
    });
  }
}

void note_written_memory(Tracer& tracer, const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  AliasTracking& aliases = tracer.aliases();
  if (!aliases.has_any()) return;
  for_each_written(op, stack, [&](const at::Tensor& tensor) {
    if (at::functionalization::impl::isFunctionalTensor(tensor))
      aliases.note_write(tensor, tracer.locations().describe_current());
  });
}

/// set_data(), which is no operator, asks this first. It would make a tensor of the model's own claim that it is
/// traced, for the rest of its life.
void refuse_traced_data(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  static const c10::OperatorName asked_first{"aten::_has_compatible_shallow_copy_type", ""};
  if (op.operator_name() != asked_first) return;
  const auto is_traced = [](const at::Tensor& tensor) {
    return at::functionalization::impl::isFunctionalTensor(tensor);
  };
  if (is_traced(torch::jit::peek(stack, 0, 2).toTensor()) || !is_traced(torch::jit::peek(stack, 1, 2).toTensor()))
    return;
  throw UnsupportedOperator(
      "set_data() binds a tensor of the model to what forward has computed, which a program doesn't keep between "
      "calls: "
      "register a buffer of fixed shape, and write to it (copy_)",
      ErrorCode::kModelState);
}

/// Whether gradients are asked for. An operator that is kept hasn't any: they come from what it is made of.
bool needs_gradients(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  if (!at::GradMode::is_enabled()) return false;
  bool needed = false;
  for (const c10::IValue& argument : arguments_on(stack, op)) {
    for_each_tensor(argument, [&](const at::Tensor& tensor) { needed |= tensor.requires_grad(); });
  }
  return needed;
}

void intercept(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  Tracer* tracer = Tracer::current();
  if (tracer == nullptr) return op.redispatchBoxed(keys & kBelowIntercept, stack);
  const Plan& plan = tracer->plan_of(op);
  const symbolic::AskedBy asked(asker_in(plan));
  if (is_for_fake_tensors(keys)) {
    const c10::impl::ExcludeDispatchKeyGuard guard(kTracingKeys);
    return op.callBoxed(stack);
  }
  tracer->locations().run_located(op, [&] {
    if (makes_fresh_constant(op)) {
      stack->back() = tracer->lifting().lift_fresh(stack->back().toTensor());
      return;
    }
    if (is_collective(op)) return call_collective(op, *stack);
    if (takes_own_dispatch(op, keys, *stack)) {
      return call_own_dispatch(*tracer, op, keys, *stack, will_redispatch(op, keys));
    }
    if (answer_whether_equal(op, *stack)) return;
    refuse_traced_data(op, *stack);
    tracer->plain_sizes().restore(op, *stack);
    check_contents(tracer->aliases(), op, *stack);
    lift_arguments(*tracer, op, *stack);
    check_contents(tracer->aliases(), op, *stack);  // of stand-ins, too
    if (plan.takes_numbers) refuse_numbers_beyond_dtype(op, *stack);
    if (op.schema().is_mutable()) {
      refuse_ambiguous_writes(op, *stack);
      note_written_memory(*tracer, op, *stack);
    }
    if (plan.is_mutable) note_writes(tracer->strides(), op, *stack);
    if (plan.out_of_place && !will_redispatch(op, keys)) tracer->check_in_place(*plan.out_of_place, *stack);
    if (plan.needs_auto_functionalize && !will_redispatch(op, keys)) return record_writing_call(*tracer, op, *stack);
    const bool expanded_by_autograd = plan.composite && plan.action != OpAction::kExpandComposite;
    if (expanded_by_autograd && !will_redispatch(op, keys)) {
      OpAction action = plan.action;
      if (action == OpAction::kReplace) {
        if (tracer->replacement().replace(op, plan, *stack, /*is_functional=*/false)) return;
        action = plan.otherwise;
      }
      if (action == OpAction::kExpand) {
        if (is_decomposed(*plan.entry, op, *stack)) return tracer->expand(op, *plan.entry, *stack);
        action = OpAction::kKeep;
      }
      if (action == OpAction::kKeep && !needs_gradients(op, *stack)) {
        return op.redispatchBoxed(keys & c10::after_ADInplaceOrView_keyset, stack);
      }
    }
    const ViewStrideGuard view(tracer->strides(), op, *stack);
    op.redispatchBoxed(keys & kBelowIntercept, stack);
    for (size_t i = 0; i < op.schema().returns().size(); ++i) {
      for_each_tensor(torch::jit::peek(*stack, i, op.schema().returns().size()), forbid_data_access);
    }
  });
}

/// Functionalization runs each view's meta kernel once more, to learn strides that ours gives already. Read once by
/// PyTorch, at the first functionalized call of the process.
const bool skips_meta_reference = setenv("TORCH_DISABLE_FUNCTIONALIZATION_META_REFERENCE", "1", /*overwrite=*/0) == 0;

}  // namespace

TORCH_LIBRARY_IMPL(_, DeferredInit, library) {
  static_assert(kInterceptKey == c10::DispatchKey::DeferredInit);
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&intercept>());
}

}  // namespace tracejet
