#include "capture/call_locations.h"

#include "ir/model_line.h"
#include "symbolic/advice.h"

namespace tracejet {

void CallLocations::enter_module(std::string path, std::string type) {
  const int32_t parent = modules_.empty() ? -1 : modules_.back();
  modules_.push_back(scopes_.graph()->add_module_frame({std::move(path), std::move(type), parent}));
}

Location CallLocations::current() const {
  const int32_t module = modules_.empty() ? -1 : modules_.back();
  if (replayed_ != nullptr) return {.module_frame = module, .text = replayed_};
  if (symbolic::language_at_work() == symbolic::Language::kCpp)
    return {.module_frame = module, .cpp = cpp_lines_->capture()};
  return {.stack = capture_stack(), .module_frame = module};
}

std::string CallLocations::describe_current() const { return describe(current(), *scopes_.graph()); }

void CallLocations::rethrow_with_location(const Error& error, const c10::OperatorHandle& op) {
  errors_.rethrow(error, op, [this] { return describe_current(); });
}

void CallLocations::note_refusal(const c10::OperatorHandle& op, const c10::Error& error) {
  errors_.note_refusal(op, error, [this] { return describe_current(); });
}

}  // namespace tracejet
