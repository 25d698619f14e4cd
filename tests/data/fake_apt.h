// An apt whose lists are made up: a folder of scripts for PATH.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>

namespace braid::data {

// Writes apt-get, apt-config and apt-helper into `folder`. online: whether lists can be fetched.
inline void write_fake_apt(const std::filesystem::path& folder, bool online) {
  std::filesystem::create_directories(folder);
  const auto script = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << "#!/bin/sh\n" << text;
    std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
  };
  script("apt-config",
         "echo 'Acquire::Languages \"none\";'\n"
         "echo 'APT::Update::Post-Invoke:: \"touch /nonexistent/hook\";'\n"
         "echo 'Acquire::http::Proxy \"http://proxy\";'\n");
  script("apt-helper", "cat \"$2\"\n");
  std::string lists =
      "lists=$(sed -n 's/^Dir::State::lists \"\\(.*\\)\";/\\1/p' \"$APT_CONFIG\")\n"
      "if [ \"$1\" = indextargets ]; then\n"
      "  echo \"Packages|$lists/Packages|\\$(LANGUAGE)|bookworm|main|\"\n"
      "  echo \"Translations|$lists/en|en|bookworm|main|\"\n"
      "  echo \"Translations|$lists/de|de|bookworm|main|\"\n"
      "  echo \"Translations|$lists/fr|fr|bookworm|main|\"\n"
      "  echo \"Packages|$lists/Updates|\\$(LANGUAGE)|bookworm-updates|main|\"\n"
      "  echo \"Packages|$lists/NonFree|\\$(LANGUAGE)|bookworm|non-free|\"\n"
      "  exit 0\nfi\n"
      "grep -q 'Languages \"en,de\"' \"$APT_CONFIG\" || exit 1\n"
      "grep -q Proxy \"$APT_CONFIG\" || exit 1\n"
      "grep -q Invoke \"$APT_CONFIG\" && exit 1\n";
  if (!online) lists += "echo 'W: Failed to fetch http://deb  Could not resolve' >&2\nexit 0\n";
  lists +=
      "for i in $(seq 1 400); do\n"
      "  s=$((i / 2)); section=net; [ $((s % 3)) = 0 ] && section=contrib/libs\n"
      "  printf 'Package: p%s\\nSource: s%s (1.0)\\nSection: %s\\nDescription-md5: m%s\\n\\n' "
      "$i $s $section $i >> \"$lists/Packages\"\n"
      "  printf 'Description-md5: m%s\\nDescription-en: the %s thing\\n It does %s.\\n .\\n "
      "Well.\\n\\n' "
      "$i $i $s >> \"$lists/en\"\n"
      "  printf 'Description-md5: m%s\\nDescription-de: das Ding %s\\n Es tut %s.\\n .\\n "
      "Gut.\\n\\n' "
      "$i $i $s >> \"$lists/de\"\n"
      "done\n"
      "printf 'Package: again\\nSection: games\\nDescription-md5: m1\\n\\n' >> "
      "\"$lists/Packages\"\n"
      "printf 'Package: bad\\nSection: games\\nDescription-md5: m401\\n\\n' >> \"$lists/Updates\"\n"
      "printf 'Package: only\\nSection: rare\\nDescription-md5: m402\\n\\n' >> "
      "\"$lists/Packages\"\n"
      "printf 'Description-md5: m402\\nDescription-en: the only one\\n\\n' >> \"$lists/en\"\n";
  script("apt-get", lists);
}

}  // namespace braid::data
