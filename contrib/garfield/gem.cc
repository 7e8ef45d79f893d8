// Single electrons through a GEM foil with Garfield++, recorded for townsend.
//
//   gem responses  NUMBER FILE.npz [FIELD MAP'S FOLDER]   responses of the foil, for a cascade
//   gem avalanches NUMBER FILE.npz [FIELD MAP'S FOLDER]   whole avalanches, down to a plane below
//
// The field map is one of Ansys, such as that of Garfield++'s example Gem: ELIST.lis, NLIST.lis, MPLIST.lis,
// PRNSOL.lis, a quarter of a cell that is mirrored in x and y. Field maps of other programs, gases and
// detectors of several foils need other lines where the comments say so; what records stays the same.
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

#include "Garfield/AvalancheMicroscopic.hh"
#include "Garfield/ComponentAnsys123.hh"
#include "Garfield/MediumMagboltz.hh"
#include "Garfield/Random.hh"
#include "Garfield/Sensor.hh"
#include "townsend.hh"

namespace {

// The foil, its holes and the planes, in cm. Planes are in the gaps where the field is uniform again, so more
// than a hole's diameter away from the foil, and within the field map.
constexpr double kPitch = 0.014;
constexpr double kAbove = 0.015;
constexpr double kBelow = -0.015;
const townsend::Lattice kHoles = {kPitch, {0., 0.}, false};

// What is simulated, for the files.
const townsend::Conditions kConditions = {
    "Ar/iC4H10 90/10, 293.15 K, 760 Torr, Penning transfer 0.40",
    {275.},
    {1.5, 3.},
    "anywhere in the cell of a hole, 150 um above the centre of the foil",
    "contrib/garfield/gem.cc",
};

// A hole must be where kHoles has it, and its nearest neighbours too; between two of them there is no gas.
void CheckHoles(Garfield::ComponentAnsys123& map) {
  const auto gas = [&map](const double u, const double v) {
    const auto [x, y] = kHoles.At(u, v);
    return map.GetMedium(x, y, 0.) != nullptr;
  };
  if (!gas(0, 0) || !gas(1, 0) || !gas(0, 1) || gas(0.5, 0) || gas(0, 0.5)) {
    throw std::runtime_error("the holes of the field map are not where kHoles has them");
  }
}

void Simulate(const std::string& what, const int number, const std::string& file, const std::string& folder) {
  Garfield::MediumMagboltz gas;
  gas.SetComposition("ar", 90., "ic4h10", 10.);
  gas.SetTemperature(293.15);
  gas.SetPressure(760.);
  gas.EnablePenningTransfer(0.40, 0., "ar");
  gas.Initialise(true);

  Garfield::ComponentAnsys123 map;
  if (!map.Initialise(folder + "/ELIST.lis", folder + "/NLIST.lis", folder + "/MPLIST.lis", folder + "/PRNSOL.lis",
                      "mm")) {
    throw std::runtime_error(folder + ": there is no field map");
  }
  map.EnableMirrorPeriodicityX();
  map.EnableMirrorPeriodicityY();
  for (std::size_t i = 0; i < map.GetNumberOfMaterials(); ++i) {
    if (map.GetPermittivity(i) == 1.) map.SetMedium(i, &gas);
  }
  CheckHoles(map);

  // The area ends at the plane below, so that electrons end there, and is wide enough for all of them. Above
  // there is room, since electrons may go back a little before they come down.
  Garfield::Sensor sensor;
  sensor.AddComponent(&map);
  sensor.SetArea(-20 * kPitch, -20 * kPitch, kBelow, 20 * kPitch, 20 * kPitch, kAbove + 0.01);

  Garfield::AvalancheMicroscopic avalanche;
  avalanche.SetSensor(&sensor);
  const auto electron = [&avalanche] {
    const auto [x, y] = kHoles.At(Garfield::RndmUniform(), Garfield::RndmUniform());
    const townsend::Start start = {x, y, kAbove, 0.};
    avalanche.AvalancheElectron(start.x_cm, start.y_cm, start.z_cm, start.t_ns, 0.1, 0., 0., 0.);
    return start;
  };

  // Written every hundred electrons, so that a job that ends early loses little.
  if (what == "responses") {
    townsend::Responses record(file, {kBelow}, kHoles, kConditions);
    for (int i = 1; i <= number; ++i) {
      const auto start = electron();
      record.Add("gem", avalanche, start);
      if (i % 100 == 0 || i == number) record.Write();
    }
  } else {
    townsend::Avalanches record(file, {kBelow}, kConditions);
    for (int i = 1; i <= number; ++i) {
      const auto start = electron();
      record.Add(avalanche, start);
      if (i % 100 == 0 || i == number) record.Write();
    }
  }
}

}  // namespace

int main(int argc, char* argv[]) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int number = argc > 2 ? std::atoi(argv[2]) : 0;
  if (argc < 4 || argc > 5 || number < 1 || (what != "responses" && what != "avalanches")) {
    std::cerr << "usage: gem responses|avalanches NUMBER FILE.npz [FIELD MAP'S FOLDER]" << std::endl;
    return 2;
  }
  try {
    Simulate(what, number, argv[3], argc == 5 ? argv[4] : ".");
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}
