"""Makes the RNTuples that ROOT and uproot write for others, in small files.

Arguments: the folder for `rntuple_root.root`, `rntuple_plain.root`, `rntuple_uproot.root`, `rntuple_snapshot.root` and
`rntuple_merged.root`.
"""

import array
import os
import sys
import tempfile

import awkward
import numpy
import ROOT
import uproot

ROOT.gInterpreter.Declare(r"""
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>
#include <optional>
#include <variant>

using Type = ROOT::ENTupleColumnType;
struct Point { float a; double b; std::array<int, 2> c; std::vector<float> d; };
struct Child : public Point { bool own; };
enum class Colour : short { kRed = -3, kBlue = 5 };

/// A field with columns of one or more types.
template <typename T>
void add(ROOT::RNTupleModel &model, const char *name, std::vector<std::vector<Type>> types) {
   auto field = std::make_unique<ROOT::RField<T>>(name);
   field->SetColumnRepresentatives(types);
   model.AddField(std::move(field));
}

template <typename T>
void add_pair(ROOT::RNTupleModel &model, const std::string &name, Type plain, Type split) {
   add<T>(model, ("p_" + name).c_str(), {{plain}});
   add<T>(model, ("s_" + name).c_str(), {{split}});
}

/// A number of entry `i` that uses all bits of `T`, and has both signs.
template <typename T>
T number(int i) {
   if constexpr (std::is_floating_point_v<T>) return T((i % 2 ? -1. : 1.) * i / 7.);
   return T((i % 2 ? ~0ull : 0ull) ^ (0x9e3779b97f4a7c15ull * i >> (i % 3 * 20)));
}

template <typename T>
void set_pair(ROOT::REntry &entry, const std::string &name, int i) {
   *entry.GetPtr<T>("p_" + name) = *entry.GetPtr<T>("s_" + name) = number<T>(i);
}

/// All encodings of numbers and all types of fields, in three clusters of many small pages.
void write_all(TDirectory &directory, int compression, bool checksums) {
   auto model = ROOT::RNTupleModel::Create();
   model->SetDescription("what ROOT writes");
   add_pair<std::int16_t>(*model, "i16", Type::kInt16, Type::kSplitInt16);
   add_pair<std::uint16_t>(*model, "u16", Type::kUInt16, Type::kSplitUInt16);
   add_pair<std::int32_t>(*model, "i32", Type::kInt32, Type::kSplitInt32);
   add_pair<std::uint32_t>(*model, "u32", Type::kUInt32, Type::kSplitUInt32);
   add_pair<std::int64_t>(*model, "i64", Type::kInt64, Type::kSplitInt64);
   add_pair<std::uint64_t>(*model, "u64", Type::kUInt64, Type::kSplitUInt64);
   add_pair<float>(*model, "f32", Type::kReal32, Type::kSplitReal32);
   add_pair<double>(*model, "f64", Type::kReal64, Type::kSplitReal64);
   add<float>(*model, "half", {{Type::kReal16}});
   add<double>(*model, "half_f64", {{Type::kReal16}});
   add<double>(*model, "f64_as_f32", {{Type::kSplitReal32}});
   for (int bits : {10, 17, 31}) {
      auto field = std::make_unique<ROOT::RField<float>>("trunc" + std::to_string(bits));
      field->SetTruncated(bits);
      model->AddField(std::move(field));
   }
   for (int bits : {1, 7, 12, 32}) {
      auto field = std::make_unique<ROOT::RField<double>>("quant" + std::to_string(bits));
      field->SetQuantized(bits, {-9., 9.});
      model->AddField(std::move(field));
   }
   auto quantized = std::make_unique<ROOT::RField<float>>("quant12_f32");
   quantized->SetQuantized(12, {-9., 9.});
   model->AddField(std::move(quantized));
   auto bit = model->MakeField<bool>("bit");
   auto byte = model->MakeField<std::byte>("byte");
   auto character = model->MakeField<char>("character");
   auto i8 = model->MakeField<std::int8_t>("i8");
   auto u8 = model->MakeField<std::uint8_t>("u8");
   auto x = model->MakeField<std::vector<float>>("x", "x [mm]");
   auto rvec = model->MakeField<ROOT::RVec<std::int32_t>>("rvec");
   auto bits = model->MakeField<std::vector<bool>>("bits");
   auto narrow = std::make_unique<ROOT::RField<std::vector<double>>>("narrow");
   narrow->SetColumnRepresentatives({{Type::kIndex32}});
   model->AddField(std::move(narrow));
   auto split = std::make_unique<ROOT::RField<std::vector<std::int64_t>>>("split");
   split->SetColumnRepresentatives({{Type::kSplitIndex32}});
   model->AddField(std::move(split));
   auto text = model->MakeField<std::string>("text");
   auto array = model->MakeField<std::array<float, 3>>("array");
   auto matrix = model->MakeField<std::array<std::array<std::int16_t, 3>, 2>>("matrix");
   auto bitset = model->MakeField<std::bitset<11>>("bitset");
   auto colour = model->MakeField<Colour>("colour");
   auto atomic = model->MakeField<std::atomic<int>>("atomic");
   auto point = model->MakeField<Point>("point");
   auto child = model->MakeField<Child>("child");
   auto pair = model->MakeField<std::pair<float, std::int64_t>>("pair");
   auto items = model->MakeField<std::vector<std::pair<float, int>>>("items");
   auto optional = model->MakeField<std::optional<float>>("optional");
   auto variant = model->MakeField<std::variant<float, int>>("variant");
   auto nested = model->MakeField<std::vector<std::vector<float>>>("nested");
   auto texts = model->MakeField<std::vector<std::string>>("texts");
   auto arrays = model->MakeField<std::vector<std::array<float, 2>>>("arrays");
   auto pairs = model->MakeField<std::array<std::pair<float, int>, 2>>("pairs");
   auto streamed = std::make_unique<ROOT::RStreamerField>("streamed", "Point");
   model->AddField(std::move(streamed));
   auto double32 = ROOT::RFieldBase::Create("double32", "Double32_t").Unwrap();
   model->AddField(std::move(double32));
   add<float>(*model, "changing", {{Type::kReal32}, {Type::kReal16}, {Type::kSplitReal32}});
   auto changing = std::make_unique<ROOT::RField<std::vector<double>>>("changing_vector");
   changing->SetColumnRepresentatives({{Type::kIndex64}, {Type::kSplitIndex32}});
   model->AddField(std::move(changing));
   model->AddProjectedField(std::make_unique<ROOT::RField<ROOT::RNTupleCardinality<std::uint32_t>>>("n_x"),
                            [](const std::string &) { return "x"; });
   model->AddProjectedField(std::make_unique<ROOT::RField<std::vector<float>>>("alias"),
                            [](const std::string &name) { return name == "alias" ? "x" : "x._0"; });

   ROOT::RNTupleWriteOptions options;
   options.SetCompression(compression);
   options.SetInitialUnzippedPageSize(64);
   options.SetMaxUnzippedPageSize(128);
   options.SetEnablePageChecksums(checksums);
   auto writer = ROOT::RNTupleWriter::Append(std::move(model), "everything", directory, options);
   auto &entry = const_cast<ROOT::REntry &>(writer->GetModel().GetDefaultEntry());
   std::shared_ptr<float> late;
   std::shared_ptr<std::vector<float>> late_x;
   std::shared_ptr<std::array<int, 2>> late_array;
   for (int i = 0; i < 60; ++i) {
      if (i == 30) {
         auto updater = writer->CreateModelUpdater();
         updater->BeginUpdate();
         late = updater->MakeField<float>("late");
         late_x = updater->MakeField<std::vector<float>>("late_x");
         late_array = updater->MakeField<std::array<int, 2>>("late_array");
         updater->CommitUpdate();
      }
      set_pair<std::int16_t>(entry, "i16", i);
      set_pair<std::uint16_t>(entry, "u16", i);
      set_pair<std::int32_t>(entry, "i32", i);
      set_pair<std::uint32_t>(entry, "u32", i);
      set_pair<std::int64_t>(entry, "i64", i);
      set_pair<std::uint64_t>(entry, "u64", i);
      set_pair<float>(entry, "f32", i);
      set_pair<double>(entry, "f64", i);
      for (auto name : {"half", "trunc10", "trunc17", "trunc31", "quant12_f32", "changing"})
         *entry.GetPtr<float>(name) = number<float>(i);
      for (auto name : {"half_f64", "f64_as_f32", "quant1", "quant7", "quant12", "quant32", "double32"})
         *entry.GetPtr<double>(name) = number<double>(i);
      *bit = i % 3 == 1;
      *byte = std::byte(200 + i % 50);
      *character = 'a' + i % 20;
      *i8 = number<std::int8_t>(i);
      *u8 = number<std::uint8_t>(i);
      x->assign(i % 5 == 0 ? 0 : 3 * i % 13, 0.f);
      for (std::size_t k = 0; k < x->size(); ++k) (*x)[k] = number<float>(i + k);
      rvec->resize(i % 4);
      for (std::size_t k = 0; k < rvec->size(); ++k) (*rvec)[k] = number<std::int32_t>(i + k);
      bits->resize(i % 11);
      for (std::size_t k = 0; k < bits->size(); ++k) (*bits)[k] = (i + k) % 3 == 1;
      entry.GetPtr<std::vector<double>>("narrow")->assign(i % 3, number<double>(i));
      entry.GetPtr<std::vector<std::int64_t>>("split")->assign(i % 6, number<std::int64_t>(i));
      entry.GetPtr<std::vector<double>>("changing_vector")->assign(i % 7, number<double>(i));
      *text = std::string(i % 8 * 40, 'x') + std::to_string(i);
      *array = {number<float>(i), number<float>(i + 1), number<float>(i + 2)};
      for (int k = 0; k < 6; ++k) (*matrix)[k / 3][k % 3] = number<std::int16_t>(i + k);
      *bitset = i * 31;
      *colour = i % 2 ? Colour::kRed : Colour::kBlue;
      atomic->store(i);
      point->a = number<float>(i);
      point->b = number<double>(i);
      point->c = {i, -i};
      point->d.assign(i % 4, number<float>(i));
      static_cast<Point &>(*child) = *point;
      child->own = i % 2;
      *pair = {number<float>(i), number<std::int64_t>(i)};
      items->clear();
      for (int k = 0; k < i % 4; ++k) items->push_back({number<float>(i + k), i + k});
      *optional = i % 2 ? std::optional<float>() : std::optional<float>(i);
      if (i % 2) *variant = i; else *variant = float(i);
      nested->assign(i % 3, std::vector<float>(i % 2, 1.f));
      texts->assign(i % 3, "abc");
      arrays->assign(i % 3, {1.f, 2.f});
      *pairs = {std::pair<float, int>{number<float>(i), i}, std::pair<float, int>{number<float>(i + 1), -i}};
      if (late) {
         *late = i;
         late_x->assign(i % 4, i);
         *late_array = {i, -i};
      }
      writer->Fill();
      if (i == 19 || i == 43) {
         writer->CommitCluster(i == 19);
         auto field = [&](const char *name) -> ROOT::RFieldBase & {
            return const_cast<ROOT::RFieldBase &>(writer->GetModel().GetConstField(name));
         };
         using Modifier = ROOT::Internal::RFieldRepresentationModifier;
         Modifier::SetPrimaryColumnRepresentation(field("changing"), i == 19 ? 1 : 2);
         Modifier::SetPrimaryColumnRepresentation(field("changing_vector"), i == 19);
      }
   }
}

void write_empty(TDirectory &directory) {
   auto model = ROOT::RNTupleModel::Create();
   model->MakeField<std::vector<float>>("x");
   model->MakeField<double>("gain");
   ROOT::RNTupleWriter::Append(std::move(model), "empty", directory);
}

/// A page longer than a key may be, here 1,000 bytes: it is stored in several pieces.
void write_long(TDirectory &directory) {
   auto model = ROOT::RNTupleModel::Create();
   auto y = model->MakeField<double>("y");
   ROOT::RNTupleWriteOptions options;
   options.SetCompression(0);
   ROOT::Internal::RNTupleWriteOptionsManip::SetMaxKeySize(options, 1000);
   auto writer = ROOT::RNTupleWriter::Append(std::move(model), "long_pages", directory, options);
   for (int i = 0; i < 700; ++i) {
      *y = number<double>(i);
      writer->Fill();
   }
}
""")


