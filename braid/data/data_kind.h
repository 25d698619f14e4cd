// What a user's data is, from its names alone.
#pragma once
#include <string>

namespace braid::data {

enum class DataKind {
  kImages,        // class folders, IDX and CIFAR files
  kLabelledText,  // JSONL, TSV and CSV files, class folders of text files
  kQuestions,     // SQuAD's JSON, JSONL of question, context and answers
  kTaggedText,    // CoNLL files, JSONL of words and tags
  kParallelText,  // train.en and train.de, line by line
  kPlainText      // text files without labels
};

// spec: what --data may name. What is neither is an image data set, whose reader says what is
// wrong.
DataKind kind_of_data(const std::string& spec);
const char* to_string(DataKind kind);  // "images", "labelled text", "questions", "tagged text",
                                       // "parallel text", "plain text"

}  // namespace braid::data
