#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/util/Exception.h>

#include "base/error.h"
#include "capture/located_errors.h"
#include "capture/scopes.h"
#include "ir/cpp_lines.h"

namespace tracejet {

/// Where in the model a call is: in which module, on which line. Errors are told so.
class CallLocations {
 public:
  explicit CallLocations(const Scopes& scopes) : scopes_(scopes) {}
  CallLocations(const CallLocations&) = delete;
  CallLocations& operator=(const CallLocations&) = delete;

  void enter_module(std::string path, std::string type);
  void exit_module() { modules_.pop_back(); }
  /// What is traced from here on is the node of another program, and this its stack's text; null: that ends.
  void set_replayed(std::shared_ptr<const std::string> stack_text) { replayed_ = std::move(stack_text); }

  Location current() const;
  /// The model's line and modules, in words.
  std::string describe_current() const;

  /// Runs a call, and gives errors its operator and location.
  template <typename Run>
  decltype(auto) run_located(const c10::OperatorHandle& op, Run&& run) {
    try {
      return run();
    } catch (const Error& error) {
      rethrow_with_location(error, op);
    } catch (const c10::Error& error) {
      note_refusal(op, error);
      throw;
    }
  }
  /// What has gone wrong in this trace.
  const LocatedErrors& errors() const { return errors_; }

 private:
  /// Adds operator and location to `error`, which is being handled, and throws it on.
  [[noreturn]] void rethrow_with_location(const Error& error, const c10::OperatorHandle& op);
  /// Remembers what becomes of an error of PyTorch's in a call, should it end the trace.
  void note_refusal(const c10::OperatorHandle& op, const c10::Error& error);

  const Scopes& scopes_;
  std::vector<int32_t> modules_;  ///< that are running, the innermost last
  std::shared_ptr<const std::string> replayed_;
  std::shared_ptr<CppLines> cpp_lines_ = std::make_shared<CppLines>();
  LocatedErrors errors_;
};

}  // namespace tracejet
