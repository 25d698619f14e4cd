// Modules under keys with dots in them.
#pragma once
#include <memory>
#include <string>

#include "braid/torch.h"

namespace braid::nn {

// Registers `child` below `root`: the dots of "attention.output.dense" stand for modules, which are
// made where they are not there yet, in root's mode.
inline void register_at(torch::nn::Module& root, const std::string& path,
                        const std::shared_ptr<torch::nn::Module>& child) {
  const auto dot = path.find('.');
  if (dot == std::string::npos) {
    root.register_module(path, child);
    return;
  }
  const auto name = path.substr(0, dot);
  const auto children = root.named_children();
  const auto* found = children.find(name);
  const auto next =
      found ? *found : root.register_module(name, std::make_shared<torch::nn::Module>());
  if (!found) next->train(root.is_training());
  register_at(*next, path.substr(dot + 1), child);
}

}  // namespace braid::nn
