// Any bytes as a file of lines: by number and as they come they are the same.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/io/line_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto path =
      std::filesystem::temp_directory_path() / ("braid-fuzz-lines-" + std::to_string(::getpid()));
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const braid::io::LineFile lines(path, 1 << 20);
    braid::io::LineReader reader(path, 1 << 20);
    for (int64_t i = 0; i < lines.size(); ++i)
      if (reader.next() != lines.read(i)) std::abort();
    if (reader.next()) std::abort();
  } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
