# braid_public_headers(TARGET ROOMS): the headers of cmake/public_headers.txt that lie in these rooms (a regular
# expression) become TARGET's public ones: installed, and each compiled by itself by the target
# TARGET_verify_interface_header_sets.
function(braid_public_headers target rooms)
  set(list ${CMAKE_SOURCE_DIR}/cmake/public_headers.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
  file(STRINGS ${list} patterns REGEX "^braid/${rooms}")
  list(TRANSFORM patterns PREPEND ${CMAKE_SOURCE_DIR}/)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${patterns})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${headers})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()
