"""Makes unusual_trees.root: trees as ROOT leaves them where users go beyond its defaults, in one small file.

Of arrays without offsets ROOT 6.40 itself reads wrong values beyond the first basket and with inner dimensions (it
takes no more than the first basket's counts and no inner lengths); what is right is what is filled in here.
"""

import array
import os
import sys

import ROOT

# ROOT had this allocator until version 6.24, and its snapshots wrote vectors with it.
ROOT.gInterpreter.Declare("""
namespace ROOT { namespace Detail { namespace VecOps {
template <class T> struct RAdoptAllocator : std::allocator<T> {
  RAdoptAllocator() = default;
  template <class U> RAdoptAllocator(const RAdoptAllocator<U> &) {}
  template <class U> struct rebind { using other = RAdoptAllocator<U>; };
};
}}}
""")
TYPES = ["float", "double", "int", "unsigned char", "Long64_t", "bool"]


def offset_map(basket_size, embedded):
    """Baskets that do not say where entries start."""
    name = "embedded_map" if embedded else "offset_map"
    tree = ROOT.TTree(name, "baskets that do not say where entries start")
    features = ROOT.ROOT.TIOFeatures()
    features.Set(ROOT.ROOT.Experimental.EIOFeatures.kGenerateOffsetMap)
    tree.SetIOFeatures(features)
    count, x, y, z = array.array("i", [0]), array.array("f", [0] * 7), array.array("d", [0] * 14), array.array("f", [0] * 7)
    vector = ROOT.std.vector("float")()
    tree.Branch("n", count, "n/I", basket_size)
    tree.Branch("x", x, "x[n]/F", basket_size)
    tree.Branch("y", y, "y[n][2]/D", basket_size)
    tree.Branch("z", z, "z[n]/f[-64,64,16]", basket_size)
    tree.Branch("v", vector, basket_size)
    for i in range(100):
        count[0] = i % 7
        vector.clear()
        for j in range(7):
            x[j], y[2 * j], y[2 * j + 1], z[j] = i + j / 8, i + j, -i - j, i - j
            if j < count[0]:
                vector.push_back(i + j)
        tree.Fill()
    if embedded:
        root_file.WriteTObject(tree, name)
    else:
        tree.Write()


def allocators():
    tree = ROOT.TTree("allocators", "vectors that are not those of the standard library")
    vectors = []
    for name in TYPES:
        vectors.append(ROOT.std.vector[name, f"ROOT::Detail::VecOps::RAdoptAllocator<{name}>"]())
        tree.Branch("a_" + name.replace(" ", "_"), vectors[-1])
        if name != "bool":
            vectors.append(ROOT.ROOT.RVec[name]())
            tree.Branch("r_" + name.replace(" ", "_"), vectors[-1])
    for i in range(4):
        for vector in vectors:
            vector.clear()
            for j in range(i):
                vector.push_back((i + j) & 1)
        tree.Fill()
    tree.Write()


def other_file():
    """ROOT writes a branch's baskets to the other file, but keeps the last one in the record of the tree."""
    tree = ROOT.TTree("other_file", "the values of b are in a file that is not there, those of c are not")
    values = [array.array("i", [0]) for name in "abc"]
    for name, value, basket_size in zip("abc", values, [32000, 200, 32000]):
        tree.Branch(name, value, f"{name}/I", basket_size)
    tree.GetBranch("b").SetFile("gone.root")
    tree.GetBranch("c").SetFile("gone.root")
    for i in range(100):
        for factor, value in enumerate(values):
            value[0] = factor * i
        tree.Fill()
    root_file.WriteTObject(tree, "other_file")


def entries():
    tree = ROOT.TTree("entries", "4 entries, of which the branches have 6")
    a = array.array("i", [0])
    tree.Branch("a", a, "a/I")
    for i in range(6):
        a[0] = i
        tree.Fill()
    tree.SetEntries(4)
    tree.Write()


os.chdir(os.path.dirname(os.path.abspath(sys.argv[1])))
root_file = ROOT.TFile(os.path.basename(sys.argv[1]), "RECREATE", "", 505)
offset_map(600, False)
offset_map(600, True)
allocators()
other_file()
root_file.cd()
entries()
root_file.Close()
os.remove("gone.root")
