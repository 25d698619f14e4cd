// An exported file that is served, and read again for explanations.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "braid/runner/session.h"

namespace braid::serve {

// To be made before the file is loaded.
class ExportedFile {
 public:
  // threads: 0: one per core.
  ExportedFile(std::string file, int64_t threads)
      : file_(std::move(file)), threads_(threads), state_(state()) {}

  // Throws DataError where the file was exchanged since, and what Session::open() throws.
  std::unique_ptr<runner::Session> open() const;

 private:
  using State = std::pair<uintmax_t, std::filesystem::file_time_type>;
  State state() const;  // of a file that is not there, that of none

  const std::string file_;
  const int64_t threads_;
  const State state_;
};

}  // namespace braid::serve
