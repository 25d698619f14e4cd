// What `braid data` says of texts.
#pragma once
#include <cstdint>
#include <string>

#include "braid/data/data_kind.h"

namespace braid::cli {

// format: text, json.
void describe_texts(const std::string& spec, const std::string& format);
// Throws DataError after the report where a text cannot be used.
void check_labelled_texts(const std::string& spec, const std::string& format, int64_t threads);

// Parallel, tagged and plain texts, and questions.
struct CorpusOptions {
  data::DataKind kind = data::DataKind::kPlainText;
  std::string spec, format;
  std::string source_lang, target_lang;  // of parallel text; empty: told by the files' names
};
void describe_corpus(const CorpusOptions& options);
// Throws DataError after the report where something cannot be used.
void check_corpus(const CorpusOptions& options);

}  // namespace braid::cli
