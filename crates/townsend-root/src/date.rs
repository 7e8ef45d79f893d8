//! The date that ROOT keeps with every object.

/// A date and time in ROOT's packed form, 1995 to 2058.
///
/// Files get a fixed one unless told otherwise, so that the same content gives the same bytes.
///
/// ```
/// let date = townsend_root::Date::new(2024, 2, 29, 12, 30, 0).unwrap();
/// assert!(date > townsend_root::Date::default());
/// assert!(townsend_root::Date::new(1989, 1, 1, 0, 0, 0).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub(crate) u32);

impl Date {
    /// A date and time, or `None` if a part is out of range.
    pub fn new(year: u32, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Self> {
        let valid = (1995..=2058).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        // A year before 1995 would make this subtraction overflow, so it comes after the check.
        valid.then(|| Self((year - 1995) << 26 | month << 22 | day << 17 | hour << 12 | minute << 6 | second))
    }
}

impl Default for Date {
    /// The start of the year 2000.
    fn default() -> Self {
        Self((2000 - 1995) << 26 | 1 << 22 | 1 << 17)
    }
}
