# tracejet._C: pybind11 (as torch ships it) over the core.
Python_add_library(_C MODULE WITH_SOABI ${binding_sources})
target_link_libraries(_C PRIVATE tracejet_core tracejet::libtorch_python)
target_include_directories(_C PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_include_directories(_C SYSTEM PRIVATE ${TRACEJET_PYCONFIG_DIR})
target_compile_definitions(_C PRIVATE TORCH_EXTENSION_NAME=_C)
set_target_properties(_C PROPERTIES CXX_VISIBILITY_PRESET hidden)
tracejet_warnings(_C)

if(TRACEJET_INPLACE)
  set_target_properties(_C PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_SOURCE_DIR}/python/tracejet)
endif()
