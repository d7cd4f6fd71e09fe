//! A small XML tree.
