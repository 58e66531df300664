#include "tracejet/version.h"

namespace tracejet {

const char* version() { return TRACEJET_VERSION; }

}  // namespace tracejet
