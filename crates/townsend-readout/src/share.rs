//! The part of the electrons that end on the upper of two layers of strips, from the strips' cross section.

use crate::description::{Anode, Insulator};

/// Size of the cells of the grid that Laplace's equation is solved on, µm, and the most of them in a pitch.
const CELL_UM: f64 = 5.0;
const MOST_CELLS: f64 = 200.0;

/// The part of the field lines from above that end on the upper strips, which is the part of the electrons
/// that do, if they follow the field.
///
/// One period of the cross section is solved in two dimensions: a V strip in the middle, above the middle of
/// an X strip; the planes between periods are mirrors. A pitch above the anode the field is uniform to
/// exp(−2π), so that the upper electrode stands there. Below the gaps between X strips no field leaves the
/// cell. X and V strips of a detector cross at an angle, which a section cannot show: the share without gaps
/// between X strips differs by 0.005.
pub fn upper_share(anode: &Anode) -> f64 {
    Cell::new(anode).share()
}

struct Cell {
    columns: usize,
    rows: usize,
    potential: Vec<f64>,
    /// True where the potential is that of an electrode.
    fixed: Vec<bool>,
    upper: Vec<bool>,
    /// Relative permittivity of the squares between nodes.
    permittivity: Vec<f64>,
}

impl Cell {
    /// Half of a period, from the middle of the strips to the middle between them.
    fn new(anode: &Anode) -> Self {
        let cell_um = CELL_UM.max(anode.pitch_um / MOST_CELLS);
        let nodes = |um: f64| (um / cell_um).round() as usize;
        let columns = nodes(anode.pitch_um / 2.0) + 1;
        let (under, over) = (nodes(anode.height_um), nodes(anode.height_um + anode.thickness_um));
        let rows = over + nodes(anode.pitch_um) + 1;
        let [lower, upper_width] = anode.widths_um.map(|width| nodes(width / 2.0));
        let n = columns * rows;
        let mut cell = Self {
            columns,
            rows,
            potential: vec![0.0; n],
            fixed: vec![false; n],
            upper: vec![false; n],
            permittivity: vec![1.0; n],
        };
        for row in 0..rows {
            for column in 0..columns {
                let at = row * columns + column;
                let on_upper = (under..=over).contains(&row) && column <= upper_width;
                let on_lower = row == 0 && column <= lower;
                cell.upper[at] = on_upper;
                cell.fixed[at] = on_upper || on_lower || row == rows - 1;
                cell.potential[at] = if on_upper || on_lower { 0.0 } else { row as f64 / (rows - 1) as f64 };
                let insulates = match anode.insulator {
                    Insulator::Under => column < upper_width,
                    Insulator::Everywhere => true,
                    Insulator::None => false,
                };
                if row < under && insulates {
                    cell.permittivity[at] = anode.permittivity;
                }
            }
        }
        cell
    }

    /// Mean permittivity of the two squares beside an edge between nodes, those beyond the borders being
    /// their mirror images.
    fn edge(&self, row: usize, column: usize, along_row: bool) -> f64 {
        let square = |row: isize, column: isize| {
            let row = row.clamp(0, self.rows as isize - 2) as usize;
            let column = column.clamp(0, self.columns as isize - 2) as usize;
            self.permittivity[row * self.columns + column]
        };
        let (row, column) = (row as isize, column as isize);
        let other = if along_row { square(row - 1, column) } else { square(row, column - 1) };
        0.5 * (square(row, column) + other)
    }

    /// The neighbours of a node, each with the weight of its edge; beyond a mirror is the image.
    fn neighbours(&self, row: usize, column: usize) -> [(usize, f64); 4] {
        let at = |row: usize, column: usize| row * self.columns + column;
        let (left, right) = (column.checked_sub(1), (column + 1 < self.columns).then_some(column + 1));
        let (below, above) = (row.checked_sub(1), (row + 1 < self.rows).then_some(row + 1));
        let along = |to: usize| self.edge(row, to.min(column), true);
        let across = |to: usize| self.edge(to.min(row), column, false);
        let sideways = |one: Option<usize>, other: Option<usize>| {
            let to = one.or(other).unwrap_or(column);
            (at(row, to), along(to))
        };
        let upwards = |one: Option<usize>, other: Option<usize>| {
            let to = one.or(other).unwrap_or(row);
            (at(to, column), across(to))
        };
        [sideways(left, right), sideways(right, left), upwards(below, above), upwards(above, below)]
    }

