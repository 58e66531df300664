#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <c10/core/DispatchKeySet.h>

namespace tracejet {

class Tracer;

/// Whether a tensor's class says itself what operators do to it (Python's `__torch_dispatch__`): DTensor, quantised
/// weights. Most have no data of their own, but wrap tensors that have.
bool has_own_dispatch(const at::Tensor& tensor);

/// Whether Python computes with fake tensors for a while, to learn a shape: no concern of the program's. `keys` are
/// those of a call.
bool is_for_fake_tensors(c10::DispatchKeySet keys);

/// Whether a call takes such a tensor, and its class wants to be asked. `keys` are the call's.
bool takes_own_dispatch(const c10::OperatorHandle& op, c10::DispatchKeySet keys, const torch::jit::Stack& stack);

/// Lets the classes of the arguments compute a call, as they do in eager. For the upper hook: the tracer goes on
/// listening, so that what they compute with the tensors inside is recorded in the call's place.
/// `will_redispatch`: something before the classes, such as autocast, is still to see the call.
void call_own_dispatch(const Tracer& tracer, const c10::OperatorHandle& op, c10::DispatchKeySet keys,
                       torch::jit::Stack& stack, bool will_redispatch);

}  // namespace tracejet
