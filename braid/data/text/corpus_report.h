// What parallel, tagged and plain texts and questions hold, in numbers, and what is wrong with
// them.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/json.h"
#include "braid/core/progress.h"
#include "braid/data/text/text_summary.h"

namespace braid::data {

// A split.
struct CorpusPart {
  std::string name;                                        // "train", "test_2016"
  std::vector<std::pair<std::string, int64_t>> counts;     // by what is counted: "pairs"
  std::vector<std::pair<std::string, TextLengths>> words;  // of a "source"
  std::vector<int64_t> labels;                             // words of each of the report's labels
};

// Something that a user may want to know of or to mend.
struct CorpusFinding {
  std::string what;                 // "pairs with an empty side"
  int64_t count = 0;                // of all
  std::vector<std::string> places;  // of the first: "train.de:17", or all of an error
};

struct CorpusReport {
  std::string kind;  // "parallel text, en to de"
  std::string item;  // what is counted, as in "2 questions cannot be used"
  std::vector<CorpusPart> parts;
  std::vector<std::string> labels;
  int64_t bad_samples = 0;  // items that cannot be used: the first finding, if any
  std::vector<CorpusFinding> findings;
  std::vector<std::string> remarks;
};

// Each reads all of the data, with bad samples counted rather than thrown. spec: as the reader of
// that kind takes it. Throws IoError or DataError where nothing of a file can be used, such as
// parallel files of unequal lengths.
CorpusReport describe_parallel(const std::string& spec, const std::string& source_lang,
                               const std::string& target_lang, Progress& progress);
CorpusReport describe_tagged(const std::string& spec, Progress& progress);
CorpusReport describe_questions(const std::string& spec, Progress& progress);
CorpusReport describe_plain(const std::string& spec, Progress& progress);

// train, val and test that are not there are null; parallel text may have tests of other names.
Json corpus_json(const CorpusReport& report);
// For people: a table of the counts, of labels, the lengths, and whether train gives a val.
std::string counts_text(const CorpusReport& report);
// A paragraph a finding; ends with a line that says whether all is well.
std::string findings_text(const CorpusReport& report);

}  // namespace braid::data
