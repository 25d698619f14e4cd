#include "braid/generate/logits_processor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "braid/core/error.h"

namespace braid::generate {
namespace {

using torch::Tensor;

Tensor ids_tensor(const TokenIds& ids, const Tensor& like) {
  return torch::tensor(ids, torch::kLong).to(like.device());
}

// Places in a matrix of scores.
struct Places {
  TokenIds flat;
  void add(size_t row, int64_t token, const Tensor& scores) {
    flat.push_back(static_cast<int64_t>(row) * scores.size(1) + token);
  }
  void forbid(Tensor& scores) const {
    if (!flat.empty()) scores.view(-1).index_fill_(0, ids_tensor(flat, scores), -INFINITY);
  }
};

// Whether the last of what was written are the first `count` of a sequence.
bool ends_with(const TokenIds& written, const TokenIds& sequence, size_t count) {
  return written.size() >= count &&
         std::equal(written.end() - static_cast<int64_t>(count), written.end(), sequence.begin());
}

// Of every token that was written, whether once or often: scores above 0 divided, others
// multiplied.
class RepetitionPenalty : public LogitsProcessor {
 public:
  explicit RepetitionPenalty(double penalty) : penalty_(penalty) {}
  void apply(const std::vector<TokenIds>& written, Tensor& scores) const override {
    Places places;
    for (size_t row = 0; row < written.size(); ++row)
      for (const int64_t token : written[row]) places.add(row, token, scores);
    const auto flat = ids_tensor(places.flat, scores);
    const auto old = scores.view(-1).index_select(0, flat);
    scores.view(-1).index_put_({flat}, torch::where(old.lt(0), old * penalty_, old / penalty_));
  }

 private:
  double penalty_;
};

class NoRepeatNGram : public LogitsProcessor {
 public:
  explicit NoRepeatNGram(int64_t size) : size_(static_cast<size_t>(size)) {}
  void apply(const std::vector<TokenIds>& written, Tensor& scores) const override {
    Places places;
    for (size_t row = 0; row < written.size(); ++row) {
      const auto& ids = written[row];
      if (ids.size() < size_) return;
      const auto beginning = ids.end() - static_cast<int64_t>(size_ - 1);
      for (size_t i = 0; i + size_ <= ids.size(); ++i)
        if (std::equal(beginning, ids.end(), ids.begin() + static_cast<int64_t>(i)))
          places.add(row, ids[i + size_ - 1], scores);
    }
    places.forbid(scores);
  }

 private:
  size_t size_;
};

class NoBadWords : public LogitsProcessor {
 public:
  NoBadWords(const std::vector<TokenIds>& words, const TokenIds& ends) {
    for (const auto& word : words) {
      if (word.size() > 1)
        sequences_.push_back(word);
      else if (std::find(ends.begin(), ends.end(), word[0]) == ends.end())
        tokens_.push_back(word[0]);  // what ends a text is none
    }
  }
  void apply(const std::vector<TokenIds>& written, Tensor& scores) const override {
    if (!tokens_.empty()) scores.index_fill_(1, ids_tensor(tokens_, scores), -INFINITY);
    Places places;
    for (size_t row = 0; row < written.size(); ++row)
      for (const auto& sequence : sequences_)
        if (ends_with(written[row], sequence, sequence.size() - 1))
          places.add(row, sequence.back(), scores);
    places.forbid(scores);
  }

 private:
  TokenIds tokens_;
  std::vector<TokenIds> sequences_;
};

class MinLength : public LogitsProcessor {
 public:
  MinLength(int64_t least, TokenIds ends) : least_(least), ends_(std::move(ends)) {}
  void apply(const std::vector<TokenIds>& written, Tensor& scores) const override {
    if (static_cast<int64_t>(written[0].size()) < least_)
      scores.index_fill_(1, ids_tensor(ends_, scores), -INFINITY);
  }

 private:
  int64_t least_;
  TokenIds ends_;
};

// At one length a token is certain.
class ForcedToken : public LogitsProcessor {
 public:
  ForcedToken(int64_t length, int64_t token) : length_(length), token_(token) {}
  void apply(const std::vector<TokenIds>& written, Tensor& scores) const override {
    if (static_cast<int64_t>(written[0].size()) != length_) return;
    scores.fill_(-INFINITY);
    scores.select(1, token_).zero_();
  }

 private:
  int64_t length_, token_;
};

class Temperature : public LogitsProcessor {
 public:
  explicit Temperature(double temperature) : temperature_(temperature) {}
  void apply(const std::vector<TokenIds>&, Tensor& scores) const override {
    scores.div_(temperature_);
  }

 private:
  double temperature_;
};

class TopK : public LogitsProcessor {
 public:
  explicit TopK(int64_t count) : count_(count) {}
  void apply(const std::vector<TokenIds>&, Tensor& scores) const override {
    const auto best = std::get<0>(scores.topk(std::min(count_, scores.size(1)), -1));
    scores.masked_fill_(scores.lt(best.narrow(1, best.size(1) - 1, 1)), -INFINITY);
  }

