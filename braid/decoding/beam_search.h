// Beam search of one text: which hypotheses are followed, which have ended, when it is over. Knows
// no tensors; its numbers are float32, as in transformers.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/decoding/candidates.h"
#include "braid/decoding/generation_config.h"

namespace braid::decoding {

class BeamSearch {
 public:
  // max_length: with the start token; config has its tokens.
  BeamSearch(const GenerationConfig& config, int64_t max_length);

  // How many candidates a step wants: enough for the beams to go on should the best ones end.
  static int64_t candidates(const GenerationConfig& config);

  struct Beam {
    std::vector<int64_t> ids;  // with the start token
    float score = 0;
    int64_t parent = 0;  // the beam before the last step that it comes from
  };
  // The hypotheses that are followed, num_beams of them, the best first. At the start all are the
  // start token, and only the first can be chosen.
  const std::vector<Beam>& running() const { return running_; }
  // candidates: the best ones over all beams, the best first.
  void advance(const std::vector<Candidate>& candidates);
  bool done() const { return done_; }

  struct Ended {
    std::vector<int64_t> ids;  // without the start token
    float score = 0;           // divided by the length
    bool ended = false;        // false: a place that no hypothesis has taken
  };
  // Those that have ended, num_beams places, the best first.
  const std::vector<Ended>& ended() const { return ended_; }

 private:
  float by_length(float score, int64_t length) const;
  bool ends(int64_t token) const;
  bool all_ended() const;
  void keep_ended(const std::vector<Candidate>& candidates, const std::vector<bool>& hits);
  void go_on(const std::vector<Candidate>& candidates, const std::vector<bool>& hits);
  bool can_improve() const;

  GenerationConfig config_;
  int64_t max_length_;
  size_t beams_;
  float none_ended_;    // the score of a place that no hypothesis has taken
  int64_t length_ = 0;  // of the running ones, without the start token
  std::vector<Beam> running_;
  std::vector<Ended> ended_;
  bool done_ = false;
};

}  // namespace braid::decoding
