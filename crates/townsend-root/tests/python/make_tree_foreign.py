"""Makes tree_foreign.root: what ROOT and RDataFrame write for others, in one small file."""

import array
import sys

import ROOT

ROOT.gInterpreter.Declare("""
struct Point { float a; double b; int c[2]; };
struct Two { float a; int b; };
void add_points(TTree *tree, Point *point) { tree->Branch("p", point); tree->Branch("q.", point); }
""")
VECTORS = {
    "vd": "double", "vf": "float", "vi": "int", "vu": "unsigned int", "vs": "short", "vus": "unsigned short",
    "vc": "char", "vuc": "unsigned char", "vl": "Long64_t", "vul": "ULong64_t", "vb": "bool", "vstr": "string",
}


def item(name, value):
    if name == "vstr":
        return f"s{value}"
    if name == "vb":
        return bool(value & 1)
    return chr(60 + value) if name in ("vc", "vuc") else value


def foreign(root_file):
    tree = ROOT.TTree("foreign", "what else ROOT writes")
    vectors = {name: ROOT.std.vector(cpp)() for name, cpp in VECTORS.items()}
    for name, vector in vectors.items():
        tree.Branch(name, vector)
    point, items = ROOT.Point(), ROOT.std.vector("Two")()
    ROOT.add_points(tree, point)
    tree.Branch("items", items)
    pair = array.array("f", [0] * 3)
    tree.Branch("list", pair, "u/F:v[2]/F")
    count, counted = array.array("i", [0]), array.array("d", [0] * 12)
    tree.Branch("n", count, "n/I")
    tree.Branch("e2", counted, "e2[n][3]/D")
    text = bytearray(400)
    tree.Branch("text", text, "text/C")
    flat = {}
    for letter, code in zip("BbSsIiLlGFDOd", "bBhHiIqQqfdBd"):
        flat[letter] = array.array(code, [0])
        tree.Branch(f"flat_{letter}", flat[letter], f"flat_{letter}/{letter}")
    for i in range(50):
        for name, vector in vectors.items():
            vector.clear()
            for j in range(i % 4):
                vector.push_back(item(name, i + j))
        point.a, point.b, point.c[0], point.c[1] = i + 0.5, -2 * i, 3 * i, -i
        items.clear()
        for j in range(i % 3):
            two = ROOT.Two()
            two.a, two.b = i + j, -i - j
            items.push_back(two)
        pair[:] = array.array("f", [i, i + 0.25, i + 0.5])
        count[0] = i % 5
        counted[:] = array.array("d", [i + j for j in range(12)])
        end = min(7 * i, 399)
        text[: end + 1] = b"x" * end + b"\0"
        for letter, value in flat.items():
            value[0] = {"b": 200 + i, "s": 60000 + i, "i": 2**31 + i, "l": 2**63 + i, "O": i & 1}.get(letter, -i)
        tree.Fill()
    tree.Write()


def embedded(root_file):
    """Written as an object and not by TTree::Write, which would flush: the last baskets stay in the tree's record."""
    tree = ROOT.TTree("embedded", "baskets on their own and within")
    count, counted = array.array("i", [0]), array.array("f", [0] * 7)
    vector = ROOT.std.vector("float")()
    tree.Branch("n", count, "n/I", 512)
    tree.Branch("ex", counted, "ex[n]/F", 512)
    tree.Branch("v", vector, 512)
    for i in range(200):
        count[0] = i % 7
        counted[:] = array.array("f", [i + j / 8 for j in range(7)])
        vector.clear()
        for j in range(i % 5):
            vector.push_back(-i - j / 4)
        tree.Fill()
    root_file.WriteTObject(tree, "embedded")


def without_offsets():
    tree = ROOT.TTree("without_offsets", "baskets that do not say where entries start")
    features = ROOT.ROOT.TIOFeatures()
    features.Set(ROOT.ROOT.Experimental.EIOFeatures.kGenerateOffsetMap)
    tree.SetIOFeatures(features)
    count, counted = array.array("i", [0]), array.array("f", [0] * 7)
    tree.Branch("n", count, "n/I")
    tree.Branch("ex", counted, "ex[n]/F")
    for i in range(20):
        count[0] = i % 7
        tree.Fill()
    tree.Write()


def others():
    tree, vector, count = ROOT.TTree("empty", "no entries"), ROOT.std.vector("float")(), array.array("i", [0])
    tree.Branch("v", vector)
    tree.Branch("n", count, "n/I")
    tree.Write()
    ntuple = ROOT.TNtuple("ntuple", "columns", "a:b:c")
    for i in range(10):
        ntuple.Fill(i, 2 * i, 3 * i)
    ntuple.Write()


name = sys.argv[1]
root_file = ROOT.TFile(name, "RECREATE", "", 505)
root_file.mkdir("sub/deep")
root_file.cd("sub/deep")
foreign(root_file)
root_file.cd()
embedded(root_file)
without_offsets()
others()
root_file.Close()
options = ROOT.RDF.RSnapshotOptions()
options.fMode = "UPDATE"
frame = ROOT.RDataFrame(20).Define("k", "(int)rdfentry_").Define("w", "std::vector<double>(k % 3, 1.5)")
frame = frame.Define("x", "ROOT::RVecF v; for (int i = 0; i < k; i++) v.push_back(i * 0.5f); return v;")
frame.Snapshot("snapshot", name, ["x", "k", "w"], options)
