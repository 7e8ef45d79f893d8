// Runs contrib/gaudi/TownsendDigitiser.cc on made-up hits and checks the strips.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "../TownsendDigitiser.cc"

namespace {

void Check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

/// A straight track at an azimuth, through three layers: 1.4 keV in the 5 mm of each drift gap.
Hits Track(double azimuth) {
  Hits hits;
  for (const double radius : {79.4, 124., 164.4}) {
    edm4hep::SimTrackerHit hit;
    hit.energy = 1.4e-6f, hit.time = 0.5f, hit.path = 5.2f;  // somewhat longer than the gap
    hit.position = {radius * std::cos(azimuth), radius * std::sin(azimuth), 20.};
    hit.momentum = {static_cast<float>(std::cos(azimuth)), static_cast<float>(std::sin(azimuth)), 0.f};
    hits.push_back(hit);
  }
  return hits;
}

struct Sums {
  double charge = 0., strip = 0., time = 0.;
};

/// Charge of the X strips, their mean number and time.
Sums XStrips(const Strips& strips) {
  Sums sums;
  for (std::size_t i = 0; i < strips.size(); ++i) {
    if ((strips[i].cell >> 16 & 1) != 0) continue;
    const double charge = strips[i].charge;
    sums.charge += charge;
    sums.strip += charge * static_cast<double>(strips[i].cell & 0xFFFF);
    sums.time += charge * strips[i].time;
  }
  return {sums.charge, sums.strip / sums.charge, sums.time / sums.charge};
}

}  // namespace

int main() try {
  const std::unique_ptr<Gaudi::Algorithm> made(MakeTownsendDigitiser("layer1", nullptr));
  Check(made->initialize() == StatusCode::SUCCESS, "initialize");
  const auto& digitiser = dynamic_cast<TownsendDigitiser&>(*made);
  const int events = 40;
  double charge = 0., strip = 0., time = 0.;
  std::vector<Strips> alone;
  for (int event = 0; event < events; ++event) {
    alone.push_back(digitiser(Track(0.3), {{event, 5}}));
    const auto sums = XStrips(alone.back());
    charge += sums.charge / events, strip += sums.strip / events, time += sums.time / events;
  }
  // 54 electrons, of which X has 0.595, 8 charges each, a gain of about 1,500: 62 fC less thresholds.
  Check(charge > 30. && charge < 90., "charge " + std::to_string(charge) + " fC");
  // The strips of the azimuth, shifted along E x B by 2.5 mm tan 25.3 degrees in the drift gap on the
  // average, and by 6 mm at some 10 degrees below.
  const double middle = (strip - 427.5) * 0.65 - 0.3 * 90.195;
  Check(middle > 1.5 && middle < 3.0, "shift " + std::to_string(middle) + " mm");
  Check(time > 180. && time < 320., "time " + std::to_string(time) + " ns");
  // Only the hit of its layer, and the same strips by any thread.
  std::vector<Strips> together(events);
  std::vector<std::thread> threads;
  for (int k = 0; k < 4; ++k) {
    threads.emplace_back([&, k] {
      for (int event = k; event < events; event += 4) {
        Hits hits = Track(0.3);
        hits.resize(1);
        together[static_cast<std::size_t>(event)] = digitiser(hits, {{event, 5}});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t event = 0; event < alone.size(); ++event) {
    Check(alone[event].size() == together[event].size() && alone[event].size() > 0, "number of strips");
    for (std::size_t i = 0; i < alone[event].size(); ++i) {
      const auto &a = alone[event][i], &b = together[event][i];
      Check(a.cell == b.cell && a.charge == b.charge && a.time == b.time, "strips of other threads");
    }
  }
  Check(digitiser({}, {{0, 0}}).size() == 0, "no hits, no strips");
} catch (const std::exception& error) {
  std::fprintf(stderr, "failed: %s\n", error.what());
  return 1;
}
