#pragma once

namespace tracejet {

/// The version of the library that is loaded, as "major.minor.patch".
const char* version();

}  // namespace tracejet
