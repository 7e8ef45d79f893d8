// contrib/garfield/townsend_avalanche.hh in the place of AvalancheMicroscopic, beside townsend.hh, which
// records what it draws, and after Heed. Its arguments are the file to record in and a detector with strips.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "Garfield/AvalancheMicroscopic.hh"
#include "Garfield/ComponentAnsys123.hh"
#include "Garfield/Random.hh"
#include "Garfield/Sensor.hh"
#include "Garfield/TrackHeed.hh"
#include "townsend.hh"
#include "townsend_avalanche.hh"

namespace {

void Check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

/// What a program does with an avalanche of Garfield++: it compiles for either class.
template <class Avalanche>
double LatestArrival(Avalanche& avalanche, double z) {
  avalanche.AvalancheElectron(0., 0., z, 10., 0.1, 0., 0., 0.);
  double latest = 0.;
  std::size_t number = 0;
  for (const auto& electron : avalanche.GetElectrons()) {
    if (electron.status == -1) latest = std::max(latest, electron.path.back().t);
    double x0, y0, z0, t0, e0, x1, y1, z1, t1, e1;
    int status;
    avalanche.GetElectronEndpoint(number++, x0, y0, z0, t0, e0, x1, y1, z1, t1, e1, status);
    Check(z0 == z && t0 == 10. && t1 == electron.path.back().t && status == electron.status, "endpoints");
  }
  Check(number == avalanche.GetNumberOfElectronEndpoints() && number > 0, "number of endpoints");
  return latest;
}

}  // namespace

int main(int, char** argv) try {
  const townsend::Model model("microscopic_275");
  // The first foil at z = 0, the anode 0.6 cm below it; Garfield++'s y is townsend's z.
  const auto gap = townsend::DriftGap::Flat({0., 0., 0.}, {0., 0., 1.}, {1., 0., 0.}, {0., 1., 0.});
  townsend::AvalancheModel avalanche(model, gap, 0.6);

  // As near to the foil as avalanches of the model start: what is recorded is what the model draws.
  townsend::Avalanches record(argv[1], {-0.6});
  int empty = 0;
  for (int i = 0; i < 60; ++i) {
    const townsend::Start start = {0.001 * i, -0.002 * i, 0.012, 1. * i};
    Check(avalanche.AvalancheElectron(start.x_cm, start.y_cm, start.z_cm, start.t_ns), "in the gap");
    int electrons, ions;
    avalanche.GetAvalancheSize(electrons, ions);
    Check(record.Add(avalanche, start) == static_cast<std::size_t>(electrons) && ions == 0, "recorded");
    Check(avalanche.GetAvalancheSize().first == electrons, "sizes");
    empty += electrons == 0 ? 1 : 0;
  }
  Check(empty > 3 && empty < 35, "a quarter is empty");
  record.Write();
  Check(!avalanche.AvalancheElectron(0., 0., -0.1, 0.) && avalanche.GetElectrons().empty(), "below the foil");

  // The same calls for both classes; and an electron from 4 mm arrives 105 ns later than one from the foil.
  Garfield::Sensor sensor;
  sensor.SetArea(-1., -1., -0.7, 1., 1., 0.5);
  Garfield::AvalancheMicroscopic microscopic;
  microscopic.SetSensor(&sensor);
  LatestArrival(microscopic, 0.012);
  double near = 0., far = 0.;
  for (int i = 0; i < 50; ++i) {
    near = std::max(near, LatestArrival(avalanche, 0.012));
    far = std::max(far, LatestArrival(avalanche, 0.4));
  }
  Check(std::abs(far - near - 3.88 / 0.0369) < 12., "drift of 3.88 mm: " + std::to_string(far - near) + " ns");

  // Heed's electrons to strips, without an avalanche in between that anybody sees.
  const townsend::Readout readout(argv[2]);
  Garfield::TrackHeed track(&sensor);
  track.SetParticle("pi-");
  track.SetMomentum(1.e9);
  townsend::DriftRegion drift(model, readout, gap, townsend::DriftGas{}, 1);
  double charge = 0.;
  for (int event = 0; event < 20; ++event) {
    drift.Begin(0, static_cast<std::uint64_t>(event));
    track.NewTrack(0., 0., 0.5, 0., 0., 0., -1.);
    for (const auto& cluster : track.GetClusters()) {
      for (const auto& e : cluster.electrons) drift.Electron({10. * e.x, 10. * e.y, 10. * e.z}, e.t);
    }
    for (const auto& hit : drift.Read()) charge += hit.charge_fc;
    Check(drift.Primaries() > 5, "primary electrons");
  }
  Check(charge > 10., "charge of 20 tracks: " + std::to_string(charge) + " fC");
} catch (const std::exception& error) {
  std::fprintf(stderr, "failed: %s\n", error.what());
  return 1;
}
