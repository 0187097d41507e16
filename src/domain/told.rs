//! Whether an answer tells of a field at all, which is more than whether the field is null.

/// A field of an object that may have been read from a thin copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Told<T> {
    /// The answer has no such field: a richer answer may.
    #[default]
    Untold,
    /// The answer has the field; none is the vendor's null.
    As(Option<T>),
}

impl<T> Told<T> {
    pub fn some(value: T) -> Self {
        Told::As(Some(value))
    }

    pub fn none() -> Self {
        Told::As(None)
    }

    pub fn is_told(&self) -> bool {
        matches!(self, Told::As(_))
    }

    /// What is known, where nobody else is going to be asked.
    pub fn value(&self) -> Option<&T> {
        match self {
            Told::Untold => None,
            Told::As(value) => value.as_ref(),
        }
    }

    /// The value itself, where nobody else is going to be asked.
    pub fn into_value(self) -> Option<T> {
        match self {
            Told::Untold => None,
            Told::As(value) => value,
        }
    }

    /// What is told stays told: a value that comes to nothing is none.
    pub fn and_then<U>(self, change: impl FnOnce(T) -> Option<U>) -> Told<U> {
        match self {
            Told::Untold => Told::Untold,
            Told::As(value) => Told::As(value.and_then(change)),
        }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Told<U> {
        match self {
            Told::Untold => Told::Untold,
            Told::As(value) => Told::As(value.map(change)),
        }
    }
}
