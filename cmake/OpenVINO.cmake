# OpenVINO's CMake package lies inside its wheel: a build requirement, so it is looked for in pip's isolated
# environment (without -I) as well as in the installed one. A system-wide OpenVINO_DIR wins.
if(NOT OpenVINO_DIR)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
            "import importlib.util as u; print(u.find_spec('openvino').submodule_search_locations[0] + '/cmake')"
    OUTPUT_VARIABLE openvino_cmake_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(openvino_cmake_dir)
    set(OpenVINO_DIR ${openvino_cmake_dir} CACHE PATH "The folder of OpenVINOConfig.cmake")
  endif()
endif()
find_package(OpenVINO REQUIRED COMPONENTS Runtime ONNX)
message(STATUS "Found OpenVINO ${OpenVINO_VERSION}: ${OpenVINO_DIR}")
