//! What is tabulated before the first event.

use townsend_sim::{Direction, FamilySpread, FoilStage, Landing, Transport};

use crate::cells::PLACES;
use crate::description::Digitisation;
use crate::geometry::View;
use crate::induction::{Crossing, Induction};
use crate::kernel::{Kernel, Moments};

/// The last foil and what is below it.
pub(crate) struct Below<'a> {
    /// Height of the induction gap, mm.
    pub(crate) gap_mm: f64,
    /// How electrons drift in it.
    pub(crate) transport: Transport,
    /// The direction in which a magnetic field shifts them.
    pub(crate) direction: Direction,
    pub(crate) described: &'a Digitisation,
    /// The spread of the last foil's families.
    pub(crate) last: FamilySpread,
    pub(crate) cloud: Option<&'a Cloud>,
}

/// What becomes of a family of the foil before the last one, if the last foil collects its children evenly.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) before: FoilStage,
    pub(crate) landing: Landing,
}

/// What is tabulated for a view of a sheet.
#[derive(Debug)]
pub(crate) struct Tables {
    /// From the place of a family of the foil before the last one to those of its children's families.
    pub(crate) of_cloud: Kernel,
    /// From the cell of a family of the last foil to its electrons.
    pub(crate) of_child: Kernel,
    /// The same from its place.
    pub(crate) of_family: Kernel,
    pub(crate) cells: Induction,
    pub(crate) electrons: Induction,
}

impl Tables {
    /// Places within a strip that are told apart where electrons are followed one by one.
    const FINE_PLACES: usize = 64;

    /// For a view with a share of the electrons; `stretch` is by how much x grows below the foil before the
    /// last one, and below the last one.
    pub(crate) fn new(below: &Below<'_>, view: &View, share: f64, stretch: [f64; 2]) -> Self {
        let [x, z] = view.across;
        let [along_x, along_z] = below.direction.vector();
        let crossing = Crossing {
            pitch_mm: view.pitch_mm,
            gap_mm: below.gap_mm,
            velocity_mm_ns: below.transport.velocity_um_ns / 1000.0,
            tangent: below.transport.lorentz_tangent() * (x * along_x + z * along_z),
            share,
        };
        let (bin, near) = (below.described.time_bin_ns, below.described.neighbours);
        let place_mm = view.pitch_mm / PLACES as f64;
        let [before_last, last_one] = stretch;
        let moments = |covariance: [[f64; 3]; 3], stretch: f64| {
            Moments::of(&covariance, [x * stretch, z], place_mm, bin)
        };
        let child = moments(covariance(&below.last), last_one).with_late([below.last.late, [0.0; 2]], bin);
        let cloud = below.cloud.map(|Cloud { before, landing }| {
            let spread = before.spread();
            let [children, landed] =
                [moments(covariance(&spread), before_last * last_one), moments(landing.covariance, last_one)];
            Moments {
                place: children.place + landed.place,
                time: children.time + landed.time,
                covariance: children.covariance + landed.covariance,
                late: [[0.0; 2]; 2],
            }
            .with_late([spread.late, landing.late], bin)
        });
        let cloud = cloud.unwrap_or(child).behind_cells();
        // What of the time is narrower than cells is made up for by the next step.
        let narrow = child.time + cloud.time.min(0.0);
        Self {
            of_cloud: Kernel::new(&cloud),
            of_child: Kernel::new(&Moments { time: narrow, ..child }),
            of_family: Kernel::new(&child.behind_cells()),
            cells: Induction::new(&crossing, PLACES, near, bin),
            electrons: Induction::new(&crossing, Self::FINE_PLACES, near, bin),
        }
    }

    /// Rows of cells that electrons may be away from where a cloud or a family is.
    pub(crate) fn rows(&self) -> usize {
        (self.of_cloud.places + self.of_child.places).max(self.of_family.places) + 6
    }

    /// The same in time bins, before and after.
    pub(crate) fn bins(&self) -> [usize; 2] {
        let before = |of: &Kernel| of.bins_before + 1;
        let after = |of: &Kernel| of.bins - of.bins_before + 1;
        let most = |of: &dyn Fn(&Kernel) -> usize| {
            (of(&self.of_cloud) + of(&self.of_child)).max(of(&self.of_family))
        };
        [most(&before), most(&after)]
    }
}

/// Covariance of place (x, z, mm) and time (ns) of the children of a family.
fn covariance(spread: &FamilySpread) -> [[f64; 3]; 3] {
    let [x, z] = spread.along;
    let by = [x, z, [0.0, 0.0, spread.sigma_t_ns]].map(|row| row.map(f64::from));
    [0, 1, 2].map(|k| [0, 1, 2].map(|l| (0..3).map(|n| by[k][n] * by[l][n]).sum()))
}

/// Seven standard deviations of how far from its expected place an electron ends, mm.
pub(crate) fn far<'a>(stages: impl Iterator<Item = &'a FoilStage>, landings: &[Landing]) -> f64 {
    let of = |(stage, landing): (&FoilStage, &Landing)| {
        let children = covariance(&stage.spread());
        (0..2).map(|k| children[k][k] + landing.covariance[k][k]).fold(0.0, f64::max)
    };
    7.0 * stages.zip(landings).map(of).sum::<f64>().sqrt()
}
