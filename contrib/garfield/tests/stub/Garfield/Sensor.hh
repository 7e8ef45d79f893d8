// A stand-in for Garfield++'s sensor; see AvalancheMicroscopic.hh beside this file.
#pragma once

#include "Garfield/ComponentAnsys123.hh"

namespace Garfield {

class Sensor {
 public:
  void AddComponent(ComponentAnsys123*) {}
  bool SetArea(const double, const double, const double zmin, const double, const double, const double) {
    m_zmin = zmin;
    return true;
  }
  double m_zmin = 0.;
};

}  // namespace Garfield
