# What every target shares: the build type, code generation, the compiler launcher and the install layout.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
  # Line tables are enough for a backtrace; full debug information would double the build time. So would -O2 where each
  # access is checked.
  set(level -O2)
  if(TRACEJET_SANITIZE)
    set(level -O1)
  endif()
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "${level} -g1 -DNDEBUG" CACHE STRING "Flags of the default build type" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# -fPIC by hand rather than POSITION_INDEPENDENT_CODE, which would give executables -fPIE: then they couldn't use the
# precompiled header of the library.
add_compile_options(-fPIC)

if(TRACEJET_SANITIZE)
  add_compile_options(-fsanitize=${TRACEJET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TRACEJET_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this sloppiness ccache takes no part in a build with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES ccache AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-fpch-preprocess)  # ccache needs it to see through a precompiled header
endif()

# Debian has Python's headers in a package of their own.
set(debian_python ${PROJECT_BINARY_DIR}/debian-python)
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter OPTIONAL_COMPONENTS Development.Module)
if(NOT Python_Development.Module_FOUND)
  include(DebianPackages)
  set(python ${Python_VERSION_MAJOR}.${Python_VERSION_MINOR})
  tracejet_unpack_debian_packages(${debian_python} libpython${python}-dev)
  set(Python_INCLUDE_DIR ${debian_python}/usr/include/python${python} CACHE PATH "The folder of Python.h" FORCE)
  if(NOT EXISTS ${Python_INCLUDE_DIR}/Python.h)
    unset(Python_INCLUDE_DIR CACHE)
    message(FATAL_ERROR "${Python_EXECUTABLE} has no headers. Install them (Debian, Ubuntu: python3-dev), or remove "
                        ".venv and take another Python: make PYTHON=/path/to/python3")
  endif()
  find_package(Python ${python} EXACT REQUIRED COMPONENTS Interpreter Development.Module)
endif()
if(EXISTS ${debian_python}/usr/include)
  set(TRACEJET_PYCONFIG_DIR ${debian_python}/usr/include)  # Debian's pyconfig.h includes the architecture's from here
endif()

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
