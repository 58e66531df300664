# The folder of CLI/CLI.hpp, for the command line: the installed one, else Debian's package, unpacked into the build
# folder, else GitHub's single header. Where none is to be had, the tool isn't built.
include(DebianPackages)

set(cli11_url https://github.com/CLIUtils/CLI11/releases/download/v2.5.0/CLI11.hpp)

find_path(TRACEJET_CLI11_DIR CLI/CLI.hpp)
if(NOT TRACEJET_CLI11_DIR)
  set(debian_cli11 ${PROJECT_BINARY_DIR}/debian-cli11)
  tracejet_unpack_debian_packages(${debian_cli11} libcli11-dev)
  find_path(TRACEJET_CLI11_DIR CLI/CLI.hpp PATHS ${debian_cli11}/usr/include NO_DEFAULT_PATH)
endif()
if(NOT TRACEJET_CLI11_DIR)
  set(github_cli11 ${PROJECT_BINARY_DIR}/github-cli11)
  message(STATUS "Downloading ${cli11_url}")
  file(DOWNLOAD ${cli11_url} ${github_cli11}/CLI/CLI.hpp.part STATUS status TIMEOUT 120 INACTIVITY_TIMEOUT 20)
  list(POP_FRONT status failed problem)
  if(failed)
    message(WARNING
      "tracejet-cpp isn't built: CLI/CLI.hpp isn't installed, Debian's package can't be had, and neither can\n"
      "  ${cli11_url}: ${problem}\n"
      "Install it (Debian, Ubuntu: libcli11-dev; Fedora: cli11-devel), or say where it is: "
      "-DTRACEJET_CLI11_DIR=/folder/of/CLI's/folder")
  else()
    file(RENAME ${github_cli11}/CLI/CLI.hpp.part ${github_cli11}/CLI/CLI.hpp)
    find_path(TRACEJET_CLI11_DIR CLI/CLI.hpp PATHS ${github_cli11} NO_DEFAULT_PATH REQUIRED)
  endif()
endif()
if(TRACEJET_CLI11_DIR)
  message(STATUS "Found CLI/CLI.hpp: ${TRACEJET_CLI11_DIR}")
endif()
