#include "engines/onnx_file.h"

#include "base/error.h"
#include "lowering/onnx/lower_graph.h"

namespace tracejet {

namespace {

class OnnxFile final : public Engine {
 public:
  std::string name() const override { return "onnx"; }
  std::string fingerprint() const override { return "ONNX opset " + std::to_string(onnx::kOpset); }
  bool runs_on(c10::Device) const override { return true; }
  bool can_compile() const override { return false; }

  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                            const CompileSettings&) const override {
    return onnx::find_unsupported(*graph, inputs);
  }

  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>&, const RuntimeInputs&,
                                      const CompileSettings&) const override {
    throw InvalidInput("an ONNX file runs nothing: save_onnx writes one", ErrorCode::kEngineSetting);
  }
};

}  // namespace

std::shared_ptr<const Engine> make_onnx_file() { return std::make_shared<OnnxFile>(); }

}  // namespace tracejet
