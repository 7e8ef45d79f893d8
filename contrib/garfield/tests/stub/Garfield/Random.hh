// A stand-in for Garfield++'s random numbers; see AvalancheMicroscopic.hh beside this file.
#pragma once

#include <random>

namespace Garfield {

inline double RndmUniform() {
  static std::mt19937_64 engine(1);
  return static_cast<double>(engine() >> 11) * 0x1p-53;
}

}  // namespace Garfield
