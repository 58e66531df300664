#include "capture/tensor_subclass.h"

#include <c10/core/impl/PyInterpreter.h>
#include <c10/core/impl/TorchDispatchModeTLS.h>

#include "base/error.h"
#include "capture/keys.h"
#include "capture/tensor_arguments.h"
#include "capture/tracer.h"

namespace tracejet {

bool has_own_dispatch(const at::Tensor& tensor) { return tensor.key_set().has(c10::DispatchKey::Python); }

bool is_for_fake_tensors(c10::DispatchKeySet keys) {
  using c10::impl::TorchDispatchModeTLS;
  return keys.has(c10::DispatchKey::Python) &&
         TorchDispatchModeTLS::get_mode(c10::impl::TorchDispatchModeKey::FAKE).has_value();
}

bool takes_own_dispatch(const c10::OperatorHandle& op, c10::DispatchKeySet keys, const torch::jit::Stack& stack) {
  // Missing where a class has switched itself off, to handle its tensor as a plain one.
  if (!keys.has(c10::DispatchKey::Python)) return false;
  bool found = false;
  const size_t count = op.schema().arguments().size();
  for (size_t i = 0; i < count && !found; ++i) {
    for_each_tensor(torch::jit::peek(stack, i, count),
                    [&](const at::Tensor& tensor) { found |= has_own_dispatch(tensor); });
  }
  return found;
}

void call_own_dispatch(const Tracer& tracer, const c10::OperatorHandle& op, c10::DispatchKeySet keys,
                       torch::jit::Stack& stack, bool will_redispatch) {
  // Autograd takes composite operators apart before classes see them; inference mode leaves them whole.
  const bool is_taken_apart = op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd) &&
                              keys.has_any(c10::autograd_dispatch_keyset);
  if (will_redispatch || is_taken_apart) return op.redispatchBoxed(keys & kBelowIntercept, &stack);
  if (tracer.hooks().python == nullptr) {
    throw UnsupportedOperator("takes a tensor of a Python class, and Python is not at hand", ErrorCode::kTensorLayout);
  }
  // PyTorch's own way there, from further down, would keep the tracer from hearing what the class calls.
  (*tracer.hooks().python)->dispatch(op, &stack);
}

}  // namespace tracejet
