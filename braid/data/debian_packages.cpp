#include "braid/data/debian_packages.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <set>
#include <vector>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/core/natural_order.h"
#include "braid/core/utf8.h"
#include "braid/io/atomic_file.h"
#include "braid/io/deb822.h"
#include "braid/io/digest.h"
#include "braid/io/run_program.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostListBytes = uint64_t{1} << 30;
constexpr std::array<const char*, 3> kSplitNames = {"train", "val", "test"};

// A folder that goes away. apt drops its privileges while it downloads, so others may enter.
class PrivateFolder {
 public:
  PrivateFolder() {
    std::string name = (fs::temp_directory_path() / "braid-apt-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw IoError("data", "cannot make a folder for apt's lists", name, "set TMPDIR");
    path_ = name;
    ::chmod(path_.c_str(), 0755);
  }
  ~PrivateFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Lists {
  std::string packages, english, german;  // the files' text
};

// apt with the machine's settings, but lists, caches and languages of our own and no hooks.
class PrivateApt {
 public:
  PrivateApt() {
    if (!io::find_program("apt-get"))
      throw IoError("data", "expected the program apt-get, got none on this machine", "",
                    "make this set on a Debian or Ubuntu system and copy its folder");
    const auto& home = folder_.path();
    for (const char* name : {"lists/partial", "cache", "parts"})
      fs::create_directories(home / name);
    std::string settings = own_settings();
    for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
             {"Dir::State::lists", (home / "lists").string()},
             {"Dir::Cache", (home / "cache").string()},
             {"Dir::Cache::pkgcache", ""},
             {"Dir::Cache::srcpkgcache", ""},
             {"Dir::Etc::main", "/dev/null"},
             {"Dir::Etc::parts", (home / "parts").string()},
             {"Acquire::Languages", "en,de"}})
      settings += fmt::format("{} \"{}\";\n", key, value);
    io::write_file_atomic(home / "apt.conf", settings);
  }

  Lists fetch(Progress& progress) const {
    progress.line("Fetching the package lists through apt");
    const auto update = run({"apt-get", "update", "-q"});
    const auto helper = io::find_program("apt-helper").value_or("/usr/lib/apt/apt-helper").string();
    Lists lists;
    for (const auto& target : targets()) {
      auto* into = target.kind == "Packages" ? &lists.packages
                   : target.language == "en" ? &lists.english
                   : target.language == "de" ? &lists.german
                                             : nullptr;
      if (into == nullptr || !fs::exists(target.file)) continue;
      const auto text = run({helper, "cat-file", target.file});
      if (text.code != 0)
        throw IoError("data", "apt-helper cannot read a list: " + last_line(text.err), target.file);
      *into += text.out + "\n\n";
    }
    if (lists.packages.empty() || lists.english.empty())
      throw TryAgainError("data",
                          "apt could not fetch its package lists: " +
                              last_line(update.err.empty() ? update.out : update.err),
                          "apt-get update",
                          "try again with a network; `apt-get update` shows what it asks for");
    return lists;
  }

 private:
  struct Target {
    std::string kind, file, language;
  };

  io::ProgramOutput run(const std::vector<std::string>& command) const {
    return io::run_program(
        command, {{"APT_CONFIG", (folder_.path() / "apt.conf").string()}, {"LC_ALL", "C.UTF-8"}},
        kMostListBytes);
  }

  static std::string own_settings() {
    const auto dump = io::run_program({"apt-config", "dump"}, {{"LC_ALL", "C.UTF-8"}}, 1 << 24);
    if (dump.code != 0) throw IoError("data", "apt-config failed: " + last_line(dump.err));
    std::string kept;
    for (size_t at = 0; at < dump.out.size();) {
      const size_t end = std::min(dump.out.find('\n', at), dump.out.size() - 1);
      const std::string line = dump.out.substr(at, end - at + 1);
      at = end + 1;
      const auto key = to_lower(line.substr(0, line.find(' ')));
      const bool ours = key.starts_with("acquire::languages") || key.starts_with("dir::cache") ||
                        key.starts_with("dir::state::lists") || key.starts_with("dir::etc::main") ||
                        key.starts_with("dir::etc::parts");
      const bool hook = key.find("-invoke") != std::string::npos;
      if (!ours && !hook) kept += line;
    }
    return kept;
  }

  // The release's main lists, not its updates', which change from day to day.
  std::vector<Target> targets() const {
    const auto answer = run({"apt-get", "indextargets", "--format",
                             "$(CREATED_BY)|$(FILENAME)|$(LANGUAGE)|$(CODENAME)|$(COMPONENT)|"});
    std::vector<Target> targets;
    for (size_t at = 0; at < answer.out.size();) {
      const size_t end = std::min(answer.out.find('\n', at), answer.out.size());
      std::array<std::string, 5> parts;
      size_t begin = at;
      for (auto& part : parts) {
        const size_t bar = std::min(answer.out.find('|', begin), end);
        part = answer.out.substr(begin, bar - begin);
        begin = std::min(bar + 1, end);
      }
      at = end + 1;
      const auto& [kind, file, language, codename, component] = parts;
      if (component == "main" && codename.find('-') == std::string::npos)
        targets.push_back({kind, file, language});
    }
    return targets;
  }

  static std::string last_line(const std::string& text) {
    const size_t end = text.find_last_not_of("\r\n");
    if (end == std::string::npos) return "it did not say why";
    const size_t begin = text.rfind('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1,
                       end - (begin == std::string::npos ? size_t{0} : begin + 1) + 1);
  }

