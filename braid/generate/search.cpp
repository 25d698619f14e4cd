#include "braid/generate/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "braid/core/error.h"
#include "braid/data/random.h"
#include "braid/decoding/beam_search.h"
#include "braid/generate/decoder_state.h"
#include "braid/generate/draw.h"
#include "braid/generate/logits_processor.h"
#include "braid/generate/select_candidates.h"
#include "braid/nn/basic/own_operators.h"
#include "braid/ops/log_softmax.h"

namespace braid::generate {
namespace {

using decoding::BeamSearch;
using torch::Tensor;
using Texts = std::vector<std::vector<Hypothesis>>;

// One search: the settings with the model's tokens in them, and what they limit.
struct Search {
  models::EncoderDecoder& model;
  GenerationConfig config;
  int64_t max_length;  // with the start token
  LogitsProcessors processors;
  std::stop_token stop;
  std::vector<int64_t> numbers;  // of the texts

  bool ends(int64_t token) const {
    return std::find(config.eos_token_id.begin(), config.eos_token_id.end(), token) !=
           config.eos_token_id.end();
  }
};

[[noreturn]] void refuse_output() {
  throw NonFiniteOutputError(
      "generate", "the model's output is not finite", "",
      "its training diverged, or --dtype is too coarse for it; take an earlier one of "
      "its checkpoints");
}

GenerationConfig with_tokens(GenerationConfig config, const models::EncoderDecoder& model) {
  if (!config.pad_token_id) config.pad_token_id = model.pad_token_id();
  if (!config.decoder_start_token_id)
    config.decoder_start_token_id = model.decoder_start_token_id();
  if (config.eos_token_id.empty()) config.eos_token_id = {model.eos_token_id()};
  return config;
}

Search prepare(models::EncoderDecoder& model, int64_t texts, const GenerationConfig& given,
               const SearchArgs& args) {
  check(given);
  const auto config = with_tokens(given, model);
  if (*config.decoder_start_token_id >= model.vocab_size())
    throw ConfigError("generate",
                      fmt::format("expected a token from 0 to {}, got {}", model.vocab_size() - 1,
                                  *config.decoder_start_token_id),
                      "decoder_start_token_id");
  int64_t most = longest_text(config);
  // The last token is written, not read.
  if (model.max_positions() > 0) most = std::min(most, model.max_positions() + 1);
  Search search{model,     config,      most, make_processors(config, most, model.vocab_size()),
                args.stop, args.numbers};
  if (search.numbers.empty()) {
    search.numbers.resize(static_cast<size_t>(texts));
    std::iota(search.numbers.begin(), search.numbers.end(), 0);
  }
  if (static_cast<int64_t>(search.numbers.size()) != texts)
    throw UsageError("generate", fmt::format("expected a number for each of {} texts, got {}",
                                             texts, search.numbers.size()));
  return search;
}

// Texts that are written one token after the other, each by itself: greedy search and sampling.
class SingleWriter {
 public:
  SingleWriter(Search& search, models::EncodedText encoded)
      : search_(search), state_(search.model, std::move(encoded)) {}

  Texts run() {
    const size_t texts = search_.numbers.size();
    const auto copies =
        static_cast<size_t>(search_.config.do_sample ? search_.config.num_return_sequences : 1);
    Texts written(texts, std::vector<Hypothesis>(copies));
    // Copies of a text begin alike: that step is made once.
    auto logits = state_.step(std::vector<int64_t>(texts, *search_.config.decoder_start_token_id));
    std::vector<int64_t> source;
    for (size_t i = 0; i < texts * copies; ++i) {
      const size_t text = i / copies, copy = i % copies;
      source.push_back(static_cast<int64_t>(text));
      rows_.push_back({written[text][copy],
                       {*search_.config.decoder_start_token_id},
                       data::Random(static_cast<uint64_t>(search_.config.seed), copy,
                                    static_cast<uint64_t>(search_.numbers[text]))});
    }
    if (copies > 1) {
      logits = logits.repeat_interleave(static_cast<int64_t>(copies), 0);
      state_.select(source, source);
    }
    while (true) {
      take(logits);
      leave();
      if (rows_.empty()) return written;
      if (search_.stop.stop_requested()) return {};
      std::vector<int64_t> last;
      for (const auto& row : rows_) last.push_back(row.written.back());
      logits = state_.step(last);
    }
  }

 private:
  struct Row {
    std::reference_wrapper<Hypothesis> text;
    TokenIds written;  // with the start token
    data::Random random;
  };

