// A stand-in for the few classes of Gaudi and k4FWCore that contrib/gaudi uses, so that the tests need
// neither. Names and types are those of their public interfaces.
#pragma once

#include <string>
#include <utility>
#include <vector>

class ISvcLocator;

enum class StatusCode { SUCCESS, FAILURE };

namespace Gaudi {

class Algorithm {
 public:
  explicit Algorithm(std::string name) : name_(std::move(name)) {}
  virtual ~Algorithm() = default;
  virtual StatusCode initialize() { return StatusCode::SUCCESS; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

}  // namespace Gaudi

namespace k4FWCore {

template <class Signature>
class Transformer;

template <class Out, class... In>
class Transformer<Out(const In&...)> : public Gaudi::Algorithm {
 public:
  using KeyValues = std::pair<std::string, std::vector<std::string>>;

  Transformer(const std::string& name, ISvcLocator*, const std::vector<KeyValues>&, const std::vector<KeyValues>&)
      : Algorithm(name) {}
  virtual Out operator()(const In&...) const = 0;
};

}  // namespace k4FWCore

#define DECLARE_COMPONENT(type)                                             \
  Gaudi::Algorithm* Make##type(const std::string& name, ISvcLocator* services) { \
    return new type(name, services);                                        \
  }
