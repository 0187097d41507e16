//! What the tests of the vendors share: a vendor that plays a script, and a generator of response bodies.

pub(super) mod arbitrary_json;
pub(super) mod scripted_vendor;
