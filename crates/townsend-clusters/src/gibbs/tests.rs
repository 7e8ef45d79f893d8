use townsend_core::{FilledSizes, Purpose, SizeModel, SizePart, stream};

use super::*;
use crate::{ClusterModel, Level, NormalSpread, Root};

fn random() -> Stream {
    stream(1, Purpose::new("test"), 0)
}

fn model(levels: usize) -> ClusterModel {
    let level = |l: usize| Level {
        ln_centres: -0.3,
        power: 0.6,
        excess: 0.7,
        concentration: 1.3,
        covariance: [[0.5, 0.1, 0.0], [0.1, 0.4, 0.2], [0.0, 0.2, 3.0 + l as f64]],
    };
    ClusterModel {
        sizes: SizeModel {
            empty: 0.0,
            filled: FilledSizes::Parts(vec![SizePart { weight: 1.0, mean: 10.0, shape: 1.0 }]),
        },
        root: Root {
            mean: [1.0, -1.0, 100.0],
            covariance: [[0.3, 0.0, 0.1], [0.0, 0.2, 0.0], [0.1, 0.0, 2.0]],
        },
        electrons: NormalSpread { covariance: [[0.25, 0.05, 0.0], [0.05, 0.3, 0.0], [0.0, 0.0, 1.5]] },
        levels: (0..levels).map(level).collect(),
    }
}

/// The draws have the mean and covariance of the posterior of a normal place with normal children.
#[test]
fn a_place_is_drawn_from_the_conjugate_posterior() {
    let ready = model(1).ready().unwrap();
    let (own, below) = (&ready.spreads[0], &ready.spreads[1]);
    let (parent, sum, count) = (Vector3::new(1.0, 0.0, 100.0), Vector3::new(6.0, 1.5, 306.0), 3);
    // Another form of the same posterior: gain K = Σ (Σ + Σ′/n)⁻¹, mean = parent + K (x̄ − parent),
    // covariance (1 − K) Σ.
    let gain = own.covariance * (own.covariance + below.covariance / 3.0).try_inverse().unwrap();
    let mean = parent + gain * (sum / 3.0 - parent);
    let covariance = (Matrix3::identity() - gain) * own.covariance;
    let (mut random, n) = (random(), 40_000.0);
    let (mut total, mut squares) = (Vector3::zeros(), Matrix3::zeros());
    for _ in 0..n as usize {
        let d = place(own, &parent, below, &sum, count, &mut random) - mean;
        total += d;
        squares += d * d.transpose();
    }
    for i in 0..3 {
        let variance = covariance[(i, i)];
        assert!((total[i] / n).abs() < 4.5 * (variance / n).sqrt(), "{i}: {total}");
        for j in 0..3 {
            let scale = (variance * covariance[(j, j)]).sqrt();
            let difference = squares[(i, j)] / n - covariance[(i, j)];
            assert!(difference.abs() < 6.5 * scale / n.sqrt(), "{i} {j}: {difference}");
        }
    }
}

/// Statistics of a state, to compare two ways to draw states.
fn facts(state: &GibbsState, ready: &Ready) -> Vec<f64> {
    let first = Vector3::from(state.electrons[0].map(f64::from));
    let moments = state.moments();
    let mut facts = vec![state.root.x, state.root.z * state.root.z, first.x * first.x, first.y * first.z];
    facts.push(state.ln_density(ready.electrons()));
    for (level, (squares, count)) in state.levels.iter().zip(&moments) {
        let number = level.len() as f64;
        facts.extend([number, number * number, *count, squares.m11 / count, squares.m23 / count]);
        facts.push(level.share.iter().map(|share| share * share).sum());
        facts.push(level.children.iter().map(|&n| f64::from(n).powi(2)).sum());
    }
    facts
}

/// Draws the electrons anew, given the centres.
fn redraw_electrons(state: &mut GibbsState, ready: &Ready) {
    for k in 0..state.electrons.len() {
        let centre = match state.levels.last() {
            Some(last) => {
                state.choice[k] = last.any(&mut state.random);
                last.at[state.choice[k] as usize]
            }
            None => state.root,
        };
        let at = ready.electrons().draw(&centre, &mut state.random);
        state.electrons[k] = [0, 1, 2].map(|i| at[i] as f32);
    }
}

