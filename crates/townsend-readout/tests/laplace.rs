//! Induced signals against an independent solution of Laplace's equation on a grid: no recorded signals of
//! another program are at hand to compare with.

use townsend_readout::{Crossing, Induction, weighting_potential};

const GAP: f64 = 2.0;
const WIDTH: f64 = 0.65;
/// Cells of the grid, mm, such that gap and half a strip are whole numbers of them.
const CELL: f64 = 0.025;
/// Far enough away for grounded walls.
const SIDE: f64 = 6.0;

/// The potential of a strip at 1 V in a plane whose other strips are grounded, as is the plane above: nodes
/// from the middle of the strip, which is a mirror, row by row from the plane of the strips.
struct Grid {
    columns: usize,
    rows: usize,
    potential: Vec<f64>,
}

impl Grid {
    fn solved() -> Self {
        let nodes = |mm: f64| (mm / CELL).round() as usize + 1;
        let (columns, rows) = (nodes(SIDE), nodes(GAP));
        let mut grid = Self { columns, rows, potential: vec![0.0; columns * rows] };
        let edge = nodes(WIDTH / 2.0) - 1;
        for column in 0..=edge {
            // At the edge between two strips the potential is half of theirs.
            grid.potential[column] = if column == edge { 0.5 } else { 1.0 };
        }
        let relaxation = 2.0 / (1.0 + std::f64::consts::PI / rows as f64);
        for _ in 0..1500 {
            let mut largest = 0f64;
            for row in 1..rows - 1 {
                for column in 0..columns - 1 {
                    let at = row * columns + column;
                    let left = if column == 0 { at + 1 } else { at - 1 };
                    let p = &mut grid.potential;
                    let mean = 0.25 * (p[left] + p[at + 1] + p[at - columns] + p[at + columns]);
                    let change = relaxation * (mean - p[at]);
                    p[at] += change;
                    largest = largest.max(change.abs());
                }
            }
            if largest < 1e-9 {
                return grid;
            }
        }
        panic!("no convergence");
    }

    /// Between nodes, linear in both directions.
    fn at(&self, x: f64, z: f64) -> f64 {
        if z >= GAP {
            return 0.0;
        }
        let (column, row) = (x.abs() / CELL, z.max(0.0) / CELL);
        let (i, k) = ((column as usize).min(self.columns - 2), (row as usize).min(self.rows - 2));
        let (a, b) = (column - i as f64, row - k as f64);
        let node = |i: usize, k: usize| self.potential[k * self.columns + i];
        (1.0 - b) * ((1.0 - a) * node(i, k) + a * node(i + 1, k))
            + b * ((1.0 - a) * node(i, k + 1) + a * node(i + 1, k + 1))
    }
}

#[test]
fn induced_charge_is_that_of_the_solved_field() {
    let grid = Grid::solved();
    // The potential itself, but for the nodes beside the edge of the strip, where it jumps.
    for step in 4..80 {
        let z = f64::from(step) * CELL;
        for column in 0..80 {
            let x = f64::from(column) * CELL;
            let (solved, closed) = (grid.at(x, z), weighting_potential(x, z, WIDTH, GAP));
            assert!((solved - closed).abs() < 2e-3, "{x} {z}: {solved} {closed}");
        }
    }
    // The charge in each time bin of a single electron that crosses the gap at an angle and ends on the strip
    // in the middle, on it and on the neighbours.
    let (bin_ns, places, neighbours) = (5.0, 8, 3);
    let crossing =
        Crossing { pitch_mm: WIDTH, gap_mm: GAP, velocity_mm_ns: 0.035, tangent: 0.11, share: 1.0 };
    let table = Induction::new(&crossing, places, neighbours, bin_ns);
    let (mut largest, mut bipolar) = (0f64, 0f64);
    for place in 1..places - 1 {
        let end = ((place as f64 + 0.5) / places as f64 - 0.5) * WIDTH;
        for strip in 0..=2 * neighbours {
            let x = end - (strip as f64 - neighbours as f64) * WIDTH;
            let seen = |edge: f64| {
                let z = (0.035 * edge * bin_ns).max(0.0);
                grid.at(x - 0.11 * z, z)
            };
            for bin in 0..table.bins {
                // An electron ends in the middle of a bin.
                let solved = seen(bin as f64 - 0.5) - seen(bin as f64 + 0.5);
                let at = (place * (2 * neighbours + 1) + strip + 1) * table.bins - 1 - bin;
                largest = largest.max((solved - f64::from(table.own[at])).abs());
                bipolar = bipolar.min(solved);
            }
        }
    }
    println!("largest difference of a charge in 5 ns: {largest:.4} of the electron's");
    assert!(largest < 4e-3, "{largest}");
    // What is compared is no small part of the charge.
    assert!(bipolar < -0.04, "{bipolar}");
}
