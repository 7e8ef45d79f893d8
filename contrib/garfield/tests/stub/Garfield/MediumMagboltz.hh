// A stand-in for Garfield++'s gas; see AvalancheMicroscopic.hh beside this file.
#pragma once

#include <string>

#include "Garfield/Medium.hh"

namespace Garfield {

class MediumMagboltz : public Medium {
 public:
  bool SetComposition(const std::string&, const double, const std::string& = "", const double = 0.) { return true; }
  void SetTemperature(const double) {}
  void SetPressure(const double) {}
  bool EnablePenningTransfer(const double, const double, std::string) { return true; }
  bool Initialise(const bool = false) { return true; }
};

}  // namespace Garfield
