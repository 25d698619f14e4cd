// A translator of two files that a test writes: eight words, each said by the word before it and by
// the mean of the words that were read. Small enough to look at all texts there are.
#pragma once
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/runner/written_files.h"

namespace braid::runner {

struct SmallTranslator {
  static constexpr int64_t kWords = 8, kWidth = 4;
  static constexpr int64_t kPad = 0, kStart = 2, kEnd = 3;  // 4 to 7: a, b, c, d

  std::vector<float> source, target, weight, bias;  // [words,width] twice, [width,words], [words]
  std::map<std::string, std::string> metadata = {
      {"architecture", "small"},
      {"max_length", "12"},
      {"pad_token_id", "0"},
      {"decoder_start_token_id", "2"},
      {"eos_token_id", "3"},
      {"generation_config", R"({"bad_words_ids": [[0], [1], [2]], "max_length": 4})"},
      {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\n"}};

  explicit SmallTranslator(unsigned seed = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const auto fill = [&](std::vector<float>& list, int64_t count) {
      for (int64_t i = 0; i < count; ++i) list.push_back(normal(random));
    };
    fill(source, kWords * kWidth);
    fill(target, kWords * kWidth);
    fill(weight, kWidth * kWords);
    fill(bias, kWords);
  }

  // Log-probabilities of what follows a word.
  std::vector<double> next(const std::vector<int64_t>& read, int64_t last) const {
    std::vector<double> scores;
    double sum = 0;
    for (int64_t word = 0; word < kWords; ++word) {
      double score = at(bias, word);
      for (int64_t d = 0; d < kWidth; ++d) {
        double mean = 0;
        for (const int64_t id : read) mean += at(source, id * kWidth + d);
        mean /= static_cast<double>(read.size());
        score += (at(target, last * kWidth + d) + mean) * at(weight, d * kWords + word);
      }
      scores.push_back(score);
      sum += std::exp(score);
    }
    for (auto& score : scores) score -= std::log(sum);
    return scores;
  }

  std::vector<uint8_t> encoder() const { return encoder_of_width(kWidth, metadata); }
  std::vector<uint8_t> decoder() const { return decoder_with(metadata); }

  std::vector<uint8_t> encoder_of_width(int64_t width,
                                        std::map<std::string, std::string> with) const {
    if (!with.contains("part")) with["part"] = "encoder";
    return model_of(
        [&](pbf_writer& graph) {
          std::vector<float> table(source);
          table.resize(static_cast<size_t>(kWords * width));
          add_tensor(graph, "words", 1, {kWords, width}, floats(table));
          add_value(graph, 11, "input_ids", 7, {-1, -1});
          add_value(graph, 11, "attention_mask", 7, {-1, -1});
          add_node(graph, "Gather", {"words", "input_ids"}, {"last_hidden_state"});
          add_value(graph, 12, "last_hidden_state", 1, {-1, -1, width});
        },
        20, with);
  }
  std::vector<uint8_t> decoder_with(std::map<std::string, std::string> with) const {
    if (!with.contains("part")) with["part"] = "decoder";
    return model_of(
        [&](pbf_writer& graph) {
          add_tensor(graph, "words", 1, {kWords, kWidth}, floats(target));
          add_tensor(graph, "weight", 1, {kWidth, kWords}, floats(weight));
          add_tensor(graph, "bias", 1, {kWords}, floats(bias));
          add_tensor(graph, "axis", 7, {1}, std::string("\x01\0\0\0\0\0\0\0", 8));
          add_value(graph, 11, "input_ids", 7, {-1, -1});
          add_value(graph, 11, "encoder_hidden_states", 1, {-1, -1, kWidth});
          add_value(graph, 11, "encoder_attention_mask", 7, {-1, -1});
          add_node(graph, "Gather", {"words", "input_ids"}, {"written"});
          add_node(graph, "ReduceMean", {"encoder_hidden_states", "axis"}, {"mean"});
          add_node(graph, "Add", {"written", "mean"}, {"hidden"});
          add_node(graph, "MatMul", {"hidden", "weight"}, {"product"});
          add_node(graph, "Add", {"product", "bias"}, {"logits"});
          add_value(graph, 12, "logits", 1, {-1, -1, kWords});
        },
        20, with);
  }

  static double at(const std::vector<float>& list, int64_t i) {
    return static_cast<double>(list[static_cast<size_t>(i)]);
  }
  static std::string floats(const std::vector<float>& list) {
    return {reinterpret_cast<const char*>(list.data()), list.size() * sizeof(float)};
  }
};

}  // namespace braid::runner
