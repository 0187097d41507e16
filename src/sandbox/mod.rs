//! Both vendors as real HTTP servers on loopback, written from their documents.
