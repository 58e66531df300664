# libbacktrace, which comes with GCC, reads the lines of C++ code from its debug information. Where its header isn't
# there, errors and programs of C++ code name modules only (src/ir/cpp_lines.cpp).
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libbacktrace.a
  OUTPUT_VARIABLE TRACEJET_BACKTRACE_LIBRARY OUTPUT_STRIP_TRAILING_WHITESPACE)

# Links a target with it, whose own names stay its own.
function(tracejet_link_backtrace target)
  if(EXISTS ${TRACEJET_BACKTRACE_LIBRARY})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${TRACEJET_BACKTRACE_LIBRARY}>)
    target_link_options(${target} PRIVATE LINKER:--exclude-libs,libbacktrace.a)
  endif()
endfunction()
