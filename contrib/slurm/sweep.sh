#!/bin/bash
# Trains a configuration many times, each with other values, as an array job of Slurm.
#
#   sweep.sh CONFIG DATA RUNS SETTINGS
#   sweep.sh vae-3d avalanches.root runs settings.txt
#
# Each line of SETTINGS is a training: what stands behind --set, such as
#   training.seed=1 model.latent=16
#   training.seed=1 model.latent=32
# Line i becomes RUNS/i. A training that was stopped goes on where it was. `townsend runs RUNS` ranks them.
set -euo pipefail
if (($# != 4)); then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$3"
sbatch --parsable --array="1-$(wc -l <"$4")" --cpus-per-task="${CPUS:-1}" "$here/training.sbatch" "$@"
