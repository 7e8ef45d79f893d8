#!/usr/bin/env python3
"""Writes expected.safetensors: all likelihoods with their KL divergences, and their gradients."""

import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import reference as ref  # noqa: E402

torch.manual_seed(1)
decoded, counts = torch.randn(4, 50), torch.poisson(torch.full((4, 50), 3.0))
mean, logvar = torch.randn(4, 6), torch.randn(4, 6)
tensors = {"decoded": decoded, "counts": counts, "mean": mean, "logvar": logvar}
LOSSES = (
    ("mse", "relu", ref.mse_loss),
    ("multinomial", "softmax", ref.multinomial_loss),
    ("poisson", "exp", ref.poisson_loss),
)
for name, output, loss in LOSSES:
    inputs = [t.double().requires_grad_() for t in (decoded, mean, logvar)]
    value = loss(ref.OUTPUT[output](inputs[0]), counts.double(), inputs[1], inputs[2], weight=1.5)
    value.backward()
    tensors[f"{name}.loss"] = value.reshape(1)
    for part, t in zip(("decoded", "mean", "logvar"), inputs):
        tensors[f"{name}.gradient.{part}"] = t.grad
ref.write(HERE / "expected.safetensors", tensors)
