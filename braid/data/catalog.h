// Datasets that can be fetched by name.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/progress.h"

namespace braid::data {

struct CatalogFile {
  std::string name;         // below the dataset's URL
  std::string sha256 = {};  // of its content, decompressed: mirrors compress anew
  uint64_t max_bytes = 0;   // compressed and decompressed
};
struct CatalogEntry {
  std::string name;
  std::string description;
  std::string license;
  std::string url;  // the folder of its files; empty: made here, of apt's package lists
  std::vector<CatalogFile> files;
};

const std::vector<CatalogEntry>& catalog();

// Downloads what is not there yet, or makes it, into folder/<name>, each file whole or not at all
// after its checksum was found right, and returns that folder. url: another place for the same
// files, empty: the entry's own. Throws UsageError for an unknown name or a URL of what is made
// here, DataError for a wrong checksum, IoError or TryAgainError.
std::filesystem::path fetch_dataset(const std::string& name, const std::filesystem::path& folder,
                                    const std::string& url, Progress& progress);

}  // namespace braid::data
