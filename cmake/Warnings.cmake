# Warnings for our own code only: the headers of others come in as SYSTEM.
function(tracejet_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra)
  if(TRACEJET_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  # They are wrong about correct code: designated initialisers that leave members at their defaults, GCC 12's view of
  # inlined standard containers, and GCC 13's of references that functions give to what lives elsewhere.
  target_compile_options(${target} PRIVATE -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict)
    if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
      target_compile_options(${target} PRIVATE -Wno-dangling-reference)
    endif()
  endif()
endfunction()
