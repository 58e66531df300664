#include "bindings/inductor_engine.h"

#include "bindings/adapter_engine.h"
#include "bindings/context_reading.h"
#include "engines/inductor/executable.h"
#include "engines/inductor/promise.h"

namespace tracejet::python {

namespace {

/// The symbols of a graph as numbers, by their ids.
py::dict sizes_of(const Graph& graph) {
  py::dict sizes;
  for (const symbolic::Symbol& symbol : copied(graph.shapes(), &symbolic::Context::symbols)) {
    if (!symbol.backed) continue;
    sizes[py::int_(symbol.id)] = graph.shapes().sym_int(symbolic::Expression::of(symbol));
  }
  return sizes;
}

/// `code`: a tracejet.engines.inductor.code.Code.
std::shared_ptr<const inductor::Compiled> compiled_of(const py::object& code) {
  auto compiled = std::make_shared<inductor::Compiled>();
  compiled->package = code.attr("package").cast<std::string>();
  compiled->weights = code.attr("weights").cast<std::vector<std::pair<std::string, size_t>>>();
  compiled->constants = code.attr("constants").cast<std::vector<std::pair<std::string, at::Tensor>>>();
  compiled->assumed = code.attr("assumed").cast<std::vector<symbolic::Expression>>();
  compiled->serialized = code.attr("serialized").cast<std::optional<std::string>>();
  return compiled;
}

class InductorEngine final : public AdapterEngine {
 public:
  using AdapterEngine::AdapterEngine;

  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                            const CompileSettings&) const override {
    const py::gil_scoped_acquire gil;
    return refusals(adapter().attr("find_unsupported")(view_of(graph, inputs)));
  }

  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings& settings) const override {
    return inductor::make_executable(graph, inputs, compiled(graph, inputs, settings), settings);
  }

  bool compiles_for_long() const override { return true; }
  bool is_promising(const Graph& graph) const override { return inductor::is_promising(graph); }
  bool is_kept_in_files() const override { return false; }
  bool can_load() const override { return true; }

  std::unique_ptr<Executable> load(const SharedBytes& serialized, const std::shared_ptr<const Graph>& graph,
                                   const RuntimeInputs& inputs, const CompileSettings& settings) const override {
    return inductor::make_executable(graph, inputs, loaded(serialized.view(), graph, inputs), settings);
  }

  std::unique_ptr<Executable> refit(const Executable& compiled, const std::shared_ptr<const Graph>& graph,
                                    const RuntimeInputs& inputs, const CompileSettings& settings) const override {
    auto fitted = inductor::with_weights(compiled, graph, inputs, settings);
    return fitted == nullptr ? compile(graph, inputs, settings) : std::move(fitted);
  }

 private:
  std::shared_ptr<const inductor::Compiled> compiled(const std::shared_ptr<const Graph>& graph,
                                                     const RuntimeInputs& inputs,
                                                     const CompileSettings& settings) const {
    const py::gil_scoped_acquire gil;
    const py::object view = view_of(graph, inputs);
    std::vector<Unsupported> refused = refusals(adapter().attr("find_unsupported")(view));
    if (!refused.empty()) throw RefusedNodes(*graph, std::move(refused), name());
    const py::object code = adapter().attr("compile")(view, settings, sizes_of(*graph));
    if (py::isinstance<py::list>(code)) throw RefusedNodes(*graph, refusals(code), name(), /*is_late=*/true);
    return compiled_of(code);
  }

  std::shared_ptr<const inductor::Compiled> loaded(std::string_view serialized,
                                                   const std::shared_ptr<const Graph>& graph,
                                                   const RuntimeInputs& inputs) const {
    const py::gil_scoped_acquire gil;
    const py::object code =
        adapter().attr("load")(view_of(graph, inputs), py::bytes(serialized.data(), serialized.size()));
    if (code.is_none()) throw StaleEngine(name() + " can't read this code: it was compiled of something else");
    return compiled_of(code);
  }
};

}  // namespace

std::shared_ptr<const Engine> make_inductor_engine(const py::object& adapter) {
  return std::make_shared<InductorEngine>(adapter);
}

}  // namespace tracejet::python
