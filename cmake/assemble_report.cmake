# Replaces every `{{file}}` of page.html by that file's text. Run with cmake -P.
# SOURCE_DIR: the page's sources; OTHER_DIR: what it shares with others, such as the charting library; PAGE: the file to write.
file(READ ${SOURCE_DIR}/page.html page)
string(REGEX MATCHALL "{{[a-z_.-]+}}" marks "${page}")
foreach(mark IN LISTS marks)
  string(REGEX REPLACE "[{}]" "" name ${mark})
  if(name STREQUAL "results" OR name STREQUAL "title" OR name STREQUAL "summary")
    continue()  # filled in by the program
  endif()
  if(EXISTS ${SOURCE_DIR}/${name})
    file(READ ${SOURCE_DIR}/${name} text)
  else()
    file(READ ${OTHER_DIR}/${name} text)
    string(REGEX REPLACE "//# sourceMappingURL=[^\n]*" "" text "${text}")  # a browser would look for it
  endif()
  if(text MATCHES "</script")
    message(FATAL_ERROR "${name} holds </script, which would end its element on the page")
  endif()
  string(REPLACE "${mark}" "${text}" page "${page}")
endforeach()
file(WRITE ${PAGE} "${page}")
