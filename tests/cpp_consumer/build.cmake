# cmake -DBUILD=<tracejet's build tree> -DWORK=<scratch folder> -DPYTHON=<python with torch> -P build.cmake
# Installs tracejet into a prefix, and builds and runs the project beside this file and the examples against it.
#
# cmake -DPACKAGE=<folder of the Python package> -DWORK=… -DPYTHON=… -P build.cmake
# Installs nothing, and builds and runs the README's example against what `tracejet.cmake_prefix_path` says.
function(run)
  execute_process(COMMAND ${ARGV} WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(examples ${CMAKE_CURRENT_LIST_DIR}/../../examples/cpp)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

if(PACKAGE)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${PACKAGE}
            ${PYTHON} -c "import tracejet; print(tracejet.cmake_prefix_path)"
    WORKING_DIRECTORY ${WORK} OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  # Without the Python that has torch: its libtorch is known.
  run(${CMAKE_COMMAND} -S ${examples} -B ${WORK}/examples -DCMAKE_PREFIX_PATH=${prefix}
      -DCMAKE_DISABLE_FIND_PACKAGE_Python=ON)
  run(${CMAKE_COMMAND} --build ${WORK}/examples --target quickstart)
  run(${WORK}/examples/quickstart)
  return()
endif()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build -DPython_EXECUTABLE=${PYTHON}
    -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)

run(${CMAKE_COMMAND} -S ${examples} -B ${WORK}/examples -DPython_EXECUTABLE=${PYTHON}
    -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/examples)
run(${WORK}/examples/quickstart)
run(${WORK}/examples/train_and_export ${WORK}/model.pt2)
run(${WORK}/examples/edit ${WORK}/model.pt2 ${WORK}/edited.pt2)
run(${WORK}/examples/serve ${WORK}/edited.pt2)
run(${WORK}/examples/split ${WORK}/model.pt2)
run(${WORK}/examples/compiled_file)  # program.pt2 is the consumer's

# The command line finds its libraries from where it is installed.
if(EXISTS ${WORK}/prefix/bin/tracejet-cpp)
  run(${CMAKE_COMMAND} -E env --unset=LD_LIBRARY_PATH ${WORK}/prefix/bin/tracejet-cpp run ${WORK}/model.pt2 --compare)
endif()
