# Compiler-wide settings: warnings, sanitizers, ccache, the fastest linker at hand.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

add_library(braid_options INTERFACE)
target_compile_options(braid_options INTERFACE -Wall -Wextra $<$<BOOL:${BRAID_WERROR}>:-Werror>)
if(BRAID_SANITIZE)
  add_compile_options(-fsanitize=${BRAID_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BRAID_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Where calls of a sanitizer stand between a value's assignment and its use, GCC 12 takes it for one without a value.
    add_compile_options(-Wno-maybe-uninitialized)
    if(BRAID_SANITIZE MATCHES thread)
      # Asio has fences, which the sanitizer does not see, beside its locks, which it does.
      add_compile_options(-Wno-tsan)
    endif()
  endif()
endif()

if(BRAID_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # coverage of the parsers, which the targets steer by
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # ccache needs these to cache compilations that use a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE_PROGRAM})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND NOT CMAKE_CROSSCOMPILING)  # a cross compiler looks for a linker of its own
  add_link_options(-fuse-ld=mold)
endif()
