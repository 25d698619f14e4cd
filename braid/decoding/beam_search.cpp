#include "braid/decoding/beam_search.h"

#include <algorithm>
#include <cmath>

namespace braid::decoding {
namespace {

constexpr float kRuledOut = -1e9f;  // added to the score of what must not be chosen

// The same for what has ended, as in transformers; but with a penalty far below 0 the scores of
// texts themselves are below that number, and none of them would ever be taken.
float ruled_out_by_length(double length_penalty) {
  return length_penalty < -1 ? -INFINITY : kRuledOut;
}

}  // namespace

BeamSearch::BeamSearch(const GenerationConfig& config, int64_t max_length)
    : config_(config),
      max_length_(max_length),
      beams_(static_cast<size_t>(config.num_beams)),
      none_ended_(ruled_out_by_length(config.length_penalty)) {
  running_.assign(beams_, {{*config.decoder_start_token_id}, kRuledOut, 0});
  running_[0].score = 0;
  ended_.assign(beams_, {{}, none_ended_, false});
}

int64_t BeamSearch::candidates(const GenerationConfig& config) {
  return std::max<int64_t>(2, 1 + static_cast<int64_t>(config.eos_token_id.size())) *
         config.num_beams;
}

float BeamSearch::by_length(float score, int64_t length) const {
  return score / static_cast<float>(std::pow(static_cast<double>(length), config_.length_penalty));
}

bool BeamSearch::ends(int64_t token) const {
  return std::find(config_.eos_token_id.begin(), config_.eos_token_id.end(), token) !=
         config_.eos_token_id.end();
}

bool BeamSearch::all_ended() const {
  return std::all_of(ended_.begin(), ended_.end(), [](const Ended& e) { return e.ended; });
}

void BeamSearch::advance(const std::vector<Candidate>& candidates) {
  std::vector<bool> hits;
  const bool last = length_ + 2 >= max_length_;
  for (const auto& candidate : candidates) hits.push_back(last || ends(candidate.token));
  keep_ended(candidates, hits);  // needs the running ones as they were
  go_on(candidates, hits);
  ++length_;
  done_ = last || !can_improve() || (config_.early_stopping == "true" && all_ended());
}

void BeamSearch::keep_ended(const std::vector<Candidate>& candidates,
                            const std::vector<bool>& hits) {
  std::vector<float> scores;
  for (const auto& place : ended_) scores.push_back(place.score);
  for (size_t k = 0; k < candidates.size(); ++k) {
    // Those beyond the first beams are there so that the beams can go on; they cannot end.
    const float out = hits[k] && k < beams_ ? 0 : none_ended_;
    scores.push_back(by_length(candidates[k].score, length_ + 1) + out);
  }
  std::vector<Ended> kept;
  for (const size_t i : best_places(scores, beams_)) {
    if (i < beams_) {
      kept.push_back(ended_[i]);
      continue;
    }
    const size_t k = i - beams_;
    const auto& before = running_[static_cast<size_t>(candidates[k].beam)].ids;
    kept.push_back({{before.begin() + 1, before.end()}, scores[i], hits[k] && k < beams_});
    kept.back().ids.push_back(candidates[k].token);
  }
  ended_ = std::move(kept);
}

void BeamSearch::go_on(const std::vector<Candidate>& candidates, const std::vector<bool>& hits) {
  std::vector<float> scores;
  for (size_t k = 0; k < candidates.size(); ++k)
    scores.push_back(candidates[k].score + (hits[k] ? kRuledOut : 0));
  std::vector<Beam> next;
  for (const size_t k : best_places(scores, beams_)) {
    next.push_back(
        {running_[static_cast<size_t>(candidates[k].beam)].ids, scores[k], candidates[k].beam});
    next.back().ids.push_back(candidates[k].token);
  }
  running_ = std::move(next);
}

bool BeamSearch::can_improve() const {
  const bool any_length = config_.early_stopping == "never" && config_.length_penalty > 0;
  const float best = by_length(running_[0].score, any_length ? max_length_ - 1 : length_);
  float worst = ended_[0].score;
  for (const auto& place : ended_) worst = std::min(worst, place.score);
  return std::any_of(ended_.begin(), ended_.end(), [&](const Ended& place) {
    return best > (place.ended ? worst : none_ended_);
  });
}

}  // namespace braid::decoding
