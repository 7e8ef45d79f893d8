// A Gaudi algorithm (k4FWCore) that makes the strip hits of one cylindrical layer: EDM4hep's SimTrackerHits
// in, a RawTimeSeries a strip out, with its charge (fC) and time (ns). docs/gaudi.md of townsend has the job
// options.
#include <Gaudi/Property.h>
#include <edm4hep/EventHeaderCollection.h>
#include <edm4hep/RawTimeSeriesCollection.h>
#include <edm4hep/SimTrackerHitCollection.h>
#include <k4FWCore/Transformer.h>

#include <memory>
#include <mutex>
#include <townsend_drift.hh>

using Strips = edm4hep::RawTimeSeriesCollection;
using Hits = edm4hep::SimTrackerHitCollection;
using Headers = edm4hep::EventHeaderCollection;

struct TownsendDigitiser final : k4FWCore::Transformer<Strips(const Hits&, const Headers&)> {
  TownsendDigitiser(const std::string& name, ISvcLocator* services)
      : Transformer(name, services, {KeyValues("SimHits", {"CGEMHits"}), KeyValues("Header", {"EventHeader"})},
                    {KeyValues("Strips", {"CGEMStrips"})}) {}

  StatusCode initialize() override {
    model_ = std::make_unique<townsend::Model>(modelName_.value());
    readout_ = std::make_unique<townsend::Readout>(detector_.value());
    return StatusCode::SUCCESS;
  }

  Strips operator()(const Hits& hits, const Headers& headers) const override {
    auto region = Take();
    region->Begin(headers[0].getRunNumber(), headers[0].getEventNumber());
    const auto gap = Gap();
    for (const auto& hit : hits) {
      const auto p = hit.getPosition();
      const auto m = hit.getMomentum();
      const double height = gap.Place({p.x, p.y, p.z}).height_mm, thickness = gap_.value();
      if (!(height >= 0. && height <= thickness)) continue;  // of another layer
      // The hit is in the middle of a path along the momentum, which is cut where it would leave the gap.
      const double norm = std::hypot(m.x, m.y, m.z);
      const double half = norm > 0. ? 0.5 * hit.getPathLength() / norm : 0.;
      const auto end = [&](double sign) -> townsend::DriftGap::Vector {
        const auto at = [&](double s) -> townsend::DriftGap::Vector {
          return {p.x + s * m.x, p.y + s * m.y, p.z + s * m.z};
        };
        const double reached = gap.Place(at(sign * half)).height_mm;
        const double allowed = std::min(std::max(reached, 0.), thickness);
        return at(sign * half * (reached == allowed ? 1. : (allowed - height) / (reached - height)));
      };
      region->Deposit(end(-1.), end(1.), hit.getTime(), hit.getTime(), 1e9 * hit.getEDep());  // GeV to eV
    }
    Strips strips;
    for (const auto& hit : region->Read()) {
      auto strip = strips.create();
      strip.setCellID(std::uint64_t{hit.layer} << 24 | hit.sheet << 18 | hit.view << 16 | hit.strip);
      strip.setCharge(hit.charge_fc);
      strip.setTime(hit.time_ns);
    }
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(region));
    return strips;
  }

 private:
  Gaudi::Property<std::string> modelName_{this, "Model", "cgem", "run, model file or detector"};
  Gaudi::Property<std::string> detector_{this, "Detector", "cgem", "detector whose strips read out"};
  Gaudi::Property<double> foil_{this, "FoilRadius", 81.9, "radius of the first foil, mm"};
  Gaudi::Property<double> strip_{this, "StripRadius", 90.195, "radius of the strips, mm"};
  Gaudi::Property<double> gap_{this, "DriftGap", 5., "thickness of the drift gap, mm"};
  Gaudi::Property<unsigned> seed_{this, "Seed", 1, "seed of all that is random"};
  // Ar/iC4H10 90/10 at 1.5 kV/cm and 1 T, as the detector cgem has it.
  Gaudi::Property<double> velocity_{this, "Velocity", 34.4, "drift velocity, um/ns"};
  Gaudi::Property<double> lorentz_{this, "LorentzAngle", 25.3, "degrees"};
  Gaudi::Property<std::vector<double>> diffusion_{
      this, "Diffusion", {174., 459., 403.}, "um after 1 cm: along E, across B, along B"};

  std::unique_ptr<townsend::Model> model_;
  std::unique_ptr<townsend::Readout> readout_;
  // A region for each event that is worked on at the same time.
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<townsend::DriftRegion>> idle_;

  townsend::DriftGap Gap() const { return townsend::DriftGap::Cylinder(foil_.value(), strip_.value()); }

  std::unique_ptr<townsend::DriftRegion> Take() const {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto region = std::move(idle_.back());
      idle_.pop_back();
      return region;
    }
    townsend::DriftGas gas;
    gas.velocity_um_ns = velocity_.value();
    gas.lorentz_deg = lorentz_.value();
    gas.longitudinal_um = diffusion_.value().at(0);
    gas.transverse_um = {diffusion_.value().at(1), diffusion_.value().at(2)};
    return std::make_unique<townsend::DriftRegion>(*model_, *readout_, Gap(), gas, seed_.value(), name());
  }
};

DECLARE_COMPONENT(TownsendDigitiser)
