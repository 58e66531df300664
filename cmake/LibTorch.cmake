# Imported targets for the libtorch inside the installed `torch` wheel.
#
# torch's own CMake package isn't used: it looks for CUDA, protobuf and MKL, takes seconds, and asks every consumer for
# the same. All that is needed is one folder of headers and three libraries.
#
#   tracejet::libtorch         ATen, c10 and torch::jit
#   tracejet::libtorch_python  the Python half: THPVariable, torch's pybind11 casters

# -I: inside pip's build isolation, PYTHONPATH hides the environment's site-packages, and torch isn't a build
# requirement, since pip would then build against another torch than the one that is installed.
if(NOT TRACEJET_TORCH_DIR)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -I -c
            "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE torch_dir OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE torch_missing ERROR_QUIET)
  if(torch_missing)
    message(FATAL_ERROR "tracejet needs an installed torch, which ${Python_EXECUTABLE} doesn't have.\n"
                        "Install one first (pip install 'torch>=2.11,<2.16'), or set TRACEJET_TORCH_DIR to its folder.")
  endif()
  set(TRACEJET_TORCH_DIR ${torch_dir} CACHE PATH "The folder of the Python package torch")
endif()

file(STRINGS ${TRACEJET_TORCH_DIR}/version.py torch_version REGEX "^__version__")
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" TRACEJET_TORCH_VERSION "${torch_version}")
if(TRACEJET_TORCH_VERSION VERSION_LESS 2.11 OR TRACEJET_TORCH_VERSION VERSION_GREATER_EQUAL 2.16)
  message(WARNING "tracejet is written for torch 2.11 to 2.15; found ${TRACEJET_TORCH_VERSION}")
endif()
message(STATUS "Found torch ${TRACEJET_TORCH_VERSION}: ${TRACEJET_TORCH_DIR}")

function(tracejet_import_torch name)
  if(NOT TARGET tracejet::${name})
    add_library(tracejet::${name} SHARED IMPORTED)
    set_target_properties(tracejet::${name} PROPERTIES IMPORTED_LOCATION ${TRACEJET_TORCH_DIR}/lib/lib${name}.so)
  endif()
endfunction()
tracejet_import_torch(c10)
tracejet_import_torch(torch_cpu)
tracejet_import_torch(torch_python)

if(NOT TARGET tracejet::libtorch)
  add_library(tracejet::libtorch INTERFACE IMPORTED)
  target_include_directories(tracejet::libtorch SYSTEM INTERFACE
    ${TRACEJET_TORCH_DIR}/include ${TRACEJET_TORCH_DIR}/include/torch/csrc/api/include)
  target_compile_definitions(tracejet::libtorch INTERFACE AT_PER_OPERATOR_HEADERS)
  target_link_libraries(tracejet::libtorch INTERFACE tracejet::torch_cpu tracejet::c10)

  add_library(tracejet::libtorch_python INTERFACE IMPORTED)
  target_link_libraries(tracejet::libtorch_python INTERFACE tracejet::libtorch tracejet::torch_python)
endif()
