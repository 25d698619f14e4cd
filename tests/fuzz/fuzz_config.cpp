// Any bytes as a TOML file of settings.
#include <unistd.h>

#include <fstream>

#include "braid/core/config.h"
#include "braid/core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::filesystem::path kFile = std::filesystem::temp_directory_path() /
                                             ("braid_fuzz_" + std::to_string(::getpid()) + ".toml");
  std::ofstream(kFile, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<long>(size));
  try {
    braid::KeyLines lines;
    braid::to_toml(braid::read_toml(kFile, &lines));
  } catch (const braid::ConfigError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
