#!/usr/bin/env python3
"""Writes 2d.safetensors and 3d.safetensors: the encoder's convolutions, normalisations and activations."""

import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import reference as ref  # noqa: E402

for dims in (2, 3):
    torch.manual_seed(dims)
    generator = torch.Generator().manual_seed(dims)
    encoder = ref.Encoder(dims, **ref.SMALL[dims])
    ref.randomise(encoder, generator)
    encoder = encoder.double()
    x = ref.counts(4, ref.SMALL_CELLS[dims], dims, generator)
    tensors = {"input": x.flatten(1)} | ref.state(encoder, "encoder.")
    tensors["inference"] = encoder.eval()(x[:, None].double())
    features = encoder.train()(x[:, None].double())
    (features * ref.probe(features.shape)).sum().backward()
    tensors["training"] = features
    tensors |= ref.gradients(encoder, "encoder.")
    running = {k: v for k, v in ref.state(encoder, "after.encoder.").items() if "running" in k}
    ref.write(HERE / f"{dims}d.safetensors", tensors | running)
