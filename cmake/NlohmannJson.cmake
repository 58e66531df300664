# The folder of nlohmann/json.hpp, for .pt2 files: the installed one, else that of the Python package nlohmann-json (a
# build requirement, so without -I: see OpenVINO.cmake), else Debian's package, unpacked into the build folder.
if(NOT TRACEJET_NLOHMANN_JSON_DIR)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
            "import importlib.util as u; print(u.find_spec('nlohmann_json').submodule_search_locations[0] + '/include')"
    OUTPUT_VARIABLE nlohmann_json_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  find_path(TRACEJET_NLOHMANN_JSON_DIR nlohmann/json.hpp HINTS ${nlohmann_json_dir})
endif()
if(NOT TRACEJET_NLOHMANN_JSON_DIR)
  include(DebianPackages)
  set(debian_json ${PROJECT_BINARY_DIR}/debian-nlohmann-json)
  tracejet_unpack_debian_packages(${debian_json} nlohmann-json3-dev)
  find_path(TRACEJET_NLOHMANN_JSON_DIR nlohmann/json.hpp PATHS ${debian_json}/usr/include NO_DEFAULT_PATH REQUIRED)
endif()
message(STATUS "Found nlohmann/json.hpp: ${TRACEJET_NLOHMANN_JSON_DIR}")