def with_root(path, compression, checksums):
    root_file = ROOT.TFile(path, "RECREATE", "", compression)
    ROOT.write_all(root_file, compression, checksums)
    ROOT.write_empty(root_file.mkdir("sub").mkdir("deep"))
    ROOT.write_long(root_file)
    root_file.Close()


def with_uproot(path):
    with uproot.recreate(path) as root_file:
        lengths = numpy.arange(40) % 5
        values = numpy.arange(lengths.sum(), dtype=numpy.float32) / 8
        x = awkward.unflatten(values, lengths)
        pieces = {
            "x": x,
            "event": numpy.arange(40) - (1 << 40),
            "gain": numpy.arange(40, dtype=numpy.float32) / 3,
            "flag": numpy.arange(40) % 3 == 0,
            "matrix": numpy.arange(240, dtype=numpy.uint8).reshape(40, 2, 3),
            "label": awkward.Array([f"event {i}" for i in range(40)]),
            "point": awkward.zip({"a": numpy.arange(40) / 4, "b": numpy.arange(40)}),
            "electrons": awkward.zip({"x": x, "t": x * 2}),
        }
        root_file["avalanches"] = pieces
        root_file["avalanches"].extend({name: values[:7] for name, values in pieces.items()})
        root_file.mkrntuple("none", {"x": "float32"})


