"""Networks that were exported, by ONNX's checker and ONNX Runtime (`against_onnxruntime.rs` wrote them).

usage: against_onnxruntime.py FOLDER
Of each network NAME.onnx there are NAME.noise and NAME.cells: rows of single precision.
"""
import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

# Relative error, of all cells of an avalanche together (L1), and of each cell that is not negligible.
MOST = 1e-5
# A cell counts by itself if it has more than this part of what cells have on average: of ReLU's sums of hundreds of
# terms that cancel but for a rest, single precision leaves a few digits.
NEGLIGIBLE = 0.5
onnxruntime.set_default_logger_severity(3)

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    assert (model.ir_version, [o.version for o in model.opset_import]) == (7, [13])
    about = {entry.key: entry.value for entry in model.metadata_props}
    grid = json.loads(about["grid"])
    shape = [len(edges) + 1 for edges in reversed(grid.values())]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert given.shape[0] == made.shape[0] == "batch" and made.shape[1:] == shape, made.shape
    noise = np.fromfile(path.with_suffix(".noise"), "<f4").reshape(-1, given.shape[1])
    want = np.fromfile(path.with_suffix(".cells"), "<f4").astype(float).reshape(len(noise), -1)
    alone = np.concatenate([session.run(["cells"], {"noise": row[None]})[0] for row in noise])
    together = session.run(["cells"], {"noise": noise})[0]
    errors = []
    for got in (alone, together):
        got = got.reshape(want.shape).astype(float)
        errors.append((np.abs(got - want).sum(1) / want.sum(1)).max())
        counts = want > NEGLIGIBLE * want.mean(1, keepdims=True)
        errors.append((np.abs(got - want)[counts] / want[counts]).max())
    print(path.stem, model.ByteSize(), counts.sum() // len(noise), *(f"{error:.1e}" for error in errors))
    assert max(errors) <= MOST, (path.stem, errors)
