"""Prints a checksum of field `x`, a vector of floats, of an RNTuple as ROOT and uproot read it.

Arguments: file and name. A line for each way: `way<TAB>clusters<TAB>entries<TAB>checksum`, where the checksum starts
with 0 and for each value is 31 times itself plus the bits of the value, modulo 2**64.
"""

import sys

import ROOT
import uproot

ROOT.gInterpreter.Declare("""
#include <ROOT/RNTupleReader.hxx>
#include <bit>
std::uint64_t add(std::uint64_t sum, const float *values, std::size_t count) {
   for (std::size_t i = 0; i < count; ++i) {
      std::uint32_t bits;
      std::memcpy(&bits, values + i, sizeof(bits));
      sum = 31 * sum + bits;
   }
   return sum;
}
std::uint64_t sum_of(const char *path, const char *name) {
   auto reader = ROOT::RNTupleReader::Open(name, path);
   auto view = reader->GetView<std::vector<float>>("x");
   std::uint64_t sum = 0;
   for (auto entry : reader->GetEntryRange()) {
      const auto &x = view(entry);
      sum = add(sum, x.data(), x.size());
   }
   return sum;
}
""")

path, name = sys.argv[1:]
reader = ROOT.RNTupleReader.Open(name, path)
print("reader", reader.GetDescriptor().GetNClusters(), reader.GetNEntries(), ROOT.sum_of(path, name), sep="\t")
with uproot.open(path) as root_file:
    ntuple = root_file[name]
    values = ntuple["x"].array().layout.content.data
    print("uproot", len(ntuple.cluster_summaries), ntuple.num_entries, ROOT.add(0, values, len(values)), sep="\t")
