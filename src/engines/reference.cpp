#include "engines/reference.h"

#include "engines/aten/aten_engine.h"

namespace tracejet {

const Engine& reference_engine() {
  static const std::shared_ptr<const Engine> engine = aten::make_engine();
  return *engine;
}

}  // namespace tracejet
