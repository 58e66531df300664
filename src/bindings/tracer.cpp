#include "capture/tracer.h"

#include <torch/csrc/PyInterpreter.h>
#include <torch/csrc/autograd/python_variable.h>
#include <torch/csrc/utils/device_lazy_init.h>
#include <torch/csrc/utils/python_symnode.h>

#include "base/error.h"
#include "base/memory.h"
#include "bindings/bindings.h"
#include "capture/refusal.h"
#include "capture/strides.h"
#include "capture/traced_tensor.h"
#include "symbolic/asker.h"

namespace tracejet {

namespace py = pybind11;

namespace {

/// Python's argument parser leaves the symbolic number on the tensor that it makes of `x * size`.
std::optional<c10::IValue> symbolic_number(const at::Tensor& tensor) {
  const py::gil_scoped_acquire gil;
  const py::object object = py::reinterpret_steal<py::object>(THPVariable_Wrap(tensor));
  const py::object number = py::getattr(object, "_wrapped_number", py::none());
  if (torch::is_symint(number)) return number.cast<c10::SymInt>();
  if (torch::is_symfloat(number)) return number.cast<c10::SymFloat>();
  if (torch::is_symbool(number)) return number.cast<c10::SymBool>();
  return std::nullopt;
}

/// Python's SymFloat and SymBool come as wrappers round the objects that stand for our nodes.
c10::SymNode unwrapped(const c10::SymNode& node) {
  const auto* wrapper = dynamic_cast<torch::impl::PythonSymNodeImpl*>(node.get());
  if (wrapper == nullptr) return node;
  const py::gil_scoped_acquire gil;
  const py::handle object = wrapper->getPyObj();
  return py::isinstance<c10::SymNodeImpl>(object) ? object.cast<c10::SymNode>() : node;
}

/// Such a wrapper of a node of ours: PyTorch's bindings give no other SymFloat to Python.
c10::SymNode wrapped(const c10::SymNode& node) {
  const py::gil_scoped_acquire gil;
  return c10::make_intrusive<torch::impl::PythonSymNodeImpl>(py::cast(node));
}

/// A leaf of the model's results; what is neither a tensor nor a number stays with Python.
c10::IValue to_literal(const py::handle& object) {
  if (THPVariable_Check(object.ptr())) return THPVariable_Unpack(object.ptr());
  if (torch::is_symint(object)) return object.cast<c10::SymInt>();
  if (torch::is_symfloat(object)) return object.cast<c10::SymFloat>();
  if (torch::is_symbool(object)) return object.cast<c10::SymBool>();
  if (py::isinstance<py::bool_>(object)) return object.cast<bool>();
  if (py::isinstance<py::int_>(object)) return object.cast<int64_t>();
  if (py::isinstance<py::float_>(object)) return object.cast<double>();
  return {};
}

at::Tensor add_input(Tracer& tracer, std::string name, const std::vector<c10::SymInt>& sizes,
                     const std::optional<std::vector<c10::SymInt>>& strides, at::ScalarType dtype, c10::Device device) {
  TensorMeta meta;
  meta.sizes.assign(sizes.begin(), sizes.end());
  meta.strides = strides ? Sizes(strides->begin(), strides->end()) : contiguous_strides(meta.sizes);
  meta.dtype = dtype;
  meta.device = device;
  return tracer.add_input(std::move(name), std::move(meta));
}

/// The answer without which Python raises as soon as it has got it.
std::optional<bool> needed_truth() {
  const py::gil_scoped_acquire gil;
  return py::module_::import("tracejet.frontend.branch_bytecode").attr("needed_truth")().cast<std::optional<bool>>();
}

std::string class_of(const at::Tensor& tensor) {
  const py::gil_scoped_acquire gil;
  const py::object object = py::reinterpret_steal<py::object>(THPVariable_Wrap(tensor));
  return py::str(py::type::of(object).attr("__qualname__"));
}

c10::SymInt add_symbol(Tracer& tracer, std::string name, int64_t min, int64_t opt, int64_t max) {
  symbolic::Context& shapes = tracer.shapes();
  return shapes.sym_int(shapes.symbol(std::move(name), {min, max}, symbolic::general_size(min, opt, max)));
}

py::typing::Optional<Tracer> current_tracer() {
  const py::object current = py::cast(Tracer::current(), py::return_value_policy::reference);
  return py::reinterpret_borrow<py::typing::Optional<Tracer>>(current);
}

}  // namespace

void bind_tracer(py::module_& module) {
  py::class_<Tracer> tracer(module, "Tracer", "Records one run of a model on the calling thread.");
  module.def("raise_refusal", &throw_refusal, py::arg("message"), py::arg("operator"), py::arg("where"),
             "Raises what an error of PyTorch's is called here.");
  module.def("is_tracing", [] { return Tracer::current() != nullptr; }, "Whether this thread traces.");
  module.def(
      "is_asked_by_model", [] { return symbolic::may_be_asked_by_model() && symbolic::Context::current() == nullptr; },
      "Whether this thread traces and the model's own code is running, not an operator's.");
  module.def(
      "is_contiguous",
      [](const at::Tensor& tensor, at::MemoryFormat format) {
        check_layout_is_eagers(Tracer::current()->strides(), tensor);
        const symbolic::AskedBy asked(symbolic::Asker::kModel);
        return tensor.is_contiguous(format);
      },
      py::arg("tensor"), py::arg("memory_format"), "What the model's code is told.");
  module.def(
      "note_layout_question",
      [](const at::Tensor& tensor) {
        check_layout_is_eagers(Tracer::current()->strides(), tensor);
        note_layout_question(tensor.sym_sizes());
      },
      py::arg("tensor"), "To be called where the model's code asks for strides.");
  module.def(
      "note_memory_question",
      [](const at::Tensor& tensor) {
        check_layout_is_eagers(Tracer::current()->strides(), tensor);
        note_memory_question();
      },
      py::arg("tensor"), "To be called where the model's code asks what memory a tensor shows.");
  module.def(
      "axes_of",
      [](const symbolic::Expression& expression, const Tracer* tracer) {
        if (tracer == nullptr) tracer = Tracer::current();
        return tracer == nullptr ? expression.str() : in_words(expression, tracer->symbol_axes());
      },
      py::arg("expression"), py::arg("tracer") = nullptr, "A size in terms of the inputs' axes: \"x[0] // 2\".");
  module.def(
      "is_model_state",
      [](const at::Tensor& tensor) { return Tracer::current() != nullptr && Tracer::current()->is_announced(tensor); },
      py::arg("tensor"), "Whether this thread traces a model with this parameter or buffer.");
  module.def(
      "device_of",
      [](const at::Tensor& tensor) {
        return Tracer::current() == nullptr ? tensor.device() : Tracer::current()->device_of(tensor);
      },
      py::arg("tensor"), "Where a tensor is; in a trace, where it claims to be.");
  module.def(
      "set_requires_cuda_init", [](bool value) { torch::utils::set_requires_device_init(c10::kCUDA, value); },
      py::arg("value"), "Whether PyTorch starts CUDA when Python code names it.");
  module.def("memory_overlaps", &memory_overlaps, py::arg("a"), py::arg("b"),
             "Whether a write to one tensor may be seen in the other.");
  tracer
      .def(py::init([](DecompositionTable decompositions, bool check_rules, bool shares_memory) {
             const FrontendHooks hooks{&symbolic_number, &unwrapped, &wrapped,
                                       &needed_truth,    &class_of,  getPyInterpreter()};
             return std::make_unique<Tracer>(hooks,
                                             TracerOptions{check_rules, std::move(decompositions), shares_memory});
           }),
           py::kw_only(), py::arg_v("decompositions", DecompositionTable(), "DecompositionTable()"),
           py::arg("check_rules") = false, py::arg("shares_memory") = false)
      .def("know_index", &Tracer::know_index, py::arg("index"), py::arg("count"))
      .def("symbol", &add_symbol, py::arg("name"), py::arg("min"), py::arg("opt"), py::arg("max"))
      .def("set_device", &Tracer::set_device, py::arg("device"))
      .def("add_parameter", &Tracer::add_parameter, py::arg("name"), py::arg("parameter"))
      .def("add_buffer", &Tracer::add_buffer, py::arg("name"), py::arg("buffer"), py::arg("persistent"))
      .def("add_input", &add_input, py::arg("name"), py::arg("sizes"), py::arg("strides"), py::arg("dtype"),
           py::arg("device"))
      .def("add_literal_input", &Tracer::add_literal_input, py::arg("name"))
      .def(
          "unbacked",
          [](Tracer& tracer, int64_t min, std::optional<int64_t> max) {
            symbolic::Context& shapes = tracer.shapes();
            return shapes.sym_int(shapes.unbacked("u", {min, max.value_or(symbolic::kInfinity)}));
          },
          py::arg("min"), py::arg("max"), "A size that is only known when the program runs.")
      .def_static("current", &current_tracer, "The tracer that listens on this thread, or None.")
      .def("begin", &Tracer::begin)
      .def("end", &Tracer::end)
      .def("enter_module", &Tracer::enter_module, py::arg("path"), py::arg("type"))
      .def("exit_module", &Tracer::exit_module)
      .def(
          "set_replayed",
          [](Tracer& tracer, const std::optional<std::string>& stack) {
            tracer.set_replayed(stack ? std::make_shared<const std::string>(*stack) : nullptr);
          },
          py::arg("stack_trace"), "What is traced from here on is the node of another program, of this stack trace.")
      .def("add_output", [](Tracer& tracer, const py::handle& result) { tracer.add_output(to_literal(result)); })
      .def("rebind_buffer", &Tracer::rebind_buffer, py::arg("buffer"), py::arg("replacement"))
      .def(
          "state_dependence_of",
          [](Tracer& tracer, const at::Tensor& tensor, const std::optional<at::Tensor>& previous) {
            const StateDependence origin = tracer.state_dependence_of(tensor, previous.value_or(at::Tensor()));
            return std::tuple(origin.reads_previous, origin.is_computed_from_previous, origin.differs);
          },
          py::arg("tensor"), py::arg("previous"),
          "Whether `previous` was read, whether `tensor` is computed from it, whether it differs from call to call.")
      .def(
          "finish",
          [](Tracer& tracer, bool asserts) {
            return tracer.finish({.prefer_deferred_runtime_asserts_over_guards = asserts});
          },
          py::arg("prefer_deferred_runtime_asserts_over_guards") = true)
      .def_property_readonly("needs_shared_memory", &Tracer::needs_shared_memory)
      .def(
          "raise_error",
          [](const Tracer& tracer, std::string_view message) {
            if (const std::exception_ptr error = tracer.errors().find(message)) std::rethrow_exception(error);
          },
          py::arg("message"), "Raises the tracer's own exception behind an error of this message, if there is one.")
      .def_property_readonly("python_meta_calls",
                             [](const Tracer& tracer) { return tracer.statistics().python_meta_calls; })
      .def_property_readonly("python_decompositions",
                             [](const Tracer& tracer) { return tracer.statistics().python_decompositions; });
}

}  // namespace tracejet
