#include "braid/generate/logits_processor.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

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

// What decoding/token_rules.h says of each row.
class RowRules : public LogitsProcessor {
 public:
  explicit RowRules(decoding::TokenRules rules) : rules_(std::move(rules)) {}
  void apply(const std::vector<TokenIds>& written, Tensor& scores) const override {
    Places penalized, forbidden;
    std::optional<int64_t> forced;  // of all rows alike, since they are of one length
    for (size_t row = 0; row < written.size(); ++row) {
      const auto said = rules_.verdict(written[row]);
      for (const int64_t token : said.penalized) penalized.add(row, token, scores);
      for (const int64_t token : said.forbidden) forbidden.add(row, token, scores);
      forced = said.forced;
    }
    if (forced) {
      scores.fill_(-INFINITY);
      scores.select(1, *forced).zero_();
      return;
    }
    penalize(penalized, scores);
    forbidden.forbid(scores);
  }

 private:
  void penalize(const Places& places, Tensor& scores) const {
    if (places.flat.empty()) return;
    const double penalty = rules_.repetition_penalty();
    const auto flat = ids_tensor(places.flat, scores);
    const auto old = scores.view(-1).index_select(0, flat);
    scores.view(-1).index_put_({flat}, torch::where(old.lt(0), old * penalty, old / penalty));
  }

  decoding::TokenRules rules_;
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

// What sampling has besides.
void add_warpers(const GenerationConfig& config, LogitsProcessors& list) {
  // Beams need one that does not end the text.
  const int64_t kept =
      config.num_beams > 1 ? static_cast<int64_t>(config.eos_token_id.size()) + 1 : 1;
  if (config.temperature != 1) list.push_back(std::make_unique<Temperature>(config.temperature));
  if (config.top_k > 0) list.push_back(std::make_unique<TopK>(std::max(config.top_k, kept)));
  if (config.top_p < 1) list.push_back(std::make_unique<TopP>(config.top_p, kept));
  if (config.min_p) list.push_back(std::make_unique<MinP>(*config.min_p, kept));
  if (config.typical_p < 1) list.push_back(std::make_unique<TypicalP>(config.typical_p, kept));
}

}  // namespace

LogitsProcessors make_processors(const GenerationConfig& config, int64_t max_length,
                                 int64_t vocab_size) {
  if (const auto fault = decoding::token_fault_of(config, vocab_size))
    throw ConfigError("generate", fault->message, fault->field, fault->remedy);
  LogitsProcessors list;
  const auto add = [&list](auto processor) { list.push_back(std::move(processor)); };
  decoding::TokenRules rules(config, max_length);
  if (rules.any()) add(std::make_unique<RowRules>(std::move(rules)));
  if (config.do_sample) add_warpers(config, list);
  if (config.renormalize_logits) add(std::make_unique<Renormalization>());
  return list;
}

void apply(const LogitsProcessors& processors, const std::vector<TokenIds>& written,
           Tensor& scores) {
  for (const auto& processor : processors) processor->apply(written, scores);
}

}  // namespace braid::generate
