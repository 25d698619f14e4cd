// A layer whose type its owner does not know: what torch::nn::AnyModule is, without its cost per
// call.
#pragma once

#include <functional>
#include <memory>

#include "braid/torch.h"

namespace braid::nn {

// Holds a module and calls its forward(x); whoever owns it registers ptr() under a name.
class AnyLayer {
 public:
  using Forward = std::function<torch::Tensor(const torch::Tensor&)>;

  AnyLayer() = default;  // none
  template <class Module>
  requires requires(Module module, torch::Tensor x) { module->forward(x); }
  AnyLayer(const Module& module)  // implicit, as AnyModule's
      : AnyLayer(module, [held = Module(module)](const torch::Tensor& x) mutable {
          return held->forward(x);
        }) {}
  // Called as `forward` says, for a module that wants its tensor in another shape.
  template <class Module>
  AnyLayer(const Module& module, Forward forward)
      : module_(module.ptr()), forward_(std::move(forward)) {}

  torch::Tensor forward(const torch::Tensor& x) const { return forward_(x); }
  explicit operator bool() const { return module_ != nullptr; }
  const std::shared_ptr<torch::nn::Module>& ptr() const { return module_; }

 private:
  std::shared_ptr<torch::nn::Module> module_;
  Forward forward_;
};

}  // namespace braid::nn
