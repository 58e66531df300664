#pragma once

#include <memory>

#include <torch/csrc/utils/pybind.h>

namespace tracejet::python {

/// A Python object that C++ keeps. It may be dropped on a thread that doesn't hold Python; one that is dropped after
/// Python's end is left alone.
template <typename Object>
std::shared_ptr<const Object> held(Object object) {
  return {new Object(std::move(object)), [](const Object* kept) {
            if (Py_IsInitialized() == 0) return;
            const py::gil_scoped_acquire gil;
            delete kept;
          }};
}

}  // namespace tracejet::python
