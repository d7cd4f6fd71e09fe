//! What one types.
