#!/usr/bin/env python3
"""Writes {2d,3d}.safetensors: linear layers, transposed convolutions, normalisations and the output functions."""

import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import reference as ref  # noqa: E402

for dims, outputs in ((2, ["relu", "two_sigmoid", "softmax"]), (3, ["softmax"])):
    torch.manual_seed(dims)
    generator = torch.Generator().manual_seed(dims)
    layers = ref.SMALL[dims]
    decoder = ref.Decoder(dims, **layers)
    ref.randomise(decoder, generator)
    tensors = ref.state(decoder, "decoder.")
    decoder = decoder.double()
    z = torch.randn(3 if dims == 2 else 2, layers["latent"], generator=generator)
    tensors["input"] = z
    with torch.no_grad():
        tensors["inference"] = ref.OUTPUT["softmax"](decoder.eval()(z.double()))
    decoder.train()
    for name in outputs:
        decoder.zero_grad()
        z_in = z.double().requires_grad_()
        output = ref.OUTPUT[name](decoder(z_in))
        (output * ref.probe(output.shape)).sum().backward()
        tensors[f"{name}.training"] = output
        tensors[f"{name}.gradient.input"] = z_in.grad
        tensors |= {f"{name}.{k}": v for k, v in ref.gradients(decoder, "decoder.").items()}
    ref.write(HERE / f"{dims}d.safetensors", tensors)
