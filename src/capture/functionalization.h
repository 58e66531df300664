#pragma once

#include <ATen/FunctionalTensorWrapper.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace tracejet {

/// Whether functionalization is behind the code that runs: kernels then expect what functional tensors wrap.
inline bool is_below_functionalization() {
  return c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::Functionalize);
}

/// Whether nobody has written to a functional tensor, or to what it is a view of.
inline bool is_unwritten(const at::Tensor& functional) {
  return at::functionalization::impl::unsafeGetFunctionalWrapper(functional)->mutation_counter() == 0;
}

/// Switches functionalization on again, below which the lower hook stands: code that runs there may then write to its
/// own tensors, as a model may.
class EnableFunctionalizationGuard {
 public:
  EnableFunctionalizationGuard() : guard_(c10::impl::tls_local_dispatch_key_set().included_, excluded()) {}

 private:
  static c10::DispatchKeySet excluded() {
    return c10::impl::tls_local_dispatch_key_set().excluded_.remove(c10::DispatchKey::Functionalize);
  }
  c10::impl::ForceDispatchKeyGuard guard_;
};

}  // namespace tracejet
