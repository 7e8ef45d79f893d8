#!/usr/bin/env python3
"""Writes the full-size 2D and 3D networks with their outputs, losses and gradients.

usage: full_size.py DIR     (then: cargo run --release -p townsend-models --example parity_full -- DIR)

torch_cpu.py makes a Python environment that has what this needs.
"""

import pathlib
import sys

import torch

import reference as ref


def export(path, dims, batch):
    torch.manual_seed(dims)
    generator = torch.Generator().manual_seed(dims)
    vae = ref.Vae(dims, **ref.FULL).train()
    ref.randomise(vae, generator)
    tensors = ref.state(vae, "")
    vae = vae.double()
    x = ref.counts(batch, 92, dims, generator)
    noise = torch.randn(batch, ref.FULL["latent"], generator=generator)
    tensors |= {"input": x.flatten(1), "noise": noise}
    for name, output, loss in (("mse", "relu", ref.mse_loss), ("multinomial", "softmax", ref.multinomial_loss)):
        vae.zero_grad()
        mean, logvar = vae.bottleneck(vae.encoder(x[:, None].double()))
        decoded = ref.OUTPUT[output](vae.decoder(mean + torch.exp(logvar / 2) * noise.double()))
        value = loss(decoded, x.flatten(1).double(), mean, logvar, weight=1.5)
        value.backward()
        tensors |= {f"{name}.loss": value.reshape(1), f"{name}.output": decoded}
        tensors |= {f"{name}.{k}": v for k, v in ref.gradients(vae, "").items()}
    ref.write(path, tensors)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    export(folder / "2d.safetensors", dims=2, batch=8)
    export(folder / "3d.safetensors", dims=3, batch=4)
