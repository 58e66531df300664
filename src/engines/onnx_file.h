#pragma once

#include <memory>

#include "engines/engine.h"

namespace tracejet {

/// What can be written as an ONNX file, for other tools: it can be asked like an engine, but runs nothing.
std::shared_ptr<const Engine> make_onnx_file();

}  // namespace tracejet
