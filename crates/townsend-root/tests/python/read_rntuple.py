"""Prints the values of RNTuples as uproot and ROOT read them.

Arguments: ways, separated by commas, and then files and names of ntuples in turn. A line for each way, ntuple and
field: `way<TAB>number of the ntuple<TAB>field<TAB>lengths of entries<TAB>values`. Integers are decimal, floating-point
numbers the bits of a double in hexadecimal, so that nothing is rounded. The ways are `uproot`, `frame` (RDataFrame)
and `reader` (views of an RNTupleReader).
"""

import re
import struct
import sys

import awkward
import numpy

current = ()


def word(value):
    if isinstance(value, numpy.floating):
        return struct.pack(">d", float(value)).hex()
    return str(int(value))


def emit(name, lengths, values):
    print(*current, name, " ".join(str(length) for length in lengths), " ".join(map(word, values)), sep="\t")


def flatten(name, array):
    """A field and the members of classes. What is nested deeper is left out."""
    name = re.sub(r"\.(\d+)$", r"._\1", name)
    form = array.layout.form
    if form.is_option or form.is_union:
        return
    if form.is_record:
        for member in array.fields:
            flatten(f"{name}.{member}", array[member])
    elif form.parameter("__array__") == "string":
        array = awkward.without_parameters(array)
        emit(name, awkward.num(array), numpy.asarray(awkward.flatten(array, axis=None)))
    elif form.is_list and form.content.is_record:
        for member in array.fields:
            flatten(f"{name}.{member}", array[member])
    elif form.is_regular:
        if not form.is_list or not form.content.is_list or form.content.is_regular:
            rows = numpy.asarray(array).reshape(len(array), -1)
            emit(name, [rows.shape[1]] * len(rows), rows.reshape(-1))
    elif form.is_list:
        if not form.content.is_list:
            emit(name, awkward.num(array), numpy.asarray(awkward.flatten(array)))
    else:
        emit(name, [1] * len(array), numpy.asarray(array))


def with_uproot(path, name):
    import uproot

    with uproot.open(path) as root_file:
        ntuple = root_file[name]
        for field in ntuple.keys(recursive=False):
            try:
                array = ntuple[field].array()
            except NotImplementedError:
                continue
            flatten(field, array)


# Python takes numbers of one byte for characters, so that these are left to uproot.
NUMBERS = "bool|float|double|std::u?int(16|32|64)_t|(unsigned )?(short|int|long)"
PLAIN = re.compile(rf"(ROOT::VecOps::RVec<|ROOT::RVec<|std::vector<|std::array<)?({NUMBERS})((,\d+)?>)?")


def emit_rows(name, rows):
    rows = [numpy.atleast_1d(numpy.asarray(row)) for row in rows]
    emit(name, [len(row) for row in rows], [value for row in rows for value in row])


def with_frame(ROOT, path, name):
    frame = ROOT.RDataFrame(name, path)
    for column in map(str, frame.GetColumnNames()):
        if not column.startswith(("R_rdf_sizeof_", "#")) and PLAIN.fullmatch(frame.GetColumnType(column)):
            emit_rows(column, frame.AsNumpy([column])[column])


def with_reader(ROOT, path, name):
    reader = ROOT.RNTupleReader.Open(name, path)
    for field in reader.GetDescriptor().GetTopLevelFields():
        column, kind = field.GetFieldName(), field.GetTypeName()
        if PLAIN.fullmatch(kind):
            view = reader.GetView[kind](column)
            rows = [numpy.array(view(entry)) for entry in range(reader.GetNEntries())]
            # A view must not outlive its reader.
            del view
            emit_rows(column, rows)


ways, *files = sys.argv[1:]
for way in ways.split(","):
    for number, (path, name) in enumerate(zip(files[::2], files[1::2])):
        current = (way, number)
        if way == "uproot":
            with_uproot(path, name)
        else:
            import ROOT

            {"frame": with_frame, "reader": with_reader}[way](ROOT, path, name)
