// Threads that share a model and a readout, each with memory of its own: writes what they drew, in order.
//
//   threads MODEL AVALANCHES OUT

#include <atomic>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <townsend/townsend.hpp>
#include <vector>

namespace {

template <class T>
void append(std::string &bytes, townsend::View<T> values) {
  const auto *data = reinterpret_cast<const char *>(values.data());
  if (!values.empty()) bytes.append(data, values.size() * sizeof(T));
}

}  // namespace

int main(int, char **argv) try {
  const townsend::Model model(argv[1]);
  const townsend::Readout strips("cgem");
  const bool electrons = model.describe().draws_electrons == 1;
  std::vector<std::string> drawn(std::stoul(argv[2]));
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (int k = 0; k < 8; ++k) {
    threads.emplace_back([&] {
      townsend::Workspace workspace;
      townsend::Event event;
      for (std::size_t i; (i = next++) < drawn.size();) {
        if (electrons) {
          const auto avalanche = model.avalanche(3, i, workspace);
          append(drawn[i], avalanche.x);
          append(drawn[i], avalanche.z);
          append(drawn[i], avalanche.t);
          event.clear();
          event.add(avalanche);
          for (const auto &hit : event.read(strips, 3, i, townsend::Place::Evenly)) {
            append(drawn[i], townsend::View<std::uint32_t>(&hit.strip, 1));
            append(drawn[i], townsend::View<float>(&hit.charge_fc, 1));
            append(drawn[i], townsend::View<float>(&hit.time_ns, 1));
          }
        } else {
          const auto avalanche = model.cells(3, i, workspace);
          append(drawn[i], avalanche.cells);
          append(drawn[i], avalanche.counts);
        }
      }
    });
  }
  for (auto &thread : threads) thread.join();
  std::ofstream out(argv[3], std::ios::binary);
  for (const auto &bytes : drawn) out << bytes;
  return out.flush() ? 0 : 1;
} catch (const std::exception &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
