//! Whether a field was loaded at all, which is not the same as whether it is null.

/// A field of an object that may come from a sparse copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Loaded<T> {
    /// The answer has no such field: another answer may have it.
    #[default]
    NotLoaded,
    /// The answer has the field; none is the vendor's null.
    Loaded(Option<T>),
}

impl<T> Loaded<T> {
    pub fn some(value: T) -> Self {
        Loaded::Loaded(Some(value))
    }

    pub fn none() -> Self {
        Loaded::Loaded(None)
    }

    pub fn is_loaded(&self) -> bool {
        matches!(self, Loaded::Loaded(_))
    }

    /// The value, where a field that is not loaded counts as null.
    pub fn value(&self) -> Option<&T> {
        match self {
            Loaded::NotLoaded => None,
            Loaded::Loaded(value) => value.as_ref(),
        }
    }

    pub fn as_ref(&self) -> Loaded<&T> {
        match self {
            Loaded::NotLoaded => Loaded::NotLoaded,
            Loaded::Loaded(value) => Loaded::Loaded(value.as_ref()),
        }
    }

    /// The value itself, where a field that is not loaded counts as null.
    pub fn into_value(self) -> Option<T> {
        match self {
            Loaded::NotLoaded => None,
            Loaded::Loaded(value) => value,
        }
    }

    /// A loaded field stays loaded: where `change` returns none, it is null.
    pub fn and_then<U>(self, change: impl FnOnce(T) -> Option<U>) -> Loaded<U> {
        match self {
            Loaded::NotLoaded => Loaded::NotLoaded,
            Loaded::Loaded(value) => Loaded::Loaded(value.and_then(change)),
        }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Loaded<U> {
        match self {
            Loaded::NotLoaded => Loaded::NotLoaded,
            Loaded::Loaded(value) => Loaded::Loaded(value.map(change)),
        }
    }
}
