// Keys and values of positions that were seen before, for a decoder that writes word by word.
#pragma once
#include <memory>

#include "braid/torch.h"

namespace braid::nn {

// Keys and values stay in the rows where they were put; each row of the batch has a list of those
// that are its own. Choosing other rows of the batch moves lists alone.
class KeyValueCache {
 public:
  // One for graphs: keys and values are tensors of their own, to which append() joins what follows.
  // Nothing is written into, and nothing is done another way for another number of positions. k:
  // [B,h,N,d], v: [B,h,N,d'] of positions that were seen; undefined: none.
  static KeyValueCache joined(const torch::Tensor& k = {}, const torch::Tensor& v = {});
  bool is_joined() const { return order_ == Order::kJoined; }

  // k: [B,h,N,d], v: [B,h,N,d'] of the positions that follow.
  void append(const torch::Tensor& k, const torch::Tensor& v);
  // Keeps these rows of the batch, in this order: [B'] int64.
  void select(const torch::Tensor& rows);
  // The last ones, at most `last` positions: [B,h,M,d]; a copy once rows were selected, or more
  // followed several positions at once.
  torch::Tensor keys(int64_t last = INT64_MAX) const;
  torch::Tensor values(int64_t last = INT64_MAX) const;
  // Where they lie, in one that is not joined: [rows,h*d], [rows,h*d'], and for each position its
  // row, [B,M] int64.
  const torch::Tensor& key_rows() const { return k_; }
  const torch::Tensor& value_rows() const { return v_; }
  torch::Tensor places() const { return places_.narrow(1, 0, length_); }
  int64_t length() const { return length_; }  // positions
  bool empty() const { return length_ == 0; }
  // What a mixer of two branches keeps for its second one, made by the first call; its rows are
  // selected with the others.
  KeyValueCache& beside();
  bool has_beside() const { return beside_ != nullptr; }

 private:
  enum class Order {
    kOfBatch,      // all positions of the first row of the batch, then those of the second, ..
    kOfPositions,  // all rows of the batch at the first position, then at the second, ..
    kLists,        // any
    kJoined        // k_ and v_ are [B,h,N,d] and [B,h,N,d']; there are no lists
  };
  torch::Tensor gathered(const torch::Tensor& rows, int64_t last) const;

  torch::Tensor k_, v_;   // [rows,h*d], [rows,h*d'], with room for more rows
  torch::Tensor places_;  // [B,positions], with room for more positions
  Order order_ = Order::kOfBatch;
  int64_t batch_ = 0, length_ = 0, heads_ = 1, used_ = 0;  // used_: rows
  std::shared_ptr<KeyValueCache> beside_;
};

}  // namespace braid::nn
