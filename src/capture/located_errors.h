#pragma once

#include <exception>
#include <functional>
#include <string>
#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/util/Exception.h>

#include "base/error.h"

namespace tracejet {

/// The last error of a trace, with the operator and the model's line. Languages between the dispatcher and the caller
/// may replace an exception's type; its message finds the one that was thrown.
class LocatedErrors {
 public:
  /// Adds operator and location to `error`, which is being handled, and throws it on. `where`: the model's line, in
  /// words.
  [[noreturn]] void rethrow(const Error& error, const c10::OperatorHandle& op,
                            const std::function<std::string()>& where);
  /// Remembers what becomes of an error of PyTorch's in a call, should it end the trace: see throw_refusal().
  void note_refusal(const c10::OperatorHandle& op, const c10::Error& error, const std::function<std::string()>& where);
  /// The exception with this message as it was thrown, or as an error of ours; null where none is known.
  std::exception_ptr find(std::string_view message) const;

 private:
  std::exception_ptr last_;
  std::string last_message_;
};

}  // namespace tracejet
