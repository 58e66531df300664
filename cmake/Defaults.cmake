# What every target shares: the build type, code generation, the compiler launcher and the install layout.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
  # Line tables are enough for a backtrace; full debug information would double the build time.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG" CACHE STRING "Flags of the default build type" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# -fPIC by hand rather than POSITION_INDEPENDENT_CODE, which would give executables -fPIE: then they couldn't use the
# precompiled header of the library.
add_compile_options(-fPIC)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this sloppiness ccache takes no part in a build with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES ccache AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-fpch-preprocess)  # ccache needs it to see through a precompiled header
endif()

find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)

# Two layouts: a wheel, where everything lies in the package's folder, and an ordinary prefix.
include(GNUInstallDirs)
if(SKBUILD)
  set(TRACEJET_INSTALL_LIBDIR lib)
  set(TRACEJET_INSTALL_INCLUDEDIR include)
else()
  set(TRACEJET_INSTALL_LIBDIR ${CMAKE_INSTALL_LIBDIR})
  set(TRACEJET_INSTALL_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
endif()
set(TRACEJET_INSTALL_CMAKEDIR ${TRACEJET_INSTALL_LIBDIR}/cmake/tracejet)