  void take(const Tensor& step) {
    auto scores = step.to(torch::kFloat);
    const auto norms = scores.logsumexp(-1);
    if (!norms.isfinite().all().item<bool>()) refuse_output();
    const auto logits = search_.processors.empty() ? scores : scores.clone();
    std::vector<TokenIds> written;
    for (const auto& row : rows_) written.push_back(row.written);
    apply(search_.processors, written, scores);
    const auto tokens = choose(scores);
    const auto places = tokens.to(logits.device()).unsqueeze(1);
    const auto log_probs = logits.gather(1, places).squeeze(1).sub(norms).cpu();
    for (size_t i = 0; i < rows_.size(); ++i) {
      const int64_t token = tokens.const_data_ptr<int64_t>()[i];
      rows_[i].written.push_back(token);
      rows_[i].text.get().ids.push_back(token);
      rows_[i].text.get().score += static_cast<double>(log_probs.const_data_ptr<float>()[i]);
    }
  }

  Tensor choose(const Tensor& scores) {  // [R] on the CPU
    if (!search_.config.do_sample) return scores.argmax(-1).cpu();
    const auto host = scores.cpu().contiguous();
    const int64_t words = host.size(1);
    auto tokens = torch::empty({host.size(0)}, torch::kLong);
    for (size_t i = 0; i < rows_.size(); ++i)
      tokens.mutable_data_ptr<int64_t>()[i] = draw_token(
          host.const_data_ptr<float>() + static_cast<int64_t>(i) * words, words, rows_[i].random);
    return tokens;
  }

  void leave() {
    std::vector<int64_t> stay;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const auto& row = rows_[i];
      const auto length = static_cast<int64_t>(row.written.size());
      if (search_.ends(row.written.back()) || length >= search_.max_length)
        row.text.get().score /=
            std::pow(static_cast<double>(length - 1), search_.config.length_penalty);
      else
        stay.push_back(static_cast<int64_t>(i));
    }
    if (stay.size() == rows_.size()) return;
    std::vector<Row> kept;
    for (const int64_t i : stay) kept.push_back(std::move(rows_[static_cast<size_t>(i)]));
    rows_ = std::move(kept);
    if (!rows_.empty()) state_.select(stay, stay);
  }

  Search& search_;
  DecoderState state_;
  std::vector<Row> rows_;
};

// Texts of which several hypotheses are followed.
class BeamWriter {
 public:
  BeamWriter(Search& search, models::EncodedText encoded)
      : search_(search), state_(search.model, std::move(encoded)) {
    const auto texts = static_cast<int64_t>(search.numbers.size());
    for (int64_t text = 0; text < texts; ++text) {
      searches_.emplace_back(search.config, search.max_length);
      alive_.push_back(text);
      randoms_.emplace_back(static_cast<uint64_t>(search.config.seed), uint64_t{0},
                            static_cast<uint64_t>(search.numbers[static_cast<size_t>(text)]));
    }
  }

  Texts run() {
    while (true) {
      const auto candidates = choose(next_scores());
      for (size_t i = 0; i < alive_.size(); ++i)
        searches_[static_cast<size_t>(alive_[i])].advance(candidates[i]);
      go_on();
      if (alive_.empty()) return results();
      if (search_.stop.stop_requested()) return {};
    }
  }

 private:
  const std::vector<BeamSearch::Beam>& beams_of(size_t i) const {
    return searches_[static_cast<size_t>(alive_[i])].running();
  }

  // Of the texts that are not over, row by row.
  template <class Function>
  void for_each_row(const Function& function) const {
    for (size_t i = 0; i < alive_.size(); ++i)
      for (int64_t beam = 0; beam < rows_; ++beam) function(beams_of(i)[static_cast<size_t>(beam)]);
  }

  Tensor next_scores() {  // [R,V]
    std::vector<int64_t> last;
    std::vector<TokenIds> written;
    for_each_row([&](const BeamSearch::Beam& beam) {
      last.push_back(beam.ids.back());
      if (!search_.processors.empty()) written.push_back(beam.ids);
    });
    auto scores = ops::log_softmax(state_.step(last));
    // A row with one number that is none is NaN from end to end.
    if (scores.select(1, 0).isnan().any().item<bool>()) refuse_output();
    apply(search_.processors, written, scores);
    return scores;
  }

