#include "braid/serve/onnx/exported_file.h"

#include <system_error>

#include "braid/core/cpu.h"
#include "braid/core/error.h"

namespace braid::serve {

std::unique_ptr<runner::Session> ExportedFile::open() const {
  if (state() != state_)
    throw DataError("serve", "expected the file that is served, got another since", file_,
                    "load the model again");
  return runner::Session::open(
      file_, {.threads = static_cast<int>(threads_ > 0 ? threads_ : usable_cpus())});
}

ExportedFile::State ExportedFile::state() const {
  std::error_code none;
  return {std::filesystem::file_size(file_, none), std::filesystem::last_write_time(file_, none)};
}

}  // namespace braid::serve