  PrivateFolder folder_;
};

using Paragraphs = std::vector<std::string>;

struct Described {
  std::string package, source, section;
  Paragraphs english, german;  // german: empty where there is no translation
  size_t split = 0;            // of kSplitNames
};

// By the description's checksum.
std::map<std::string, Paragraphs> read_translation(const std::string& text, const char* field) {
  std::map<std::string, Paragraphs> found;
  io::for_each_stanza(text, [&](const io::Deb822Stanza& stanza) {
    const auto description = stanza.get(field);
    if (description.empty()) return;
    found.emplace(stanza.get("Description-md5"),
                  io::description_paragraphs(replace_invalid_utf8(description)));
  });
  return found;
}

size_t split_of_source(const std::string& source) {
  const auto digest = io::sha256({source.begin(), source.end()});
  const int percent = std::stoi(digest.substr(0, 6), nullptr, 16) % 100;
  return percent < 10 ? 2 : percent < 15 ? 1 : 0;
}

std::string joined(const Paragraphs& paragraphs) {
  return fmt::format("{}", fmt::join(paragraphs, "\n"));
}

// Each text once, by the package's name; those of several sections are left out.
std::vector<Described> read_descriptions(const Lists& lists) {
  const auto english = read_translation(lists.english, "Description-en");
  const auto german = read_translation(lists.german, "Description-de");
  std::map<std::string, Described> by_text;
  std::set<std::string> ambiguous;
  io::for_each_stanza(lists.packages, [&](const io::Deb822Stanza& stanza) {
    const std::string digest(stanza.get("Description-md5")), package(stanza.get("Package"));
    std::string section(stanza.get("Section")), source(stanza.get("Source"));
    section = section.substr(section.find('/') + 1);
    source = source.substr(0, source.find(' '));  // a version may follow
    if (source.empty()) source = package;
    const auto text = english.find(digest);
    if (text == english.end() || section.empty() || package.empty()) return;
    const auto whole = joined(text->second);
    const auto [known, is_new] = by_text.emplace(
        whole, Described{package, source, section, text->second, {}, split_of_source(source)});
    if (!is_new && known->second.section != section) ambiguous.insert(whole);
    const auto translated = german.find(digest);
    if (is_new && translated != german.end()) known->second.german = translated->second;
  });
  std::vector<Described> all;
  for (auto& [whole, described] : by_text)
    if (!ambiguous.contains(whole)) all.push_back(std::move(described));
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.package < b.package; });
  if (all.empty())
    throw DataError("data", "expected package descriptions in apt's lists, got none");
  // A section that no training source has would be a class that cannot be learned.
  std::set<std::string> trained;
  for (const auto& one : all)
    if (one.split == 0) trained.insert(one.section);
  for (auto& one : all)
    if (!trained.contains(one.section)) one.split = 0;
  return all;
}

void write_labelled(const std::vector<Described>& all, const fs::path& folder) {
  std::array<std::string, 3> files;
  for (const auto& one : all)
    files[one.split] += dump_json(Json{{"text", joined(one.english)},
                                       {"label", one.section},
                                       {"package", one.package},
                                       {"source", one.source}}) +
                        "\n";
  for (size_t s = 0; s < files.size(); ++s)
    io::write_file_atomic(folder / (std::string(kSplitNames[s]) + ".jsonl"), files[s]);
}

void write_plain(const std::vector<Described>& all, const fs::path& folder) {
  std::array<std::string, 2> files;
  for (const auto& one : all)
    if (one.split < files.size()) files[one.split] += joined(one.english) + "\n\n";
  for (size_t s = 0; s < files.size(); ++s)
    io::write_file_atomic(folder / (std::string(kSplitNames[s]) + ".txt"), files[s]);
}

// Paragraph by paragraph where there are as many, else the first lines alone. A pair is there once,
// and what train has is not asked in val or test.
void write_parallel(const std::vector<Described>& all, const fs::path& folder) {
  std::array<std::string, 3> english, german;
  std::set<std::string> seen;
  for (size_t split = 0; split < kSplitNames.size(); ++split)
    for (const auto& one : all) {
      if (one.german.empty() || one.split != split) continue;
      const size_t count = one.english.size() == one.german.size() ? one.english.size() : 1;
      for (size_t i = 0; i < count; ++i) {
        const auto &from = one.english[i], &to = one.german[i];
        if (from == to) continue;
        const bool is_new_text = seen.insert(from).second;
        if (split == 0 ? !seen.insert(from + "\n" + to).second : !is_new_text) continue;
        english[split] += from + "\n";
        german[split] += to + "\n";
      }
    }
  if (english[0].empty())
    throw DataError("data", "expected German descriptions in apt's lists, got none", "",
                    "the archive that apt is set up for has no Translation-de");
  for (size_t s = 0; s < english.size(); ++s) {
    io::write_file_atomic(folder / (std::string(kSplitNames[s]) + ".en"), english[s]);
    io::write_file_atomic(folder / (std::string(kSplitNames[s]) + ".de"), german[s]);
  }
}

}  // namespace

void make_debian_packages(const std::string& name, const fs::path& folder, Progress& progress) {
  const auto all = read_descriptions(PrivateApt().fetch(progress));
  const auto write = name == "debian-packages-en-de"  ? write_parallel
                     : name == "debian-packages-text" ? write_plain
                                                      : write_labelled;
  io::replace_folder(folder, [&](const fs::path& empty) { write(all, empty); });
}

}  // namespace braid::data