  std::vector<std::vector<Candidate>> choose(const Tensor& scores) {
    const auto& config = search_.config;
    const int64_t words = scores.size(1);
    const int64_t wanted = std::min(BeamSearch::candidates(config), config.num_beams * words);
    std::vector<float> before;
    for_each_row([&](const BeamSearch::Beam& beam) { before.push_back(beam.score); });
    const auto texts = static_cast<int64_t>(alive_.size());
    std::vector<std::vector<Candidate>> found(alive_.size());
    if (!config.do_sample)
      found = best_candidates(scores, before, texts, std::min(wanted, rows_ * words));
    for (size_t i = 0; i < alive_.size(); ++i) {
      constexpr float kRuledOutBelow = -1e8f;
      const auto& list = found[i];
      if (static_cast<int64_t>(list.size()) == wanted && list.back().score > kRuledOutBelow)
        continue;
      // The one row of the first step stands for all beams.
      const auto own = scores.narrow(0, static_cast<int64_t>(i) * rows_, rows_)
                           .expand({config.num_beams, words});
      std::vector<float> sums;
      for (const auto& beam : beams_of(i)) sums.push_back(beam.score);
      found[i] =
          config.do_sample ? draw(own, sums, wanted, i) : candidates_by_topk(own, sums, wanted);
    }
    return found;
  }

  std::vector<Candidate> draw(const Tensor& scores, const std::vector<float>& before,
                              int64_t wanted, size_t i) {
    const auto host = scores.cpu().contiguous();
    return draw_candidates({host.const_data_ptr<float>(), host.size(0), host.size(1)},
                           before.data(), wanted, randoms_[static_cast<size_t>(alive_[i])]);
  }

  // Drops the texts that are over, and puts the rows of the others where their beams are now.
  void go_on() {
    std::vector<int64_t> rows, texts, left;
    for (size_t i = 0; i < alive_.size(); ++i) {
      if (searches_[static_cast<size_t>(alive_[i])].done()) continue;
      left.push_back(alive_[i]);
      texts.push_back(static_cast<int64_t>(i));
      for (const auto& beam : beams_of(i))
        rows.push_back(static_cast<int64_t>(i) * rows_ + (rows_ == 1 ? 0 : beam.parent));
    }
    alive_ = std::move(left);
    rows_ = search_.config.num_beams;
    if (!alive_.empty()) state_.select(rows, texts);
  }

  Texts results() {
    Texts texts;
    for (const auto& search : searches_) {
      auto& list = texts.emplace_back();
      for (const auto& place : search.ended()) {
        if (static_cast<int64_t>(list.size()) == search_.config.num_return_sequences) break;
        list.push_back({place.ended ? place.ids : TokenIds(), static_cast<double>(place.score)});
      }
    }
    return texts;
  }

  Search& search_;
  DecoderState state_;
  std::vector<BeamSearch> searches_;
  std::vector<data::Random> randoms_;
  std::vector<int64_t> alive_;  // the texts that are not over
  int64_t rows_ = 1;            // of each of them: at first all beams are alike, and one is enough
};

}  // namespace

Texts generate(models::EncoderDecoder& model, const models::TextInput& input,
               const GenerationConfig& config, const SearchArgs& args) {
  if (input.input_ids.dim() != 2)
    throw UsageError("generate", fmt::format("expected numbers of tokens [B,N], got {} dimensions",
                                             input.input_ids.dim()));
  auto search = prepare(model, input.input_ids.size(0), config, args);
  if (search.numbers.empty()) return {};
  const torch::NoGradGuard no_grad;
  const nn::OwnOperators own_operators;
  auto encoded = model.encode(input);
  if (search.config.num_beams > 1) return BeamWriter(search, std::move(encoded)).run();
  return SingleWriter(search, std::move(encoded)).run();
}

Tensor to_sequences(const Texts& texts, const GenerationConfig& given,
                    const models::EncoderDecoder& model) {
  const auto config = with_tokens(given, model);
  const bool end_token = config.num_beams > 1 && *config.pad_token_id == 0;
  const int64_t fill = end_token ? config.eos_token_id[0] : *config.pad_token_id;
  size_t longest = 0;
  int64_t rows = 0;
  for (const auto& text : texts)
    for (const auto& hypothesis : text) {
      longest = std::max(longest, hypothesis.ids.size());
      ++rows;
    }
  auto sequences = torch::full({rows, static_cast<int64_t>(longest) + 1}, fill, torch::kLong);
  auto* out = sequences.mutable_data_ptr<int64_t>();
  for (const auto& text : texts)
    for (const auto& hypothesis : text) {
      *out = *config.decoder_start_token_id;
      std::copy(hypothesis.ids.begin(), hypothesis.ids.end(), out + 1);
      out += longest + 1;
    }
  return sequences;
}

}  // namespace braid::generate
