# cmake -DBUILD=<tracejet's build tree> -DWORK=<scratch folder> -DPYTHON=<python with torch> -P build.cmake
# Installs tracejet into a prefix, and builds and runs the project beside this file and the examples against it.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build -DPython_EXECUTABLE=${PYTHON}
    -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)

run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/../../examples/cpp -B ${WORK}/examples -DPython_EXECUTABLE=${PYTHON}
    -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/examples)
run(${WORK}/examples/train_and_export ${WORK}/model.pt2)
run(${WORK}/examples/edit ${WORK}/model.pt2 ${WORK}/edited.pt2)
run(${WORK}/examples/serve ${WORK}/edited.pt2)

# The command line finds its libraries from where it is installed.
if(EXISTS ${WORK}/prefix/bin/tracejet-cpp)
  run(${CMAKE_COMMAND} -E env --unset=LD_LIBRARY_PATH ${WORK}/prefix/bin/tracejet-cpp run ${WORK}/model.pt2 --compare)
endif()
