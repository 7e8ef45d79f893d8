#!/usr/bin/env python3
"""Writes {2d,3d}.safetensors: generator, critic with observables and minibatch discrimination, gradient penalty by double backward."""

import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import adversarial as adv  # noqa: E402
import reference as ref  # noqa: E402

for dims in (2, 3):
    torch.manual_seed(dims)
    generator = torch.Generator().manual_seed(dims)
    network = adv.Generator(dims, **adv.GENERATOR[dims])
    ref.randomise(network, generator)
    tensors = ref.state(network, "generator.")
    network = network.double()
    noise = torch.randn(4, 7, generator=generator)
    tensors["noise"] = noise
    with torch.no_grad():
        tensors["made.inference"] = torch.relu(network.eval()(noise.double()))
    made = torch.relu(network.train()(noise.double()))
    (made * ref.probe(made.shape)).sum().backward()
    tensors["made.training"] = made
    tensors |= {f"made.{k}": v for k, v in ref.gradients(network, "generator.").items()}

    critic = adv.Critic(dims, **adv.CRITIC[dims], leak=0.01, minibatch=adv.MINIBATCH[dims], observables=1 + 2 * dims)
    tensors |= ref.state(critic, "critic.")
    critic = critic.double()
    cells = ref.counts(4, adv.CELLS[dims], dims, generator).sqrt()
    observables = torch.randn(4, 1 + 2 * dims, generator=generator)
    tensors |= {"cells": cells.flatten(1), "observables": observables}
    cells, observables = cells.double()[:, None], observables.double()
    score = critic(cells, observables)
    (score * ref.probe(score.shape)).sum().backward()
    tensors["score"] = score
    tensors |= {f"score.{k}": v for k, v in ref.gradients(critic, "critic.").items()}

    critic.zero_grad()
    gradient, penalty = critic.penalty(cells, observables)
    penalty.backward()
    tensors |= {"penalty": penalty.reshape(1), "input_gradient": gradient}
    # The score's bias has no part in its gradient.
    grads = {k: p.grad if p.grad is not None else torch.zeros_like(p) for k, p in critic.named_parameters()}
    tensors |= {f"penalty.gradient.critic.{k}": g.clone() for k, g in grads.items()}
    ref.write(HERE / f"{dims}d.safetensors", tensors)
