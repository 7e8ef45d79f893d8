//! The reference: electrons counted one by one.

use crate::arrival::Arrived;
use crate::currents::Currents;
use crate::induction::Induction;

impl Currents {
    /// Every electron at its own place and time, shared by the two time bins whose middles it lies between.
    pub(crate) fn add_electrons(
        &mut self,
        across: &[(usize, f64)],
        arrived: &Arrived,
        table: &Induction,
        start: i64,
        bin_ns: f64,
        own_view: impl Fn(usize) -> bool,
    ) {
        for &(i, at) in across {
            let strip = (at.floor() as i64 - self.first) as usize;
            let place = ((at - at.floor()) * table.places as f64) as usize % table.places;
            let time = arrived.t[i] / bin_ns - 0.5 - start as f64;
            let (bin, part) = (time as usize, (time - time.floor()) as f32);
            let own = own_view(i);
            for (bin, part) in [(bin, 1.0 - part), (bin + 1, part)] {
                let [a, b] = if own { [part, 0.0] } else { [0.0, part] };
                self.induce(table, [strip, place, bin], a, b);
            }
            if own {
                self.note(strip, arrived.hit[i], 1.0);
            }
        }
    }
}
