// The image models' references that generate_parity.py wrote.
#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace braid::models {

// NAME or NAME@VARIANT of every parity_NAME.safetensors, in order; config fields in the metadata.
inline std::vector<std::string> parity_fixtures() {
  std::vector<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(BRAID_TEST_SOURCE_DIR "/models/fixtures"))
    if (const auto stem = file.path().stem().string(); stem.starts_with("parity_"))
      names.push_back(stem.substr(7));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace braid::models
