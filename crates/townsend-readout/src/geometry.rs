//! Where layers, sheets and strips are.

use std::f64::consts::PI;

use townsend_sim::Detector;

use crate::description::{Digitisation, Layer, Strips};

/// A layer made ready. Its sheet is unrolled: local x is φ·radius or the distance along a plane, local z is
/// along the axis, and heights are above the first foil.
#[derive(Debug, Clone)]
pub struct Place {
    /// The layer's number.
    pub layer: u32,
    surface: Surface,
    /// Height of the drift gap, mm.
    pub drift_mm: f64,
    /// Where strips begin and end along z, mm.
    pub z_mm: [f64; 2],
    /// For each foil, by how much x grows from its plane to the next one below, which for the last is the
    /// anode: the ratio of the radii.
    pub stretch: Vec<f32>,
    /// Numbers of the sheets and their views.
    pub sheets: Vec<(u32, [View; 2])>,
}

#[derive(Debug, Clone)]
enum Surface {
    /// Radii of the first foil and of the anode, mm.
    Cylinder { first: f64, anode: f64 },
    /// The anode's origin, local x, local z and the direction towards the drift gap, and the height of the
    /// first foil above the anode.
    Plane { origin: [f64; 3], axes: [[f64; 3]; 3], first: f64 },
}

/// The parallel strips of one view.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Direction across the strips: cosine (times the ratio of its radius to the anode's) and sine.
    pub across: [f64; 2],
    first_mm: f64,
    /// Distance between strips, mm.
    pub pitch_mm: f64,
    /// Number of strips.
    pub strips: u32,
}

impl View {
    fn new(strips: &Strips, anode: Option<f64>) -> Self {
        let (sine, cosine) = strips.angle_deg.to_radians().sin_cos();
        let ratio = match (strips.radius_mm, anode) {
            (Some(own), Some(anode)) => own / anode,
            _ => 1.0,
        };
        Self {
            across: [cosine * ratio, sine],
            first_mm: strips.first_mm,
            pitch_mm: strips.pitch_um / 1000.0,
            strips: strips.strips,
        }
    }

    /// The coordinate across the strips of the middle of all of them, mm.
    pub fn middle_mm(&self) -> f64 {
        self.first_mm + 0.5 * f64::from(self.strips.saturating_sub(1)) * self.pitch_mm
    }

    /// The place across the strips of a point of the anode, in pitches: strip i is from i to i + 1.
    #[inline]
    pub fn at(&self, x: f64, z: f64) -> f64 {
        (x * self.across[0] + z * self.across[1] - self.first_mm) / self.pitch_mm + 0.5
    }
}

impl Place {
    /// All layers of a detector.
    pub fn all(detector: &Detector, described: &Digitisation) -> Vec<Self> {
        let heights: f64 = detector.foils.iter().map(|foil| foil.gap_mm).sum();
        described.layers.iter().map(|layer| Self::new(detector, layer, heights)).collect()
    }

    fn new(detector: &Detector, layer: &Layer, height: f64) -> Self {
        let (surface, stretch) = if let Some(anode) = layer.radius_mm {
            let mut radius = anode - height;
            let ratio = |foil: &townsend_sim::Foil| {
                let before = radius;
                radius += foil.gap_mm;
                (radius / before) as f32
            };
            let stretch = detector.foils.iter().map(ratio).collect();
            (Surface::Cylinder { first: anode - height, anode }, stretch)
        } else {
            let ([a, b, c], [d, e, f]) = (layer.z_axis, layer.x_axis);
            let normal = [b * f - c * e, c * d - a * f, a * e - b * d];
            let axes = [layer.x_axis, layer.z_axis, normal];
            let surface = Surface::Plane { origin: layer.origin_mm, axes, first: height };
            (surface, vec![1.0; detector.foils.len()])
        };
        let view = |strips| View::new(strips, layer.radius_mm);
        Self {
            layer: layer.layer,
            surface,
            drift_mm: layer.drift_mm.unwrap_or(detector.drift.gap_mm),
            z_mm: layer.z_mm,
            stretch,
            sheets: layer
                .sheets
                .iter()
                .map(|sheet| (sheet.sheet, [view(&sheet.x), view(&sheet.v)]))
                .collect(),
        }
    }

    /// Local x (at the first foil), z, and the height above the first foil of a point in space, mm.
    pub fn local(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        match &self.surface {
            Surface::Cylinder { first, .. } => [first * y.atan2(x), z, first - x.hypot(y)],
            Surface::Plane { origin, axes, first } => {
                let from = [x - origin[0], y - origin[1], z - origin[2]];
                let part = |axis: &[f64; 3]| axis.iter().zip(from).map(|(a, b)| a * b).sum::<f64>();
                [part(&axes[0]), part(&axes[1]), part(&axes[2]) - first]
            }
        }
    }

