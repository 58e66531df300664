#pragma once

#include <span>
#include <vector>

#include <pybind11/pybind11.h>

#include "symbolic/context.h"

namespace tracejet::python {

/// What a context has, while no other thread adds to it. The interpreter is free meanwhile: who has the context may
/// wait for it.
template <typename Item>
std::vector<Item> copied(const symbolic::Context& context, std::span<const Item> (symbolic::Context::*items)() const) {
  const pybind11::gil_scoped_release others_run;
  const symbolic::Context::Reading alone(context);
  const std::span<const Item> all = (context.*items)();
  return {all.begin(), all.end()};
}

}  // namespace tracejet::python
