//! What is said: the wire types.
