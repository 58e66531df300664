# GoogleTest for the C++ tests: the installed one, else Debian's package, unpacked into the build folder, else GitHub's.
include(DebianPackages)

set(googletest_release googletest-1.15.2)
set(googletest_url https://github.com/google/googletest/releases/download/v1.15.2/${googletest_release}.tar.gz)

# Gives up, but leaves a build folder that can still be configured without tests.
function(tracejet_no_googletest problem)
  set(TRACEJET_TESTS OFF CACHE BOOL "Build the C++ tests" FORCE)
  message(FATAL_ERROR
    "The C++ tests need GoogleTest. It isn't installed, Debian's package can't be had, and neither can\n"
    "  ${googletest_url}: ${problem}\n"
    "Install it (Debian, Ubuntu: libgtest-dev; Fedora: gtest-devel), or unpack its sources and say where they are:\n"
    "  make test CMAKE_FLAGS=-DFETCHCONTENT_SOURCE_DIR_GOOGLETEST=/folder/of/googletest")
endfunction()

function(tracejet_build_googletest)
  set(archive ${PROJECT_BINARY_DIR}/${googletest_release}.tar.gz)
  if(NOT FETCHCONTENT_SOURCE_DIR_GOOGLETEST AND NOT EXISTS ${archive})
    message(STATUS "Downloading ${googletest_url}")
    file(DOWNLOAD ${googletest_url} ${archive}.part STATUS status TIMEOUT 120 INACTIVITY_TIMEOUT 20)
    list(POP_FRONT status failed problem)
    if(failed)
      tracejet_no_googletest(${problem})
    endif()
    file(RENAME ${archive}.part ${archive})
  endif()
  include(FetchContent)
  FetchContent_Declare(googletest URL ${archive} DOWNLOAD_EXTRACT_TIMESTAMP ON)
  set(INSTALL_GTEST OFF)
  set(BUILD_GMOCK OFF)
  FetchContent_MakeAvailable(googletest)
endfunction()

if(NOT FETCHCONTENT_SOURCE_DIR_GOOGLETEST)
  find_package(GTest QUIET)
  if(NOT GTest_FOUND)
    set(debian ${PROJECT_BINARY_DIR}/debian-googletest)
    tracejet_unpack_debian_packages(${debian} libgtest-dev)
    find_package(GTest CONFIG QUIET PATHS ${debian}/usr NO_DEFAULT_PATH)
  endif()
endif()
if(NOT GTest_FOUND)
  tracejet_build_googletest()
endif()
