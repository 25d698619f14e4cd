# `cmake --install` and find_package(braid CONFIG).
include(CMakePackageConfigHelpers)
set(BRAID_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/braid)
install(TARGETS braid braid_base braid_runner EXPORT braidTargets FILE_SET HEADERS)
install(EXPORT braidTargets NAMESPACE braid:: DESTINATION ${BRAID_CMAKE_DIR})
configure_package_config_file(cmake/braidConfig.cmake.in ${CMAKE_BINARY_DIR}/braidConfig.cmake
                              INSTALL_DESTINATION ${BRAID_CMAKE_DIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/braidConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/braidConfig.cmake ${CMAKE_BINARY_DIR}/braidConfigVersion.cmake
              cmake/FindLibTorch.cmake
        DESTINATION ${BRAID_CMAKE_DIR})
