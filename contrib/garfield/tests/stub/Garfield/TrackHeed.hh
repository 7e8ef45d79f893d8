// A stand-in for Garfield++'s interface to Heed; see AvalancheMicroscopic.hh beside this file.
#pragma once

#include <string>
#include <vector>

#include "Garfield/Random.hh"
#include "Garfield/Sensor.hh"

namespace Garfield {

class TrackHeed {
 public:
  struct Electron {
    double x = 0., y = 0., z = 0., t = 0., e = 0., dx = 0., dy = 0., dz = 0.;
  };
  struct Cluster {
    double x, y, z, t, energy, extra;
    std::vector<Electron> electrons;
  };

  explicit TrackHeed(Sensor*) {}
  void SetParticle(const std::string&) {}
  void SetMomentum(const double) {}

  // Of a track through 5 mm, about: a cluster of one to five electrons every 0.3 mm.
  bool NewTrack(const double x0, const double y0, const double z0, const double t0, const double dx0,
                const double dy0, const double dz0) {
    m_clusters.clear();
    for (double s = 0.03 * RndmUniform(); s < 0.5; s += 0.06 * RndmUniform()) {
      Cluster cluster{x0 + s * dx0, y0 + s * dy0, z0 + s * dz0, t0 + s / 30., 30., 0., {}};
      const int electrons = 1 + static_cast<int>(5. * RndmUniform() * RndmUniform());
      for (int i = 0; i < electrons; ++i) {
        cluster.electrons.push_back({cluster.x, cluster.y, cluster.z, cluster.t, 0., 0., 0., 0.});
      }
      m_clusters.push_back(cluster);
    }
    return true;
  }
  const std::vector<Cluster>& GetClusters() const { return m_clusters; }

 private:
  std::vector<Cluster> m_clusters;
};

}  // namespace Garfield
