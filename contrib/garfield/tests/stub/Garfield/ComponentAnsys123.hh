// A stand-in for Garfield++'s field maps; see AvalancheMicroscopic.hh beside this file.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>

#include "Garfield/Medium.hh"

namespace Garfield {

// A foil of 50 um with holes of 70 um, one at the origin, 140 um apart along x.
class ComponentAnsys123 {
 public:
  bool Initialise(const std::string&, const std::string&, const std::string&, const std::string&, const std::string&) {
    return true;
  }
  void EnableMirrorPeriodicityX(const bool = true) {}
  void EnableMirrorPeriodicityY(const bool = true) {}
  std::size_t GetNumberOfMaterials() const { return 2; }
  double GetPermittivity(const std::size_t material) const { return material == 0 ? 1. : 4.; }
  void SetMedium(const std::size_t, Medium* medium) { m_gas = medium; }

  Medium* GetMedium(const double x, const double y, const double z) {
    const double pitch = 0.014, row = pitch * std::sqrt(0.75);
    bool hole = std::abs(z) > 0.0025;
    for (int i = -5; i <= 5; ++i) {
      for (int j = -5; j <= 5; ++j) hole |= std::hypot(x - pitch * (i + 0.5 * j), y - row * j) < 0.0035;
    }
    return hole ? m_gas : nullptr;
  }

 private:
  Medium* m_gas = nullptr;
};

}  // namespace Garfield
