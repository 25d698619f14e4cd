# braid_openvino: OpenVINO as an engine, a module beside the program, where OpenVINO is found: OpenVINO_DIR, or the wheel that
# `make openvino` puts into .venv. What the module was built with is its alone: nothing else is linked to OpenVINO.
option(BRAID_OPENVINO "Build the engine on OpenVINO where OpenVINO is found" ON)
set(BRAID_OPENVINO_FOUND OFF)
if(BRAID_OPENVINO AND NOT BRAID_SANITIZE)
  if(NOT OpenVINO_DIR OR NOT EXISTS ${OpenVINO_DIR})  # a wheel that is gone is looked for again
    unset(OpenVINO_DIR CACHE)
    file(GLOB hints ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/openvino/cmake)
  endif()
  find_package(OpenVINO 2026.0 QUIET CONFIG COMPONENTS Runtime HINTS ${hints})
  if(OpenVINO_FOUND)
    set(BRAID_OPENVINO_FOUND ON)
  endif()
endif()

if(BRAID_OPENVINO_FOUND)
  message(STATUS "OpenVINO ${OpenVINO_VERSION}: ${OpenVINO_DIR}")
  # Its errors are braid's; beyond them it needs nothing of the library.
  add_library(braid_openvino MODULE serve/openvino/module/module.cpp core/error.cpp)
  target_include_directories(braid_openvino PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(braid_openvino PRIVATE BRAID_VERSION="${PROJECT_VERSION}")
  target_link_libraries(braid_openvino PRIVATE openvino::runtime braid_options)
  get_target_property(openvino_library openvino::runtime IMPORTED_LOCATION_RELEASE)
  get_filename_component(openvino_libraries ${openvino_library} DIRECTORY)
  set_target_properties(braid_openvino PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} CXX_VISIBILITY_PRESET hidden UNITY_BUILD OFF
    INSTALL_RPATH ${openvino_libraries})
  install(TARGETS braid_openvino DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/braid)
else()
  file(REMOVE ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/libbraid_openvino.so)  # of an earlier build, which would not fit this one
endif()
