// Other programs of the machine.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace braid::io {

// In the folders of PATH.
std::optional<std::filesystem::path> find_program(const std::string& name);

struct ProgramOutput {
  int code = 0;          // exit code; 128 + the number of the signal that ended it
  std::string out, err;  // err: the last 64 kB
};

// Runs it to its end without a shell and without input. environment: set beside the caller's own.
// Throws IoError where it cannot be started, DataError for more output than max_bytes.
ProgramOutput run_program(const std::vector<std::string>& command,
                          const std::map<std::string, std::string>& environment,
                          uint64_t max_bytes);

}  // namespace braid::io
