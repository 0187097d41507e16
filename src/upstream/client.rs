//! The one HTTP policy towards every vendor.
