# Libraries of the system. LibTorch is found by FindLibTorch.cmake.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(TIFF REQUIRED IMPORTED_TARGET libtiff-4>=4.5)
find_package(GIF 5 REQUIRED)
find_package(Boost 1.74 REQUIRED)  # its headers: Beast, which the server speaks HTTP with
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)

# pip's LibTorch carries its own fmt, newer than the system's, which would shadow it.
# A folder with a link to the system's fmt, first on the include path, keeps the two apart.
find_path(BRAID_SYSTEM_FMT fmt/core.h PATHS /usr/include /usr/local/include NO_DEFAULT_PATH REQUIRED)
set(BRAID_FMT_FIRST ${CMAKE_BINARY_DIR}/fmt_first)
file(MAKE_DIRECTORY ${BRAID_FMT_FIRST})
file(CREATE_LINK ${BRAID_SYSTEM_FMT}/fmt ${BRAID_FMT_FIRST}/fmt SYMBOLIC)