def snapshot(path):
    """What RDataFrame writes."""
    options = ROOT.RDF.RSnapshotOptions()
    options.fOutputFormat = ROOT.RDF.ESnapshotOutputFormat.kRNTuple
    frame = ROOT.RDataFrame(20).Define("k", "(int)rdfentry_").Define("w", "std::vector<double>(k % 3, 1.5)")
    frame = frame.Define("x", "ROOT::RVecF v; for (int i = 0; i < k; i++) v.push_back(i * 0.5f); return v;")
    frame.Snapshot("snapshot", path, ["x", "k", "w"], options)


def merged(path):
    """A tree with counted arrays, imported by ROOT, and merged with itself."""
    with tempfile.TemporaryDirectory() as folder:
        tree_path, imported = f"{folder}/tree.root", f"{folder}/imported.root"
        root_file = ROOT.TFile(tree_path, "RECREATE")
        tree = ROOT.TTree("avalanches", "")
        count, x = array.array("i", [0]), array.array("f", [0] * 5)
        tree.Branch("n", count, "n/I")
        tree.Branch("x", x, "x[n]/F")
        for i in range(20):
            count[0] = i % 4
            x[:] = array.array("f", [i + k / 8 for k in range(5)])
            tree.Fill()
        tree.Write()
        root_file.Close()
        importer = ROOT.ROOT.Experimental.RNTupleImporter.Create(tree_path, "avalanches", imported)
        importer.SetIsQuiet(True)
        importer.Import()
        merger = ROOT.TFileMerger(False)
        merger.OutputFile(path, "RECREATE")
        merger.AddFile(imported)
        merger.AddFile(imported)
        assert merger.Merge()


folder = os.path.abspath(sys.argv[1])
with_root(f"{folder}/rntuple_root.root", 505, True)
with_root(f"{folder}/rntuple_plain.root", 0, False)
with_uproot(f"{folder}/rntuple_uproot.root")
snapshot(f"{folder}/rntuple_snapshot.root")
merged(f"{folder}/rntuple_merged.root")
