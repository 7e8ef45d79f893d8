// A stand-in for the few types of EDM4hep that contrib/gaudi uses; see k4FWCore/Transformer.h beside this
// folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace edm4hep {

struct Vector3d {
  double x, y, z;
};
struct Vector3f {
  float x, y, z;
};

struct SimTrackerHit {
  float energy = 0.f, time = 0.f, path = 0.f;
  Vector3d position{};
  Vector3f momentum{};
  float getEDep() const { return energy; }
  float getTime() const { return time; }
  float getPathLength() const { return path; }
  const Vector3d& getPosition() const { return position; }
  const Vector3f& getMomentum() const { return momentum; }
};
using SimTrackerHitCollection = std::vector<SimTrackerHit>;

struct EventHeader {
  std::int32_t event = 0, run = 0;
  std::int32_t getEventNumber() const { return event; }
  std::int32_t getRunNumber() const { return run; }
};
using EventHeaderCollection = std::vector<EventHeader>;

struct RawTimeSeries {
  std::uint64_t cell = 0;
  float time = 0.f, charge = 0.f;
};

class MutableRawTimeSeries {
 public:
  explicit MutableRawTimeSeries(RawTimeSeries& of) : of_(&of) {}
  void setCellID(std::uint64_t cell) { of_->cell = cell; }
  void setTime(float time) { of_->time = time; }
  void setCharge(float charge) { of_->charge = charge; }

 private:
  RawTimeSeries* of_;
};

class RawTimeSeriesCollection {
 public:
  MutableRawTimeSeries create() { return MutableRawTimeSeries(series_.emplace_back()); }
  std::size_t size() const { return series_.size(); }
  const RawTimeSeries& operator[](std::size_t i) const { return series_[i]; }

 private:
  std::vector<RawTimeSeries> series_;
};

}  // namespace edm4hep
