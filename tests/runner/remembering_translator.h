// A translator of three files that a test writes: eight words, each said by the mean of all words
// that are written, which its decoder keeps, and by that of the words that were read.
#pragma once
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/runner/small_translator.h"

namespace braid::runner {

struct RememberingTranslator : SmallTranslator {
  static constexpr const char* kKey = "0.decoder.key";     // [rows,1,words,width]
  static constexpr const char* kMemory = "0.encoder.key";  // [rows,1,1,width]
  // What a third file says of itself, and a test may change.
  struct Third {
    int64_t width = kWidth, words = kWords;  // as they are declared
    bool gives_key = true;                   // else nothing is added to what is kept
    std::string key = kKey, more_output{}, more_input{};
    std::vector<float> bias{};  // none: that of the decoder
    bool one_row = false;       // what it keeps is of the first row alone
  };

  explicit RememberingTranslator(unsigned seed = 1) : SmallTranslator(seed) {}

  // Log-probabilities of what follows these words.
  std::vector<double> next_of(const std::vector<int64_t>& read,
                              const std::vector<int64_t>& written) const {
    std::vector<double> scores;
    double sum = 0;
    for (int64_t word = 0; word < kWords; ++word) {
      double score = at(bias, word);
      for (int64_t d = 0; d < kWidth; ++d)
        score += (mean_of(source, read, d) + mean_of(target, written, d)) *
                 at(weight, d * kWords + word);
      scores.push_back(score);
      sum += std::exp(score);
    }
    for (auto& score : scores) score -= std::log(sum);
    return scores;
  }

  std::vector<uint8_t> remembering_decoder() const {
    auto with = metadata;
    with["part"] = "decoder";
    return model_of(
        [&](pbf_writer& graph) {
          add_tables(graph, bias);
          add_value(graph, 11, "input_ids", 7, {-1, -1});
          add_value(graph, 11, "encoder_hidden_states", 1, {-1, -1, kWidth});
          add_value(graph, 11, "encoder_attention_mask", 7, {-1, -1});
          add_node(graph, "Gather", {"words", "input_ids"}, {"written"});
          add_node(graph, "Unsqueeze", {"written", "one"}, {present(kKey)});
          add_node(graph, "ReduceMean", {"encoder_hidden_states", "one"}, {"mean"});
          add_node(graph, "Unsqueeze", {"mean", "one"}, {present(kMemory)});
          add_node(graph, "ReduceMean", {"written", "one"}, {"history"});
          add_logits(graph);
          add_value(graph, 12, "logits", 1, {-1, -1, kWords});
          add_value(graph, 12, present(kKey), 1, {-1, 1, -1, kWidth});
          add_value(graph, 12, present(kMemory), 1, {-1, 1, -1, kWidth});
        },
        20, with);
  }

  std::vector<uint8_t> decoder_with_past() const { return decoder_with_past(Third(), metadata); }
  std::vector<uint8_t> decoder_with_past(const Third& third,
                                         std::map<std::string, std::string> with) const {
    if (!with.contains("part")) with["part"] = "decoder_with_past";
    const auto past = [](const std::string& name) { return "past_key_values." + name; };
    return model_of(
        [&](pbf_writer& graph) {
          add_tables(graph, third.bias.empty() ? bias : third.bias);
          add_value(graph, 11, "encoder_attention_mask", 7, {-1, -1});
          add_value(graph, 11, "input_ids", 7, {-1, 1});
          add_value(graph, 11, past(third.key), 1, {-1, 1, -1, third.width});
          add_value(graph, 11, past(kMemory), 1, {-1, 1, -1, kWidth});
          if (!third.more_input.empty()) add_value(graph, 11, third.more_input, 1, {-1, 1});
          add_node(graph, "Gather", {"words", "input_ids"}, {"word"});
          add_node(graph, "Unsqueeze", {"word", "one"}, {"added"});
          add_node(graph, "Concat", {past(third.key), "added"}, {"all"}, {{"axis", 2}});
          add_node(graph, "ReduceMean", {"all", "two"}, {"history"}, {{"keepdims", 0}});
          add_node(graph, "ReduceMean", {past(kMemory), "two"}, {"mean"}, {{"keepdims", 0}});
          add_logits(graph);
          add_value(graph, 12, "logits", 1, {-1, -1, third.words});
          if (third.gives_key) {
            if (third.one_row)
              add_node(graph, "Gather", {"all", "first"}, {present(third.key)}, {{"axis", 0}});
            else
              add_node(graph, "Identity", {"all"}, {present(third.key)});
            add_value(graph, 12, present(third.key), 1, {-1, 1, -1, kWidth});
          }
          if (!third.more_output.empty()) {
            add_node(graph, "Identity", {"all"}, {third.more_output});
            add_value(graph, 12, third.more_output, 1, {-1, 1, -1, kWidth});
          }
        },
        20, with);
  }

 private:
  static std::string present(const std::string& name) { return "present." + name; }
  static double mean_of(const std::vector<float>& table, const std::vector<int64_t>& ids,
                        int64_t d) {
    double sum = 0;
    for (const int64_t id : ids) sum += at(table, id * kWidth + d);
    return sum / static_cast<double>(ids.size());
  }
  static std::string number(char n) { return {n, 0, 0, 0, 0, 0, 0, 0}; }

  void add_tables(pbf_writer& graph, const std::vector<float>& of_bias) const {
    add_tensor(graph, "words", 1, {kWords, kWidth}, floats(target));
    add_tensor(graph, "weight", 1, {kWidth, kWords}, floats(weight));
    add_tensor(graph, "bias", 1, {kWords}, floats(of_bias));
    add_tensor(graph, "first", 7, {1}, number(0));
    add_tensor(graph, "one", 7, {1}, number(1));
    add_tensor(graph, "two", 7, {1}, number(2));
  }
  // Of `history` and `mean`, [rows,1,width] each.
  static void add_logits(pbf_writer& graph) {
    add_node(graph, "Add", {"history", "mean"}, {"hidden"});
    add_node(graph, "MatMul", {"hidden", "weight"}, {"product"});
    add_node(graph, "Add", {"product", "bias"}, {"logits"});
  }
};

}  // namespace braid::runner
