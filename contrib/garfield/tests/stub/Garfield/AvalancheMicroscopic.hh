// A stand-in for the few members of Garfield++'s class that contrib/garfield uses, so that the tests need no
// Garfield++. Names and types are those of its public interface; what it simulates is made up. With
// GARFIELD_WITHOUT_GET_ELECTRONS it has the interface of older versions.
#pragma once

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "Garfield/Random.hh"
#include "Garfield/Sensor.hh"

namespace Garfield {

class AvalancheMicroscopic {
 public:
  struct Point {
    double x, y, z, t, energy;
  };
  struct Electron {
    int status = 0;
    std::vector<Point> path;
    std::size_t weight = 1;
  };

  AvalancheMicroscopic() = default;
  void SetSensor(Sensor* sensor) { m_sensor = sensor; }
  void EnableAvalancheSizeLimit(const std::size_t size) { m_limit = size; }
  int GetAvalancheSizeLimit() const { return static_cast<int>(m_limit); }

  // Of a GEM, about: an electron is lost on the foil's upper side with probability 0.3; or it has 1 to 30
  // children, of which half end on the lower side of the foil and half at the bottom of the sensor's area.
  bool AvalancheElectron(const double x, const double y, const double z, const double t, const double e,
                         const double = 0., const double = 0., const double = 0.) {
    m_electrons.clear();
    const Point start = {x, y, z, t, e};
    if (RndmUniform() < 0.3) {
      m_electrons.push_back({-5, {start, {x, y, 0.003, t + 3., 1.}}, 1});
      return true;
    }
    const int children = 1 + static_cast<int>(30. * RndmUniform());
    for (int i = 0; i < children; ++i) {
      const double dx = 0.01 * (RndmUniform() - 0.5), dy = 0.01 * (RndmUniform() - 0.5);
      const bool out = i % 2 == 0;
      const Point end = {x + dx, y + dy, out ? m_sensor->m_zmin : -0.003, t + 7. + RndmUniform(), 1.};
      m_electrons.push_back({out ? -1 : -5, {start, end}, 1});
    }
    return true;
  }

#ifndef GARFIELD_WITHOUT_GET_ELECTRONS
  const std::vector<Electron>& GetElectrons() const { return m_electrons; }
#endif
  unsigned int GetNumberOfElectronEndpoints() const { return static_cast<unsigned int>(m_electrons.size()); }
  void GetElectronEndpoint(const std::size_t i, double& x0, double& y0, double& z0, double& t0, double& e0,
                           double& x1, double& y1, double& z1, double& t1, double& e1, int& status) const {
    const auto& start = m_electrons[i].path.front();
    const auto& end = m_electrons[i].path.back();
    x0 = start.x, y0 = start.y, z0 = start.z, t0 = start.t, e0 = start.energy;
    x1 = end.x, y1 = end.y, z1 = end.z, t1 = end.t, e1 = end.energy;
    status = m_electrons[i].status;
  }

  // Not Garfield++'s: the electrons that a test wants.
  void Replay(std::vector<Electron> electrons) { m_electrons = std::move(electrons); }

 private:
  Sensor* m_sensor = nullptr;
  std::size_t m_limit = 0;
  std::vector<Electron> m_electrons;
};

}  // namespace Garfield
