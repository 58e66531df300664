#include "frontends/running_module.h"

namespace tracejet {

namespace {

thread_local RunningModule* current = nullptr;

/// "encoder.layers.3" gives "encoder.layers", that gives "encoder", and that the model itself.
std::string around(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? std::string() : path.substr(0, dot);
}

bool is_inside(const std::string& path, const std::string& outer) {
  return outer.empty() || path == outer || path.starts_with(outer + ".");
}

/// At the end of a call that a module's own tensors take part in.
struct InModule final : at::ObserverContext {};

}  // namespace

RunningModule::RunningModule(Tracer& tracer, const torch::nn::Module& model) : tracer_(tracer), around_(current) {
  types_.emplace("", model.name());
  model.apply([&](const std::string& path, const torch::nn::Module& module) {
    types_.emplace(path, module.name());
    for (const auto& each : module.named_parameters(/*recurse=*/false)) {
      owners_.emplace(each.value().unsafeGetTensorImpl(), path);
    }
    for (const auto& each : module.named_buffers(/*recurse=*/false)) {
      owners_.emplace(each.value().unsafeGetTensorImpl(), path);
    }
  });
  running_.emplace_back();
  tracer_.locations().enter_module("", types_.at(""));
  current = this;
  handle_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(&on_call, &after_call).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
}

RunningModule::~RunningModule() {
  at::removeCallback(handle_);
  current = around_;
  while (!running_.empty()) {
    running_.pop_back();
    tracer_.locations().exit_module();
  }
}

const std::string* RunningModule::owner_of(c10::ArrayRef<const c10::IValue> arguments) const {
  for (const c10::IValue& argument : arguments) {
    if (!argument.isTensor()) continue;
    const auto found = owners_.find(argument.toTensor().unsafeGetTensorImpl());
    if (found != owners_.end()) return &found->second;
  }
  return nullptr;
}

void RunningModule::go_to(const std::string& path) {
  while (!is_inside(path, running_.back())) {
    running_.pop_back();
    tracer_.locations().exit_module();
  }
  while (running_.back() != path) {
    const size_t begin = running_.back().empty() ? 0 : running_.back().size() + 1;
    const std::string next = path.substr(0, path.find('.', begin));
    running_.push_back(next);
    const auto type = types_.find(next);
    tracer_.locations().enter_module(next, type == types_.end() ? "" : type->second);
  }
}

std::unique_ptr<at::ObserverContext> RunningModule::on_call(const at::RecordFunction& call) {
  if (current == nullptr) return nullptr;
  const std::string* owner = current->owner_of(call.inputs());
  if (owner == nullptr) return nullptr;
  current->go_to(*owner);
  return std::make_unique<InModule>();
}

void RunningModule::after_call(const at::RecordFunction& /*call*/, at::ObserverContext* context) {
  if (current == nullptr || dynamic_cast<InModule*>(context) == nullptr) return;
  if (current->running_.size() > 1) current->go_to(around(current->running_.back()));
}

}  // namespace tracejet
