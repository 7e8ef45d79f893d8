#!/bin/bash
# Generates avalanches of a model as an array job of Slurm, and puts the shards together when all are there.
#
#   production.sh MODEL EVENTS SHARDS OUT [option of `townsend generate` ...]
#   production.sh runs/cascade 1e6 100 million.root --seed 7
#
# Shards are written to OUT.parts/. Started again it makes what is missing and no more. Options of sbatch come
# from SBATCH_* variables, such as SBATCH_PARTITION, and threads from the allocation: SBATCH_CPUS_PER_TASK is no
# variable of Slurm's, so CPUS says how many a shard gets.
# Networks give other last bits with other instruction sets: on mixed nodes add `--isa avx2`.
set -euo pipefail
if (($# < 4)); then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
model=$1 events=$2 shards=$3 out=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
parts=$out.parts
mkdir -p "$parts"

array=$(sbatch --parsable --array="1-$shards" --cpus-per-task="${CPUS:-1}" \
    "$here/shard.sbatch" "$model" "$events" "$shards" "$parts" "${out##*.}" "$@")
merge=$(sbatch --parsable --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes \
    "$here/merge.sbatch" "$parts" "${out##*.}" "$out")
echo "shards: job $array; merging: job $merge"