    /// The point in space of a place in the drift gap, by what [`Place::local`] gives, mm.
    pub fn point(&self, [x, z, height]: [f64; 3]) -> [f64; 3] {
        match &self.surface {
            Surface::Cylinder { first, .. } => {
                let (sine, cosine) = (x / first).sin_cos();
                [(first - height) * cosine, (first - height) * sine, z]
            }
            Surface::Plane { origin, axes, first } => {
                [0, 1, 2].map(|k| origin[k] + x * axes[0][k] + z * axes[1][k] + (first + height) * axes[2][k])
            }
        }
    }

    /// The point in space of a place on the anode, mm.
    pub fn global(&self, x: f64, z: f64) -> [f64; 3] {
        match &self.surface {
            Surface::Cylinder { anode, .. } => {
                let (sine, cosine) = (x / anode).sin_cos();
                [anode * cosine, anode * sine, z]
            }
            Surface::Plane { origin, axes, .. } => {
                [0, 1, 2].map(|k| origin[k] + x * axes[0][k] + z * axes[1][k])
            }
        }
    }

    /// Local x on the anode within one turn.
    #[inline]
    pub fn turned(&self, x: f64) -> f64 {
        match &self.surface {
            Surface::Cylinder { anode, .. } => {
                let half = PI * anode;
                if x >= half {
                    x - 2.0 * half
                } else if x < -half {
                    x + 2.0 * half
                } else {
                    x
                }
            }
            Surface::Plane { .. } => x,
        }
    }

    /// The place in the list of the sheet that a point of the anode is on, or that is nearest.
    #[inline]
    pub fn sheet(&self, x: f64, z: f64) -> usize {
        let outside = |views: &[View; 2]| {
            let at = views[0].at(x, z);
            (-at).max(at - f64::from(views[0].strips)).max(0.0)
        };
        let mut nearest = (0, f64::INFINITY);
        for (k, (_, views)) in self.sheets.iter().enumerate() {
            let distance = outside(views);
            if distance < nearest.1 {
                nearest = (k, distance);
            }
        }
        nearest.0
    }

    /// Whether the drift gap holds a height above the first foil, with some µm to spare for rounding.
    pub fn holds(&self, height: f64) -> bool {
        (-0.02..self.drift_mm + 0.02).contains(&height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(name: &str) -> Vec<Place> {
        let detector = Detector::from_toml(Detector::shipped(name).unwrap()).unwrap();
        Place::all(&detector, &Digitisation::of(&detector).unwrap())
    }

    /// Some strips of the published table of the CGEM-IT: layer, sheet, view, strip, radius, φ and z where it
    /// begins, and how far it goes in each.
    const TABLE: &str = include_str!("../tests/data/strips_sample.csv");

    #[test]
    fn strips_are_where_the_table_has_them() {
        let places = places("cgem_it");
        let mut rows = 0;
        for line in TABLE.lines().skip(1) {
            let f: Vec<&str> = line.split(',').collect();
            let number = |k: usize| f[k].parse::<f64>().unwrap();
            let place = &places[number(0) as usize];
            let view = &place.sheets[number(1) as usize].1[usize::from(f[2] == "V")];
            let Surface::Cylinder { anode, .. } = place.surface else { panic!("a plane") };
            for end in [0.0, 0.5, 1.0] {
                let (phi, z) = (number(5) + end * number(6), number(7) + end * number(8));
                let at = view.at(phi * anode, z);
                // A hundredth of a pitch is 6.6 µm.
                assert!((at - number(3) - 0.5).abs() < 0.01, "{line}: {at}");
            }
            rows += 1;
        }
        assert!(rows > 90);
        let strips: u32 =
            places.iter().flat_map(|p| &p.sheets).flat_map(|(_, views)| views).map(|v| v.strips).sum();
        assert_eq!(strips, 9897);
    }

    #[test]
    fn points_go_there_and_back() {
        for name in ["cgem_it", "planar_triple_gem"] {
            for place in places(name) {
                for (x, z) in [(0.0, 0.0), (30.0, -20.0), (-45.0, 40.0)] {
                    let [there, along, height] = place.local(place.global(x, z));
                    let scale: f32 = place.stretch.iter().product();
                    assert!((there * f64::from(scale) - x).abs() < 1e-4 && (along - z).abs() < 1e-9);
                    let inside = place.local(place.point([x, z, 2.0]));
                    assert!((inside[0] - x).abs() < 1e-9 && (inside[2] - 2.0).abs() < 1e-9);
                    // The first foil is 6 mm above the anode.
                    assert!((height + 6.0).abs() < 1e-9, "{height}");
                }
            }
        }
    }

    #[test]
    fn a_cylinder_closes() {
        let place = &places("cgem_it")[1];
        let Surface::Cylinder { anode, .. } = place.surface else { panic!("a plane") };
        let half = PI * anode;
        assert!((place.turned(half + 1.0) + half - 1.0).abs() < 1e-9);
        assert!((place.turned(-half - 1.0) - half + 1.0).abs() < 1e-9);
        assert_eq!((place.sheet(-100.0, 0.0), place.sheet(100.0, 0.0)), (0, 1));
        assert!(place.holds(2.0) && !place.holds(-1.0) && !place.holds(5.5));
    }
}
