"""Prints the values of trees as uproot and ROOT read them.

Arguments: ways, separated by commas, and then files and names of trees in turn. A line for each way, tree and branch:
`way<TAB>number of the tree<TAB>branch<TAB>lengths of entries<TAB>values`. The ways are `uproot`, `getentry`
(TTree::GetEntry into addresses of the caller), `reader` (TTreeReader), `frame` (RDataFrame) and `draw` (TTree::Draw,
which gives the values of all entries as one).
"""

import array
import sys

import numpy

current = ()


def emit(name, rows):
    """A branch, by the way and of the tree that are being read."""
    rows = [numpy.atleast_1d(row) for row in rows]
    values = numpy.concatenate(rows) if rows else []
    print(*current, name, " ".join(str(len(row)) for row in rows), " ".join(repr(float(v)) for v in values), sep="\t")


def with_uproot(path, name):
    import uproot

    with uproot.open(path) as root_file:
        tree = root_file[name]
        # Its own description of the classes must be complete.
        for needed in ["TTree", "TBranch", "TLeaf", "TObjArray", "ROOT::TIOFeatures"]:
            assert needed in root_file.file.streamers, needed
        for branch in tree.branches:
            if branch.interpretation.__class__.__name__ == "AsStrings":
                continue
            assert len(branch.array(library="np")) == tree.num_entries == branch.num_entries
            emit(branch.name, branch.array(library="np"))


CODES = {"Int_t": "i", "UInt_t": "I", "Long64_t": "q", "Float_t": "f", "Double_t": "d"}


def with_getentry(ROOT, tree):
    vectors, numbers = {}, {}
    for branch in tree.GetListOfBranches():
        name = branch.GetName()
        if branch.GetClassName():
            vectors[name] = ROOT.std.vector("float")()
            tree.SetBranchAddress(name, vectors[name])
        else:
            numbers[name] = array.array(CODES[branch.GetLeaf(name).GetTypeName()], [0])
            tree.SetBranchAddress(name, numbers[name])
    rows = {branch.GetName(): [] for branch in tree.GetListOfBranches()}
    for entry in range(tree.GetEntries()):
        assert tree.GetEntry(entry) > 0
        for name, vector in vectors.items():
            rows[name].append(numpy.array(vector, dtype=numpy.float32))
        for name, number in numbers.items():
            rows[name].append(number[0])
    for name, values in rows.items():
        emit(name, values)


def with_reader(ROOT, tree):
    reader, values = ROOT.TTreeReader(tree), {}
    for branch in tree.GetListOfBranches():
        name = branch.GetName()
        if branch.GetClassName():
            values[name] = ROOT.TTreeReaderArray["float"](reader, name)
        else:
            values[name] = ROOT.TTreeReaderValue[branch.GetLeaf(name).GetTypeName()](reader, name)
    rows = {name: [] for name in values}
    while reader.Next():
        for name, value in values.items():
            if hasattr(value, "GetSize"):
                rows[name].append(numpy.array([value.At(i) for i in range(value.GetSize())], dtype=numpy.float32))
            else:
                rows[name].append(value.Get()[0] if hasattr(value.Get(), "__getitem__") else value.__deref__())
    for name, value in rows.items():
        emit(name, value)


def with_frame(ROOT, tree):
    names = [branch.GetName() for branch in tree.GetListOfBranches()]
    columns = ROOT.RDataFrame(tree).AsNumpy(names)
    for name in names:
        emit(name, [numpy.asarray(row) for row in columns[name]])


def with_draw(ROOT, tree):
    tree.SetEstimate(10_000_000)
    for branch in tree.GetListOfBranches():
        count = tree.Draw(branch.GetName(), "", "goff")
        emit(branch.GetName(), numpy.array([tree.GetV1()[i] for i in range(count)]))


WAYS = {"getentry": with_getentry, "reader": with_reader, "frame": with_frame, "draw": with_draw}

ways, *files = sys.argv[1:]
for way in ways.split(","):
    for number, (path, name) in enumerate(zip(files[::2], files[1::2])):
        current = (way, number)
        if way == "uproot":
            with_uproot(path, name)
        else:
            import ROOT

            root_file = ROOT.TFile.Open(path)
            WAYS[way](ROOT, root_file.Get(name))
            root_file.Close()
