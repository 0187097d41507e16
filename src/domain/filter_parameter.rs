//! The parameters that narrow a list, as a set. A vendor may know, and apply, some of them.

/// One parameter of the filter of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FilterParameter {
    Search,
    Statuses,
    Contact,
    Sponsor,
    TerminationCodes,
    Handler,
    HandlerGroup,
    Creator,
    Completed,
    DueFrom,
    DueTo,
    /// Both bounds of the creation time, by which lists are read.
    Created,
}

impl FilterParameter {
    const ALL: [FilterParameter; 12] = [
        FilterParameter::Search,
        FilterParameter::Statuses,
        FilterParameter::Contact,
        FilterParameter::Sponsor,
        FilterParameter::TerminationCodes,
        FilterParameter::Handler,
        FilterParameter::HandlerGroup,
        FilterParameter::Creator,
        FilterParameter::Completed,
        FilterParameter::DueFrom,
        FilterParameter::DueTo,
        FilterParameter::Created,
    ];
}

/// A set of parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FilterParameters(u16);

impl FilterParameters {
    pub const NONE: Self = Self(0);

    pub fn contains(self, parameter: FilterParameter) -> bool {
        self.0 & bit(parameter) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Every parameter that is not in the set.
    pub fn others(self) -> Self {
        Self::from_iter(FilterParameter::ALL).minus(self)
    }
}

impl From<FilterParameter> for FilterParameters {
    fn from(parameter: FilterParameter) -> Self {
        Self(bit(parameter))
    }
}

impl FromIterator<FilterParameter> for FilterParameters {
    fn from_iter<I: IntoIterator<Item = FilterParameter>>(parameters: I) -> Self {
        let bits = parameters.into_iter().map(bit);
        Self(bits.fold(0, |set, bit| set | bit))
    }
}

/// The parameters of the pairs that hold.
impl FromIterator<(FilterParameter, bool)> for FilterParameters {
    fn from_iter<I: IntoIterator<Item = (FilterParameter, bool)>>(pairs: I) -> Self {
        let held = pairs.into_iter().filter(|(_, holds)| *holds);
        held.map(|(parameter, _)| parameter).collect()
    }
}

fn bit(parameter: FilterParameter) -> u16 {
    1 << parameter as u16
}
