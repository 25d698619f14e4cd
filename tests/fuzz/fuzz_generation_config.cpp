// Any bytes as the settings that an exported translator writes with, and one step by them.
#include <algorithm>
#include <vector>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/decoding/beam_search.h"
#include "braid/decoding/token_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace decoding = braid::decoding;
  constexpr int64_t kWords = 16, kLongest = 6;
  try {
    const std::vector<uint8_t> bytes(data, data + size);
    decoding::GenerationConfig defaults;
    defaults.decoder_start_token_id = 1;
    defaults.eos_token_id = {0};
    auto config = decoding::generation_config_from_json(
        braid::parse_json(bytes, {.component = "fuzz", .where = "bytes"}), "bytes", defaults);
    if (decoding::conflict_of(config) || decoding::token_fault_of(config, kWords)) return 0;
    const decoding::TokenRules rules(config, kLongest);
    decoding::BeamSearch search(config, kLongest);
    std::vector<float> scores;
    for (const auto& beam : search.running()) {
      std::vector<float> row(kWords, -2.5F);
      rules.apply(beam.ids, row.data(), kWords);
      scores.insert(scores.end(), row.begin(), row.end());
    }
    const std::vector<float> before(search.running().size(), 0);
    const auto beams = static_cast<int64_t>(before.size());
    search.advance(decoding::best_candidates(
        {scores.data(), beams, kWords}, before.data(),
        std::min(decoding::BeamSearch::candidates(config), beams * kWords)));
  } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
