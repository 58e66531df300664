# Installs the core, its public headers, a CMake package (find_package(tracejet)) and, in a wheel, the extension.
include(CMakePackageConfigHelpers)

# In a wheel, torch and OpenVINO are the neighbours of the package in site-packages. In a prefix they stay where the
# build found them.
if(SKBUILD)
  set_target_properties(tracejet_core PROPERTIES
    INSTALL_RPATH "$ORIGIN/../../torch/lib:$ORIGIN/../../openvino/libs")
  if(TARGET _C)
    set_target_properties(_C PROPERTIES INSTALL_RPATH "$ORIGIN/lib:$ORIGIN/../torch/lib")
    install(TARGETS _C LIBRARY DESTINATION .)
    install(FILES ${PROJECT_BINARY_DIR}/_built_with.py DESTINATION .)
  endif()
else()
  # Not INSTALL_RPATH_USE_LINK_PATH: it leaves out what lies in the source tree, as .venv does.
  set_target_properties(tracejet_core PROPERTIES
    INSTALL_RPATH "$<TARGET_FILE_DIR:openvino::runtime>;${TRACEJET_TORCH_DIR}/lib")
endif()

# The tool goes where an environment has its commands. In a wheel it finds its libraries from there.
if(TARGET tracejet-cpp)
  if(SKBUILD)
    set(tool_folder ${SKBUILD_SCRIPTS_DIR})
    set(python_folder $ORIGIN/../lib/python${Python_VERSION_MAJOR}.${Python_VERSION_MINOR})
    foreach(packages site-packages dist-packages)
      foreach(library tracejet/lib torch/lib openvino/libs)
        list(APPEND tool_rpath ${python_folder}/${packages}/${library})
      endforeach()
    endforeach()
    set_target_properties(tracejet-cpp PROPERTIES INSTALL_RPATH "${tool_rpath}")
  else()
    set(tool_folder bin)
    set_target_properties(tracejet-cpp PROPERTIES
      INSTALL_RPATH "$ORIGIN/../${TRACEJET_INSTALL_LIBDIR};$<TARGET_FILE_DIR:openvino::runtime>;${TRACEJET_TORCH_DIR}/lib")
  endif()
  install(TARGETS tracejet-cpp RUNTIME DESTINATION ${tool_folder})
endif()

install(TARGETS tracejet_core EXPORT tracejetTargets LIBRARY DESTINATION ${TRACEJET_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${TRACEJET_INSTALL_INCLUDEDIR})
install(EXPORT tracejetTargets NAMESPACE tracejet:: DESTINATION ${TRACEJET_INSTALL_CMAKEDIR})

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/tracejetConfig.cmake.in ${PROJECT_BINARY_DIR}/installed/tracejetConfig.cmake
  INSTALL_DESTINATION ${TRACEJET_INSTALL_CMAKEDIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tracejetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/installed/tracejetConfig.cmake ${PROJECT_BINARY_DIR}/tracejetConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/LibTorch.cmake
        DESTINATION ${TRACEJET_INSTALL_CMAKEDIR})

# The build folder is a CMake package as well, for those who don't install it. Its libtorch is the build's.
configure_file(${PROJECT_SOURCE_DIR}/cmake/buildConfig.cmake.in ${PROJECT_BINARY_DIR}/tracejetConfig.cmake @ONLY)
export(EXPORT tracejetTargets NAMESPACE tracejet::)
