#!/usr/bin/env python3
"""exported.py WEIGHTS OUT: loads weights that `townsend export` wrote into the PyTorch modules of this folder and compares what
they make of some noise with what `examples/decode.rs` wrote to OUT."""

import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file

import adversarial as adv
import reference as ref

weights, out = sys.argv[1:]
with safe_open(weights, "pt") as file:
    header = json.loads(file.metadata()["townsend"])
model = header["model"]
tensors, made = load_file(weights), load_file(out)


def load(module, prefix):
    """Every tensor of the module is in the file, by name and shape."""
    own = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
    counters = {k: v for k, v in module.state_dict().items() if k.endswith("num_batches_tracked")}
    module.load_state_dict({k: v for k, v in own.items() if k in module.state_dict()} | counters)
    return module.double().eval()


# Of an axis, flow bins included.
CELLS = 92
# Of the layers that a GAN has if its configuration gives none.
STRIDES = {("smooth", 2): [1, 2, 3, 2], ("smooth", 3): [2, 2, 4], ("reference", 2): [1, 2, 2, 2, 2], ("reference", 3): [1, 3, 3, 2]}


def generator(strides, norm="none", slope=0.0):
    """The layers that the tensors are of."""
    shapes = {k: list(v.shape) for k, v in tensors.items() if k.startswith("generator.") and k.endswith(".weight")}
    linear = [shapes[f"generator.linear{i}.weight"] for i in range(1, 9) if f"generator.linear{i}.weight" in shapes]
    convolutions = [shapes[f"generator.conv{i}.weight"] for i in range(1, 17) if f"generator.conv{i}.weight" in shapes]
    kernels = [shape[2] for shape in convolutions]
    start = CELLS
    for kernel, stride in zip(reversed(kernels), reversed(strides)):
        start = (start - kernel) // stride + 1
    return adv.Generator(
        model["dims"],
        linear[0][1],
        [outputs for outputs, _ in linear],
        [shape[1] for shape in convolutions],
        kernels,
        strides,
        norm,
        slope,
        start,
    )


noise = made["noise"].double()
if model["family"] == "vae":
    layers = {key: model[key] for key in ("channels", "kernels", "strides", "hidden", "latent")}
    network = load(ref.Decoder(model["dims"], **layers, output_norm=model["output_norm"]), "decoder.")
elif model["family"] == "gan":
    strides = model["generator"]["strides"] if "generator" in model else STRIDES[model["layout"], model["dims"]]
    norm = "after" if model["layout"] == "reference" and model["dims"] == 2 else "none"
    network = load(generator(strides, norm), "generator.")
else:
    network = load(generator(model["generator"]["strides"], "before", model["leak"]), "generator.")
with torch.no_grad():
    x = network(noise)
    if model.get("log_density_polynomial"):
        owner = "decoder" if model["family"] == "vae" else "generator"
        centres, widths = tensors["observables.mean"][1:].double().chunk(2)
        bins = [axis["bins"] for axis in header["grid"]["axes"]]
        tilt = ref.LogDensityPolynomial(noise.shape[1], bins, centres, widths.clamp(min=1e-3)).double()
        tilt.linear.load_state_dict({part: tensors[f"{owner}.tilt.{part}"] for part in ("weight", "bias")})
        x = x + tilt(noise)
if model["output"] == "softmax":
    shapes = torch.softmax(x + tensors["output.log_profile"].double(), 1)
else:
    shapes = torch.relu(x) if model["output"] == "relu" else 2 * torch.sigmoid(x)
# Weights of cells are not normalised: a sum over 92³ numbers in single precision is off by 1e-4.
shapes, theirs = ((w / w.sum(1, keepdim=True)) for w in (shapes, made["shapes"].double()))
off = ((shapes - theirs).abs().max() / shapes.max()).item()
print(f"{model['family']} {model['dims']}D: off by {off:.1e} of the largest")
sys.exit(off > 1e-5)
