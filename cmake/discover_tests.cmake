# Lists the tests of a GoogleTest program as ctest entries. Run with cmake -P after the program was linked.
#   PROGRAM: the test program; OUTPUT: the file of add_test() calls; LABEL: a ctest label; GROUP: OFF: an entry per test;
#   ON: an entry per test suite, and per value of a parameterized one. Loading LibTorch takes a process 0.4 s, so programs
#   that use it are grouped: an entry names what failed, its output names the test.
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE listed RESULT_VARIABLE result
                OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} --gtest_list_tests failed: ${result}")
endif()
string(REGEX REPLACE "#[^\n]*" "" listed "${listed}")  # types and values of parameters
string(REPLACE "\n" ";" lines "${listed}")
set(filters "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE " +$" "" line "${line}")
  if(line MATCHES "^[^ ].*\\.$")
    set(suite ${line})
  elseif(line MATCHES "^  (.+)$")
    set(test ${CMAKE_MATCH_1})
    if(NOT GROUP)
      list(APPEND filters "${suite}${test}")
    elseif(test MATCHES "/([^/]+)$")
      list(APPEND filters "${suite}*/${CMAKE_MATCH_1}")
    else()
      list(APPEND filters "${suite}*")
    endif()
  endif()
endforeach()
list(REMOVE_DUPLICATES filters)
set(text "")
foreach(filter IN LISTS filters)
  string(REGEX REPLACE "\\.?\\*" "" name "${LABEL}.${filter}")
  # A skipped test is shown as such where an entry is one test; in a group it must not hide a failed one.
  set(skipped "")
  if(NOT GROUP)
    set(skipped "SKIP_REGULAR_EXPRESSION \"\\\\[  SKIPPED \\\\]\"")
  endif()
  string(APPEND text "add_test([=[${name}]=] [=[${PROGRAM}]=] [=[--gtest_filter=${filter}]=])\n"
                     "set_tests_properties([=[${name}]=] PROPERTIES LABELS ${LABEL} TIMEOUT 600 "
                     "ENVIRONMENT \"OMP_NUM_THREADS=1\" ${skipped})\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
