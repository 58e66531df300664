# One precompiled header over what nearly every file includes from ATen; it halves the time of a clean build. Sources
# still name what they use: -DTRACEJET_PCH=OFF must compile too.
if(TRACEJET_PCH)
  file(WRITE ${PROJECT_BINARY_DIR}/precompiled.cpp.in "// The precompiled header needs a target to be built for.\n")
  configure_file(${PROJECT_BINARY_DIR}/precompiled.cpp.in ${PROJECT_BINARY_DIR}/precompiled.cpp COPYONLY)
  add_library(tracejet_precompiled OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
  target_link_libraries(tracejet_precompiled PRIVATE tracejet::libtorch)
  target_precompile_headers(tracejet_precompiled PRIVATE
    <ATen/core/Tensor.h>
    <ATen/core/dispatch/Dispatcher.h>
    <ATen/core/ivalue.h>
    <c10/core/SymInt.h>
    <algorithm> <array> <cstdint> <functional> <map> <memory> <optional> <span> <string> <string_view> <unordered_map>
    <utility> <variant> <vector>)
endif()

function(tracejet_precompile target)
  if(TRACEJET_PCH)
    target_precompile_headers(${target} REUSE_FROM tracejet_precompiled)
  endif()
endfunction()

# Most of what a source costs is the headers it includes, so a few neighbours are compiled as one. They share what
# they have in unnamed namespaces, so names in them are unique within a namespace. A new source moves the batches behind it.
function(tracejet_unity target)
  if(TRACEJET_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  endif()
endfunction()