/// Sets the numbers of children and which centres have electrons, by their definitions.
fn count_children(state: &mut GibbsState) {
    for l in (0..state.levels.len()).rev() {
        let n = state.levels[l].len();
        let parents = state.levels.get(l + 1).map_or(&state.choice, |next| &next.parent).clone();
        let of = |k: usize| parents.iter().enumerate().filter(move |(_, parent)| **parent == k as u32);
        let children = (0..n).map(|k| of(k).count() as u32).collect();
        let alive = |k| of(k).any(|(child, _)| state.levels.get(l + 1).is_none_or(|next| next.alive[child]));
        let alive = (0..n).map(alive).collect();
        (state.levels[l].children, state.levels[l].alive) = (children, alive);
    }
}

/// States drawn from the model, ancestors and electrons, have the same distribution as states in which sweeps
/// and new electrons take turns (Geweke, J. Am. Stat. Assoc. 99, 799 (2004)), because every step of a sweep
/// leaves the posterior unchanged. Of the 9 electrons 6 are in the sample.
#[test]
fn a_sweep_leaves_the_joint_distribution_as_it_is() {
    for levels in 0..=3 {
        let ready = model(levels).ready().unwrap();
        let sample = Sample { size: 9, electrons: vec![[0.0; 3]; 6] };
        let (draws, batch) = (12_000usize, 200usize);
        let mut scratch = Scratch::default();
        let mut direct: Vec<Vec<f64>> = Vec::new();
        for index in 0..draws {
            let stream = stream(2, Purpose::new("test"), index as u64);
            let mut state = GibbsState::from_prior(&sample, &ready, stream);
            redraw_electrons(&mut state, &ready);
            count_children(&mut state);
            direct.push(facts(&state, &ready));
        }
        let mut state = GibbsState::from_prior(&sample, &ready, stream(3, Purpose::new("test"), 0));
        redraw_electrons(&mut state, &ready);
        let mut turns: Vec<Vec<f64>> = Vec::new();
        for _ in 0..draws {
            for _ in 0..2 {
                state.sweep(&ready, &mut scratch);
                redraw_electrons(&mut state, &ready);
            }
            count_children(&mut state);
            turns.push(facts(&state, &ready));
        }
        for fact in 0..direct[0].len() {
            let mean = |rows: &[Vec<f64>]| rows.iter().map(|row| row[fact]).sum::<f64>() / rows.len() as f64;
            // Errors come from batches, because successive states are correlated.
            let variance = |rows: &[Vec<f64>]| {
                let means: Vec<f64> = rows.chunks(batch).map(mean).collect();
                let whole = mean(rows);
                let n = means.len() as f64;
                means.iter().map(|m| (m - whole).powi(2)).sum::<f64>() / (n - 1.0) / n
            };
            let error = (variance(&direct) + variance(&turns)).sqrt();
            let difference = mean(&turns) - mean(&direct);
            assert!(
                difference.abs() < 4.5 * error,
                "{levels} levels, fact {fact}: {} is off by {difference} ± {error}",
                mean(&direct)
            );
        }
    }
}

/// The number of centres drawn where a single electron is known: with one child its posterior is the prior.
#[test]
fn one_electron_tells_nothing_of_the_number_of_centres() {
    let ready = model(1).ready().unwrap();
    let sample = Sample { size: 30, electrons: vec![[1.0, -1.0, 100.0]] };
    let mut state = GibbsState::from_electrons(&sample, &ready, random());
    let mut scratch = Scratch::default();
    let (mut sum, mut squares, n) = (0.0, 0.0, 20_000.0);
    for _ in 0..n as usize {
        state.sweep(&ready, &mut scratch);
        let number = state.levels[0].len() as f64;
        sum += number;
        squares += number * number;
    }
    let level = &ready.levels[0];
    let (mean, variance) = (1.0 + level.mean(30.0), level.mean(30.0) * (1.0 + level.excess));
    assert!((sum / n - mean).abs() < 6.0 * (variance / n).sqrt(), "{} {mean}", sum / n);
    let found = squares / n - (sum / n).powi(2);
    assert!((found / variance - 1.0).abs() < 0.1, "{found} {variance}");
}
