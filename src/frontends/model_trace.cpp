#include "frontends/model_trace.h"

#include "ops/shape/shape.h"
#include "symbolic/diagnosis.h"

namespace tracejet {

ModelTrace::ModelTrace(Frontend& frontend, TraceSettings& settings, const std::vector<ModelInput>& inputs,
                       Variation variation)
    : frontend_(frontend), settings_(settings), inputs_(inputs), variation_(std::move(variation)) {
  start();
}

void ModelTrace::start() {
  symbols_.clear();
  answers_ = std::make_unique<symbolic::ForcedBranches>(variation_.branches, variation_.data);
  tracer_ = std::make_unique<Tracer>(frontend_.hooks(), TracerOptions{.check_rules = settings_.check_rules,
                                                                      .decompositions = settings_.decompositions,
                                                                      .shares_memory = settings_.shares_memory,
                                                                      .runs_of_bodies = variation_.runs_of_bodies});
  if (settings_.device) tracer_->state().set_device(*settings_.device);
}

void ModelTrace::run() {
  try {
    return frontend_.run(*this);
  } catch (...) {
    const bool is_refused = frontend_.kind_of(std::current_exception()) == Failure::kUnsupported;
    if (!is_refused || !tracer_->signature().needs_shared_memory()) throw;
  }
  settings_.shares_memory = true;
  start();
  frontend_.run(*this);
}

c10::SymInt ModelTrace::size_of(const AxisSize& size) {
  if (const auto* known = std::get_if<int64_t>(&size)) return *known;
  const auto& [name, min, opt, max, profiles] = std::get<Dimension>(size);
  if (const auto given = variation_.sizes.find(name); given != variation_.sizes.end()) return given->second;
  const auto [symbol, is_new] = symbols_.try_emplace(name);
  if (is_new) {
    symbolic::Context& shapes = tracer_->shapes();
    symbol->second = shapes.sym_int(shapes.symbol(name, {min, max}, symbolic::size_oblivious_hint(min, opt, max)));
  }
  return symbol->second;
}

std::vector<at::Tensor> ModelTrace::add_inputs() {
  std::vector<at::Tensor> tensors;
  for (const ModelInput& input : inputs_) {
    if (!input.shape) {
      tracer_->signature().add_literal_input(input.name);
      tensors.emplace_back();
      continue;
    }
    Sizes sizes;
    for (const AxisSize& size : *input.shape) sizes.push_back(size_of(size));
    TensorMeta meta = shape::in_format(std::move(sizes), input.format, input.dtype, input.device);
    if (input.strides) meta.strides = Sizes(input.strides->begin(), input.strides->end());
    tensors.push_back(tracer_->signature().add_input(input.name, std::move(meta)));
  }
  return tensors;
}

namespace {

/// The hooks and the branches are at work while it lives.
class Listening {
 public:
  Listening(Tracer& tracer, symbolic::ForcedBranches& answers) : tracer_(tracer), answers_(answers) {
    tracer_.begin();
    answers_.begin();
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() {
    answers_.end();
    tracer_.end();
  }

 private:
  Tracer& tracer_;
  symbolic::ForcedBranches& answers_;
};

}  // namespace

void ModelTrace::record(const std::function<std::unique_ptr<Results>()>& forward) {
  const Listening listening(*tracer_, *answers_);
  results_ = forward();
  graph_ = tracer_->finish({settings_.asserts_relations, {}});
}

symbolic::Diagnosis ModelTrace::diagnosis(const std::unordered_set<size_t>& harmless) const {
  return symbolic::diagnose(tracer_->shapes(), {settings_.asserts_relations, harmless});
}

std::set<std::string> ModelTrace::violated_conditions(const std::unordered_set<size_t>& harmless) const {
  std::set<std::string> conditions;
  for (const symbolic::Problem& problem : diagnosis(harmless).problems) {
    conditions.insert(in_words(problem.condition, tracer_->guards().symbol_axes()));
  }
  return conditions;
}

std::vector<ModelTrace::Branch> ModelTrace::open_branches() const {
  std::vector<Branch> branches;
  if (answers_->guarded().empty()) return branches;
  const auto verdicts = diagnosis().verdicts;
  for (const Branch& branch : answers_->guarded()) {
    const symbolic::Verdict verdict = verdicts.at(branch.guard);
    const bool is_open = verdict == symbolic::Verdict::kAsserted || verdict == symbolic::Verdict::kViolation;
    if (is_open) branches.push_back(branch);
  }
  return branches;
}

}  // namespace tracejet
