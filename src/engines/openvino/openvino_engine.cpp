#include "engines/openvino/openvino_engine.h"

#include <cstdlib>

#include <ATen/Parallel.h>
#include <openvino/openvino.hpp>

#include "base/error.h"
#include "engines/openvino/attention.h"
#include "engines/openvino/blob.h"
#include "engines/openvino/executable.h"
#include "engines/openvino/failure.h"
#include "engines/openvino/model.h"
#include "engines/openvino/tensors.h"

namespace tracejet::openvino {

namespace {

/// How many primitives of one kind OpenVINO keeps, one for each shape that it has met. Its own 5000 let a small BERT
/// grow by 480 MiB, these by 300, and a call at one of thousands of random shapes takes a fourth longer.
constexpr int kKeptPrimitives = 1000;

/// Whether products of 8-bit integers are summed as such. Without VNNI, two of them are added in 16 bits, and saturate.
/// Whoever limits the instruction set of the kernels may have taken it away.
bool has_exact_bytes() {
#if defined(__x86_64__)
  if (std::getenv("ONEDNN_MAX_CPU_ISA") != nullptr) return false;
  return __builtin_cpu_supports("avx512vnni") != 0 || __builtin_cpu_supports("avxvnni") != 0;
#else
  return true;
#endif
}

ov::AnyMap properties(const CompileSettings& settings, const Graph& graph) {
  const int threads = settings.threads > 0 ? settings.threads : at::get_num_threads();
  ov::AnyMap properties{
      ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
      // OpenVINO would choose bfloat16 by itself where the CPU has it.
      ov::hint::inference_precision(element_type(settings.precision)),
      // Where weights are quantized, OpenVINO would by itself quantize what they are multiplied with, too.
      ov::hint::dynamic_quantization_group_size(0),
      {"CPU_RUNTIME_CACHE_CAPACITY", kKeptPrimitives},
      ov::inference_num_threads(threads),
  };
  // In a stream of one thread, OpenVINO drops every error and runs what failed again at the next call, even where it
  // was freed meanwhile. No stream is the caller's thread alone.
  if (threads == 1) properties.insert(ov::num_streams(0));
  if (!has_exact_bytes()) properties.insert({"LP_TRANSFORMS_MODE", "NO"});
  if (may_break_fusion(graph)) properties.insert({"SNIPPETS_MODE", "DISABLE"});
  if (!settings.cache_dir.empty()) properties.insert(ov::cache_dir(settings.cache_dir));
  return properties;
}

class OpenVinoEngine final : public Engine {
 public:
  std::string name() const override { return target().name; }

  std::string fingerprint() const override {
    return std::string("OpenVINO ") + ov::get_openvino_version().buildNumber + ", " +
           core().get_property("CPU", ov::device::full_name);
  }

  bool runs_on(c10::Device device) const override { return device.is_cpu(); }

  void check_settings(const CompileSettings&) const override {}  // it can do all of them

  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                            const CompileSettings&) const override {
    return read(*graph, inputs).refused;
  }

  std::vector<Unsupported> find_warnings(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                         const CompileSettings&) const override {
    onnx::Lowering lowering(*graph, inputs, target());
    lowering.run();
    return lowering.warnings();
  }

  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings& settings) const override {
    Model model = read(*graph, inputs);
    if (!model.refused.empty()) throw RefusedNodes(*graph, model.refused, name());
    try {
      return std::make_unique<OpenVinoExecutable>(graph, inputs, model, properties(settings, *graph));
    } catch (const ov::Exception& error) {
      throw RefusedNodes(*graph, {FailureLocator(model.onnx).refusal(error.what())}, name(), /*is_late=*/true);
    }
  }

  bool can_load() const override { return true; }

  /// Lowers the program anew, which takes little: so it is known to be the one that was kept, and what it needs of its
  /// inputs is there.
  std::unique_ptr<Executable> load(const SharedBytes& serialized, const std::shared_ptr<const Graph>& graph,
                                   const RuntimeInputs& inputs, const CompileSettings& settings) const override {
    onnx::Lowering lowering(*graph, inputs, target());
    lowering.run();
    if (!lowering.unsupported().empty()) throw StaleEngine("openvino doesn't take all of this program");
    const onnx::Model lowered = std::move(lowering).finish();
    const std::string identity = identity_of(lowered);
    try {
      const ov::Tensor exported = unpacked(serialized, identity, lowered.weights);
      const auto import = [exported, used = properties(settings, *graph)](const ov::AnyMap& besides) {
        return core().import_model(exported, "CPU", with(used, besides));
      };
      return std::make_unique<OpenVinoExecutable>(graph, inputs, lowered, identity, std::make_shared<Sessions>(import));
    } catch (const ov::Exception& error) {
      throw StaleEngine("openvino can't load what it kept: " + essence_of(error.what()));
    }
  }

  std::unique_ptr<Executable> share(const Executable& compiled, const std::shared_ptr<const Graph>& graph,
                                    const RuntimeInputs& inputs, const CompileSettings&) const override {
    const auto& known = dynamic_cast<const OpenVinoExecutable&>(compiled);
    onnx::Lowering lowering(*graph, inputs, target());
    lowering.run();
    const onnx::Model lowered = std::move(lowering).finish();
    if (identity_of(lowered) != known.identity()) return nullptr;
    return std::make_unique<OpenVinoExecutable>(graph, inputs, lowered, known);
  }

  std::unique_ptr<Executable> refit(const Executable& compiled, const std::shared_ptr<const Graph>& graph,
                                    const RuntimeInputs& inputs, const CompileSettings& settings) const override {
    const auto* known = dynamic_cast<const OpenVinoExecutable*>(&compiled);
    if (known == nullptr || known->model() == nullptr) return compile(graph, inputs, settings);
    onnx::Lowering lowering(*graph, inputs, target());
    lowering.run();
    if (!lowering.unsupported().empty()) return compile(graph, inputs, settings);
    Model model{std::move(lowering).finish(), {}, nullptr, {}};
    model.identity = identity_of(model.onnx);
    if (model.identity != known->identity()) return compile(graph, inputs, settings);
    model.model = with_weights(*known->model(), known->weights(), model.onnx.weights);
    if (model.model == nullptr) return compile(graph, inputs, settings);
    return std::make_unique<OpenVinoExecutable>(graph, inputs, model, properties(settings, *graph));
  }
};

}  // namespace

std::shared_ptr<const Engine> make_engine() { return std::make_shared<OpenVinoEngine>(); }

}  // namespace tracejet::openvino
