# The folder of xxhash.h, of which only the header is used: the installed one, else that in the source of the Python
# package xxhash, else Debian's package, each unpacked into the build folder, else GitHub's.
include(DebianPackages)

set(xxhash_url https://raw.githubusercontent.com/Cyan4973/xxHash/v0.8.3/xxhash.h)

find_path(TRACEJET_XXHASH_DIR xxhash.h)
if(NOT TRACEJET_XXHASH_DIR)
  set(pypi_xxhash ${PROJECT_BINARY_DIR}/pypi-xxhash)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -m pip download --quiet --no-cache-dir --no-deps --no-binary :all: -d ${pypi_xxhash} xxhash
    OUTPUT_QUIET ERROR_QUIET)
  file(GLOB source ${pypi_xxhash}/xxhash-*.tar.gz)
  if(source)
    file(ARCHIVE_EXTRACT INPUT ${source} DESTINATION ${pypi_xxhash} PATTERNS "*/deps/xxhash/*.h")
    file(GLOB_RECURSE header ${pypi_xxhash}/xxhash.h)
    cmake_path(GET header PARENT_PATH unpacked)
    find_path(TRACEJET_XXHASH_DIR xxhash.h PATHS ${unpacked} NO_DEFAULT_PATH)
  endif()
endif()
if(NOT TRACEJET_XXHASH_DIR)
  set(debian_xxhash ${PROJECT_BINARY_DIR}/debian-xxhash)
  tracejet_unpack_debian_packages(${debian_xxhash} libxxhash-dev)
  find_path(TRACEJET_XXHASH_DIR xxhash.h PATHS ${debian_xxhash}/usr/include NO_DEFAULT_PATH)
endif()
if(NOT TRACEJET_XXHASH_DIR)
  set(github_xxhash ${PROJECT_BINARY_DIR}/github-xxhash)
  message(STATUS "Downloading ${xxhash_url}")
  file(DOWNLOAD ${xxhash_url} ${github_xxhash}/xxhash.h.part STATUS status TIMEOUT 120 INACTIVITY_TIMEOUT 20)
  list(POP_FRONT status failed problem)
  if(failed)
    message(FATAL_ERROR
      "xxhash.h isn't installed, Debian's package can't be had, and neither can\n  ${xxhash_url}: ${problem}\n"
      "Install it (Debian, Ubuntu: libxxhash-dev; Fedora: xxhash-devel), or say where it is: "
      "-DTRACEJET_XXHASH_DIR=/folder/of/it")
  endif()
  file(RENAME ${github_xxhash}/xxhash.h.part ${github_xxhash}/xxhash.h)
  find_path(TRACEJET_XXHASH_DIR xxhash.h PATHS ${github_xxhash} NO_DEFAULT_PATH REQUIRED)
endif()
message(STATUS "Found xxhash.h: ${TRACEJET_XXHASH_DIR}")
