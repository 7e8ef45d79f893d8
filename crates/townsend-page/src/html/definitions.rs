//! The definition of each metric and where it misleads, shown on a click. `docs/metrics.md` has formulas and
//! sources.

/// The definition of a metric, and its known trap.
pub(super) type Definition = [&'static str; 2];

/// The definition of a metric in the tables.
pub(super) fn definition(name: &str) -> Definition {
    match name {
        "classifier AUC" => [
            "area under the ROC curve of boosted trees that see the observables; the mean over five folds, each judged \
             by trees grown on the others; 0.5 cannot tell, 1 always",
            "close to 0.5 with few avalanches says little: see the AUC against their number",
        ],
        "AUC of a network" => [
            "the same with a small multilayer perceptron",
            "smooth where trees are stepwise: the larger of the two counts",
        ],
        "AUC on cells" => [
            "the same with a small convolutional network that sees the avalanche in cells about its centroid",
            "sees patterns between neighbouring cells that observables average away, if there are enough avalanches to learn \
             them from; blind to what is finer than a cell",
        ],
        "AUC of trees on cells" => [
            "the same with boosted trees that see profiles, occupancies and principal components of these cells",
            "needs fewer avalanches than the convolutional network, but sees nothing of which cells are neighbours",
        ],
        "FPD" => [
            "Fréchet distance of the Gaussians with the means and covariances of all observables, each over its largest \
             absolute real value",
            "sees means and covariances only, and depends on the number of avalanches: read it against its floor",
        ],
        "KPD" => [
            "unbiased squared maximum mean discrepancy with the kernel (x·y/d + 1)⁴",
            "negative values are legitimate; it sees moments up to the fourth and its error is large",
        ],
        "precision" => [
            "share of generated avalanches within the neighbourhood of a real one (5 nearest neighbours)",
            "one good avalanche repeated is perfectly precise",
        ],
        "recall" => [
            "share of real avalanches within the neighbourhood of a generated one",
            "outliers have large neighbourhoods: a generator of noise has a high recall",
        ],
        "density" => [
            "number of real neighbourhoods that a generated avalanche lies in, over 5",
            "above its floor if the generated ones crowd where real ones are dense",
        ],
        "coverage" => [
            "share of real neighbourhoods that hold a generated avalanche",
            "a generator with coverage 0.96 was told from real with AUC 1.00: it says nothing of how many lie where",
        ],
        "duplicates" => [
            "share of generated avalanches whose nearest generated neighbour is as near as only 1% of real ones are to theirs",
            "finds repetition of whole avalanches, not of parts",
        ],
        "memorisation" => [
            "share of generated avalanches nearer to a training avalanche than to one held back, of as many; 0.5 if nothing was \
             learnt by heart",
            "nearness is in observables: a copy with its electrons moved a little is still near, a mirrored one is not",
        ],
        _ => ["", ""],
    }
}

pub(super) const W1: Definition = [
    "Wasserstein-1 distance of the two samples over the real standard deviation",
    "moves with the tails; a floor of √(1/n + 1/m) is reached by perfect generators",
];
pub(super) const KS: Definition = [
    "largest difference of the two distribution functions, with its asymptotic probability",
    "insensitive in the tails; with many avalanches every difference is significant",
];
pub(super) const SEPARATION: Definition = [
    "½ Σ (a−b)²/(a+b) of the normalised histograms in 50 bins between the joint 0.1% and 99.9% quantiles (a bin each for \
     whole numbers less than 50 apart) and two flow bins; 0 the same, 1 disjoint",
    "biased upwards with few entries a bin: read it beside its floor only",
];
