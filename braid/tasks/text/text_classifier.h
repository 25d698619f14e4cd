// A classifier of texts.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/cut_examples.h"
#include "braid/data/text/text_dataset.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::tasks {

// The tokenizer of the config, of its weights, or learned from the dataset's texts.
text::TokenizerPtr make_tokenizer(const TaskConfig& config, const data::TextDataset& texts,
                                  Progress& progress);
// What most of the texts have, up to `most`: of a few hundred of them.
int64_t suitable_length(const data::TextDataset& texts, const text::Tokenizer& tokenizer,
                        int64_t most);
// Tokens of the mean text, cut to `most`: of as many texts.
int64_t mean_length(const data::TextDataset& texts, const text::Tokenizer& tokenizer, int64_t most);

// For the classes and texts of train.
TokenizedModel make_text_classifier(const TaskConfig& config, const data::TextDataset& train,
                                    text::TokenizerPtr tokenizer, int64_t seed, Progress& progress);
// Of a run that goes on. Throws DataError where the data has other classes.
TokenizedModel restore_text_classifier(const TaskConfig& config, const data::TextDataset& train,
                                       const std::filesystem::path& checkpoint);
// Whether texts come in twos, of a few hundred of them.
bool has_pairs(const data::TextDataset& texts);
// Throws DataError for a model without such a head, and for one whose outputs are no classes of
// which one is right (HubConfig::problem_type). folder: its own, for the error.
void expect_text_classifier(const TokenizedModel& model, const std::filesystem::path& folder);
// In eval mode. Throws DataError for a folder that holds no classifier of texts.
TokenizedModel load_text_classifier(const std::filesystem::path& folder);

// The dataset through the model, the shortest texts first: a batch's indices say which they are.
// cut: gets what is longer than the model's length.
int64_t run_texts(const TokenizedModel& classifier, const data::TextDatasetPtr& dataset,
                  const EvaluateOptions& options, Progress& progress, const SeeLogits& see,
                  data::CutExamples* cut = nullptr);
// [N,K] float32 on the CPU, rows sum to 1. truncated: gets the tokens that are cut from each text.
// Throws DataError where the rows are not finite, for a text that is one where the model judges
// two, or the other way round, and for one that may not be cut.
torch::Tensor classify(const TokenizedModel& classifier,
                       const std::vector<data::TextExample>& texts, const std::string& dtype,
                       std::vector<int64_t>* truncated = nullptr);

}  // namespace braid::tasks
