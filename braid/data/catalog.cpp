#include "braid/data/catalog.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/data/debian_packages.h"
#include "braid/io/atomic_file.h"
#include "braid/io/digest.h"
#include "braid/io/download.h"
#include "braid/io/gzip.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

std::vector<uint8_t> content_of(const std::vector<uint8_t>& bytes, const CatalogFile& file,
                                const std::string& where) {
  return io::is_gzip(bytes) ? io::gunzip(bytes, file.max_bytes, where) : bytes;
}

bool is_there(const fs::path& path, const CatalogFile& file) {
  if (!fs::exists(path)) return false;
  try {
    return io::sha256(content_of(io::read_file(path, file.max_bytes), file, path.string())) ==
           file.sha256;
  } catch (const DataError&) {
    return false;  // cut or corrupt: fetched again
  }
}

}  // namespace

const std::vector<CatalogEntry>& catalog() {
  static const std::vector<CatalogEntry> kCatalog = {
      {"fashion-mnist",
       "70,000 gray images of 28 x 28 pixels, 10 kinds of clothing (Xiao et al. 2017)",
       "MIT",
       "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
       {
           {"train-images-idx3-ubyte.gz",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", 64 << 20},
           {"train-labels-idx1-ubyte.gz",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 1 << 20},
           {"t10k-images-idx3-ubyte.gz",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 64 << 20},
           {"t10k-labels-idx1-ubyte.gz",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 1 << 20},
       }},
      {"debian-packages",
       "English descriptions of Debian's packages, labelled with one of some 55 sections; through "
       "apt",
       "free",
       "",
       {{"train.jsonl"}, {"val.jsonl"}, {"test.jsonl"}}},
      {"debian-packages-en-de",
       "the paragraphs of these descriptions with their German translations; through apt",
       "free",
       "",
       {{"train.en"}, {"train.de"}, {"val.en"}, {"val.de"}, {"test.en"}, {"test.de"}}},
      {"debian-packages-text",
       "the training descriptions as plain text, for pre-training; through apt",
       "free",
       "",
       {{"train.txt"}, {"val.txt"}}}};
  return kCatalog;
}

fs::path fetch_dataset(const std::string& name, const fs::path& folder, const std::string& url,
                       Progress& progress) {
  const auto& entries = catalog();
  const auto entry = std::find_if(entries.begin(), entries.end(),
                                  [&](const CatalogEntry& e) { return e.name == name; });
  if (entry == entries.end()) {
    std::vector<std::string> names;
    for (const auto& e : entries) names.push_back(e.name);
    throw UsageError("data", "unknown dataset '" + name + "'", "",
                     did_you_mean(name, names, "`braid data list` shows what there is"));
  }
  fs::path target = folder / name;
  if (entry->url.empty()) {
    if (!url.empty())
      throw UsageError("data", "expected no URL for " + name + ", which is made on this machine",
                       "--url");
    const bool made = std::all_of(entry->files.begin(), entry->files.end(),
                                  [&](const auto& file) { return fs::exists(target / file.name); });
    if (!made) make_debian_packages(name, target, progress);
    return target;
  }
  io::check_writable(target, 1 << 20);
  const std::string base = url.empty() ? entry->url : url;
  for (const auto& file : entry->files) {
    const fs::path path = target / file.name;
    if (is_there(path, file)) continue;
    const std::string from = base + "/" + file.name;
    progress.line("Fetching " + from);
    const auto bytes = io::download(from, file.max_bytes, progress);
    const std::string digest = io::sha256(content_of(bytes, file, from));
    if (digest != file.sha256)
      throw DataError("data", fmt::format("expected SHA-256 {}, got {}", file.sha256, digest), from,
                      "the download is broken or the source has changed; try --url with a mirror");
    io::write_file_atomic(path, {std::as_bytes(std::span<const uint8_t>(bytes))});
  }
  return target;
}

}  // namespace braid::data
