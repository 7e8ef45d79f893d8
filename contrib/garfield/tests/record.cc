// Records avalanches that a test made up. The input has one line for each electron,
//
//   start X Y Z T         a primary electron, in cm and ns
//   end X Y Z T STATUS    where an electron of its avalanche ends
//
// usage: record INPUT FOLDER CASE
//
// CASE `good` writes avalanches.npz, along_y.npz, mc.npz and responses.npz into FOLDER; the other cases are
// mistakes.
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "Garfield/AvalancheMicroscopic.hh"
#include "townsend.hh"

namespace {

using Garfield::AvalancheMicroscopic;

struct Event {
  townsend::Start start;
  std::vector<AvalancheMicroscopic::Electron> electrons;
};

std::vector<Event> Read(const std::string& path) {
  std::ifstream file(path);
  std::vector<Event> events;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string what;
    double x = 0., y = 0., z = 0., t = 0.;
    words >> what >> x >> y >> z >> t;
    if (what == "start") {
      events.push_back({{x, y, z, t}, {}});
    } else {
      int status = 0;
      words >> status;
      const auto& s = events.back().start;
      events.back().electrons.push_back({status, {{s.x_cm, s.y_cm, s.z_cm, s.t_ns, 0.1}, {x, y, z, t, 1.}}, 1});
    }
  }
  return events;
}

// The interface of older versions' AvalancheMC, which knows no energies.
class AvalancheMC {
 public:
  explicit AvalancheMC(const Event& event) : m_event(event) {}
  unsigned int GetNumberOfElectronEndpoints() const { return static_cast<unsigned int>(m_event.electrons.size()); }
  void GetElectronEndpoint(const unsigned int i, double& x0, double& y0, double& z0, double& t0, double& x1, double& y1,
                           double& z1, double& t1, int& status) const {
    const auto& start = m_event.electrons[i].path.front();
    const auto& end = m_event.electrons[i].path.back();
    x0 = start.x, y0 = start.y, z0 = start.z, t0 = start.t;
    x1 = end.x, y1 = end.y, z1 = end.z, t1 = end.t;
    status = m_event.electrons[i].status;
  }

 private:
  const Event& m_event;
};

// The same with the drift along y instead of z: (x, y, z) becomes (x, z, y).
Event Turned(Event event) {
  std::swap(event.start.y_cm, event.start.z_cm);
  for (auto& electron : event.electrons) {
    for (auto& point : electron.path) std::swap(point.y, point.z);
  }
  return event;
}

void Good(const std::vector<Event>& events, const std::string& folder) {
  const townsend::Conditions conditions = {
      "Ar/CO2 70/30, \"test\", 20 °C", {275., 280.5}, {1.5, 3., 5.}, "anywhere", "made up \\ µ\n\xff"};
  townsend::Avalanches avalanches(folder + "/avalanches.npz", {-0.2}, conditions);
  townsend::Avalanches along_y(folder + "/along_y.npz", {-0.2, 'y'}, conditions);
  townsend::Avalanches mc(folder + "/mc.npz", {-0.2}, conditions);
  // A hole away from the origin, and rows of holes along y.
  townsend::Responses responses(folder + "/responses.npz", {-0.2}, {0.014, {0.003, -0.001}, true}, conditions);
  AvalancheMicroscopic avalanche;
  for (const auto& event : events) {
    avalanche.Replay(event.electrons);
    const auto arrived = avalanches.Add(avalanche, event.start);
    const std::string foil = responses.Size() % 3 == 2 ? "b" : "a";
    if (responses.Add(foil, avalanche, event.start) != arrived) throw std::runtime_error("other numbers");
    const auto turned = Turned(event);
    avalanche.Replay(turned.electrons);
    AvalancheMC drift(event);
    if (along_y.Add(avalanche, turned.start) != arrived || mc.Add(drift, event.start) != arrived) {
      throw std::runtime_error("other numbers");
    }
    if (avalanches.Size() == 2) avalanches.Write();
  }
  avalanches.Write();
  along_y.Write();
  mc.Write();
  responses.Write();
}

void Bad(const std::string& which, std::vector<Event> events, const std::string& folder) {
  AvalancheMicroscopic avalanche;
  auto& event = events.front();
  auto& end = event.electrons.back();
  if (which == "weight") end.weight = 7;
  if (which == "nothing") event.electrons.clear();
  if (which == "beyond") end.path.back().z = -0.25;
  if (which == "nan") end.path.back().x = std::nan("");
  if (which == "limit") avalanche.EnableAvalancheSizeLimit(event.electrons.size());
  if (which == "on-the-plane") event.start.z_cm = -0.2;
  const std::string file = which == "folder" ? folder + "/none/a.npz" : folder + "/" + which + ".npz";
  if (which == "exists") std::ofstream(file) << "precious";
  if (which == "axis") townsend::Avalanches(file, {0., 'w'});
  if (which == "pitch") townsend::Responses(file, {-0.2}, {});
  if (which == "name") townsend::Responses(file, {-0.2}, {0.014}).Add("a/b", avalanche, event.start);
  townsend::Avalanches avalanches(file, {-0.2});
  avalanche.Replay(event.electrons);
  avalanches.Add(avalanche, event.start);
  if (which == "unwritten") return;
  avalanches.Write();
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 4) return 2;
  const std::string which = argv[3];
  try {
    const auto events = Read(argv[1]);
    which == "good" ? Good(events, argv[2]) : Bad(which, events, argv[2]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}
