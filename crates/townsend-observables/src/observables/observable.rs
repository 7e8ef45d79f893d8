//! The observables' names, units and definitions, in one place.

use townsend_core::Coordinate;
use townsend_core::Coordinate::{T, X, Z};

/// One number that describes an avalanche.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observable {
    /// Number of electrons, for avalanches that have any.
    Electrons,
    /// 1 if no electron arrived, otherwise 0; its mean is the empty fraction.
    Empty,
    /// Mean of a coordinate.
    Mean(Coordinate),
    /// Root mean square of a coordinate about its mean.
    Rms(Coordinate),
    /// Covariance of two coordinates.
    Covariance(Coordinate, Coordinate),
    /// Skewness of a coordinate.
    Skewness(Coordinate),
    /// Excess kurtosis of a coordinate.
    Kurtosis(Coordinate),
    /// Transverse radius about the centroid that contains 90% of the electrons.
    R90,
    /// Number of occupied cells.
    Cells,
    /// Number of electrons in the fullest cell.
    MaxCell,
    /// Median transverse distance of two electrons.
    PairDistance,
    /// Probability that two electrons share a cell of 0.1 mm.
    Lumpiness,
}

impl Observable {
    /// All observables, in the order of tables and pages.
    pub const ALL: [Self; 22] = [
        Self::Electrons,
        Self::Empty,
        Self::Mean(X),
        Self::Mean(Z),
        Self::Mean(T),
        Self::Rms(X),
        Self::Rms(Z),
        Self::Rms(T),
        Self::Covariance(X, Z),
        Self::Covariance(X, T),
        Self::Covariance(Z, T),
        Self::Skewness(X),
        Self::Skewness(Z),
        Self::Skewness(T),
        Self::Kurtosis(X),
        Self::Kurtosis(Z),
        Self::Kurtosis(T),
        Self::R90,
        Self::Cells,
        Self::MaxCell,
        Self::PairDistance,
        Self::Lumpiness,
    ];

    /// The name in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Electrons => "n_electrons",
            Self::Empty => "empty",
            Self::Mean(c) => ["mean_x", "mean_z", "mean_t"][c as usize],
            Self::Rms(c) => ["rms_x", "rms_z", "rms_t"][c as usize],
            Self::Covariance(a, b) => ["", "cov_xz", "cov_xt", "cov_zt"][a as usize + b as usize],
            Self::Skewness(c) => ["skew_x", "skew_z", "skew_t"][c as usize],
            Self::Kurtosis(c) => ["kurt_x", "kurt_z", "kurt_t"][c as usize],
            Self::R90 => "r90",
            Self::Cells => "n_cells",
            Self::MaxCell => "max_cell",
            Self::PairDistance => "pair_distance",
            Self::Lumpiness => "lumpiness",
        }
    }

    /// The observable of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|observable| observable.name() == name)
    }

    /// Its place in [`Observable::ALL`].
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|&o| o == self).unwrap_or(Self::ALL.len())
    }

    /// Its unit, given the units of x, z and t; empty for pure numbers.
    pub fn unit(self, units: &[String; 3]) -> String {
        match self {
            Self::Mean(c) | Self::Rms(c) => units[c as usize].clone(),
            Self::Covariance(a, b) if units[a as usize] == units[b as usize] => {
                format!("{}²", units[a as usize])
            }
            Self::Covariance(a, b) => format!("{}·{}", units[a as usize], units[b as usize]),
            Self::R90 | Self::PairDistance => units[0].clone(),
            _ => String::new(),
        }
    }

    /// Its definition, in a line.
    pub fn definition(self) -> &'static str {
        match self {
            Self::Electrons => "electrons of an avalanche that has any, those outside the grid included",
            Self::Empty => "avalanches without any electron: 1 if empty, else 0",
            Self::Mean(_) => "mean of the electrons' coordinate",
            Self::Rms(_) => "root mean square about the mean; from bins with Sheppard's correction −h²/12",
            Self::Covariance(..) => "mean of the product of the two deviations from the mean",
            Self::Skewness(_) => "third central moment over rms³; at least 3 electrons",
            Self::Kurtosis(_) => {
                "fourth central moment over rms⁴, less 3; at least 4 electrons; from bins with Sheppard's correction"
            }
            Self::R90 => {
                "smallest transverse radius about the centroid that holds 90% of the electrons; from bins by their centres"
            }
            Self::Cells => "occupied cells of the grid, flow cells included",
            Self::MaxCell => "electrons in the fullest cell of the grid",
            Self::PairDistance => {
                "median transverse distance of two electrons: of all pairs up to 181 electrons, of 16,384 random pairs above; electrons of a bin are spread evenly over it"
            }
            Self::Lumpiness => {
                "probability that two different electrons share a cell of 0.1 mm in x and z: Σ n(n−1) / N(N−1)"
            }
        }
    }

    /// The least number of electrons for which it is defined.
    pub(super) fn least_electrons(self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Electrons | Self::Mean(_) | Self::Cells | Self::MaxCell => 1,
            Self::Rms(_) | Self::Covariance(..) | Self::R90 | Self::PairDistance | Self::Lumpiness => 2,
            Self::Skewness(_) => 3,
            Self::Kurtosis(_) => 4,
        }
    }

    /// The number of coordinates, of x, z, t in this order, that it needs.
    pub(super) fn least_dimensions(self) -> usize {
        match self {
            Self::Electrons | Self::Empty | Self::Cells | Self::MaxCell => 1,
            Self::Mean(c) | Self::Rms(c) | Self::Skewness(c) | Self::Kurtosis(c) => c as usize + 1,
            Self::Covariance(_, b) => b as usize + 1,
            Self::R90 | Self::PairDistance | Self::Lumpiness => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_contracts_and_lead_back() {
        let names = Observable::ALL.map(Observable::name).join(" ");
        assert_eq!(
            names,
            "n_electrons empty mean_x mean_z mean_t rms_x rms_z rms_t cov_xz cov_xt cov_zt skew_x skew_z skew_t \
             kurt_x kurt_z kurt_t r90 n_cells max_cell pair_distance lumpiness"
        );
        for (index, observable) in Observable::ALL.into_iter().enumerate() {
            assert_eq!(Observable::named(observable.name()), Some(observable));
            assert_eq!(observable.index(), index);
        }
        assert_eq!(Observable::named("rms_y"), None);
    }

    #[test]
    fn units_follow_the_coordinates() {
        let units = ["mm", "mm", "ns"].map(String::from);
        let unit = |name| Observable::named(name).unwrap().unit(&units);
        assert_eq!(
            ["rms_t", "cov_xz", "cov_zt", "r90", "n_cells"].map(unit),
            ["ns", "mm²", "mm·ns", "mm", ""]
        );
    }
}
