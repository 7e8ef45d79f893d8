// A stand-in for Garfield++'s media; see AvalancheMicroscopic.hh beside this file.
#pragma once

namespace Garfield {

class Medium {
 public:
  virtual ~Medium() = default;
};

}  // namespace Garfield
