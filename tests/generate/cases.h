// What transformers' generate wrote with small models; see generate_cases.py.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "braid/generate/search.h"

namespace braid::generate {

struct SearchCase {
  std::string name;  // of the file, and the number in it
  models::TextInput input;
  GenerationConfig config;
  std::vector<std::vector<int64_t>> sequences;
  std::vector<double> scores;  // empty: no beam search
};

struct CaseFile {
  models::EncoderDecoderPtr model;  // in eval mode
  std::vector<SearchCase> cases;
};

std::filesystem::path case_fixtures();
// The files NAME.json of a folder.
std::vector<std::filesystem::path> case_files(const std::filesystem::path& folder);
CaseFile read_cases(const std::filesystem::path& file);

// [B,N] of lists of one length.
torch::Tensor matrix(const std::vector<std::vector<int64_t>>& rows);

}  // namespace braid::generate
