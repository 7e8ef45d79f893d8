//! Where layers, sheets and strips are.

use std::f64::consts::PI;

use townsend_sim::Detector;

use crate::description::{Digitisation, Layer, Sheet, Strips};

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
    /// Numbers of the sheets and their views; of pads their columns and their rows.
    pub sheets: Vec<(u32, Vec<View>)>,
    /// Whether each sheet has pads.
    pub pads: Vec<bool>,
}

/// Where a strip or a pad is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StripPlace {
    /// Its middle in space, mm.
    pub centre_mm: [f64; 3],
    /// Its direction, a unit vector; of a pad that of its rows' distance, local z.
    pub direction: [f64; 3],
}

/// The most views that a sheet can have.
pub(crate) const MOST_VIEWS: usize = 4;

#[derive(Debug, Clone)]
enum Surface {
    /// Radii of the first foil and of the anode, mm.
    Cylinder { first: f64, anode: f64 },
    /// The anode's origin, local x, local z and the direction towards the drift gap, and the height of the
    /// first foil above the anode.
    Plane { origin: [f64; 3], axes: [[f64; 3]; 3], first: f64 },
}

/// The parallel strips of one view.
#[derive(Debug, Clone)]
pub struct View {
    /// Direction across the strips: cosine (times the ratio of its radius to the anode's) and sine.
    pub across: [f64; 2],
    first_mm: f64,
    /// Distance between strips, mm.
    pub pitch_mm: f64,
    /// Number of strips.
    pub strips: u32,
    /// Where each strip begins and the last one ends, mm, if their distances differ.
    edges_mm: Vec<f64>,
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
            edges_mm: edges(&strips.centres_mm),
        }
    }

    /// The middle of a strip across the strips, mm.
    pub fn strip_mm(&self, strip: u32) -> f64 {
        let strip = strip as usize;
        match (self.edges_mm.get(strip), self.edges_mm.get(strip + 1)) {
            (Some(begin), Some(end)) => 0.5 * (begin + end),
            _ => self.first_mm + strip as f64 * self.pitch_mm,
        }
    }

    /// The coordinate across the strips of the middle of all of them, mm.
    pub fn middle_mm(&self) -> f64 {
        self.first_mm + 0.5 * f64::from(self.strips.saturating_sub(1)) * self.pitch_mm
    }

    /// The place across the strips of a point of the anode, in pitches: strip i is from i to i + 1.
    #[inline]
    pub fn at(&self, x: f64, z: f64) -> f64 {
        let across = x * self.across[0] + z * self.across[1];
        if self.edges_mm.is_empty() {
            return (across - self.first_mm) / self.pitch_mm + 0.5;
        }
        // Beyond the last strips they go on with the width of the last.
        let last = self.edges_mm.len() - 2;
        let strip = self.edges_mm.partition_point(|edge| *edge <= across).saturating_sub(1).min(last);
        let [begin, end] = [self.edges_mm[strip], self.edges_mm[strip + 1]];
        strip as f64 + (across - begin) / (end - begin)
    }
}

