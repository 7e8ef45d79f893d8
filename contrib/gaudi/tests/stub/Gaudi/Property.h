// A stand-in for Gaudi's properties; see k4FWCore/Transformer.h beside this folder.
#pragma once

#include <string>
#include <utility>

namespace Gaudi {

template <class T>
class Property {
 public:
  template <class Owner>
  Property(Owner*, const std::string&, T value, const std::string&) : value_(std::move(value)) {}
  const T& value() const { return value_; }

 private:
  T value_;
};

}  // namespace Gaudi
