//! A world in a test.
