//! A manifest reads back, and nothing that anybody wrote gets past the checks.
