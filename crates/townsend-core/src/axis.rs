//! One axis of a histogram: bins between edges, an underflow bin before and an overflow bin after them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why an axis cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AxisError {
    /// No bins.
    #[error("an axis needs at least 1 bin, got {0}")]
    NoBins(u32),
    /// The bounds are not finite or not increasing.
    #[error("the axis runs from {low} to {high}; both must be finite and the first the smaller")]
    Bounds {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Bin edges that do not increase.
    #[error(
        "edge {index} of the axis is {value}, not above the one before it; edges must be finite and increase"
    )]
    Edges {
        /// Position of the offending edge.
        index: usize,
        /// Its value.
        value: f64,
    },
}

/// Bins along one coordinate. Bin 0 is the underflow, bins `1..=bins` are the axis, bin `bins + 1` is the
/// overflow, as in ROOT's `TAxis`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawAxis", into = "RawAxis")]
pub struct Axis {
    bins: u32,
    low: f64,
    high: f64,
    edges: Option<Vec<f64>>,
    label: String,
}

/// How an axis is written in TOML and JSON: `{ bins, low, high }` or `{ edges }`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAxis {
    #[serde(skip_serializing_if = "Option::is_none")]
    bins: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<f64>>,
    #[serde(default)]
    label: String,
}

impl TryFrom<RawAxis> for Axis {
    type Error = String;

    fn try_from(raw: RawAxis) -> Result<Self, String> {
        let axis = match (raw.edges, raw.bins, raw.low, raw.high) {
            (Some(edges), None, None, None) => Self::variable(edges),
            (None, Some(bins), Some(low), Some(high)) => Self::uniform(bins, low, high),
            _ => return Err("an axis is given by `bins`, `low` and `high`, or by `edges` alone".into()),
        };
        Ok(axis.map_err(|e| e.to_string())?.with_label(raw.label))
    }
}

impl From<Axis> for RawAxis {
    fn from(axis: Axis) -> Self {
        let uniform = axis.edges.is_none();
        Self {
            bins: uniform.then_some(axis.bins),
            low: uniform.then_some(axis.low),
            high: uniform.then_some(axis.high),
            edges: axis.edges,
            label: axis.label,
        }
    }
}

impl Axis {
    /// `bins` bins of equal width from `low` to `high`.
    pub fn uniform(bins: u32, low: f64, high: f64) -> Result<Self, AxisError> {
        if bins == 0 || bins >= u32::MAX - 1 {
            return Err(AxisError::NoBins(bins));
        }
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(AxisError::Bounds { low, high });
        }
        Ok(Self { bins, low, high, edges: None, label: String::new() })
    }

    /// Bins between consecutive `edges`.
    pub fn variable(edges: Vec<f64>) -> Result<Self, AxisError> {
        if edges.len() < 2 {
            return Err(AxisError::NoBins(0));
        }
        for (index, &value) in edges.iter().enumerate() {
            if !value.is_finite() || (index > 0 && value <= edges[index - 1]) {
                return Err(AxisError::Edges { index, value });
            }
        }
        let bins = u32::try_from(edges.len() - 1).map_err(|_| AxisError::NoBins(u32::MAX))?;
        Ok(Self {
            bins,
            low: edges[0],
            high: edges[edges.len() - 1],
            edges: Some(edges),
            label: String::new(),
        })
    }

    /// The same axis with a text for plots, such as `x [mm]`.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Number of bins, flow bins not counted.
    pub fn bins(&self) -> u32 {
        self.bins
    }

    /// Lower edge of the first bin.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// Upper edge of the last bin.
    pub fn high(&self) -> f64 {
        self.high
    }

    /// The bin edges if they are not equidistant.
    pub fn edges(&self) -> Option<&[f64]> {
        self.edges.as_deref()
    }

    /// The text for plots.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The bin that contains `value`: 0 below the axis, `bins + 1` at or above its end and for NaN
    /// (`TAxis::FindFixBin`).
    pub fn bin(&self, value: f64) -> u32 {
        if value < self.low {
            0
        } else if value.is_nan() || value >= self.high {
            self.bins + 1
        } else if let Some(edges) = &self.edges {
            edges.partition_point(|&edge| edge <= value) as u32
        } else {
            // Computed as in ROOT, so that a value on an edge is in the same bin.
            let bin = 1 + (f64::from(self.bins) * (value - self.low) / (self.high - self.low)) as u32;
            bin.min(self.bins)
        }
    }

    /// Lower edge of bin `1..=bins + 1`; minus infinity for the underflow.
    pub fn low_edge(&self, bin: u32) -> f64 {
        match (&self.edges, bin) {
            (_, 0) => f64::NEG_INFINITY,
            (Some(edges), b) => edges.get(b as usize - 1).copied().unwrap_or(self.high),
            (None, b) => {
                self.low + f64::from(b.min(self.bins + 1) - 1) * (self.high - self.low) / f64::from(self.bins)
            }
        }
    }

    /// Centre of a bin. For a flow bin, which has none, it is the end of the axis, so that moments stay
    /// finite and the electrons outside count.
    pub fn center(&self, bin: u32) -> f64 {
        match bin {
            0 => self.low,
            b if b > self.bins => self.high,
            b => 0.5 * (self.low_edge(b) + self.low_edge(b + 1)),
        }
    }

    /// True if both have the same bins, to within a billionth of the axis' width. Labels may differ.
    pub fn same_bins(&self, other: &Self) -> bool {
        let tolerance = 1e-9 * (self.high - self.low);
        self.bins == other.bins
            && (1..=self.bins + 1).all(|b| (self.low_edge(b) - other.low_edge(b)).abs() <= tolerance)
    }
}