    /// Successive overrelaxation until no potential changes by 10⁻⁷ of the whole, then the charges.
    fn share(mut self) -> f64 {
        const MOST_SWEEPS: usize = 5_000;
        let relaxation = 2.0 / (1.0 + std::f64::consts::PI / (self.columns + self.rows) as f64);
        let all: Vec<[(usize, f64); 4]> = (0..self.rows * self.columns)
            .map(|at| self.neighbours(at / self.columns, at % self.columns))
            .collect();
        for _ in 0..MOST_SWEEPS {
            let mut largest = 0f64;
            for (at, around) in all.iter().enumerate() {
                if self.fixed[at] {
                    continue;
                }
                let weight: f64 = around.iter().map(|(_, weight)| weight).sum();
                let mean =
                    around.iter().map(|&(to, weight)| weight * self.potential[to]).sum::<f64>() / weight;
                let change = relaxation * (mean - self.potential[at]);
                self.potential[at] += change;
                largest = largest.max(change.abs());
            }
            if largest < 1e-7 {
                break;
            }
        }
        // Charge of an electrode: the flux through the edges from its nodes. Edges along the mirrors of the
        // cell belong to it by half.
        let (mut upper, mut lower) = (0.0, 0.0);
        for (at, around) in all.iter().enumerate() {
            if !self.fixed[at] || at / self.columns == self.rows - 1 {
                continue;
            }
            let column = at % self.columns;
            let mirrored = column == 0 || column == self.columns - 1;
            for (direction, &(to, weight)) in around.iter().enumerate() {
                // The image beyond a mirror is no edge of its own.
                let image = match direction {
                    0 => column == 0,
                    1 => column == self.columns - 1,
                    2 => at < self.columns,
                    _ => false,
                };
                if self.fixed[to] || image {
                    continue;
                }
                let part = if direction >= 2 && mirrored { 0.5 } else { 1.0 };
                let flux = part * weight * self.potential[to];
                if self.upper[at] { upper += flux } else { lower += flux }
            }
        }
        upper / (upper + lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cgem() -> Anode {
        Anode {
            pitch_um: 660.0,
            widths_um: [580.0, 130.0],
            height_um: 55.0,
            thickness_um: 5.0,
            permittivity: 3.5,
            insulator: Insulator::Under,
            x_share: None,
        }
    }

    /// The share depends on the insulator as solvers of others say: 0.403 under the strips, 0.394 without,
    /// 0.319 everywhere, of a cell whose X strips have no gaps.
    #[test]
    fn the_share_follows_from_the_cross_section() {
        let closed = Anode { widths_um: [660.0, 130.0], ..cgem() };
        for (insulator, expected) in
            [(Insulator::Under, 0.403), (Insulator::None, 0.394), (Insulator::Everywhere, 0.319)]
        {
            let share = upper_share(&Anode { insulator, ..closed.clone() });
            assert!((share - expected).abs() < 0.012, "{insulator:?}: {share} {expected}");
        }
        let share = upper_share(&cgem());
        assert!((share - 0.4).abs() < 0.012, "{share}");
    }

    /// Strips side by side without height share the field by their areas, and one as wide as the cell takes
    /// all of it.
    #[test]
    fn limits_of_the_share() {
        let all = upper_share(&Anode { widths_um: [580.0, 660.0], ..cgem() });
        assert!((all - 1.0).abs() < 1e-5, "{all}");
        let narrow = upper_share(&Anode { widths_um: [580.0, 10.0], ..cgem() });
        assert!(narrow < 0.25, "{narrow}");
    }
}
