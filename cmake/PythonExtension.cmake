# tracejet._C: pybind11 (as torch ships it) over the core.
Python_add_library(_C MODULE WITH_SOABI ${binding_sources})
target_link_libraries(_C PRIVATE tracejet_core tracejet::libtorch_python)
target_include_directories(_C PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_include_directories(_C SYSTEM PRIVATE ${TRACEJET_PYCONFIG_DIR})
target_compile_definitions(_C PRIVATE TORCH_EXTENSION_NAME=_C)
set_target_properties(_C PROPERTIES CXX_VISIBILITY_PRESET hidden)
tracejet_warnings(_C)
tracejet_unity(_C)

# A module, not a version in _C: an extension for another torch can't be loaded, to say so.
if(TRACEJET_INPLACE)
  set(TRACEJET_BUILD_PACKAGE ${PROJECT_BINARY_DIR})
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/built_with.py.in ${PROJECT_BINARY_DIR}/_built_with.py @ONLY)

if(TRACEJET_INPLACE)
  configure_file(${PROJECT_BINARY_DIR}/_built_with.py ${PROJECT_SOURCE_DIR}/python/tracejet/_built_with.py COPYONLY)
  set_target_properties(_C PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_SOURCE_DIR}/python/tracejet)
endif()
