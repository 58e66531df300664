#include "engines/aten/aten_engine.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include "base/error.h"
#include "engines/aten/kernels.h"
#include "engines/aten/passes/passes.h"
#include "engines/aten/program.h"

namespace tracejet::aten {

namespace {

class AtenEngine final : public Engine {
 public:
  std::string name() const override { return std::string(kName); }

  std::string fingerprint() const override {
    return std::string("PyTorch ") + TORCH_VERSION + ", " + at::get_cpu_capability();
  }

  bool runs_on(c10::Device) const override { return true; }

  void check_settings(const CompileSettings& settings) const override {
    check_skipped_passes(settings);
    CompileSettings others = settings;
    others.threads = 0;
    others.precision = at::kFloat;  // it lowers what it can
    Engine::check_settings(others);
    const int threads = at::get_num_threads();
    if (settings.threads == 0 || settings.threads >= threads) return;
    throw InvalidInput("threads is " + std::to_string(settings.threads) +
                           ", but aten runs on PyTorch's own, which are " + std::to_string(threads) +
                           ": set their number with torch.set_num_threads",
                       ErrorCode::kEngineSetting);
  }

  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph, const RuntimeInputs&,
                                            const CompileSettings&) const override {
    return aten::find_unsupported(*graph);
  }

  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings& settings) const override {
    require_supported(*this, graph, inputs, settings);
    std::vector<std::string> notes;
    return make_program(graph, inputs, settings, {}, notes);
  }
};

}  // namespace

std::shared_ptr<const Engine> make_engine() { return std::make_shared<AtenEngine>(); }

}  // namespace tracejet::aten
