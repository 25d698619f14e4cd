# Finds LibTorch and defines the target LibTorch::torch.
#
# Looked for, in this order: Torch_DIR or CMAKE_PREFIX_PATH; a `torch` wheel in the project's .venv;
# a distribution's libtorch-dev. The libraries are taken from the folder itself rather than through
# find_package(Torch), whose CUDA flavour insists on the CUDA toolkit even where no GPU is.
set(_hints "")
foreach(_dir ${Torch_DIR} $ENV{Torch_DIR})
  list(APPEND _hints ${_dir} ${_dir}/../../..)  # the prefix itself or <prefix>/share/cmake/Torch
endforeach()
set(_prefixes ${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH})
string(REPLACE ":" ";" _prefixes "${_prefixes}")
foreach(_dir ${_prefixes})
  list(APPEND _hints ${_dir} ${_dir}/torch ${_dir}/../..)  # torch.utils.cmake_prefix_path is share/cmake
endforeach()
if(DEFINED BRAID_LIBTORCH_PREFIX)  # set by the installed braidConfig.cmake
  list(APPEND _hints ${BRAID_LIBTORCH_PREFIX})
endif()
file(GLOB _wheels ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
list(APPEND _hints ${_wheels})

find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h
          HINTS ${_hints} PATHS /usr /usr/local PATH_SUFFIXES include NO_DEFAULT_PATH)
get_filename_component(LibTorch_PREFIX "${LibTorch_INCLUDE_DIR}" DIRECTORY)
foreach(_lib torch torch_cpu c10)
  find_library(LibTorch_${_lib} ${_lib} PATHS ${LibTorch_PREFIX}
               PATH_SUFFIXES lib lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
endforeach()
foreach(_lib torch_cuda c10_cuda)  # only in CUDA builds; registers the CUDA kernels when loaded
  find_library(LibTorch_${_lib} ${_lib} PATHS ${LibTorch_PREFIX}
               PATH_SUFFIXES lib lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
endforeach()
if(LibTorch_torch_cuda)  # all of NVIDIA's headers: those of the wheel of cuda-crt, or the toolkit's
  file(GLOB _cuda_includes ${LibTorch_PREFIX}/../nvidia/*/include)
  find_path(LibTorch_CUDA_INCLUDE_DIR crt/host_config.h HINTS ${_cuda_includes} PATHS /usr/local/cuda/include NO_DEFAULT_PATH)
endif()
if(LibTorch_INCLUDE_DIR)
  foreach(_header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(EXISTS ${LibTorch_INCLUDE_DIR}/${_header} AND NOT LibTorch_VERSION)
      file(STRINGS ${LibTorch_INCLUDE_DIR}/${_header} _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
      string(REGEX MATCHALL "[0-9]+" _numbers "${_lines}")
      list(JOIN _numbers "." LibTorch_VERSION)
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_torch LibTorch_torch_cpu LibTorch_c10 LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/bootstrap.sh, or set Torch_DIR to an unpacked libtorch")
if(LibTorch_VERSION VERSION_LESS 2.6)
  message(FATAL_ERROR "LibTorch >= 2.6 is needed, ${LibTorch_PREFIX} is ${LibTorch_VERSION}: "
                      "run scripts/bootstrap.sh, or set Torch_DIR to a newer one")
endif()

if(NOT TARGET LibTorch::torch)
  add_library(LibTorch::torch INTERFACE IMPORTED)
  target_include_directories(LibTorch::torch SYSTEM INTERFACE
    ${LibTorch_INCLUDE_DIR} ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include)
  set(_libs ${LibTorch_torch} ${LibTorch_torch_cpu} ${LibTorch_c10})
  if(LibTorch_torch_cuda)
    list(APPEND _libs ${LibTorch_torch_cuda} ${LibTorch_c10_cuda})
    if(LibTorch_CUDA_INCLUDE_DIR)
      target_include_directories(LibTorch::torch SYSTEM INTERFACE ${LibTorch_CUDA_INCLUDE_DIR})
    endif()
  endif()
  target_link_libraries(LibTorch::torch INTERFACE
    -Wl,--no-as-needed ${_libs} -Wl,--as-needed)
  # at::parallel_for is an inline OpenMP loop; the flag, not the library's path, so that LibTorch's
  # own copy of the run-time is the one that loads.
  target_compile_options(LibTorch::torch INTERFACE -fopenmp)
  target_link_options(LibTorch::torch INTERFACE -fopenmp -Wl,--allow-shlib-undefined)
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_torch LibTorch_torch_cpu LibTorch_c10
                 LibTorch_torch_cuda LibTorch_c10_cuda LibTorch_CUDA_INCLUDE_DIR)
