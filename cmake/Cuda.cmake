# CUDA graphs, where the installed torch has CUDA and its headers can be found: beside torch, where the Python packages
# of NVIDIA lie, or in a toolkit. TRACEJET_CUDA says whether they can.
set(TRACEJET_CUDA OFF)
if(EXISTS ${TRACEJET_TORCH_DIR}/lib/libtorch_cuda.so)
  file(GLOB cuda_dirs ${TRACEJET_TORCH_DIR}/../nvidia/cu[0-9]* ${TRACEJET_TORCH_DIR}/../nvidia/cuda_runtime)
  find_path(TRACEJET_CUDA_INCLUDE_DIR crt/host_defines.h
    HINTS ENV CUDA_HOME ENV CUDA_PATH ${cuda_dirs} PATHS /usr/local/cuda PATH_SUFFIXES include)
  find_library(TRACEJET_CUDART NAMES cudart libcudart.so.13 libcudart.so.12
    HINTS ${cuda_dirs} ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES lib lib64)
  if(TRACEJET_CUDA_INCLUDE_DIR AND TRACEJET_CUDART)
    set(TRACEJET_CUDA ON)
    message(STATUS "Found CUDA: ${TRACEJET_CUDA_INCLUDE_DIR}, ${TRACEJET_CUDART}")
  else()
    message(WARNING "torch has CUDA, but the headers of CUDA's runtime aren't here: there will be no CUDA graphs. "
                    "Install a toolkit (or nvidia-cuda-runtime and nvidia-cuda-crt), and set CUDA_HOME to its folder.")
  endif()
endif()

function(tracejet_link_cuda target)
  foreach(name c10_cuda torch_cuda)
    tracejet_import_torch(${name})
    target_link_libraries(${target} PRIVATE tracejet::${name})
  endforeach()
  target_link_libraries(${target} PRIVATE ${TRACEJET_CUDART})
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-isystem;${TRACEJET_CUDA_INCLUDE_DIR}")
endfunction()
