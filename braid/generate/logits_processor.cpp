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

}  // namespace

LogitsProcessors make_processors(const GenerationConfig& config, int64_t max_length,
                                 int64_t vocab_size) {
  if (const auto fault = decoding::token_fault_of(config, vocab_size))
    throw ConfigError("generate", fault->message, fault->field, fault->remedy);
  LogitsProcessors list;
  const auto add = [&list](auto processor) { list.push_back(std::move(processor)); };
  decoding::TokenRules rules(config, max_length);
  if (rules.any()) add(std::make_unique<RowRules>(std::move(rules)));
  if (!config.do_sample) return list;
  // Beams need one that does not end the text.
  const int64_t kept =
      config.num_beams > 1 ? static_cast<int64_t>(config.eos_token_id.size()) + 1 : 1;
  if (config.temperature != 1) add(std::make_unique<Temperature>(config.temperature));
  if (config.top_k > 0) add(std::make_unique<TopK>(std::max(config.top_k, kept)));
  if (config.top_p < 1) add(std::make_unique<TopP>(config.top_p, kept));
  return list;
}

void apply(const LogitsProcessors& processors, const std::vector<TokenIds>& written,
           Tensor& scores) {
  for (const auto& processor : processors) processor->apply(written, scores);
}

}  // namespace braid::generate