 private:
  int64_t count_;
};

class TopP : public LogitsProcessor {
 public:
  TopP(double mass, int64_t kept) : mass_(mass), kept_(kept) {}
  void apply(const std::vector<TokenIds>&, Tensor& scores) const override {
    const auto [sorted, order] = scores.sort(-1, /*descending=*/false);
    auto removed = sorted.softmax(-1).cumsum(-1).le(1 - mass_);
    removed
        .narrow(1, std::max<int64_t>(removed.size(1) - kept_, 0), std::min(kept_, removed.size(1)))
        .fill_(false);
    scores.masked_fill_(removed.scatter(1, order, removed), -INFINITY);
  }

 private:
  double mass_;
  int64_t kept_;
};

class MinP : public LogitsProcessor {
 public:
  MinP(double share, int64_t kept) : share_(share), kept_(kept) {}
  void apply(const std::vector<TokenIds>&, Tensor& scores) const override {
    const auto probabilities = scores.softmax(-1);
    auto removed = probabilities.lt(share_ * probabilities.amax(-1, /*keepdim=*/true));
    const int64_t kept = std::min(kept_, scores.size(1));
    removed.scatter_(1, std::get<1>(scores.topk(kept, -1)), false);
    scores.masked_fill_(removed, -INFINITY);
  }

 private:
  double share_;
  int64_t kept_;
};

// Those whose information is nearest to the distribution's entropy (Meister et al.,
// https://arxiv.org/abs/2202.00666).
class TypicalP : public LogitsProcessor {
 public:
  TypicalP(double mass, int64_t kept) : mass_(mass), kept_(kept) {}
  void apply(const std::vector<TokenIds>&, Tensor& scores) const override {
    const auto log_probs = scores.log_softmax(-1);
    const auto entropy = log_probs.mul(log_probs.exp()).nansum(-1, /*keepdim=*/true).neg();
    const auto [distance, order] = log_probs.add(entropy).abs().sort(-1, /*descending=*/false);
    const auto mass = scores.gather(1, order).softmax(-1).cumsum(-1);
    const auto last = mass.lt(mass_).sum(1, /*keepdim=*/true).clamp_max(scores.size(1) - 1);
    auto removed = distance.gt(distance.gather(1, last));
    removed.narrow(1, 0, std::min(kept_, removed.size(1))).fill_(false);
    scores.masked_fill_(removed.scatter(1, order, removed), -INFINITY);
  }

 private:
  double mass_;
  int64_t kept_;
};

class Renormalization : public LogitsProcessor {
 public:
  void apply(const std::vector<TokenIds>&, Tensor& scores) const override {
    scores.copy_(scores.log_softmax(-1));
  }
};

void expect_token(const char* field, int64_t token, int64_t vocab_size) {
  if (token < 0 || token >= vocab_size)
    throw ConfigError(
        "generate",
        fmt::format("expected numbers of tokens from 0 to {}, got {}", vocab_size - 1, token),
        field);
}

// What sampling has besides.
void add_warpers(const GenerationConfig& config, LogitsProcessors& list) {
  // Beams need one that does not end the text.
  const int64_t kept =
      config.num_beams > 1 ? static_cast<int64_t>(config.eos_token_id.size()) + 1 : 1;
  if (config.temperature != 1) list.push_back(std::make_unique<Temperature>(config.temperature));
  if (config.top_k > 0) list.push_back(std::make_unique<TopK>(std::max(config.top_k, kept)));
  if (config.top_p < 1) list.push_back(std::make_unique<TopP>(config.top_p, kept));
  if (config.min_p) list.push_back(std::make_unique<MinP>(*config.min_p, kept));
  if (config.typical_p < 1)
    list.push_back(std::make_unique<TypicalP>(config.typical_p, kept));
}

}  // namespace

LogitsProcessors make_processors(const GenerationConfig& config, int64_t max_length,
                                 int64_t vocab_size) {
  for (const int64_t token : config.eos_token_id) expect_token("eos_token_id", token, vocab_size);
  for (const auto& word : config.bad_words_ids)
    for (const int64_t token : word) expect_token("bad_words_ids", token, vocab_size);
  LogitsProcessors list;
  const auto add = [&list](auto processor) { list.push_back(std::move(processor)); };
  if (config.repetition_penalty != 1)
    add(std::make_unique<RepetitionPenalty>(config.repetition_penalty));
  if (config.no_repeat_ngram_size > 0)
    add(std::make_unique<NoRepeatNGram>(config.no_repeat_ngram_size));
  if (!config.bad_words_ids.empty())
    add(std::make_unique<NoBadWords>(config.bad_words_ids, config.eos_token_id));
  if (const int64_t least = shortest_text(config); least > 0)
    add(std::make_unique<MinLength>(least, config.eos_token_id));
  if (config.forced_bos_token_id) {
    expect_token("forced_bos_token_id", *config.forced_bos_token_id, vocab_size);
    add(std::make_unique<ForcedToken>(1, *config.forced_bos_token_id));
  }
  if (config.forced_eos_token_id) {
    expect_token("forced_eos_token_id", *config.forced_eos_token_id, vocab_size);
    add(std::make_unique<ForcedToken>(max_length - 1, *config.forced_eos_token_id));
  }
  if (config.do_sample) add_warpers(config, list);
  if (config.renormalize_logits) add(std::make_unique<Renormalization>());
  return list;
}

void apply(const LogitsProcessors& processors, const std::vector<TokenIds>& written,
           Tensor& scores) {
  for (const auto& processor : processors) processor->apply(written, scores);
}

}  // namespace braid::generate
