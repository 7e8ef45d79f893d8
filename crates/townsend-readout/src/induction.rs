//! The charge that electrons induce on strips while they cross the induction gap.

use std::f64::consts::PI;

/// The weighting potential of a strip of the width `width` in a grounded plane, with another plane at the
/// distance `gap`, for a point at the distance `x` from the middle of the strip and `z` from its plane (all
/// in the same unit): the part of a charge there that the strip sees with the opposite sign (Ramo's theorem).
///
/// The closed form is that of the conformal map of the strip between the planes; tiled strips sum to 1 − z/d.
pub fn weighting_potential(x: f64, z: f64, width: f64, gap: f64) -> f64 {
    if z <= 0.0 {
        return if (-0.5..0.5).contains(&(x / width)) { 1.0 } else { 0.0 };
    }
    if z >= gap {
        return 0.0;
    }
    let cotangent = 1.0 / (0.5 * PI * z / gap).tan();
    let edge = |x: f64| (cotangent * (0.5 * PI * x / gap).tanh()).atan();
    (edge(x + 0.5 * width) - edge(x - 0.5 * width)) / PI
}

/// How far from the anode the two layers of strips look alike: the field of strips with period p falls as
/// exp(−2πz/p), so that an electron's own layer is told from the other only within about p/2π.
pub fn nearness(z: f64, pitch: f64) -> f64 {
    (-2.0 * PI * z / pitch).exp()
}

/// What one view sees of an electron: the charge that arrives on each strip in each time bin before the
/// electron ends, tabulated once.
///
/// An electron that ends on a strip of view W is seen by the strips of view A as
/// `ψ·[s_A + (δ_AW − s_A)·exp(−2πz/p)]`, with ψ the weighting potential of strips as wide as their pitch and
/// `s_A` the part of all electrons that end on A: far from the anode each view sees its share of any
/// electron, in the end the one that collects it sees all. The sum over strips and views is 1 − z/d at every
/// height.
#[derive(Debug, Clone)]
pub struct Induction {
    /// Places within a strip that are told apart.
    pub places: usize,
    /// Strips on either side.
    pub neighbours: usize,
    /// Time bins before the end, that of the end included.
    pub bins: usize,
    /// `[place][strip][bin]`, the earliest bin first, for an electron that ends on this view.
    pub own: Vec<f32>,
    /// The same for one that ends on the other view.
    pub other: Vec<f32>,
    /// For each electron that ends on this view, the current of it and of the part of those that end on the
    /// other: own + other·(1 − share)/share; where none ends on this view, for each of the others.
    pub all: Vec<f32>,
}

/// What induction depends on, for one view.
#[derive(Debug, Clone, Copy)]
pub struct Crossing {
    /// Distance between strips, mm.
    pub pitch_mm: f64,
    /// Height of the induction gap, mm.
    pub gap_mm: f64,
    /// Drift velocity, mm/ns.
    pub velocity_mm_ns: f64,
    /// By how much an electron moves across the strips for each mm that it falls.
    pub tangent: f64,
    /// The part of the electrons that end on this view.
    pub share: f64,
}

impl Crossing {
    /// The charge that a strip sees of an electron `before_ns` before its end, at `x_mm` from the middle of
    /// the strip, if it ends on this view and if it ends on the other, in units of its charge.
    pub fn seen(&self, x_mm: f64, before_ns: f64) -> [f64; 2] {
        let z = (self.velocity_mm_ns * before_ns).max(0.0);
        let potential = weighting_potential(x_mm - z * self.tangent, z, self.pitch_mm, self.gap_mm);
        let near = nearness(z, self.pitch_mm);
        let far = self.share * (1.0 - near) * potential;
        [far + near * potential, far]
    }
}

