"""How a notebook shows avalanches, models and checks."""

from html import escape


def table(title, facts):
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(str(value))}</td></tr>'
        for name, value in facts
        if value not in (None, "")
    )
    return f"<table><caption><b>{escape(title)}</b></caption>{rows}</table>"


def grid_in_words(grid):
    def words(axis):
        edges = axis.get("edges") or [axis["low"], axis["high"]]
        bins = axis.get("bins") or len(edges) - 1
        return f"{axis['label'] or 'axis'}: {bins} bins from {edges[0]:g} to {edges[-1]:g}"

    return None if grid is None else "; ".join(words(axis) for axis in grid["axes"])


def avalanches(avalanches):
    electrons, made = avalanches.electrons, avalanches.provenance
    by = [made.get("producer"), made.get("action"), f"seed {made['seed']}" if "seed" in made else None]
    facts = [("avalanches", f"{len(avalanches):,}"), ("electrons", f"{electrons.sum():,}")]
    if len(avalanches):
        facts.append(("an avalanche", f"{electrons.mean():,.1f} electrons, {(electrons == 0).sum():,} are empty"))
    facts += [
        ("x, z, t in", ", ".join(avalanches.units)),
        ("grid", grid_in_words(avalanches.grid)),
        ("made by", " ".join(part for part in by if part)),
        ("source", made.get("source")),
        ("gas", made.get("gas")),
    ]
    return table("Avalanches", facts)


def model(model):
    facts = [
        ("family", model.family),
        ("source", model.source),
        ("draws", "electrons" if model.grid is None else "counts"),
        ("x, z, t in", ", ".join(model.units)),
        ("grid", grid_in_words(model.grid)),
    ]
    for name, known in model.conditions.items():
        low, high = min(low for low, _ in known["ranges"]), max(high for _, high in known["ranges"])
        values = ", ".join(f"{value:g}" for value in known["values"])
        facts.append((name, f"{values} (learned from {low:g} to {high:g})"))
    if model.training:
        facts.append(("training", model.training["sentence"]))
    return table("Model", facts)


def check(check):
    # The page is a document of its own, with scripts and styles that must not meet those of the notebook.
    page = escape(check.page(), quote=True)
    return f'<iframe srcdoc="{page}" style="width:100%;height:40em;border:1px solid #ccc"></iframe>'
