//! The reference: electrons counted one by one.

use crate::arrival::Arrived;
use crate::currents::Currents;
use crate::induction::Induction;

impl Currents {
    /// Every electron at its own place and time, shared by the two time bins whose middles it lies between.
    pub(crate) fn add_electrons(
        &mut self,
        electrons: &Arrived,
        view: usize,
        numbers: &[usize],
        table: &Induction,
        time: impl Fn(f64) -> f64,
        own_view: impl Fn(usize) -> bool,
    ) {
        for (k, &i) in numbers.iter().enumerate() {
            let at = electrons.across[i][view];
            let strip = self.strip(at);
            let place = ((at - at.floor()) * table.places as f64) as usize % table.places;
            let time = time(electrons.t[i]) - 0.5;
            let (bin, part) = (time as usize, (time - time.floor()) as f32);
            let own = own_view(k);
            let values = if own { &table.own } else { &table.other };
            for (bin, part) in [(bin, 1.0 - part), (bin + 1, part)] {
                self.induce(table, values, [strip, place, bin], part);
            }
            if own {
                self.note(strip, electrons.hit[i], 1.0);
            }
        }
    }
}