/// Half way between middles, and as far beyond the first and the last.
fn edges(middles: &[f64]) -> Vec<f64> {
    let [first, second, .., before, last] = middles else { return Vec::new() };
    let half_way = middles.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
    let (begin, end) = (1.5 * first - 0.5 * second, 1.5 * last - 0.5 * before);
    std::iter::once(begin).chain(half_way).chain(std::iter::once(end)).collect()
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
        let views = |sheet: &Sheet| {
            let lattices = sheet.lattices();
            lattices.iter().map(|strips| View::new(strips, layer.radius_mm)).collect()
        };
        Self {
            layer: layer.layer,
            surface,
            drift_mm: layer.drift_mm.unwrap_or(detector.drift.gap_mm),
            z_mm: layer.z_mm,
            stretch,
            sheets: layer.sheets.iter().map(|sheet| (sheet.sheet, views(sheet))).collect(),
            pads: layer.sheets.iter().map(|sheet| sheet.pads.is_some()).collect(),
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
        let outside = |views: &[View]| {
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

    /// Where the middle of a strip is, or of a pad; `None` if there is no such one. The sheet is called by
    /// its number.
    pub fn strip(&self, sheet: u32, view: u8, strip: u32) -> Option<StripPlace> {
        let k = self.sheets.iter().position(|(number, _)| *number == sheet)?;
        let views = &self.sheets[k].1;
        if self.pads[k] {
            let [columns, rows] = &views[..] else { return None };
            let (column, row) = (strip % columns.strips, strip / columns.strips);
            (view == 0 && row < rows.strips).then_some(())?;
            let (x, z) = (columns.strip_mm(column) / columns.across[0], rows.strip_mm(row));
            return Some(StripPlace { centre_mm: self.global(x, z), direction: self.along(x, [0.0, 1.0]) });
        }
        let of = views.get(usize::from(view)).filter(|of| strip < of.strips)?;
        let [a, b] = of.across;
        let square = a * a + b * b;
        let foot = of.strip_mm(strip) / square;
        // Where the strip's line is within the sheet: along z, and along x where its first view says it.
        let (mut begin, mut end) = (f64::NEG_INFINITY, f64::INFINITY);
        let mut clip = |from: f64, slope: f64, [low, high]: [f64; 2]| {
            if slope.abs() > 1e-9 {
                let (one, other) = ((low - from) / slope, (high - from) / slope);
                (begin, end) = (begin.max(one.min(other)), end.min(one.max(other)));
            }
        };
        clip(foot * b, a, self.z_mm);
        let first = &views[0];
        if first.across[1].abs() < 1e-9 {
            let half = 0.5 * first.pitch_mm;
            let [low, high] = [first.strip_mm(0) - half, first.strip_mm(first.strips - 1) + half];
            clip(foot * a, -b, [low, high].map(|edge| edge / first.across[0]));
        }
        let middle = 0.5 * (begin + end);
        let middle = if middle.is_finite() { middle } else { 0.0 };
        let (x, z) = (foot * a - b * middle, foot * b + a * middle);
        let size = square.sqrt();
        Some(StripPlace { centre_mm: self.global(x, z), direction: self.along(x, [-b / size, a / size]) })
    }

    /// The direction in space of one along local x and z, at local x on the anode.
    fn along(&self, x: f64, [dx, dz]: [f64; 2]) -> [f64; 3] {
        match &self.surface {
            Surface::Cylinder { anode, .. } => {
                let (sine, cosine) = (x / anode).sin_cos();
                [-dx * sine, dx * cosine, dz]
            }
            Surface::Plane { axes, .. } => [0, 1, 2].map(|k| dx * axes[0][k] + dz * axes[1][k]),
        }
    }

    /// How many views a sheet has; pads are one.
    pub fn views(&self) -> usize {
        let of_sheet = |((_, views), pads): (&(u32, Vec<View>), &bool)| if *pads { 1 } else { views.len() };
        self.sheets.iter().zip(&self.pads).map(of_sheet).max().unwrap_or(0)
    }

    /// Whether electrons are counted one by one: a cell of two coordinates of pads and time has few, and what
    /// strips have in common is followed without electrons for two views only.
    pub(crate) fn counts_electrons(&self) -> bool {
        self.pads.contains(&true) || self.sheets.iter().any(|(_, views)| views.len() != 2)
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

    /// A detector with some of its text replaced.
    fn with(name: &str, change: impl Fn(&mut toml::Table)) -> Vec<Place> {
        let mut detector = Detector::from_toml(Detector::shipped(name).unwrap()).unwrap();
        change(detector.digitisation.as_mut().unwrap());
        Place::all(&detector, &Digitisation::of(&detector).unwrap())
    }

    /// The middles of strips in space are on the strips, in the middle of their sheet, and their directions
    /// lead along them.
    #[test]
    fn strips_have_a_place_in_space() {
        for line in TABLE.lines().skip(1) {
            let f: Vec<&str> = line.split(',').collect();
            let number = |k: usize| f[k].parse::<f64>().unwrap();
            let view = u8::from(f[2] == "V");
            let places = &places("cgem_it");
            let place = &places[number(0) as usize];
            let at = place.strip(number(1) as u32, view, number(3) as u32).unwrap();
            let [x, y, z] = at.centre_mm;
            assert!((x.hypot(y) - place_radius(place)).abs() < 1e-9);
            let [phi, length] = [number(5) + 0.5 * number(6), number(8)];
            if view == 0 {
                let from = (y.atan2(x) - phi).abs();
                assert!(from < 1e-4 && z.abs() < 1e-9, "{line}: {at:?}");
                assert!(at.direction[2] > 0.999_999);
            } else {
                let along = [-y, x].map(|part| part / x.hypot(y));
                let turn = along[0] * at.direction[0] + along[1] * at.direction[1];
                let slope = number(6) * number(4) / length;
                assert!((turn / at.direction[2] - slope).abs() < 0.01, "{line}: {at:?}");
            }
        }
        let plane = &places("planar_triple_gem")[0];
        let at = plane.strip(0, 1, 10).unwrap();
        assert!((at.centre_mm[1] - (10.0 * 0.65 - 49.725)).abs() < 1e-9 && at.centre_mm[0].abs() < 1e-9);
        assert!(at.direction[0].abs() > 0.999_999);
        assert_eq!((plane.strip(0, 1, 154), plane.strip(1, 0, 0), plane.strip(0, 2, 0)), (None, None, None));
    }

    fn place_radius(place: &Place) -> f64 {
        let Surface::Cylinder { anode, .. } = place.surface else { panic!("a plane") };
        anode
    }

    /// Strips at any distances hold the points half way to their neighbours, and a table of even ones is the
    /// lattice.
    #[test]
    fn strips_may_have_middles_of_their_own() {
        let middles = |of: fn(f64) -> f64| {
            let value = (0..154).map(|k| toml::Value::from(of(f64::from(k)))).collect::<Vec<_>>();
            with("planar_triple_gem", move |table| {
                let sheet = &mut table["layers"][0]["sheets"][0]["x"];
                sheet.as_table_mut().unwrap().insert("centres_mm".into(), value.clone().into());
            })
        };
        let even = &middles(|k| 0.65f64.mul_add(k, -49.725))[0];
        let lattice = &places("planar_triple_gem")[0];
        for x in [-51.0, -49.9, -1.0, 0.0, 12.34, 51.0] {
            let [one, other] = [even, lattice].map(|place| place.sheets[0].1[0].at(x, 3.0));
            assert!((one - other).abs() < 1e-9, "{x}: {one} {other}");
        }
        let uneven = &middles(|k| 0.65 * (k + 0.2 * (k * 0.5).sin()) - 49.725)[0].sheets[0].1[0];
        for strip in [0, 1, 50, 153] {
            assert!((uneven.at(uneven.strip_mm(strip), 0.0) - f64::from(strip) - 0.5).abs() < 1e-9);
        }
    }

    fn sheet(table: &mut toml::Table) -> &mut toml::Table {
        table["layers"][0]["sheets"][0].as_table_mut().unwrap()
    }

    #[test]
    fn sheets_are_described_in_one_way() {
        let refused = |change: fn(&mut toml::Table)| {
            let mut detector = Detector::from_toml(Detector::shipped("planar_triple_gem").unwrap()).unwrap();
            change(detector.digitisation.as_mut().unwrap());
            Digitisation::of(&detector).and_then(|read| read.shares()).unwrap_err().to_string()
        };
        let said = refused(|table| {
            sheet(table).remove("v");
        });
        assert!(said.contains("x and v, or by views, or by pads"), "{said}");
        let said = refused(|table| {
            let x = sheet(table).remove("x").unwrap();
            let v = sheet(table).remove("v").unwrap();
            sheet(table).insert("views".into(), vec![x.clone(), v, x].into());
        });
        assert!(said.contains("digitisation.shares"), "{said}");
        let said = refused(|table| {
            table.insert("shares".into(), vec![0.5, 0.6].into());
        });
        assert!(said.contains("their sum"), "{said}");
        let said = refused(|table| {
            let x = sheet(table)["x"].as_table_mut().unwrap();
            x.insert("centres_mm".into(), vec![0.0, 0.1].into());
            x.insert("strips".into(), 2.into());
        });
        assert!(said.contains("strip 0 to the next one"), "{said}");
    }
}
