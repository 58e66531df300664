# Warnings for our own code only: the headers of others come in as SYSTEM.
function(tracejet_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra)
  if(TRACEJET_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  # Both are wrong about correct code: designated initialisers that leave members at their defaults, and GCC 12's view
  # of inlined standard containers.
  target_compile_options(${target} PRIVATE -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict)
  endif()
endfunction()