impl std::fmt::Display for Axis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bins from {} to {}", self.bins, self.low, self.high)?;
        if self.edges.is_some() { write!(f, " (variable)") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn flow_bins_take_what_is_outside() {
        let axis = Axis::uniform(90, -1.5, 1.5).unwrap();
        assert_eq!(axis.bin(-1.5), 1);
        assert_eq!(axis.bin(-1.500_001), 0);
        assert_eq!(axis.bin(1.5), 91);
        assert_eq!(axis.bin(f64::NAN), 91);
        assert_eq!(axis.bin(f64::NEG_INFINITY), 0);
        assert_eq!(axis.bin(1.499_999), 90);
    }

    #[test]
    fn an_axis_that_cannot_be_is_refused() {
        assert_eq!(Axis::uniform(0, 0.0, 1.0), Err(AxisError::NoBins(0)));
        assert_eq!(Axis::uniform(3, 1.0, 1.0), Err(AxisError::Bounds { low: 1.0, high: 1.0 }));
        assert!(Axis::uniform(3, 0.0, f64::NAN).is_err());
        assert_eq!(Axis::variable(vec![0.0, 2.0, 2.0]), Err(AxisError::Edges { index: 2, value: 2.0 }));
        assert!(toml::from_str::<Axis>("bins = 3\nlow = 0.0\nhigh = 1.0\nedges = [0.0, 1.0]").is_err());
    }

    #[test]
    fn axes_survive_toml() {
        let uniform = Axis::uniform(4, 0.0, 2.0).unwrap().with_label("x [mm]");
        let variable = Axis::variable(vec![0.0, 1.0, 4.0]).unwrap();
        for axis in [uniform, variable] {
            assert_eq!(toml::from_str::<Axis>(&toml::to_string(&axis).unwrap()).unwrap(), axis);
        }
    }

    proptest! {
        #[test]
        fn a_center_lies_in_its_bin(bins in 1u32..500, low in -1e3..1e3, width in 1e-3..1e3) {
            let uniform = Axis::uniform(bins, low, low + width).unwrap();
            let edges = (0..=bins).map(|i| low + width * f64::from(i * (i + 1)) / 2.0).collect();
            for axis in [uniform, Axis::variable(edges).unwrap()] {
                for bin in 1..=bins {
                    prop_assert_eq!(axis.bin(axis.center(bin)), bin);
                }
            }
        }
    }
}
