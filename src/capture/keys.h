#pragma once

#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace tracejet {

// Every choice of dispatch keys stands here. From the top of the dispatcher to its bottom, while a trace is active:
//
//   kInterceptKey   sees every call first, composite operators among them (intercept.cpp)
//   Autocast*       casts, then redispatches
//   Autograd*       composite operators that nobody kept are expanded here by ATen's own kernels
//   Functionalize   turns views and in-place writes into functional calls
//   kRecordKey      records the leaf operators (record.cpp)
//
// Both are keys that PyTorch sets aside for use outside of its core and registers nothing for, up to 2.15.
inline constexpr c10::DispatchKey kInterceptKey = c10::DispatchKey::DeferredInit;
inline constexpr c10::DispatchKey kRecordKey = c10::DispatchKey::Fake;

/// Switched on for the tracing thread.
inline constexpr c10::DispatchKeySet kTracingKeys({kInterceptKey, c10::DispatchKey::Functionalize, kRecordKey});

/// What comes after the upper hook.
inline constexpr c10::DispatchKeySet kBelowIntercept(c10::DispatchKeySet::FULL_AFTER, kInterceptKey);

/// Tensors of torch.func's transforms: they unwrap themselves, and then the call comes again.
inline constexpr c10::DispatchKeySet kTransformKeys({c10::DispatchKey::FuncTorchBatched,
                                                     c10::DispatchKey::FuncTorchGradWrapper,
                                                     c10::DispatchKey::FuncTorchDynamicLayerFrontMode,
                                                     c10::DispatchKey::Batched});

/// While it lives, calls on this thread run as if there were no trace: on real tensors, or on meta tensors.
class ExcludeTracingGuard {
 public:
  ExcludeTracingGuard()
      : guard_(kTracingKeys | c10::autograd_dispatch_keyset_with_ADInplaceOrView | c10::autocast_dispatch_keyset) {}

 private:
  c10::impl::ExcludeDispatchKeyGuard guard_;
};

}  // namespace tracejet
