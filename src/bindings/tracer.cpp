#include "capture/tracer.h"

#include <torch/csrc/autograd/python_variable.h>
#include <torch/csrc/utils/device_lazy_init.h>
#include <torch/csrc/utils/python_symnode.h>

#include "base/error.h"
#include "base/memory.h"
#include "bindings/bindings.h"
#include "capture/refusal.h"
#include "capture/state_dependence.h"
#include "capture/strides.h"
#include "capture/traced_tensor.h"
#include "symbolic/asker.h"

namespace tracejet {

namespace py = pybind11;

namespace {

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

py::typing::Optional<Tracer> current_tracer() {
  const py::object current = py::cast(Tracer::current(), py::return_value_policy::reference);
  return py::reinterpret_borrow<py::typing::Optional<Tracer>>(current);
}

/// A function of one of the tracer's parts, as one of the tracer's own.
template <typename Part, typename... Arguments>
auto part(Part& (Tracer::*part)(), void (Part::*function)(Arguments...)) {
  return [part, function](Tracer& tracer, Arguments... arguments) {
    return ((tracer.*part)().*function)(std::forward<Arguments>(arguments)...);
  };
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
        return tracer == nullptr ? expression.str() : in_words(expression, tracer->guards().symbol_axes());
      },
      py::arg("expression"), py::arg("tracer") = nullptr, "A size in terms of the inputs' axes: \"x[0] // 2\".");
  module.def(
      "is_model_state",
      [](const at::Tensor& tensor) {
        return Tracer::current() != nullptr && Tracer::current()->state().contains(tensor);
      },
      py::arg("tensor"), "Whether this thread traces a model with this parameter or buffer.");
  module.def(
      "device_of",
      [](const at::Tensor& tensor) {
        return Tracer::current() == nullptr ? tensor.device() : Tracer::current()->state().device_of(tensor);
      },
      py::arg("tensor"), "Where a tensor is; in a trace, where it claims to be.");
  module.def(
      "set_requires_cuda_init", [](bool value) { torch::utils::set_requires_device_init(c10::kCUDA, value); },
      py::arg("value"), "Whether PyTorch starts CUDA when Python code names it.");
  module.def("memory_overlaps", &memory_overlaps, py::arg("a"), py::arg("b"),
             "Whether a write to one tensor may be seen in the other.");
  tracer.def("know_index", part(&Tracer::guards, &TraceGuards::know_index), py::arg("index"), py::arg("count"))
      .def("add_parameter", part(&Tracer::state, &AnnouncedState::add_parameter), py::arg("name"), py::arg("parameter"))
      .def("add_buffer", part(&Tracer::state, &AnnouncedState::add_buffer), py::arg("name"), py::arg("buffer"),
           py::arg("persistent"))
      .def(
          "unbacked",
          [](Tracer& tracer, int64_t min, std::optional<int64_t> max) {
            symbolic::Context& shapes = tracer.shapes();
            return shapes.sym_int(shapes.unbacked("u", {min, max.value_or(symbolic::kInfinity)}));
          },
          py::arg("min"), py::arg("max"), "A size that is only known when the program runs.")
      .def_static("current", &current_tracer, "The tracer that listens on this thread, or None.")
      .def("enter_module", part(&Tracer::locations, &CallLocations::enter_module), py::arg("path"), py::arg("type"))
      .def("exit_module", part(&Tracer::locations, &CallLocations::exit_module))
      .def(
          "set_replayed",
          [](Tracer& tracer, const std::optional<std::string>& stack) {
            tracer.locations().set_replayed(stack ? std::make_shared<const std::string>(*stack) : nullptr);
          },
          py::arg("stack_trace"), "What is traced from here on is the node of another program, of this stack trace.")
      .def("add_output",
           [](Tracer& tracer, const py::handle& result) { tracer.signature().add_output(to_literal(result)); })
      .def("rebind_buffer", part(&Tracer::signature, &ProgramSignature::rebind_buffer), py::arg("buffer"),
           py::arg("replacement"))
      .def(
          "state_dependence_of",
          [](Tracer& tracer, const at::Tensor& tensor, const std::optional<at::Tensor>& previous) {
            const StateDependence dependence =
                state_dependence_of(tracer.scopes(), tensor, previous.value_or(at::Tensor()));
            return std::tuple(dependence.reads_previous, dependence.is_computed_from_previous, dependence.differs);
          },
          py::arg("tensor"), py::arg("previous"),
          "Whether `previous` was read, whether `tensor` is computed from it, whether it differs from call to call.")
      .def(
          "raise_error",
          [](const Tracer& tracer, std::string_view message) {
            if (const std::exception_ptr error = tracer.locations().errors().find(message))
              std::rethrow_exception(error);
          },
          py::arg("message"), "Raises the tracer's own exception behind an error of this message, if there is one.")
      .def_property_readonly("python_meta_calls", [](Tracer& tracer) { return tracer.inference().python_meta_calls(); })
      .def_property_readonly("python_decompositions",
                             [](Tracer& tracer) { return tracer.replacement().python_decompositions(); });
}

}  // namespace tracejet
