# Unpacks packages of Debian or Ubuntu into `folder`, once. On other systems, or where that fails, `folder` isn't there
# afterwards, or holds something else; what it was to be good for has to be looked for in it.
function(tracejet_unpack_debian_packages folder)
  if(NOT EXISTS ${folder}/usr)
    list(JOIN ARGN " " names)
    message(STATUS "Unpacking Debian's ${names} into ${folder}")
    execute_process(
      COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/unpack_debian_packages.sh ${folder} ${ARGN}
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE problem)
    if(failed)
      message(STATUS "It can't be had from there:\n${problem}")
    endif()
  endif()
endfunction()
