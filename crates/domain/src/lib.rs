//! What is true: plain data and total functions.
