#!/usr/bin/env python3
"""Writes expected.safetensors: generator and critic of the InfoGAN, and its three losses."""

import pathlib
import sys

import torch
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import adversarial as adv  # noqa: E402
import reference as ref  # noqa: E402

torch.manual_seed(1)
random = torch.Generator().manual_seed(1)
network = adv.Generator(3, **adv.INFO_GENERATOR)
critic = adv.InfoCritic(3, **adv.INFO_CRITIC)
ref.randomise(network, random)
ref.randomise(critic, random)
tensors = ref.state(network, "generator.") | ref.state(critic, "critic.")
network, critic = network.double(), critic.double()

told = torch.cat([torch.randn(5, 3, generator=random), F.one_hot(torch.tensor([0, 3, 1, 1, 2]), 4), torch.rand(5, 2, generator=random) * 2 - 1], 1)
tensors["told"] = told
with torch.no_grad():
    tensors["made.inference"] = torch.relu(network.eval()(told.double()))
made = torch.relu(network.train()(told.double()))
(made * ref.probe(made.shape)).sum().backward()
tensors["made.training"] = made
tensors |= {f"made.{k}": v for k, v in ref.gradients(network, "generator.").items()}

cells = ref.counts(5, 32, 3, random).sqrt()
tensors["cells"] = cells.flatten(1)
validity, classes, codes = critic(cells.double()[:, None])
tensors |= {"validity": validity, "classes": classes, "codes": codes}
information = F.cross_entropy(classes, told[:, 3:7].double()) + 0.1 * F.mse_loss(codes, told[:, 7:].double())
loss = 0.5 * ((validity - 1) ** 2).mean() + information
loss.backward()
tensors["loss"] = loss.reshape(1)
tensors |= {f"loss.{k}": v for k, v in ref.gradients(critic, "critic.").items()}
ref.write(HERE / "expected.safetensors", tensors)