impl Induction {
    /// Tabulates. An electron ends in the middle of a time bin.
    pub fn new(crossing: &Crossing, places: usize, neighbours: usize, bin_ns: f64) -> Self {
        let bins = (crossing.gap_mm / crossing.velocity_mm_ns / bin_ns + 0.5).ceil() as usize;
        let strips = 2 * neighbours + 1;
        let mut table = Self {
            places,
            neighbours,
            bins,
            own: vec![0.0; places * strips * bins],
            other: vec![0.0; places * strips * bins],
            all: Vec::new(),
        };
        for place in 0..places {
            let within = ((place as f64 + 0.5) / places as f64 - 0.5) * crossing.pitch_mm;
            for strip in 0..strips {
                let x = within - (strip as f64 - neighbours as f64) * crossing.pitch_mm;
                let at_edge = |edge: usize| crossing.seen(x, (edge as f64 - 0.5) * bin_ns);
                let mut later = at_edge(0);
                for bin in 0..bins {
                    let earlier = at_edge(bin + 1);
                    let at = (place * strips + strip) * bins + (bins - 1 - bin);
                    table.own[at] = (later[0] - earlier[0]) as f32;
                    table.other[at] = (later[1] - earlier[1]) as f32;
                    later = earlier;
                }
            }
        }
        let others = (1.0 - crossing.share) / crossing.share;
        let all = |(own, other): (&f32, &f32)| {
            if crossing.share > 0.0 { own + other * others as f32 } else { *other }
        };
        table.all = table.own.iter().zip(&table.other).map(all).collect();
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: f64 = 2.0;
    const W: f64 = 0.65;

    /// The largest potential of neighbours and the heights of 0.1, 0.5 and 0.9 above the strip itself.
    #[test]
    fn the_potential_has_the_known_values() {
        for (neighbour, largest) in [(1, 0.146), (2, 0.045), (3, 0.016)] {
            let x = f64::from(neighbour) * W;
            let found =
                (1..2000).map(|k| weighting_potential(x, f64::from(k) * 0.001, W, D)).fold(0.0, f64::max);
            assert!((found - largest).abs() < 0.001, "{neighbour}: {found}");
        }
        for (z, value) in [(1.28, 0.1), (0.31, 0.5), (0.05, 0.9)] {
            let found = weighting_potential(0.0, z, W, D);
            assert!((found - value).abs() < 0.01, "{z}: {found}");
        }
    }

    /// A point charge over the middle of one of tiled strips, or anywhere else, and so a plane of charge: the
    /// strips of both views together see 1 − z/d, at every time.
    #[test]
    fn strips_see_the_whole_charge_at_every_time() {
        let [x, v] = [0.6, 0.4].map(|share| Crossing {
            pitch_mm: W,
            gap_mm: D,
            velocity_mm_ns: 0.04,
            tangent: 0.2,
            share,
        });
        let sum = |crossing: &Crossing, at: f64, before: f64, which: usize| -> f64 {
            (-60..=60).map(|strip| crossing.seen(at - f64::from(strip) * W, before)[which]).sum()
        };
        for at in [0.0, 0.1, 0.3, -0.2] {
            for before in [0.0, 0.5, 3.0, 12.0, 30.0, 49.0, 60.0] {
                let expected = (1.0 - 0.04 * before / D).max(0.0);
                let on_x = sum(&x, at, before, 0) + sum(&v, 0.17, before, 1);
                let on_v = sum(&x, at, before, 1) + sum(&v, 0.17, before, 0);
                assert!((on_x - expected).abs() < 1e-6 && (on_v - expected).abs() < 1e-6, "{on_x} {on_v}");
            }
        }
    }

    /// In the end the strip that collects has all of the charge, and others nothing: bipolar.
    #[test]
    fn tables_end_with_the_collected_charge() {
        let crossing = Crossing { pitch_mm: W, gap_mm: D, velocity_mm_ns: 0.04, tangent: 0.1, share: 0.6 };
        let table = Induction::new(&crossing, 8, 4, 5.0);
        let sum = |of: &[f32], place: usize, strip: usize| -> f32 {
            let first = (place * 9 + strip) * table.bins;
            of[first..first + table.bins].iter().sum()
        };
        for place in 0..8 {
            for strip in 0..9 {
                let collected = if strip == 4 { 1.0 } else { 0.0 };
                assert!((sum(&table.own, place, strip) - collected).abs() < 1e-5);
                assert!(sum(&table.other, place, strip).abs() < 1e-5);
            }
        }
        // A neighbour sees some of it on the way.
        let of_neighbour = &table.own[5 * table.bins..6 * table.bins];
        let rising: f32 = of_neighbour.iter().filter(|charge| **charge > 0.0).sum();
        assert!(rising > 0.01 && of_neighbour[table.bins - 1] < 0.0, "{of_neighbour:?}");
    }
}
