#!/usr/bin/env python3
"""Writes expected.safetensors: linear layers, mean, log variance and z = mu + exp(logvar / 2) * noise."""

import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import reference as ref  # noqa: E402

torch.manual_seed(1)
layers = ref.SMALL[2]
bottleneck = ref.Bottleneck(**layers)
tensors = ref.state(bottleneck, "bottleneck.")
bottleneck = bottleneck.double()
tensors["input"] = torch.randn(4, layers["channels"][-1])
tensors["noise"] = torch.randn(4, layers["latent"])
mean, logvar = bottleneck(tensors["input"].double())
z = mean + torch.exp(logvar / 2) * tensors["noise"].double()
(z * ref.probe(z.shape)).sum().backward()
tensors |= {"mean": mean, "logvar": logvar, "latent": z}
ref.write(HERE / "expected.safetensors", tensors | ref.gradients(bottleneck, "bottleneck."))
