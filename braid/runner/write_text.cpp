#include "braid/runner/write_text.h"

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/decoding/beam_search.h"
#include "braid/decoding/token_rules.h"

namespace braid::runner {
namespace {

using decoding::BeamSearch;
using decoding::Candidate;
using decoding::GenerationConfig;
using decoding::TokenIds;

// The logarithm of the sum of exp(x).
float log_sum_exp(const float* x, int64_t count) {
  const float most = *std::max_element(x, x + count);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(x[i] - most));
  return static_cast<float>(static_cast<double>(most) + std::log(sum));
}

// Of one text's logits; one number that is none, or infinite, makes it so.
float finite_log_sum_exp(const EncoderDecoder& model, const float* logits) {
  const float norm = log_sum_exp(logits, model.vocab_size());
  if (!std::isfinite(norm))
    throw DataError("runner", "the model's output is not finite", model.decoder().where(),
                    "its training diverged; export an earlier one of its checkpoints");
  return norm;
}

WrittenText write_greedily(EncoderDecoder& model, const GenerationConfig& config) {
  const decoding::TokenRules rules(config, config.max_length);
  const auto& ends = config.eos_token_id;
  std::vector<TokenIds> rows = {{*config.decoder_start_token_id}};
  auto& written = rows[0];
  double sum = 0;
  std::vector<int64_t> parents;  // none of the first word
  while (true) {
    const auto logits = model.next(rows, parents);
    parents = {0};
    const float norm = finite_log_sum_exp(model, logits.data());
    auto scores = logits;
    rules.apply(written, scores.data(), model.vocab_size());
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    sum += static_cast<double>(logits[static_cast<size_t>(best)] - norm);
    written.push_back(best);
    const bool over = static_cast<int64_t>(written.size()) >= config.max_length;
    if (over || std::find(ends.begin(), ends.end(), best) != ends.end()) break;
  }
  WrittenText text{.ids = {written.begin() + 1, written.end()}, .score = sum};
  text.score /= std::pow(static_cast<double>(text.ids.size()), config.length_penalty);
  return text;
}

// What is written by the beams, and which of those before each goes on from.
struct Rows {
  std::vector<TokenIds> ids;
  std::vector<int64_t> parents;
};

// Log-probabilities of each row, [R,V], with what the settings say of them.
std::vector<float> next_scores(EncoderDecoder& model, const decoding::TokenRules& rules,
                               bool renormalize, const Rows& of) {
  const auto& rows = of.ids;
  auto scores = model.next(rows, of.parents);
  const int64_t words = model.vocab_size();
  for (size_t row = 0; row < rows.size(); ++row) {
    float* begin = scores.data() + static_cast<int64_t>(row) * words;
    const float norm = finite_log_sum_exp(model, begin);
    for (int64_t i = 0; i < words; ++i) begin[i] -= norm;
    rules.apply(rows[row], begin, words);
    if (!renormalize) continue;
    const float left = log_sum_exp(begin, words);
    for (int64_t i = 0; i < words; ++i) begin[i] -= left;
  }
  return scores;
}

// The best continuations of the beams of which scores has one row each, at first the first alone,
// which stands for all.
std::vector<Candidate> best_continuations(const BeamSearch& search, const GenerationConfig& config,
                                          const std::vector<float>& scores, int64_t words) {
  const int64_t rows = static_cast<int64_t>(scores.size()) / words;
  const int64_t wanted = std::min(BeamSearch::candidates(config), config.num_beams * words);
  std::vector<float> before;
  for (const auto& beam : search.running()) before.push_back(beam.score);
  auto found = decoding::best_candidates({scores.data(), rows, words}, before.data(),
                                         std::min(wanted, rows * words));
  constexpr float kRuledOutBelow = -1e8f;
  if (static_cast<int64_t>(found.size()) == wanted && found.back().score > kRuledOutBelow)
    return found;
  std::vector<float> all;
  for (int64_t beam = 0; beam < config.num_beams; ++beam) {
    const auto row = scores.begin() + (rows == 1 ? 0 : beam * words);
    all.insert(all.end(), row, row + words);
  }
  return decoding::candidates_by_topk({all.data(), config.num_beams, words}, before.data(), wanted);
}

WrittenText write_with_beams(EncoderDecoder& model, const GenerationConfig& config) {
  const decoding::TokenRules rules(config, config.max_length);
  BeamSearch search(config, config.max_length);
  Rows rows{.ids = {search.running().at(0).ids}, .parents = {}};  // at the start all are alike
  while (true) {
    const auto scores = next_scores(model, rules, config.renormalize_logits, rows);
    search.advance(best_continuations(search, config, scores, model.vocab_size()));
    if (search.done()) break;
    const bool was_one = rows.ids.size() == 1;
    rows = {};
    for (const auto& beam : search.running()) {
      rows.ids.push_back(beam.ids);
      rows.parents.push_back(was_one ? 0 : beam.parent);
    }
  }
  const auto& best = search.ended().at(0);
  return {.ids = best.ended ? best.ids : TokenIds(), .score = static_cast<double>(best.score)};
}

}  // namespace

WrittenText write_text(EncoderDecoder& model, const std::vector<int64_t>& source,
                       const GenerationConfig& config) {
  model.read(source);
  return config.num_beams > 1 ? write_with_beams(model, config) : write_greedily(model, config);
}

}  // namespace braid::runner
